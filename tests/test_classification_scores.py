"""Scores, probabilities and their calibration equal those of scikit-learn and of plain formulas."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tagger.classification.probabilities import predicted_labels, probabilities
from tagger.classification.report import confusion_table, report
from tagger.classification.scores import text_scores
from tagger.training.export.text_calibration import (
    choose_threshold,
    decided,
    fit_temperature,
    fit_temperatures,
)

NAMES = ("a", "b", "c")
LABEL = st.sampled_from(NAMES)
ROWS = st.lists(st.tuples(LABEL, LABEL, st.integers(0, 2**32 - 1)), min_size=1, max_size=30)
SETS = st.lists(st.tuples(st.sets(LABEL), st.sets(LABEL)), min_size=1, max_size=30)


def scores_of(rows: list[Any], multi_label: bool = False) -> np.ndarray:
    random = np.random.default_rng(len(rows))
    logits = random.normal(size=(len(rows), 3))
    return probabilities(logits, np.ones(3), multi_label=multi_label)


@given(ROWS)
@settings(deadline=None)
def test_scores_of_one_label_per_text_equal_those_of_scikit_learn(rows: list[Any]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    gold, predicted = [row[0] for row in rows], [row[1] for row in rows]
    scores = scores_of(rows)
    found = text_scores(
        [[one] for one in gold], [[one] for one in predicted], scores, NAMES, multi_label=False
    )
    names = sorted({*gold, *predicted})
    expected = metrics.precision_recall_fscore_support(
        gold, predicted, labels=names, average="macro", zero_division=0
    )
    assert found.score.macro == pytest.approx([100 * one for one in expected[:3]], abs=0.006)
    assert found.score.accuracy == pytest.approx(
        100 * metrics.accuracy_score(gold, predicted), abs=0.006
    )
    assert found.score.f1 == found.score.accuracy  # the micro F1
    matrix = metrics.confusion_matrix(gold, predicted, labels=NAMES)
    assert [[found.confusion.get((one, other), 0) for other in NAMES] for one in NAMES] == (
        matrix.tolist()
    )
    assert found.log_loss == pytest.approx(
        metrics.log_loss(gold, scores, labels=list(NAMES)), abs=1e-4
    )
    brier = sum(
        sum((p - (name == one)) ** 2 for p, name in zip(row, NAMES, strict=True))
        for row, one in zip(scores, gold, strict=True)
    )
    assert found.calibration.brier == pytest.approx(brier / len(rows), abs=1e-4)


@given(SETS)
@settings(deadline=None)
def test_scores_of_several_labels_per_text_equal_those_of_scikit_learn(rows: list[Any]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    gold, predicted = ([sorted(row[place]) for row in rows] for place in (0, 1))
    scores = scores_of(rows, multi_label=True)
    found = text_scores(gold, predicted, scores, NAMES, multi_label=True)
    binary = [
        np.array([[name in row for name in NAMES] for row in column])
        for column in (gold, predicted)
    ]
    names = [
        name for name, some in zip(NAMES, (binary[0] | binary[1]).any(axis=0), strict=True) if some
    ]
    places = [NAMES.index(name) for name in names]
    for average, figures in (
        ("micro", (found.score.precision, found.score.recall, found.score.f1)),
        ("macro", found.score.macro),
    ):
        if names:
            expected = metrics.precision_recall_fscore_support(
                *binary, labels=places, average=average, zero_division=0
            )
            assert figures == pytest.approx([100 * one for one in expected[:3]], abs=0.006)
    assert found.score.accuracy == pytest.approx(100 * metrics.accuracy_score(*binary), abs=0.006)
    assert found.calibration.brier == pytest.approx(((scores - binary[0]) ** 2).mean(), abs=1e-4)
    nats = -np.log(np.where(binary[0], scores, 1 - scores)).sum(axis=1).mean()
    assert found.log_loss == pytest.approx(nats, abs=1e-4)


def test_expected_calibration_error_by_hand() -> None:
    """Two bins: 0.65 and 0.95 on average, of which half and all are right."""
    scores = np.array([[0.6, 0.4], [0.7, 0.3], [0.05, 0.95]])
    scores[1] = [0.31, 0.69]
    found = text_scores(
        [["a"], ["a"], ["b"]], [["a"], ["b"], ["b"]], scores, "ab", multi_label=False
    )
    assert found.calibration.ece == pytest.approx(
        (abs(0.6 + 0.69 - 1) + abs(0.95 - 1)) / 3, abs=1e-4
    )


def test_labels_that_the_model_lacks_count_as_wrong() -> None:
    found = text_scores(
        [["a"], ["z"]], [["a"], ["a"]], np.array([[0.9, 0.1], [0.9, 0.1]]), "ab", multi_label=False
    )
    assert (found.unknown, found.log_loss, found.score.accuracy) == ({"z": 1}, None, 50.0)
    assert "labels that the model does not have: z 1" in report(found)
    assert found.as_json()["confusion"] == {"a": {"a": 1}, "z": {"a": 1}}


def test_many_labels_are_listed_as_pairs() -> None:
    names = [f"l{number:02}" for number in range(15)]
    gold = [[name] for name in names] * 2
    predicted = [[names[(number + number // 15) % 15]] for number in range(30)]
    scores = np.full((30, 15), 1 / 15)
    found = text_scores(gold, predicted, scores, names, multi_label=False)
    lines = confusion_table(found).splitlines()
    assert lines[:2] == ["confusions:", "      1  l00 as l01"]
    assert len(lines) == 16


# -- probabilities


@given(st.integers(0, 2**32 - 1), st.floats(0.2, 5))
@settings(deadline=None)
def test_probabilities_are_softmax_and_sigmoid(seed: int, temperature: float) -> None:
    logits = np.random.default_rng(seed).normal(0, 3, (4, 3))
    single = probabilities(logits, np.full(3, temperature), multi_label=False)
    expected = [[math.exp(z / temperature) for z in row] for row in logits]
    np.testing.assert_allclose(single, [[e / sum(row) for e in row] for row in expected])
    several = probabilities(logits, np.array([1, temperature, 2]), multi_label=True)
    np.testing.assert_allclose(several, 1 / (1 + np.exp(-logits / [1, temperature, 2])))


def test_probabilities_of_huge_logits_are_finite() -> None:
    logits = np.array([[1e6, -1e6]])
    for multi_label in (False, True):
        found = probabilities(logits, np.ones(2), multi_label=multi_label)
        assert found.tolist() == [[1.0, 0.0]]


def test_predicted_labels() -> None:
    scores = np.array([[0.5, 0.5, 0.0], [0.1, 0.2, 0.7]])
    one = predicted_labels(scores, multi_label=False, threshold=0.9)
    assert one.tolist() == [[True, False, False], [False, False, True]]
    several = predicted_labels(scores, multi_label=True, threshold=0.5)
    assert several.tolist() == [[True, True, False], [False, False, True]]


# -- what dev decides


def drawn(temperature: float, seed: int = 1, count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Return logits (N, 3) and labels drawn from their softmax at a temperature."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (count, 3))
    p = probabilities(logits, np.full(3, temperature), multi_label=False)
    return logits, np.array([random.choice(3, p=row) for row in p])


@pytest.mark.parametrize("temperature", [0.6, 1.0, 2.5])
def test_the_temperature_of_drawn_labels_is_found_again(temperature: float) -> None:
    logits, ids = drawn(temperature)
    found = fit_temperature(logits, np.eye(3)[ids])
    assert found == pytest.approx(temperature, rel=0.08)
    entries = decided(logits, ids.astype(np.int32), NAMES, multi_label=False)
    assert entries["calibration"]["temperature"] == round(found, 3)
    assert entries["calibration"]["ece"] < 0.03
    if temperature != 1.0:
        assert entries["calibration"]["ece"] < entries["calibration"]["ece_before"]
        assert entries["calibration"]["brier"] < entries["calibration"]["brier_before"]


def test_the_temperature_of_few_texts_stays_moderate() -> None:
    assert 0.4 < fit_temperature(np.array([[1.0, 0.0]] * 4), np.array([[1.0, 0.0]] * 4)) < 1


def test_each_label_has_its_temperature() -> None:
    random = np.random.default_rng(3)
    logits, wanted = random.normal(0, 2, (6000, 2)), np.array([0.5, 2.0])
    targets = (random.random((6000, 2)) < 1 / (1 + np.exp(-logits / wanted))).astype(float)
    np.testing.assert_allclose(fit_temperatures(logits, targets), wanted, rtol=0.1)
    entries = decided(logits, targets, ("x", "y"), multi_label=True)
    assert [*entries["temperatures"]] == ["x", "y"]
    assert "temperature" not in entries["calibration"]
    assert entries["decoding"]["score"] >= entries["decoding"]["without"]


def test_the_threshold_is_chosen_for_micro_f1() -> None:
    """A rare label that is never likelier than 0.4, but right whenever it is above 0.3."""
    scores = np.array([[0.35]] * 150 + [[0.05]] * 500)
    targets = np.array([[1.0]] * 150 + [[0.0]] * 500)
    found = choose_threshold(scores, targets)
    assert 0.05 < found["threshold"] <= 0.35
    assert (found["score"], found["without"]) == (100.0, 0.0)
    certain = choose_threshold(np.array([[0.99]] * 3), np.ones((3, 1)))
    assert certain == {"threshold": 0.5, "score": 100.0, "without": 100.0}


def test_few_labels_decide_no_threshold_and_unknown_ones_nothing() -> None:
    logits = np.array([[1.0, -1.0]] * 5)
    assert "decoding" not in decided(logits, np.ones((5, 2)), ("x", "y"), multi_label=True)
    assert decided(logits, np.full(5, -1, np.int32), ("x", "y"), multi_label=False) == {}
