"""Figures that others computed (the script conlleval, seqeval), identities, and odd pairs of
columns.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.paths import DATA, ROOT, shared

from tagger.evaluation import entities
from tagger.evaluation.report import report
from tagger.evaluation.scores import ENOUGH_SPANS, Score, conlleval, scores, span_f1, strict
from tagger.text.schemes import PREFIXES, SCHEMES, SchemeError, convert, decode, encode
from tagger.text.spans import Span

OURS = DATA / "conlleval"
LABELS = ("NAME", "TOWN", "PLACE-AREA")
Column = list[list[str]]


def read(path: Path) -> tuple[Column, Column]:
    """The last two columns of a file of blank-separated lines, sentence by sentence."""
    opened: Callable[..., Any] = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        blocks = [
            block.strip().splitlines() for block in file.read().split("\n\n") if block.strip()
        ]
    gold = [[line.split()[-2] for line in block] for block in blocks]
    return gold, [[line.split()[-1] for line in block] for block in blocks]


def expected(folder: Path) -> dict[str, Any]:
    path = folder / "expected.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


@st.composite
def spans(draw: st.DrawFn, length: int) -> list[Span]:
    """Spans of a sentence; adjacent ones of one label are likely."""
    found, start = [], 0
    while start < length:
        end = draw(st.integers(start + 1, min(start + 3, length)))
        if draw(st.integers(0, 2)):
            found.append(Span(start, end, draw(st.sampled_from(LABELS))))
        start = end
    return found


@st.composite
def valid_columns(draw: st.DrawFn, scheme: str = "IOB2") -> tuple[Column, Column]:
    lengths = draw(st.lists(st.integers(0, 8), max_size=5))
    gold = [encode(draw(spans(length)), length, scheme) for length in lengths]
    return gold, [encode(draw(spans(length)), length, scheme) for length in lengths]


@st.composite
def stray_columns(draw: st.DrawFn, scheme: str) -> tuple[Column, Column]:
    """Valid gold tags, and predicted ones in any order of the scheme's tags."""
    gold = draw(valid_columns(scheme))[0]
    tag = st.sampled_from(
        ["O", *(f"{prefix}-{label}" for prefix in PREFIXES[scheme] for label in LABELS)]
    )
    return gold, [draw(st.lists(tag, min_size=len(tags), max_size=len(tags))) for tags in gold]


@pytest.mark.parametrize("name", expected(OURS))
def test_conlleval_prints_what_the_script_printed(name: str) -> None:
    """``expected.json`` holds the output of the original script for each file, run once."""
    assert conlleval(*read(OURS / name)).as_json() == expected(OURS)[name]


def test_every_small_file_is_judged() -> None:
    assert {path.name for path in OURS.glob("*.txt")} == set(expected(OURS))


def test_conlleval_prints_what_the_script_prints_for_large_and_noisy_files() -> None:
    golden = shared("golden", "conlleval")
    for name, figures in expected(golden).items():
        computed = conlleval(*read(golden / name)).as_json()
        assert computed == figures, name
        assert list(computed["labels"]) == list(figures["labels"]), (
            f"{name}: the order of the labels"
        )


def test_conlleval_merges_adjacent_iobes_spans_that_strict_keeps_apart() -> None:
    both = scores(*read(OURS / "iobes_adjacent_merge.txt"))
    assert both.strict is not None
    assert (both.conlleval.gold, both.strict.gold) == (2, 4)


def test_json_has_exactly_the_public_keys() -> None:
    score = [
        "tokens",
        "gold",
        "predicted",
        "correct",
        "accuracy",
        "precision",
        "recall",
        "f1",
        "labels",
    ]
    both = scores([["B-NAME", "I-NAME", "O"]], [["B-NAME", "O", "O"]]).as_json()
    assert list(both) == ["conlleval", "strict"]
    assert [list(both[name]) for name in both] == [score, score]
    label = {"precision": 0.0, "recall": 0.0, "f1": 0.0, "predicted": 1}
    assert both["conlleval"]["labels"] == {"NAME": label}
    label |= {"gold": 1, "correct": 0}
    assert json.loads(json.dumps(both))["strict"]["labels"] == {"NAME": label}


def seqeval_figures(gold: Column, predicted: Column, scheme: str) -> dict[str, list[float]]:
    """Precision, recall and F1 in percent, and the support, of seqeval's own strict report."""
    metrics, classes = pytest.importorskip("seqeval.metrics"), pytest.importorskip("seqeval.scheme")
    found = metrics.classification_report(
        gold,
        predicted,
        mode="strict",
        scheme=getattr(classes, scheme),
        output_dict=True,
        zero_division=0,
    )
    keys = ("precision", "recall", "f1-score")
    return {
        name.removesuffix(" avg"): [*(round(100 * row[key], 2) for key in keys), row["support"]]
        for name, row in found.items()
    }


