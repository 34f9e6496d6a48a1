"""The CRF head against enumeration of all paths (`reference_decoding`) and against the decoder,
with and without constraints.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support import reference_decoding as reference
from support.reference_decoding import Case, make_case

from tagger.decoding import Transitions, marginals, path_log_probability, viterbi
from tagger.networks.crf import CRFHead
from tagger.networks.heads import SoftmaxHead
from tagger.text.schemes import transition_table

KINDS = ["IOBES", "IOB2", "real", "real with holes", "free"]
TAGS = ["O", *(f"{prefix}-{label}" for label in "xy" for prefix in "BIES")]
GARBAGE = 7.0  # the weight at forbidden entries


class Scored(keras.Model):
    """Given logits below a head, plus weights, zero at first, that a step of training turns into
    less the gradient.
    """

    def __init__(self, head: CRFHead, logits: np.ndarray) -> None:
        super().__init__()
        self.head = head
        self.head.output_layer.trainable = False
        self.given = np.asarray(logits, dtype="float32")
        self.shift = self.add_weight(shape=logits.shape, initializer="zeros", name="shift")

    def call(self, inputs: Any) -> Any:
        return self.shift + self.given

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        return self.head.loss(y_pred, y, x)


def numpy(tensor: Any) -> np.ndarray:
    return np.array(keras.ops.convert_to_numpy(tensor))


def head_of(transitions: Transitions, **options: Any) -> CRFHead:
    """A head with these scores."""
    tables = [transitions.start, transitions.transitions, transitions.end]
    head = CRFHead(
        len(transitions.start), allowed=[np.isfinite(table) for table in tables], **options
    )
    head.build((None, None, 3))
    for weight, table in zip((head.start, head.transitions, head.end), tables, strict=True):
        weight.assign(np.where(np.isfinite(table), table, GARBAGE))
    return head


def real_tokens(case: Case) -> np.ndarray:
    return np.arange(case.emissions.shape[1]) < case.lengths[:, None]


def random_gold(case: Case, seed: int) -> np.ndarray:
    """An allowed path for each sentence, and the padding: tag ids that do not exist."""
    random = np.random.default_rng(seed)
    tags = np.full(case.emissions.shape[:2], 99)
    for b, emissions in enumerate(case.sentences):
        paths = list(reference.all_paths(emissions, case.transitions))
        assert paths
        tags[b, : len(emissions)] = paths[random.integers(len(paths))]
    return tags


def gradients(
    head: CRFHead, logits: np.ndarray, tags: np.ndarray, mask: np.ndarray
) -> tuple[list[np.ndarray], float]:
    """Of the loss with respect to the logits, the scores of first tags, of pairs and of last tags;
    and the loss.
    """
    model = Scored(head, logits)
    weights = [model.shift, head.start, head.transitions, head.end]
    before = [numpy(weight) for weight in weights]
    model.compile(optimizer=keras.optimizers.SGD(1.0), run_eagerly=True)
    loss = float(model.train_on_batch(mask.astype("float32"), tags))
    return [was - numpy(weight) for was, weight in zip(before, weights, strict=True)], loss


def expected_counts(emissions: np.ndarray, transitions: Transitions) -> list[np.ndarray]:
    """How often each first tag, pair and last tag is expected over all paths of one sentence."""
    counts = [
        np.zeros_like(table)
        for table in (transitions.start, transitions.transitions, transitions.end)
    ]
    scores = reference.all_paths(emissions, transitions)
    total = reference.log_sum(list(scores.values()))
    for path, score in scores.items():
        add_counts(counts, path, np.exp(score - total))
    return counts


def add_counts(counts: list[np.ndarray], path: Sequence[int] | np.ndarray, weight: float) -> None:
    if len(path):
        counts[0][path[0]] += weight
        counts[2][path[-1]] += weight
    for pair in itertools.pairwise(path):
        counts[1][pair] += weight


cases = st.builds(
    make_case,
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(KINDS),
    lengths=st.lists(st.integers(0, 4), min_size=1, max_size=5).filter(any),
    padding=st.sampled_from([0.0, np.nan, np.inf, -np.inf, 1e30]),
)


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(cases, st.integers(0, 1000))
def test_loss_and_best_path_against_enumeration(case: Case, seed: int) -> None:
    assume(all(reference.all_paths(rows, case.transitions) for rows in case.sentences))
    gold = random_gold(case, seed)
    head = head_of(case.transitions)
    expected = 0.0
    for b, emissions in enumerate(case.sentences):
        path = tuple(gold[b, : len(emissions)])
        expected += reference.log_partition(emissions, case.transitions)
        expected -= reference.path_score(emissions, case.transitions, path)
    found = head.loss(case.emissions, gold, real_tokens(case))
    assert float(found) == pytest.approx(expected / case.lengths.sum(), rel=1e-5, abs=1e-5)
    best = viterbi(numpy(head.emissions(case.emissions)), case.lengths, Transitions(*head.scores()))
    for b, emissions in enumerate(case.sentences):
        assert tuple(best[b, : len(emissions)]) == reference.best_path(emissions, case.transitions)


@pytest.mark.parametrize("padding", [0.0, np.nan])
@pytest.mark.parametrize(("kind", "seed"), [*((kind, 3) for kind in KINDS), ("IOBES", 5)])
def test_gradients_are_expected_counts_less_those_of_the_gold_path(
    kind: str, seed: int, padding: float
) -> None:
    case = make_case(seed, kind, [4, 1, 0, 3, 2], padding)
    gold = random_gold(case, seed)
    (found, *found_counts), _ = gradients(
        head_of(case.transitions), case.emissions, gold, real_tokens(case)
    )
    tokens = case.lengths.sum()
    one_hot = gold[:, :, None] == np.arange(case.emissions.shape[2])
    np.testing.assert_allclose(found, (marginals(*case.arguments) - one_hot) / tokens, atol=2e-6)
    counts = [np.zeros_like(table) for table in found_counts]
    for b, emissions in enumerate(case.sentences):
        add_counts(counts, gold[b, : len(emissions)], -1.0)
        for total, more in zip(counts, expected_counts(emissions, case.transitions), strict=True):
            total += more
    for one, other in zip(found_counts, counts, strict=True):
        np.testing.assert_allclose(one, other / tokens, atol=2e-6)


def test_padding_and_neighbours_change_nothing() -> None:
    case = make_case(8, "IOBES", [5, 0, 1, 3, 5], padding=1e6)
    gold = viterbi(*make_case(10, "IOBES", [5, 0, 1, 3, 5], padding=0.0).arguments)
    head = head_of(case.transitions)
    together = float(head.loss(case.emissions, gold, real_tokens(case))) * case.lengths.sum()
    alone = 0.0
    for b, n in enumerate(case.lengths):
        if n:
            alone += n * float(
                head.loss(case.emissions[b : b + 1, :n], gold[b : b + 1, :n], np.ones((1, n)))
            )
    assert together == pytest.approx(alone, rel=1e-5)


@pytest.mark.parametrize("time", [1, 4])
def test_a_batch_without_tokens_costs_nothing(time: int) -> None:
    head = head_of(reference.iobes(["O", "B-x", "I-x", "E-x", "S-x"]))
    mask = np.zeros((2, time), dtype=bool)
    found, loss = gradients(
        head, np.ones((2, time, 5), dtype="float32"), np.zeros((2, time), dtype=int), mask
    )
    assert loss == 0.0
    assert not any(gradient.any() for gradient in found)


def test_without_scores_and_constraints_the_loss_is_that_of_the_softmax_head() -> None:
    random = np.random.default_rng(4)
    logits, tags = random.normal(size=(3, 6, 5)).astype("float32"), random.integers(0, 5, (3, 6))
    mask = np.arange(6) < np.array([[6], [2], [0]])
    head = CRFHead(5)
    head.build((None, None, 4))
    assert float(head.loss(logits, tags, mask)) == pytest.approx(
        float(SoftmaxHead(5).loss(logits, tags, mask)), rel=1e-5
    )


@pytest.mark.parametrize("constrained", [True, False])
@pytest.mark.parametrize("transition_scale", [1.0, 50.0])
def test_large_scores_of_long_sentences(constrained: bool, transition_scale: float) -> None:
    """Where exponentials underflow: still the float64 decoder's values and gradients."""
    random = np.random.default_rng(6)
    scores = [
        random.uniform(-1, 1, size) * transition_scale
        for size in (len(TAGS), (len(TAGS),) * 2, len(TAGS))
    ]
    if constrained:
        tables = transition_table(TAGS, "IOBES")
        scores = [
            np.where(table, score, -np.inf) for table, score in zip(tables, scores, strict=True)
        ]
    # Multiples of 1/1024, which float32 holds exactly: only the head's own arithmetic differs from
    # float64.
    transitions = Transitions(*(np.round(score * 1024) / 1024 for score in scores))
    emissions = (np.round(random.uniform(-50, 50, (3, 200, len(TAGS))) * 1024) / 1024).astype(
        "float32"
    )
    case = Case(emissions, np.array([200, 150, 1], dtype=np.int32), transitions)
    others = random.uniform(-50, 50, emissions.shape)
    gold = viterbi(others, case.lengths, transitions)
    (gradient, *rest), loss = gradients(head_of(transitions), emissions, gold, real_tokens(case))
    expected = -path_log_probability(*case.arguments, gold).sum() / case.lengths.sum()
    assert loss > 10
    assert loss == pytest.approx(expected, rel=1e-5)
    one_hot = gold[:, :, None] == np.arange(len(TAGS))
    np.testing.assert_allclose(
        gradient * case.lengths.sum(), marginals(*case.arguments) - one_hot, atol=1e-3
    )
    assert all(np.isfinite(other).all() for other in rest)


