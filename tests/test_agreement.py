"""Agreement within a document: equal to a slow loop, silent where it has nothing to say, documents
found in every format.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.paths import GOLDEN

from tagger.bundles import tagger_files as bundles
from tagger.bundles.card import describe
from tagger.bundles.tagger import Bundle
from tagger.features.encode import consistency_key
from tagger.inference import document_consistency as agreement
from tagger.inference.document_consistency import DocumentConsistency
from tagger.inference.member import EnsembleMember
from tagger.inference.network import OnnxTagger
from tagger.inference.predictor import Predictor
from tagger.text import formats
from tagger.text.spans import Record, Sentence
from tagger.training.export import precision as exporting

TAGS = ("O", "S-PER", "B-PER", "E-PER", "S-LOC", "B-LOC", "E-LOC")
LABELS = agreement.DocumentConsistency(TAGS, agreement.WEIGHT).labels


def slowly(
    emissions: np.ndarray, keys: Sequence[int], tags: Sequence[str], weight: float
) -> np.ndarray:
    """The formula, token by token and tag by tag."""

    def label(tag: str) -> str:
        return tag.partition("-")[2]

    labels = sorted({label(tag) for tag in tags})
    p = [
        {tag: math.exp(x) / sum(math.exp(y) for y in row) for tag, x in zip(tags, row, strict=True)}
        for row in emissions.tolist()
    ]
    result = emissions.copy()
    for t, key in enumerate(keys):
        others = [s for s in range(len(keys)) if s != t and keys[s] == key and key >= 0]
        if not others:
            continue
        for k, tag in enumerate(tags):
            result[t, k] = math.log(p[t][tag])
            said = sum(
                p[s][other] for s in others for other in tags if label(other) == label(tag)
            ) / len(others)
            result[t, k] += weight * math.log(0.05 / len(labels) + 0.95 * said)
    return result


@given(st.integers(0, 1 << 32), st.lists(st.integers(-1, 3), max_size=12), st.floats(0, 2))
def test_it_equals_the_slow_loop(seed: int, keys: list[int], weight: float) -> None:
    emissions = np.random.default_rng(seed).normal(scale=3, size=(len(keys), len(TAGS)))
    found = agreement.apply_consistency(emissions, np.array(keys, dtype=int), LABELS, weight)
    np.testing.assert_allclose(
        found, slowly(emissions, keys, TAGS, weight).reshape(found.shape), atol=1e-9
    )


@given(st.integers(0, 1 << 32), st.lists(st.integers(-1, 3), min_size=1, max_size=12))
def test_batches_receive_what_a_single_row_of_tokens_receives(seed: int, keys: list[int]) -> None:
    random, numbers = np.random.default_rng(seed), np.array(keys)
    row = random.normal(scale=3, size=(len(keys), len(TAGS)))
    batches = []
    for places in np.array_split(random.permutation(len(keys)), 3):
        mask = np.zeros((2, len(keys)), dtype=bool)
        mask.flat[random.permutation(mask.size)[: len(places)]] = True
        emissions = np.full((*mask.shape, len(TAGS)), np.nan)
        emissions[mask] = row[places]
        batches.append((emissions, mask, places))
    consistency = agreement.DocumentConsistency(TAGS, agreement.WEIGHT)
    found = np.empty_like(row)
    for informed, (_, mask, places) in zip(consistency(batches, numbers), batches, strict=True):
        found[places] = informed[mask]
    expected = agreement.apply_consistency(row, numbers, LABELS, agreement.WEIGHT)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_words_that_stand_alone_and_a_weight_of_nothing_change_no_probability() -> None:
    emissions = np.random.default_rng(1).normal(size=(4, len(TAGS))).astype("float32")
    logs = emissions - np.log(np.exp(emissions).sum(1, keepdims=True))
    np.testing.assert_array_equal(
        agreement.apply_consistency(emissions, np.array([0, 1, 2, -1]), LABELS, 1.0), emissions
    )
    np.testing.assert_allclose(
        agreement.apply_consistency(emissions, np.array([0, 0, 0, 0]), LABELS, 0.0), logs, atol=1e-6
    )


def test_a_sure_occurrence_decides_a_doubtful_one() -> None:
    sure, doubtful = np.full(len(TAGS), -5.0), np.full(len(TAGS), -5.0)
    sure[1], doubtful[4], doubtful[1] = 5, 1, 0.5
    found = agreement.apply_consistency(np.stack([sure, doubtful]), np.array([7, 7]), LABELS, 0.6)
    assert [TAGS[number] for number in found.argmax(1)] == ["S-PER", "S-PER"]


@pytest.mark.parametrize(
    ("word", "key"),
    [
        ("Oslo", "oslo"),
        ("OSLO", "oslo"),
        ("of", ""),
        ("aspirin", "aspirin"),
        ("A", "a"),
        ("7", "7"),
        (".", ""),
        ("--", ""),
        ("....", ""),
    ],
)
def test_which_words_take_part(word: str, key: str) -> None:
    assert consistency_key(word) == key


def lengths(sentences: Iterable[Sentence]) -> list[list[int]]:
    return [[len(sentence) for sentence in stretch] for stretch in agreement.chunks(sentences)]


def test_columns_are_divided_at_marks_of_documents(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("a\n\nb\nb\n\n-DOCSTART-\n\nc\nc\nc\n\n-DOCSTART-\n\nd\n")
    read = list(formats.read(str(path), "conll", formats.ReadOptions(annotated=False)))
    assert lengths(read) == [[1, 2], [3], [1]]
    assert lengths([*read[:1], *read[:1]]) == [[1, 1]]


def test_a_text_is_a_document_and_so_is_each_json_object(tmp_path: Path) -> None:
    text, lines = tmp_path / "a.txt", tmp_path / "a.jsonl"
    text.write_text("One.\nTwo words.\n")
    lines.write_text('{"text": "One. Two words."}\n{"text": "Three more words."}\n')
    options = formats.ReadOptions(annotated=False)
    assert lengths(formats.read(str(text), "text", options)) == [[2, 3]]
    assert lengths(formats.read(str(lines), "jsonl", options)) == [[2, 3], [4]]
    two = [*formats.read(str(text), "text", options), Sentence(("x",), record=Record("other", 1))]
    assert lengths(two) == [[2, 3], [1]]


def test_sentences_without_a_source_are_one_document_and_a_long_one_is_cut() -> None:
    assert lengths([Sentence(("a",))] * (2 * agreement.CHUNK_SENTENCES + 1)) == [
        [1] * agreement.CHUNK_SENTENCES
    ] * 2 + [[1]]
    assert lengths([]) == []


def test_a_predictor_decodes_what_agrees(golden: Bundle) -> None:
    """As the slow loop and one sentence at a time would have it."""
    bundle = replace(
        golden, metrics={**golden.metrics, "agreement": {"weight": 0.6, "score": 0, "without": 0}}
    )
    member = EnsembleMember(bundle, OnnxTagger(bundle, "float32"))
    document = [
        ["Washington", "spoke", "."],
        ["Mr.", "Washington", "met", "Leila", "in", "WASHINGTON", "."],
        ["Leila", "left"],
        [],
    ] * 2
    found = Predictor(member).tag_tokens(document)
    alone = {
        int(i): rows[0, :n]
        for sentence in range(len(document))
        for i, n, rows in one_by_one(member, document, sentence)
    }
    label_ids = {
        key: number
        for number, key in enumerate(
            sorted({consistency_key(word) for words in document for word in words} - {""})
        )
    }
    keys = [label_ids.get(consistency_key(word), -1) for words in document for word in words]
    row = slowly(np.concatenate([alone[i] for i in range(len(document))]), keys, bundle.tags, 0.6)
    start = 0
    for sentence, words in zip(found, document, strict=True):
        emissions = row[start : start + len(words)][None]
        start += len(words)
        expected = member.decoder.decode(emissions, np.array([len(words)])) if words else None
        spans = [(s.start, s.end, s.label, s.score) for s in sentence.spans or ()]
        wanted = (
            [
                (a, b, member.decoder.labels[label], score)
                for _, a, b, label, score in expected.spans
            ]
            if expected
            else []
        )
        assert [span[:3] for span in spans] == [span[:3] for span in wanted]
        assert [span[3] for span in spans] == pytest.approx([span[3] for span in wanted], abs=1e-4)
    without = Predictor(EnsembleMember(golden, OnnxTagger(golden, "float32"))).tag_tokens(document)
    scores = [
        [[span.score for span in sentence.spans or ()] for sentence in tagged]
        for tagged in (without, found)
    ]
    assert scores[0] != scores[1]


def one_by_one(
    member: EnsembleMember, document: list[list[str]], sentence: int
) -> Iterator[tuple[int, int, np.ndarray]]:
    for _, lengths, emissions in member.batches([document[sentence]]):
        yield sentence, int(lengths[0]), emissions


@pytest.fixture
def golden() -> Bundle:
    return bundles.load(GOLDEN)


@pytest.mark.parametrize("helps", [True, False])
def test_dev_decides(golden: Bundle, helps: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        exporting,
        "_score",
        lambda bundle, sentences, precision, observer: (
            50.0 + helps * DocumentConsistency.of(bundle).weight
        ),
    )
    found = exporting.with_graphs(golden, [Sentence(("a",), spans=())])
    expected = {"weight": 0.6 if helps else 0.0, "score": 50.0 + helps * 0.6, "without": 50.0}
    assert found.metrics["agreement"] == expected
    assert describe(found)["document consistency"].startswith("on (" if helps else "off (")
    assert DocumentConsistency.of(found).weight == expected["weight"]
