"""Language models conditional on labels: x^<1> is the label's vector, by the equations; the
classifier by Bayes' rule.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import small_language_models as small
from support.json_lines import write_lines
from support.small_language_models import LABELED, conditional

from tagger.cells import CELLS
from tagger.classification import bayes
from tagger.classification import report as classification_report
from tagger.config import language_model as config
from tagger.features.text_labels import TextLabels
from tagger.language_models import sampling, scoring, text
from tagger.language_models.bayes import score_texts, text_score
from tagger.language_models.labeled import LabeledSentence
from tagger.language_models.model import LanguageModel
from tagger.language_models.sampling import SamplingConfig

MODELS = [
    {"cell": cell, "embedding": embedding, "layers": layers}
    for cell in CELLS
    for embedding, layers in [(4, 2), (0, 1)]
]
MODELS += [{"tied": True, "embedding": 6}, {"embedding": 0, "units": 2, "cell": "rnn"}]
MODELS += [{"level": "words", "direction": "backward"}]
SENTENCES = [["ab", "c"], ["e"], ["abc", "Zd", "."], ["d", "a", "b"]]


# -- the equations


@pytest.mark.parametrize("model", MODELS)
def test_the_first_input_is_the_vector_of_the_label_padded_or_not(model: dict[str, Any]) -> None:
    bundle = conditional(**model)
    runtime = LanguageModel(bundle)
    sequences = [
        np.array(ids, dtype=np.int32) for ids in ([2, 3, 4], [5], [1, 2, 2, 6, 3, 7], [], [4, 1])
    ]
    for labels in (["sport"] * 5, ["sport", "business", "business", "sport", "business"]):
        together = runtime.log_probabilities(sequences, labels)
        for ids, label, found in zip(sequences, labels, together, strict=True):
            expected = small.log_probabilities(bundle, ids, label)
            np.testing.assert_allclose(found, expected, atol=1e-4)
            alone = runtime.log_probabilities([ids], [label])[0]
            np.testing.assert_allclose(found, alone, atol=1e-5)
    other = small.log_probabilities(bundle, sequences[0], "business")
    assert abs(other - small.log_probabilities(bundle, sequences[0], "sport")).max() > 1e-2


def test_the_probability_of_a_text_is_that_of_its_sentences_by_hand() -> None:
    """With one unit and one layer: a^<t> = tanh(W a^<t-1> + W_x[x^<t>] + b)."""
    bundle = small.bundle_of(labels=LABELED, cell="rnn", units=1, embedding=0, level="words")
    w = bundle.weights
    kernel, recurrent, bias = (
        w[f"encoder/forward_1/{name}"] for name in ("kernel", "recurrent", "bias")
    )
    the, pear, size = 2, 5, len(bundle.vocabulary)
    total = 0.0
    for sentence in ([the, pear], [pear]):
        a, read = np.zeros(1), [size + 1, *sentence]  # sport is the second label
        for number, target in zip(read, [*sentence, 0], strict=True):
            a = np.tanh(recurrent[0] * a + kernel[number] + bias)
            logits = a @ w["softmax/kernel"] + w["softmax/bias"]
            total += logits[target] - np.log(np.exp(logits).sum())
    scores = scoring.score(LanguageModel(bundle), [["the", "pear"], ["pear"]], label="sport")
    assert sum(scored.log_probability for scored in scores) == pytest.approx(total, rel=1e-5)


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("model", [{}, {"embedding": 0}, {"tied": True, "embedding": 6}])
@pytest.mark.slow  # Keras is loaded
def test_keras_equals_onnx(model: dict[str, Any], direction: str) -> None:
    import keras

    from tagger.training.build_language_model import restore

    bundle = conditional(direction=direction, layers=2, **model)
    runtime, network = LanguageModel(bundle), restore(bundle)
    ids = runtime.ids(["abc", "d"])
    read = np.append(runtime.border("sport"), ids)
    a, _ = network.activations(read[None].astype(np.int32))
    logits = keras.ops.convert_to_numpy(network.logits(a))[0]
    assert logits.shape == (len(ids) + 1, len(bundle.vocabulary))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    (found,) = runtime.log_probabilities([ids], ["sport"])
    np.testing.assert_allclose(found, np.log(p[np.arange(len(p)), [*ids, 0]]), atol=1e-4)


def test_a_backward_model_reads_the_label_first() -> None:
    forward, backward = (
        LanguageModel(conditional(direction=direction)) for direction in ("forward", "backward")
    )
    (found,) = scoring.score(backward, [["ab", "c"]], label="sport")
    (expected,) = scoring.score(forward, [["c", "ba"]], label="sport")
    np.testing.assert_array_equal(found.values, expected.values)


def test_carried_scores_have_the_label_at_each_border() -> None:
    model = LanguageModel(conditional(cell="lstm", layers=2))
    scores = scoring.score(model, SENTENCES, carry=True, label="sport")
    found = np.concatenate([scored.values for scored in scores])
    border = len(model.bundle.vocabulary) + 1
    ids = [number for tokens in SENTENCES for number in (border, *model.ids(tokens))]
    a = small.activations(model.bundle, ids)
    logits = a @ model.bundle.weights["softmax/kernel"] + model.bundle.weights["softmax/bias"]
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    targets = [0 if number == border else number for number in [*ids[1:], border]]
    np.testing.assert_allclose(found, logits[np.arange(len(ids)), targets], atol=1e-4)


@pytest.mark.slow  # Keras is loaded
def test_one_hot_labels_never_become_unknown_in_training() -> None:
    """At a dropout rate of nearly 1, all units are <UNK>, and only the label differs."""
    import keras

    from tagger.networks.language_model import LanguageModelArchitecture, LanguageModelNetwork

    network = LanguageModelNetwork.create(
        LanguageModelArchitecture(9, embedding=0, units=3, input_dropout=1 - 1e-7, labels=2)
    )

    def last(*ids: int) -> np.ndarray:
        a, _ = network.activations(np.array([ids], dtype=np.int32), training=True)
        last_one: np.ndarray = keras.ops.convert_to_numpy(a)[0, -1]
        return last_one

    np.testing.assert_array_equal(last(9, 4), last(9, 5))
    assert (last(9, 4) != last(10, 4)).any()


# -- encoding


@pytest.mark.slow  # Keras is loaded
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_a_label_is_the_border_before_each_sequence_in_reading_order(
    direction: str, tmp_path: Path
) -> None:
    from tagger.training.language_model import _sequences

    file = write_lines(
        tmp_path / "a.jsonl",
        [
            {"text": "ab c\nba", "label": "x"},
            {"text": " ", "label": "ignored"},
            {"tokens": ["b"], "label": 7},
        ],
    )
    changes = [f'data.train=["{file}"]', "data.tokenizer=whitespace", "training.window=99"]
    changes += ["vocabulary.minimum_count=1", f"model.direction={direction}"]
    settings = config.override(config.LanguageModelConfig(), changes)
    vocabulary, labels = text.survey(settings)
    assert labels == TextLabels(("7", "x"), (1, 1))  # texts, not sentences
    encoded = text.encode([str(file)], settings, vocabulary, tmp_path / "ids", labels)
    assert (encoded.predicted, encoded.characters, encoded.unknown) == (10, 10, 0)
    inputs, real = _sequences(encoded, settings, len(vocabulary))[0]
    shown = np.array([*"|?", *vocabulary.words, "7", "X"])
    read, predicted = (
        ["".join(shown[row[mask > 0]]) for row, mask in zip(inputs[name], real, strict=True)][:3]
        for name in ("ids", "targets")
    )
    assert (
        read == {"forward": ["7b", "Xba", "Xab c"], "backward": ["7b", "Xab", "Xc ba"]}[direction]
    )
    assert (
        predicted
        == {
            "forward": ["b|", "ba|", "ab c|"],
            "backward": ["b|", "ab|", "c ba|"],
        }[direction]
    )


def labeled_sequences(lengths: list[int]) -> list[list[int]]:
    """Sequences of these lengths behind the labels 90 and 91 in turn; ids from 2 on, distinct."""
    following = itertools.count(2)
    return [
        [90 + number % 2, *itertools.islice(following, length)]
        for number, length in enumerate(lengths)
    ]


@pytest.mark.slow  # Keras is loaded
@pytest.mark.parametrize(
    ("rows", "window", "epoch_tokens"), [(1, 4, 0), (3, 5, 0), (2, 3, 12), (9, 99, 1), (2, 2, 20)]
)
def test_every_sequence_is_read_once_from_its_label_and_the_zero_state(
    rows: int, window: int, epoch_tokens: int
) -> None:
    from tagger.training.inputs.text_sequences import Sequences

    expected = labeled_sequences([3, 0, 7, 1, 4, 11, 2])
    ids = np.array([*itertools.chain(*expected), 0])
    data = Sequences(ids, rows, window, vocabulary_size=90, epoch_tokens=epoch_tokens, seed=1)
    sizes, found, ends = set(), list[list[int]](), 0
    for epoch in range(data.chunks):
        data.epoch = epoch
        sizes.add(len(data))
        reading: dict[int, list[int]] = {}
        for number in range(len(data)):
            inputs, real = data[number]
            assert inputs["ids"].shape == inputs["targets"].shape == real.shape
            assert real.shape == (rows, min(window, 12))
            assert len({*inputs["keep"]}) == 1
            if not inputs["keep"][0]:
                found += reading.values()
                reading = {row: [] for row in range(rows)}
            for row in range(rows):
                here = real[row] > 0
                read, targets = inputs["ids"][row][here], inputs["targets"][row][here]
                assert targets[:-1].tolist() == read[1:].tolist()
                ends += (targets == 0).sum()
                reading[row] += read.tolist()
        found += reading.values()
    assert (len(sizes), ends) == (1, len(expected))
    assert sorted(filter(None, found)) == sorted(expected)


# -- sampling


def test_first_tokens_are_as_frequent_as_they_are_probable_given_the_label() -> None:
    bundle = conditional(level="words")
    model, count = LanguageModel(bundle), 500
    for label in LABELED.names:
        random = np.random.default_rng(1)
        drawing = SamplingConfig(max_length=1)
        drawn = [sampling.sample(model, drawing, random, label=label) for _ in range(count)]
        p = np.exp(
            [small.log_probabilities(bundle, [number], label)[0] for number in range(2, 8)]
        ) / (1 - np.exp(small.log_probabilities(bundle, [1], label)[0]))  # never <UNK>
        for word, probability in zip(bundle.vocabulary.words, p, strict=True):
            share = sum(one.text == word for one in drawn) / count
            assert share == pytest.approx(probability, abs=4 * np.sqrt(probability / count))
        assert all(one.is_complete == (one.text == "") for one in drawn)


# -- the classifier


def texts_of(*texts: tuple[str, list[list[str]]]) -> list[LabeledSentence]:
    return [
        LabeledSentence(tuple(tokens), label, "a.jsonl", number, index == 0)
        for number, (label, sentences) in enumerate(texts, 1)
        for index, tokens in enumerate(sentences)
    ]


def test_posteriors_are_bayes_rule_by_enumeration(monkeypatch: pytest.MonkeyPatch) -> None:
    """P(y | x) = P(x | y) P(y) / Σ P(x | y') P(y'), multiplied out sentence by sentence."""
    bundle = conditional(seed=5)
    model = LanguageModel(bundle)
    texts = [("sport", SENTENCES[:2]), ("business", SENTENCES[2:3]), ("sport", SENTENCES[3:])]
    monkeypatch.setattr("tagger.language_models.bayes._AT_ONCE", 2)
    found = list(score_texts(model, texts_of(*texts)))
    assert [one.gold for one in found] == ["sport", "business", "sport"]
    for (_, sentences), one in zip(texts, found, strict=True):
        joint = [
            np.prod([np.exp(small.log_probabilities(bundle, model.ids(s), label).sum())
                     for s in sentences]) * share
            for label, share in (("business", 1 / 4), ("sport", 3 / 4))
        ]  # fmt: skip
        np.testing.assert_allclose(np.exp(one.log_posteriors), joint / np.sum(joint), rtol=1e-3)
        assert one.label == LABELED.names[int(np.argmax(joint))]
        assert one.steps == sum(len(" ".join(tokens)) + 1 for tokens in sentences)
        alone = text_score(model, sentences)
        np.testing.assert_allclose(alone.log_posteriors, one.log_posteriors, atol=1e-5)


def test_probabilities_of_all_short_texts_sum_to_one() -> None:
    """All sentences of at most two words, and the rest: by enumeration."""
    bundle = conditional(level="words", cell="rnn")
    for label in LABELED.names:
        total = 0.0
        numbers = range(1, len(bundle.vocabulary))
        for length in range(3):
            for ids in itertools.product(numbers, repeat=length):
                steps = small.log_probabilities(bundle, ids, label)
                total += np.exp(steps.sum()) if length < 2 else np.exp(steps[:-1].sum())
        assert total == pytest.approx(1, abs=1e-9)


def test_scores_of_the_classifier_count_texts() -> None:
    from tagger.language_models.bayes import TextScore

    def scored(gold: str, predicted: str) -> TextScore:
        posteriors = np.log([0.9, 0.1] if predicted == "a" else [0.1, 0.9])
        return TextScore(("a", "b"), np.array([-2.0, -4.0]), posteriors, 3, gold)

    pairs = [("a", "a"), ("a", "b"), ("b", "b"), ("b", "b")]
    found = bayes.scores_of([scored(*pair) for pair in pairs], majority="a")
    data = found.as_json()
    assert (data["texts"], data["accuracy"], data["macro"]["f1"]) == (4, 75.0, 73.33)
    assert data["majority"] == {"label": "a", "accuracy": 50.0, "macro_f1": 33.33}
    assert data["confusion"] == {"a": {"a": 1, "b": 1}, "b": {"b": 2}}
    assert data["log_loss"] == pytest.approx(-np.log([0.9, 0.1, 0.9, 0.9]).mean(), abs=1e-4)
    assert data["log_likelihood"] == -12.0
    assert data["perplexity"] == pytest.approx(np.e)
    printed = bayes.report(found)
    assert printed.startswith(classification_report.report(found.scores))
    assert printed.endswith(
        "\n\nalways a: accuracy 50.00, macro F1 33.33\n"
        "perplexity 2.7183 given the labels, in 12 steps"
    )