def test_a_small_loss_is_not_lost_among_large_scores() -> None:
    case = make_case(2, "IOBES", [200], padding=0.0)
    gold = viterbi(*case.arguments)
    case.emissions[0, np.arange(200), gold[0]] += 12.0
    case.emissions[0] += (
        1000.0  # the path scores some 200,000, in which a float32 knows no hundredths
    )
    expected = -path_log_probability(*case.arguments, gold)[0] / 200
    assert 1e-8 < expected < 1e-4
    assert float(
        head_of(case.transitions).loss(case.emissions, gold, real_tokens(case))
    ) == pytest.approx(expected, rel=1e-2)


def test_an_impossible_gold_path_is_dear_but_finite() -> None:
    case = make_case(1, "IOBES", [4, 3], padding=0.0)
    gold = np.array([[1, 1, 0, 3], [0, 0, 0, 0]])  # B-x B-x O E-x: three forbidden steps
    gold = np.pad(gold, ((0, 0), (0, case.emissions.shape[1] - 4)))
    head = head_of(case.transitions)
    found, loss = gradients(head, case.emissions, gold, real_tokens(case))
    assert 1e3 < loss < 1e5
    assert all(np.isfinite(gradient).all() for gradient in found)
    assert head.allowed is not None
    for gradient, table in zip(found[1:], head.allowed, strict=True):
        assert not gradient[~table].any()
    one_hot = gold[:, :, None] == np.arange(5)
    expected = np.where(real_tokens(case)[:, :, None], marginals(*case.arguments) - one_hot, 0) / 7
    np.testing.assert_allclose(found[0], expected, atol=1e-3)