def assert_equals_seqeval(score: Score, figures: dict[str, list[float]]) -> None:
    micro = [score.precision, score.recall, score.f1, score.gold]
    assert micro == pytest.approx(figures.pop("micro"), abs=0.011)
    assert [*score.macro, score.gold] == pytest.approx(figures.pop("macro"), abs=0.011)
    del figures["weighted"]
    computed = {
        name: [row.precision, row.recall, row.f1, row.gold] for name, row in score.labels.items()
    }
    assert computed == {name: pytest.approx(row, abs=0.011) for name, row in figures.items()}
    assert score.predicted == sum(row.predicted for row in score.labels.values())
    assert score.correct == sum(row.correct for row in score.labels.values())


@pytest.mark.parametrize("scheme", ["IOB2", "IOBES", "BILOU"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_strict_equals_the_strict_report_of_seqeval(scheme: str, data: st.DataObject) -> None:
    gold, predicted = data.draw(stray_columns(scheme))
    score = strict(gold, predicted, scheme)
    if score.labels:  # seqeval has no macro average of nothing
        assert_equals_seqeval(score, seqeval_figures(gold, predicted, scheme))


@settings(max_examples=60, deadline=None)
@given(columns=valid_columns("IOB1"))
def test_strict_equals_seqeval_on_iob1_without_needless_b(columns: tuple[Column, Column]) -> None:
    score = strict(*columns, "IOB1")
    if score.labels:
        assert_equals_seqeval(score, seqeval_figures(*columns, "IOB1"))


def test_seqeval_loses_iob2_tags_read_as_iob1_and_strict_does_not() -> None:
    """Why seqeval is given IOB1 as IOB2; should it fail, seqeval was mended and `strict` can be
    simpler.
    """
    classes = pytest.importorskip("seqeval.scheme")
    tags = ["O", "B-NAME", "I-NAME", "O", "B-TOWN"]
    assert len(decode(tags, "IOB1")) == 2
    assert [(e.start, e.end) for e in classes.Tokens(tags, classes.IOB1, sent_id=0).entities] == [
        (2, 3)
    ]
    assert strict([["O", "I-NAME", "I-NAME", "O", "I-TOWN"]], [tags]).f1 == 100.0


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["IOB2", "IOBES", "BILOU"])
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_the_spans_of_seqeval_and_the_built_in_ones_are_the_same(
    scheme: str, data: st.DataObject
) -> None:
    """In columns of any tags of the scheme, in both of its directions; sentences may be empty."""
    pytest.importorskip("seqeval")
    labels = st.sampled_from([*LABELS, "0", "-", "A-", "_", " "])
    tag = st.just("O") | st.builds("{}-{}".format, st.sampled_from(PREFIXES[scheme]), labels)
    column = data.draw(st.lists(st.lists(tag, max_size=9), max_size=5))
    assert entities.by_seqeval(column, scheme) == entities.built_in(column, scheme)
    valid = data.draw(valid_columns(scheme))[0]
    expected = {
        (number, span.start, span.end, span.label)
        for number, tags in enumerate(valid)
        for span in decode(tags, scheme)
    }
    assert entities.by_seqeval(valid, scheme) == entities.built_in(valid, scheme) == expected


@pytest.mark.parametrize("scheme", ["IO", "IOB1", "IOB2", "IOBES", "BILOU", "plain"])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_scores_are_the_same_with_and_without_seqeval(scheme: str, data: st.DataObject) -> None:
    """Whole reports, where labels are predicted that gold does not have too."""
    pytest.importorskip("seqeval")
    if scheme == "plain":
        lengths = data.draw(st.lists(st.integers(0, 5), max_size=4))
        tags = st.sampled_from(["DT", "NN", "VB"])
        gold, predicted = (
            [data.draw(st.lists(tags, min_size=n, max_size=n)) for n in lengths] for _ in range(2)
        )
    elif scheme == "IO":
        gold, predicted = (
            [convert(tags, "IOB2", "IOB1") for tags in column]
            for column in data.draw(valid_columns())
        )
        gold = [[tag.replace("B-", "I-") for tag in tags] for tags in gold]
        predicted = [
            [tag.replace("B-", "I-").replace("NAME", "NEW") for tag in tags] for tags in predicted
        ]
    else:
        gold, predicted = data.draw(
            valid_columns(scheme) if scheme == "IOB1" else stray_columns(scheme)
        )
        predicted = [[tag.replace("TOWN", "NEW") for tag in tags] for tags in predicted]
    with mock.patch.object(entities, "find_spec", return_value=None):
        expected = strict(gold, predicted, scheme)
    assert strict(gold, predicted, scheme) == expected


def test_seqeval_is_asked_where_it_is_installed_and_for_strict_figures_alone() -> None:
    pytest.importorskip("seqeval")
    columns = [["B-NAME", "I-NAME", "O"]], [["B-NAME", "O", "O"]]
    with mock.patch.object(entities, "by_seqeval", side_effect=entities.built_in) as asked:
        conlleval(*columns)
        span_f1([[Span(0, 1, "A")]], [[Span(0, 1, "A")]])
        strict([["DT"]], [["NN"]], "plain")
        assert not asked.called
        strict(*columns, "IOB1")
        assert asked.call_args.args[1] == "IOB2"
        strict(*columns, "IOB2")
        assert asked.call_count == 4


def test_strict_imports_no_scikit_learn() -> None:
    code = (
        "import sys; from tagger.evaluation.scores import strict; strict([['B-A']], [['B-A']]);"
        "sys.exit(bool({'sklearn', 'keras', 'datasets'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@settings(max_examples=80, deadline=None)
@given(columns=valid_columns())
def test_both_readings_and_span_f1_agree_on_valid_iob2(columns: tuple[Column, Column]) -> None:
    by_script, exact = conlleval(*columns), strict(*columns, "IOB2")
    assert {**by_script.as_json(), "labels": {}} == {**exact.as_json(), "labels": {}}
    assert by_script.labels == exact.labels
    assert by_script.macro == exact.macro
    fractions = span_f1(*([decode(tags, "IOB2") for tags in column] for column in columns))
    assert [round(100 * value, 2) for value in fractions] == [
        exact.precision,
        exact.recall,
        exact.f1,
    ]


@pytest.mark.slow
@pytest.mark.parametrize("scheme", [scheme for scheme in SCHEMES if scheme != "IO"])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_gold_against_itself_is_100(scheme: str, data: st.DataObject) -> None:
    gold, _ = data.draw(valid_columns(scheme))
    for score in (conlleval(gold, gold), strict(gold, gold, scheme)):
        assert score.gold == score.predicted == score.correct
        assert score.f1 == (100.0 if score.gold else 0.0)
        assert score.accuracy == (100.0 if score.tokens else 0.0)
        assert all(figures.f1 == 100.0 for figures in score.labels.values())


@pytest.mark.parametrize("gold_in", ["IOB1", "IOBES", "BILOU"])
@pytest.mark.parametrize("predicted_in", ["IOB1", "IOB2", "IOBES", "BILOU"])
@settings(max_examples=20, deadline=None)
@given(columns=valid_columns())
def test_strict_does_not_depend_on_the_schemes_of_the_columns(
    gold_in: str, predicted_in: str, columns: tuple[Column, Column]
) -> None:
    # Each column shows its scheme: IOB1 by many I- and an adjacent span, the others by a span of
    # two tokens.
    shown = [["B-NAME", "I-NAME", "B-NAME"]] * ENOUGH_SPANS
    gold, predicted = ([*column, *shown] for column in columns)
    wanted = strict(gold, predicted, "IOB2")
    gold = [convert(tags, "IOB2", gold_in) for tags in gold]
    found = strict(gold, [convert(tags, "IOB2", predicted_in) for tags in predicted])
    assert (found.labels, found.macro, found.scheme) == (wanted.labels, wanted.macro, gold_in)


def test_many_spans_opened_by_inside_tags_are_iob1_and_a_few_are_mistakes() -> None:
    few = [["I-NAME", "I-NAME"]] * (ENOUGH_SPANS - 1)
    gold = [["B-NAME", "I-NAME"]] * ENOUGH_SPANS
    assert strict(gold[1:], few).f1 == 0.0
    assert strict(gold, [*few, few[0]]).f1 == 100.0
    assert strict(gold, [*few, few[0]], "IOB2").f1 == 0.0


@pytest.mark.parametrize(
    ("gold", "predicted", "scheme", "counts", "accuracy"),
    [
        ("B-NAME I-NAME", "I-NAME I-NAME", "IOB2", (1, 0, 0), 50.0),
        ("I-NAME I-TOWN", "B-NAME B-TOWN", "IOB1", (2, 2, 2), 100.0),
        ("I-NAME B-NAME", "B-NAME I-NAME", "IOB1", (2, 1, 0), 50.0),
        ("B-NAME I-NAME", "B-NAME L-NAME", "IOB2", (1, 1, 1), 100.0),
        ("B-NAME E-NAME", "B-NAME I-NAME", "IOBES", (1, 1, 1), 100.0),  # wholly valid IOB2
        ("B-NAME E-NAME S-TOWN", "B-NAME I-NAME S-TOWN", "IOBES", (2, 1, 1), 66.67),
        ("U-NAME O", "U-NAME I-NAME", "BILOU", (1, 1, 1), 50.0),
        ("O O", "S-NAME O", "IOB2", (0, 1, 0), 50.0),
        ("B-A- O", "B-A- B-A", "IOB2", (1, 2, 1), 50.0),
    ],
)
def test_strict_reads_each_column_in_its_scheme(
    gold: str, predicted: str, scheme: str, counts: tuple[int, int, int], accuracy: float
) -> None:
    score = strict([gold.split()], [predicted.split()])
    assert (score.scheme, (score.gold, score.predicted, score.correct)) == (scheme, counts)
    assert score.accuracy == accuracy


def test_strict_in_io_cannot_separate_adjacent_spans() -> None:
    score = strict([["I-NAME", "I-NAME", "O"]], [["I-NAME", "I-NAME", "O"]], "IO")
    assert (score.gold, score.correct, score.scheme) == (1, 1, "IO")


def test_plain_tags_are_counted_by_token() -> None:
    score = strict([["DT", "NN"], ["VB", "NN"]], [["DT", "NN"], ["NN", "NN"]])
    assert (score.scheme, score.gold, score.predicted, score.correct) == ("plain", 4, 4, 3)
    assert score.accuracy == score.precision == score.recall == score.f1 == 75.0
    noun = score.labels["NN"]
    assert (noun.gold, noun.predicted, noun.correct) == (2, 3, 2)
    assert (noun.precision, noun.recall, noun.f1) == (66.67, 100.0, 80.0)
    assert score.macro == (55.56, 66.67, 60.0)


def test_gold_of_mixed_prefixes_leaves_conlleval_alone() -> None:
    both = scores([["S-A", "U-A"]], [["S-A", "O"]])
    assert both.as_json()["strict"] is None
    assert "no scheme" in report(both)


def test_gold_in_no_scheme_is_read_in_iob1_and_says_how_to_mend() -> None:
    gold, predicted = read(OURS / "sentence_border.txt")
    with pytest.raises(SchemeError, match=r"gold tags are not in any single scheme.*--scheme IOB1"):
        strict(gold, predicted)
    both = scores(gold, predicted)
    assert both.as_json()["conlleval"] == expected(OURS)["sentence_border.txt"]
    assert both.strict == scores(gold, predicted, "IOB1").strict
    assert "declare --scheme IOB1" in report(both)
    declared = scores(gold, predicted, "IOB1").strict
    assert declared is not None
    assert declared.f1 == 100.0


def test_a_declared_scheme_must_fit() -> None:
    with pytest.raises(SchemeError, match="gold tags, sentence 2: tag 'I-TOWN' cannot follow"):
        scores([["O"], ["O", "I-TOWN"]], [["O"], ["O", "O"]], "IOB2")
    with pytest.raises(SchemeError, match=r"'S-TOWN' \(sentence 2, token 1\) is not a tag of IOB2"):
        scores([["O"], ["O"]], [["O"], ["S-TOWN"]], "IOB2")
    with pytest.raises(ValueError, match="unknown scheme 'IOBX': expected one of IOB2"):
        strict([["O"]], [["O"]], "IOBX")


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="sentence 2 has 1 gold tags but 2 predicted"):
        scores([["O"], ["O"]], [["O"], ["O", "O"]])
    with pytest.raises(ValueError, match="sentence 2 has 0 gold tags but 1 predicted"):
        conlleval([["O"]], [["O"], ["O"]])
    with pytest.raises(ValueError, match="longer"):
        span_f1([[]], [[], []])


@pytest.mark.parametrize("column", [[], [[]], [["O"]]])
def test_nothing_to_find_is_zero_and_no_error(column: Column) -> None:
    both = scores(column, column)
    assert both.strict is not None
    assert both.conlleval.as_json() == both.strict.as_json()
    assert (both.strict.f1, both.strict.macro, both.strict.labels) == (0.0, (0.0, 0.0, 0.0), {})
    assert span_f1([], []) == (0.0, 0.0, 0.0)
    assert "micro" in report(both)


def test_report_of_plain_tags_has_one_reading() -> None:
    text = report(scores([["DT", "NN"]], [["DT", "VB"]]))
    assert "conlleval" not in text
    assert "by token" in text
