"""The schemas of partly correct spans, against figures that nervaluate 1.2.1 computed; and the
scores of spans of characters.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.paths import GOLDEN

import tagger
from tagger.evaluation.confusion import confusion
from tagger.evaluation.report import report
from tagger.evaluation.schemas import Interval, schemas

Documents = list[list[Interval]]

# Correct, incorrect, partial, missed and spurious spans; precision, recall and F1.
EXPECTED: list[tuple[Documents, Documents, dict[str, tuple[float, ...]]]] = [
    (
        [[(0, 4, "PER"), (10, 14, "LOC"), (20, 24, "ORG"), (30, 34, "PER")]],
        [[(0, 4, "PER"), (10, 14, "PER"), (20, 22, "ORG"), (40, 44, "LOC")]],
        {
            "strict": (1, 2, 0, 1, 1, 25.0, 25.0, 25.0),
            "exact": (2, 1, 0, 1, 1, 50.0, 50.0, 50.0),
            "partial": (2, 0, 1, 1, 1, 62.5, 62.5, 62.5),
            "type": (2, 1, 0, 1, 1, 50.0, 50.0, 50.0),
        },
    ),
    (
        [[(0, 10, "PER"), (20, 22, "LOC")]],
        [[(0, 4, "PER"), (5, 10, "PER"), (19, 23, "ORG")]],
        {
            "strict": (0, 2, 0, 0, 1, 0.0, 0.0, 0.0),
            "exact": (0, 2, 0, 0, 1, 0.0, 0.0, 0.0),
            "partial": (0, 0, 2, 0, 1, 33.33, 50.0, 40.0),
            "type": (1, 1, 0, 0, 1, 33.33, 50.0, 40.0),
        },
    ),
    (
        [[(0, 4, "LOC"), (5, 9, "PER")]],
        [[(0, 9, "PER")]],
        {
            "strict": (0, 1, 0, 1, 0, 0.0, 0.0, 0.0),
            "exact": (0, 1, 0, 1, 0, 0.0, 0.0, 0.0),
            "partial": (0, 0, 1, 1, 0, 50.0, 25.0, 33.33),
            "type": (1, 0, 0, 1, 0, 100.0, 50.0, 66.67),
        },
    ),
    (
        [[(0, 4, "PER")], [], [(2, 4, "ORG")]],
        [[], [(0, 4, "PER")], [(2, 4, "ORG")]],
        dict.fromkeys(("strict", "exact", "partial", "type"), (1, 0, 0, 1, 1, 50.0, 50.0, 50.0)),
    ),
    ([], [], dict.fromkeys(("strict", "exact", "partial", "type"), (0,) * 5 + (0.0,) * 3)),
]


@pytest.mark.parametrize(("gold", "predicted", "expected"), EXPECTED)
def test_figures_are_those_of_nervaluate(
    gold: Documents, predicted: Documents, expected: dict[str, tuple[float, ...]]
) -> None:
    found = schemas(gold, predicted)
    assert {name: tuple(score.as_json().values()) for name, score in found.items()} == expected


# -- confusion of labels

BORDERS = [(0, 1), (0, 2), (1, 2), (3, 4)]
SPANS = st.lists(st.tuples(st.sampled_from(BORDERS), st.sampled_from("ABC")), max_size=8)
PAIRS = st.lists(st.tuples(SPANS, SPANS), max_size=3)


@given(PAIRS)
def test_confusion_counts_each_span_once(
    drawn: list[tuple[list[tuple[tuple[int, int], str]], list[tuple[tuple[int, int], str]]]],
) -> None:
    gold = [[(*borders, label) for borders, label in pair[0]] for pair in drawn]
    predicted = [[(*borders, label) for borders, label in pair[1]] for pair in drawn]
    found = confusion(gold, predicted)
    by_gold, by_predicted = Counter(found.missed), Counter(found.spurious)
    for (one, other), count in found.pairs.items():
        by_gold[one] += count
        by_predicted[other] += count
    assert by_gold == Counter(span[2] for spans in gold for span in spans)
    assert by_predicted == Counter(span[2] for spans in predicted for span in spans)
    # Per text and borders, as many spans as possible are compared, and of these equal labels.
    compared = equal = 0
    for one_text, other_text in zip(gold, predicted, strict=True):
        for borders in BORDERS:
            left = [span[2] for span in one_text if span[:2] == borders]
            right = [span[2] for span in other_text if span[:2] == borders]
            compared += min(len(left), len(right))
            equal += sum(min(left.count(label), right.count(label)) for label in "ABC")
    assert found.pairs.total() == compared
    assert sum(found.pairs[label, label] for label in "ABC") == equal


def test_confusion_in_json_and_as_a_table() -> None:
    gold: Documents = [[(0, 4, "PER"), (10, 14, "LOC"), (20, 24, "ORG")], [(0, 1, "LOC")]]
    predicted: Documents = [[(0, 4, "PER"), (10, 14, "PER"), (20, 22, "ORG")], [(0, 1, "PER")]]
    found = confusion(gold, predicted)
    assert found.as_json() == {
        "labels": {"LOC": {"PER": 2}, "PER": {"PER": 1}},
        "missed": {"ORG": 1},
        "spurious": {"ORG": 1},
    }
    assert [line.split() for line in found.table()] == [
        ["LOC", "ORG", "PER", "missed"],
        ["LOC", "0", "0", "2", "0"],
        ["ORG", "0", "0", "0", "1"],
        ["PER", "0", "0", "1", "0"],
        ["spurious", "0", "1", "0"],
    ]
    many: Documents = [[(number, number + 1, f"L{number:02}") for number in range(11)]]
    assert confusion(many, many).table() == confusion([[(0, 1, "A")]], [[]]).table() == []
    assert len(confusion([many[0][:10]], [[]]).table()) == 12


# -- characters

LINE = {
    "text": "Annas met Bo. Zoe sang.",
    "gold": [[0, 3, "PER"], [10, 12, "PER"], [14, 17, "LOC"]],
    "spans": [
        {"start": 10, "end": 12, "label": "PER", "text": "Bo", "score": 0.9},
        {"start": 0, "end": 5, "label": "PER", "text": "Annas", "score": 0.9},
    ],
}


def test_gold_spans_that_are_no_tokens_count_as_missed(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(json.dumps(LINE) + "\n")
    scores = tagger.evaluate(predictions=path)
    assert scores.strict is not None
    for score in (scores.conlleval, scores.strict):
        assert (score.gold, score.predicted, score.correct) == (3, 2, 1)
        assert (score.precision, score.recall, score.f1) == (50.0, 33.33, 40.0)
        assert {name: one.gold for name, one in score.labels.items()} == {"LOC": 1, "PER": 2}
    assert scores.cutting == 1
    assert tuple(scores.schemas["partial"].as_json().values()) == (1, 0, 1, 1, 0, 75.0, 50.0, 60.0)
    assert scores.as_json()["cutting"] == 1
    assert report(scores).splitlines()[-13:] == [
        "missed     1 of the gold spans cut a token",
        "",
        "         precision  recall      F1    correct  incorrect    partial     missed   spurious",
        "strict       50.00   33.33   40.00          1          1          0          1          0",
        "exact        50.00   33.33   40.00          1          1          0          1          0",
        "partial      75.00   50.00   60.00          1          0          1          1          0",
        "type        100.00   66.67   80.00          2          0          0          1          0",
        "",
        "gold label by predicted label of spans with the same borders",
        "               LOC       PER    missed",
        "LOC              0         0         1",
        "PER              0         1         1",
        "spurious         0         1",
    ]


def test_predictions_of_other_tools_may_cut_tokens_too(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text(json.dumps({**LINE, "spans": [[0, 3, "PER"], [14, 16, "LOC"]]}) + "\n")
    strict = tagger.evaluate(predictions=path).strict
    assert strict is not None
    assert (strict.gold, strict.predicted, strict.correct) == (3, 2, 1)


def test_gold_and_predictions_are_counted_in_their_own_units(tmp_path: Path) -> None:
    line = {
        "text": "\U0001f600 Bo met Zoe.",
        "gold": [{"start": 3, "end": 5, "label": "PER", "text": "Bo"}],
        "spans": [{"start": 2, "end": 4, "label": "PER", "text": "Bo", "score": 0.9}],
    }
    path = tmp_path / "p.jsonl"
    path.write_text(json.dumps(line) + "\n")
    assert tagger.evaluate(predictions=path).conlleval.f1 == 100
    del line["gold"][0]["text"]  # type: ignore[attr-defined]
    path.write_text(json.dumps(line) + "\n")
    assert tagger.evaluate(predictions=path, offsets="utf-16").conlleval.f1 == 100


def test_a_model_is_scored_on_gold_spans_that_are_no_tokens(tmp_path: Path) -> None:
    path, issues = tmp_path / "gold.jsonl", tmp_path / "issues.jsonl"
    path.write_text(json.dumps({"text": LINE["text"], "spans": [[0, 3, "PER"]]}) + "\n")
    with tagger.load(GOLDEN) as model:
        scores = tagger.evaluate(model, path, issues=str(issues))
        assert (scores.conlleval.gold, scores.conlleval.recall, scores.cutting) == (1, 0.0, 1)
        assert [json.loads(line)["action"] for line in issues.read_text().splitlines()] == [
            "missed"
        ]
        progress: list[tuple[int, int]] = []
        tagger.evaluate(model, path, on_progress=lambda *counts: progress.append(counts))
        assert progress[-1] == (7, 7)
        assert progress == sorted(progress)
        expanded = tagger.evaluate(model, path, misaligned="expand")
        assert (expanded.conlleval.gold, expanded.cutting) == (1, 0)
        with pytest.raises(tagger.DataError, match="does not begin and end with a token"):
            tagger.evaluate(model, path, misaligned="error")