def test_steps_lower_the_loss_and_leave_forbidden_entries() -> None:
    keras.utils.set_random_seed(1)
    random = np.random.default_rng(2)
    tables = transition_table(TAGS, "IOBES")
    head = head_of(Transitions.constrained(*tables))
    model = Scored(head, random.normal(size=(4, 6, len(TAGS))).astype("float32"))
    lengths = np.array([6, 3, 0, 1])
    gold = viterbi(random.normal(size=(4, 6, len(TAGS))), lengths, Transitions.constrained(*tables))
    mask = (np.arange(6) < lengths[:, None]).astype("float32")
    model.compile(optimizer=keras.optimizers.Adam(0.1), jit_compile=False)
    losses = [float(model.train_on_batch(mask, gold)) for _ in range(10)]
    assert losses == sorted(losses, reverse=True)
    for weight, table, score in zip(
        (head.start, head.transitions, head.end), tables, head.scores(), strict=True
    ):
        assert np.all(numpy(weight)[~table] == GARBAGE)
        assert np.all(np.isneginf(score) == ~table)
        assert np.any(numpy(weight)[table] != 0.0)


@pytest.mark.parametrize(
    "allowed", [None, transition_table(TAGS, "IOBES")], ids=["free", "constrained"]
)
def test_rebuilt_from_its_config(allowed: Any) -> None:
    head = CRFHead(len(TAGS), hidden=(4,), dropout=0.1, allowed=allowed)
    logits = head(np.ones((2, 3, 5), "float32"))
    assert tuple(logits.shape) == head.compute_output_shape((2, 3, 5)) == (2, 3, len(TAGS))
    stored = json.loads(json.dumps(keras.saving.serialize_keras_object(head)))
    again = keras.saving.deserialize_keras_object(stored)
    assert again.get_config() == head.get_config()
    again(np.ones((2, 3, 5), "float32"))
    again.set_weights(
        [np.random.default_rng(1).normal(size=weight.shape) for weight in head.weights]
    )
    head.set_weights(again.get_weights())
    for one, other in zip(again.scores(), head.scores(), strict=True):
        np.testing.assert_array_equal(one, other)
    tags, mask = np.zeros((2, 3), dtype=int), np.ones((2, 3))
    np.testing.assert_array_equal(
        numpy(again.loss(logits, tags, mask)), numpy(head.loss(logits, tags, mask))
    )


def test_tables_of_another_shape() -> None:
    start, transitions, end = transition_table(TAGS, "IOBES")
    for allowed in [(start, transitions), (start, start, end), (start[1:], transitions, end)]:
        with pytest.raises(ValueError, match=r"expected \[\(9,\), \(9, 9\), \(9,\)\]"):
            CRFHead(len(TAGS), allowed=allowed)
