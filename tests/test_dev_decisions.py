"""What is decided on dev at the end of a training: temperature, rule and counts of spans."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.paths import GOLDEN
from test_operating_points import TABLE

from tagger.bundles import tagger_files as bundles
from tagger.bundles.card import describe
from tagger.bundles.tagger import Bundle
from tagger.errors import BundleError
from tagger.evaluation.calibration import Bin, calibration, calibration_of
from tagger.evaluation.curve import curve_of
from tagger.inference.decoder import Decoder
from tagger.inference.member import EnsembleMember
from tagger.inference.network import OnnxTagger
from tagger.inference.operating_points import (
    GRID,
    counts_at,
)
from tagger.inference.predictor import Predictor
from tagger.span_decoding import Spans
from tagger.text import schemes
from tagger.text.spans import Sentence, Span
from tagger.training.export import calibration as fitting
from tagger.training.export.hiding import hidden_at
from tagger.training.export.lattices import Lattice

TAGS = schemes.tag_set(["a", "b"], "IOBES")
EMPTY = {"thresholds": [0.5], "spans": 1, "hidden": [1], "tokens": [1], "right": [1]}


@pytest.fixture
def golden() -> Bundle:
    return bundles.load(GOLDEN)


def test_calibration_of_a_few_spans() -> None:
    p = np.array([0.005, 0.05, 0.3, 0.35, 1.0])
    found = calibration(p, np.array([True, False, True, False, True]), 4)
    # |0.05| + |0.65 - 1| + |1 - 1| over four spans; 0.005 is not judged, and one more is missing.
    assert found.ece == pytest.approx((0.05 + 0.35) / 4, abs=1e-4)
    assert found.brier == pytest.approx((0.05**2 + 0.7**2 + 0.35**2 + 0 + 2) / 4, abs=1e-4)
    assert found.bins[0] == Bin(1, 0.05, 0.0)
    assert found.bins[3] == Bin(2, 0.325, 0.5)
    assert found.bins[9] == Bin(1, 1.0, 1.0)
    assert calibration(np.zeros(0), np.zeros(0, dtype=bool), 0).ece == 0


def test_annotated_spans_that_cut_a_token_count() -> None:
    gold = [Sentence(("x", "y"), spans=(Span(0, 1, "PER"),))]
    found = [Sentence(("x", "y"), candidates=(Span(0, 1, "PER", 0.75),))]
    assert calibration_of(gold, found, 1).brier == pytest.approx((0.25**2 + 1) / 2, abs=1e-4)
    counts = curve_of(gold, found, Counter({"LOC": 1}))["counts"]
    assert {label: each["gold"] for label, each in counts.items()} == {"": 2, "LOC": 1, "PER": 1}
    assert counts[""]["correct"][0] == counts["PER"]["correct"][0] == 1


def drawn(temperature: float, sentences: int, seed: int) -> tuple[list[Sentence], Lattice]:
    """Sentences whose tags are drawn from the distribution of emissions at a temperature."""
    generator = np.random.default_rng(seed)
    emissions = generator.normal(scale=2.0, size=(sentences, 3, len(TAGS)))
    lengths = np.full(sentences, 3)
    decoder = Decoder(TAGS, plain_tags=False, temperature=temperature)
    paths, probabilities = decoder.best(emissions, lengths, 60)
    made = []
    for own_paths, p in zip(paths, probabilities, strict=True):
        path = own_paths[generator.choice(len(p), p=p / p.sum())]
        made.append(Sentence(("x",) * 3, spans=tuple(decoder.spans_of(path))))
    return made, Lattice(np.arange(sentences), lengths, emissions)


@pytest.mark.parametrize("temperature", [0.6, 1.0, 1.8])
def test_the_temperature_is_found_again(temperature: float) -> None:
    sentences, batch = drawn(temperature, 1500, seed=1)
    decoder = Decoder(TAGS, plain_tags=False)
    assert fitting.fit_temperature(sentences, [batch], decoder) == pytest.approx(
        temperature, rel=0.08
    )
    found = fitting.decided(sentences, [batch], decoder)
    figures = found["calibration"]
    assert figures["temperature"] == pytest.approx(temperature, rel=0.08)
    assert figures["ece"] < 0.015
    if temperature != 1:
        assert figures["ece"] < figures["ece_before"]
        assert figures["brier"] < figures["brier_before"]


def test_a_small_dev_set_without_an_error_moves_the_temperature_little() -> None:
    sentences, batch = drawn(0.01, 20, seed=2)
    decoder = Decoder(TAGS, plain_tags=False)
    assert 0.25 < fitting.fit_temperature(sentences, [batch], decoder) < 1
    assert fitting.decided(sentences, [batch], decoder) == {}


def test_the_counts_of_the_bundle_are_those_of_its_rule() -> None:
    sentences, batch = drawn(1.0, 200, seed=3)
    decoder = Decoder(TAGS, plain_tags=False)
    metrics = fitting.decided(sentences, [batch], decoder)
    spans = fitting.all_spans([batch], decoder.at(metrics["calibration"]["temperature"]))
    correct = fitting.annotated_in(spans, sentences, decoder)
    gold = {
        (n, span.start, span.end, span.label)
        for n, sentence in enumerate(sentences)
        for span in sentence.spans or ()
    }
    rows = list(zip(*(column.tolist() for column in spans.places), strict=True))
    assert [
        (sentence, start, end, decoder.labels[label]) in gold
        for sentence, start, end, label in rows
    ] == correct.tolist()
    counts = metrics["operating_points"]["counts"]
    assert counts[""]["gold"] == len(gold) == counts["a"]["gold"] + counts["b"]["gold"]
    for column in ("predicted", "correct"):
        total = np.array(counts["a"][column]) + np.array(counts["b"][column])
        assert counts[""][column] == total.tolist()
    # Above one half spans cannot overlap, so that the rule is the threshold alone.
    for place, threshold in enumerate(GRID):
        if threshold > 0.5:
            assert counts[""]["predicted"][place] == int((spans.probability >= threshold).sum())
    hidden = metrics["redaction"]
    assert hidden["spans"] == len(gold)
    covered = {
        (sentence, token)
        for (sentence, start, end, _), p in zip(rows, spans.probability, strict=True)
        if p >= GRID[30]
        for token in range(start, end)
    }
    assert hidden["tokens"][30] == len(covered)
    assert hidden["hidden"][30] == sum(
        all((n, token) in covered for token in range(start, end)) for n, start, end, _ in gold
    )
    inside = {(n, token) for n, start, end, _ in gold for token in range(start, end)}
    assert hidden["right"][30] == len(covered & inside)
    # Of each label the same as if the other did not exist.
    assert hidden["labels"].keys() == {"a", "b"}
    for number, label in enumerate(decoder.labels[1:], 1):
        alone = [
            replace(one, spans=tuple(span for span in one.spans or () if span.label == label))
            for one in sentences
        ]
        own = hidden_at(spans.where(spans.label == number), alone, decoder.labels)
        assert hidden["labels"][label] == {
            name: own[name] for name in ("spans", "hidden", "tokens", "right")
        }


@given(st.integers(0, 1000))
def test_counts_of_a_label_that_does_not_occur(seed: int) -> None:
    empty = Spans(*(np.zeros(0, dtype=int) for _ in range(4)), np.zeros(0))  # type: ignore[call-arg]
    found = counts_at(empty, np.zeros(0, dtype=bool), ["", "a"], {"z": seed})
    assert found["counts"].keys() == {""}
    assert found["counts"][""] == {
        "gold": seed,
        "predicted": [0] * len(GRID),
        "correct": [0] * len(GRID),
    }


def measured(golden: Bundle, threshold: float, temperature: float = 1.5) -> Bundle:
    """The golden bundle with decisions of dev."""
    figures = {"spans": 5, "ece": 0.01, "ece_before": 0.03, "brier": 0.1, "brier_before": 0.2}
    metrics = {
        "calibration": {"temperature": temperature, **figures},
        "decoding": {"threshold": threshold, "score": 91.5, "without": 91.4},
        "reliability": {"after": [[0, 0.0, 0.0], [7, 0.97, 0.9]]},
    }
    return replace(golden, metrics={**golden.metrics, **metrics})


@pytest.mark.parametrize("threshold", [0.0, 0.3])
def test_the_rule_of_the_bundle_is_used_unless_another_is_asked_for(
    golden: Bundle, threshold: float
) -> None:
    sentences = [["Mira", "met", "Nordwind", "in", "Quito"], ["Rosa", "Harbour", "Trust"]]
    plain = Predictor(EnsembleMember(golden, OnnxTagger(golden)))
    bundle = measured(golden, threshold)
    model = Predictor(EnsembleMember(bundle, OnnxTagger(bundle)))
    best = plain.tag_tokens(sentences)
    assert model.tag_tokens(sentences, decode="best-sequence") == best
    scores = [
        [span.score for one in found for span in one.spans or ()]
        for found in (best, model.tag_tokens(sentences, decode="best-sequence"))
    ]
    assert scores[0] != scores[1]  # the temperature
    expected = model.tag_tokens(sentences, min_score=threshold) if threshold else best
    assert model.tag_tokens(sentences) == expected
    raw = [rows for _, rows in model.distributions(map(made, sentences), calibrated=False)]
    for rows, (_, other) in zip(raw, plain.distributions(map(made, sentences)), strict=True):
        np.testing.assert_allclose(rows, other, atol=1e-12)
    two = Predictor(*(EnsembleMember(each, OnnxTagger(each)) for each in (bundle, golden)))
    assert two.selection().thresholds is None
    assert two.decoder.temperature == 1.25  # the mean of 1.5 and of 1 for what was not measured


def made(tokens: list[str]) -> Sentence:
    return Sentence(tuple(tokens))


def test_the_mean_of_the_thresholds_of_several_models(golden: Bundle) -> None:
    members = [measured(golden, threshold) for threshold in (0.3, 0.5)]
    model = Predictor(*(EnsembleMember(each, OnnxTagger(each)) for each in members))
    assert model.selection().thresholds == pytest.approx([0.4] * len(model.decoder.labels))


def test_info_describes_the_decisions(golden: Bundle) -> None:
    facts = describe(measured(golden, 0.3))
    assert facts["decoding"] == (
        "spans with a probability above 0.3 (dev F1 91.5 with a threshold, 91.4 without)"
    )
    assert facts["probabilities"] == (
        "at temperature 1.5 (dev, calibrated and not: expected calibration error 0.01 and 0.03, "
        "Brier score 0.1 and 0.2)"
    )
    assert facts["reliability"] == "correct by mean probability: 0.97: 90 % of 7"
    assert describe(measured(golden, 0))["decoding"].startswith("best tag sequence (dev F1 91.5")
    assert describe(golden)["decoding"] == (
        "best tag sequence (thresholds were not measured on dev)"
    )


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ({"calibration": {"temperature": 1}}, "expected spans and ece and ece_before and"),
        ({"decoding": {"threshold": 2, "score": 1, "without": 1}}, 'expected a "threshold" from 0'),
        ({"reliability": {"after": [[1, 2]]}}, 'expected rows of three numbers as "after"'),
        ({"reliability": []}, 'expected an object "reliability"'),
        ({"operating_points": {"thresholds": [0.5, 0.1]}}, "expected increasing probabilities"),
        ({"operating_points": {"thresholds": "x"}}, 'expected a list of "thresholds"'),
        ({"operating_points": {"thresholds": [0.5], "counts": {"": 1}}}, 'expected "counts" at ea'),
        ({"redaction": {**EMPTY, "right": []}}, 'expected counts at each threshold in "redaction"'),
        ({"redaction": {**EMPTY, "spans": 0.5}}, 'expected counts at each threshold in "redactio'),
        ({"redaction": {**EMPTY, "labels": {"a": 1}}}, 'expected counts at each threshold in "re'),
        ({"redaction": {**EMPTY, "labels": {"a": {}}}}, 'expected counts at each threshold in "re'),
    ],
)
def test_metrics_that_training_does_not_write(
    golden: Bundle, tmp_path: Path, metrics: dict[str, Any], message: str
) -> None:
    good = {**golden.metrics, **TABLE, "redaction": EMPTY}
    bundles.save(tmp_path / "good", replace(golden, metrics=good))
    assert bundles.load(tmp_path / "good").metrics == good
    bundles.save(tmp_path / "bad", replace(golden, metrics={**golden.metrics, **metrics}))
    with pytest.raises(BundleError, match=message):
        bundles.load(tmp_path / "bad")


def test_spans_of_a_sentence_are_compared_without_candidates() -> None:
    one = Sentence(("a",), spans=(Span(0, 1, "x"),))
    assert replace(one, candidates=()) == one
