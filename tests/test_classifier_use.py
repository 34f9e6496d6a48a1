"""Classifiers in Python: texts of any kind and length, thresholds, a golden bundle."""

from __future__ import annotations

import importlib
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.paths import GOLDEN_CLASSIFIER

from tagger import classification
from tagger.bundles import classifier as bundles
from tagger.classification.classifier import Classifier
from tagger.errors import TaggerError

TEXT = "A lovely film."


# -- a bundle of format 1, which every later version reads


GOLDEN_SCORES = {
    TEXT: {"bad": 0.16862, "good": 0.45402, "mixed": 0.3215},
    "Dull, cold.": {"bad": 0.16168, "good": 0.4472, "mixed": 0.31073},
    "": {"bad": 0.20553, "good": 0.51673, "mixed": 0.40787},
}


def test_the_golden_classifier_predicts_what_it_always_did() -> None:
    with classification.load(GOLDEN_CLASSIFIER) as model:
        for text, expected in GOLDEN_SCORES.items():
            found = model.classify(text)
            assert found.probabilities == pytest.approx(expected, abs=1e-5)
            assert {*found.labels} == {name for name, score in expected.items() if score >= 0.4}
    facts = bundles.describe(bundles.load(GOLDEN_CLASSIFIER))
    assert "at temperature 0.5 to 2 by label" in facts["probabilities"]
    assert facts["probabilities"].endswith("labels from a probability of 0.4")
    assert facts["network"] == (
        "gru, 1 x 4 units, both directions, pooling maximum, 3 hidden units"
    )


# -- Python


def test_texts_and_tokens_are_the_same(single_label: Classifier) -> None:
    found = single_label.classify(TEXT)
    (same,) = single_label.predict([("A", "lovely", "film", ".")])
    assert found.probabilities == same.probabilities
    assert found.label in single_label.labels == ("bad", "good", "mixed")
    assert found.labels == (found.label,)
    assert repr(found) == f"Prediction(labels=('{found.label}',))"
    assert single_label.classify("").label in single_label.labels
    assert [*single_label.classify_many([])] == []


def test_windows_are_as_one_text_after_the_other(
    single_label: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [("a", "lovely") * (number % 7) for number in range(50)]
    alone = np.concatenate([single_label.logits([text]) for text in texts])
    monkeypatch.setattr("tagger.classification.classifier.window_tokens", lambda labels: 20)
    np.testing.assert_allclose(single_label.logits(texts), alone, atol=1e-5)


def test_texts_are_consumed_lazily(single_label: Classifier) -> None:
    def endless() -> Any:
        for number in itertools.count():
            yield f"film {number}"

    found = list(itertools.islice(single_label.classify_many(endless()), 3))
    assert len(found) == 3


def test_a_very_long_text_is_classified_as_a_whole(single_label: Classifier) -> None:
    """20,000 tokens, of which the graph sees 4,096 at once."""
    words = ["a", "film", ".", "not"] * 5000
    ends = [single_label.logits([[word, *words, word]])[0] for word in ("lovely", "cold")]
    assert not np.allclose(ends[0], ends[1])
    assert single_label.classify(" ".join(words)).label in single_label.labels


def test_thresholds(multi_label: Classifier) -> None:
    low, high = (multi_label.classify(TEXT, threshold=one) for one in (1e-9, 1.0))
    assert {*low.labels} == {*multi_label.labels}
    assert list(low.labels) == sorted(low.labels, key=lambda one: -low.probabilities[one])
    assert high.labels == ()
    assert high.label == low.labels[0]


@pytest.mark.parametrize(
    ("use", "kind", "message"),
    [
        (lambda model: model.classify(3), TypeError, "expected a text of type str, got int: 3"),
        (
            lambda model: model.classify_many("abc"),
            TypeError,
            "expected texts of type str, got str",
        ),
        (lambda model: list(model.classify_many([b"a"])), TypeError, "expected a text of type str"),
        (lambda model: list(model.predict("abc")), TypeError, "expected texts, each a sequence of"),
        (lambda model: list(model.predict(["abc"])), TypeError, "classify raw text with classify"),
        (lambda model: list(model.predict([["a", 3]])), TypeError, "expected tokens of type str"),
        (
            lambda model: model.classify("a", threshold=0.5),
            ValueError,
            "exactly one label per text",
        ),
    ],
)
def test_wrong_arguments(
    single_label: Classifier, use: Any, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        use(single_label)
    assert single_label.classify(TEXT)


def test_an_impossible_threshold(multi_label: Classifier) -> None:
    with pytest.raises(ValueError, match=r"expected a threshold above 0 and up to 1, got 1\.5"):
        multi_label.classify("a", threshold=1.5)


def test_a_closed_model_says_so(single_label_run: Path) -> None:
    with classification.load(single_label_run) as model:
        waiting = model.classify_many([TEXT])
    closed = "the classifier is closed; open it again with tagger.classification.load"
    with pytest.raises(TaggerError, match=closed):
        model.classify(TEXT)
    with pytest.raises(TaggerError, match=closed):
        next(waiting)


def test_the_package_lists_its_names() -> None:
    assert dir(classification) == sorted(classification.__all__)
    assert {*classification.__all__} == {*classification._HOMES}
    for name, home in classification._HOMES.items():  # no module hides a function of its name
        importlib.import_module(home)
        assert callable(getattr(classification, name)), name
    with pytest.raises(AttributeError, match="has no attribute 'clasify'"):
        _ = classification.clasify
