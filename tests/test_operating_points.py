"""Thresholds of spans: what users ask for, and what dev promises."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.command_line import failed, invoke, worked
from support.paths import GOLDEN, SAMPLE

import tagger
from tagger.bundles import tagger_files as bundles
from tagger.inference.member import EnsembleMember
from tagger.inference.network import OnnxTagger
from tagger.inference.operating_points import (
    GRID,
    Target,
    parse_min_score,
    parse_target,
    thresholds_of,
)
from tagger.inference.predictor import Predictor
from tagger.text import schemes

TABLE = {
    "operating_points": {
        "thresholds": [0.1, 0.5, 0.9],
        "counts": {
            "": {"gold": 100, "predicted": [150, 100, 50], "correct": [99, 90, 49]},
            "PER": {"gold": 10, "predicted": [20, 10, 0], "correct": [9, 8, 0]},
        },
    }
}


# -- what users ask for


def test_values_of_options() -> None:
    assert parse_min_score(["0.8", "PER=0.9", "a=b=1"]) == {"": 0.8, "PER": 0.9, "a=b": 1.0}
    assert parse_target("recall=0.99") == Target("", "recall", 0.99)
    assert parse_target("a:b:precision=1") == Target("a:b", "precision", 1.0)
    for text in ("", "x", "PER=", "0", "1.1", "nan", "-1"):
        with pytest.raises(
            ValueError, match=r"expected a probability such as 0\.8, above 0 and at"
        ):
            parse_min_score([text])
    for text in ("", "0.9", "f1=0.9", "PER=0.9", "recall", "recall:PER=0.9"):
        with pytest.raises(
            ValueError, match=r"expected a target such as recall=0\.99 or LABEL:pre"
        ):
            parse_target(text)


@pytest.mark.parametrize(
    ("asked", "by_label", "other"),
    [
        ({"min_score": 0.8}, {}, 0.8),
        ({"min_score": {"PER": 0.9}}, {"PER": 0.9}, 0.4),
        ({"min_score": {"PER": 0.9, "": 0.2}}, {"PER": 0.9}, 0.2),
        ({"target": "recall=0.9"}, {}, 0.5),
        ({"target": "recall=0.99"}, {}, 0.1),
        ({"target": "precision=0.9"}, {}, 0.5),
        ({"target": ["PER:precision=0.8"]}, {"PER": 0.5}, 0.4),
        ({"target": ["PER:recall=0.9", "precision=0.95"]}, {"PER": 0.1}, 0.9),
        ({"min_score": {"LOC": 1}, "target": "PER:recall=0.8"}, {"LOC": 1, "PER": 0.5}, 0.4),
    ],
)
def test_thresholds(asked: dict[str, Any], by_label: Mapping[str, float], other: float) -> None:
    found = thresholds_of(TABLE, ["LOC", "PER"], 0.4, **asked)
    assert (found.by_label, found.other) == (by_label, other)


def test_what_dev_promises() -> None:
    found = thresholds_of(TABLE, ["PER"], 0.4, target=["recall=0.9", "PER:precision=0.4"])
    assert found.promises == (
        "recall=0.9: spans with a probability of at least 0.5; on dev precision 0.900, recall "
        "0.900 (100 spans)",
        "PER:precision=0.4: spans with a probability of at least 0.1; on dev precision 0.450, "
        "recall 0.900 (10 spans)",
    )


@pytest.mark.parametrize(
    ("metrics", "target", "message"),
    [
        (TABLE, "recall=1", "recall=1 cannot be reached: on dev the highest recall at any "
         "threshold is 0.990"),
        (TABLE, "PER:precision=0.9", "PER:precision=0.9 cannot be reached: on dev the highest "
         "precision at any threshold is 0.800"),
        (TABLE, "X:recall=0.1", "the model does not predict the label 'X'; it predicts LOC, PER"),
        (TABLE, "LOC:recall=0.1", "the model has no counts on dev of the label LOC from which a "
         "threshold could be chosen; use --min-score, or measure it again on annotated text: "
         "tagger export RUN FILE"),
        ({}, "recall=0.1", "the model has no counts on dev from which a threshold could be "
         "chosen; use --min-score, or measure it again on annotated text: tagger export RUN FILE"),
        (None, "recall=0.1", "a target needs counts on dev, which an average of several models "
         "does not have; use --min-score, or one model"),
    ],
)  # fmt: skip
def test_targets_that_cannot_be_reached(
    metrics: Mapping[str, Any] | None, target: str, message: str
) -> None:
    with pytest.raises(tagger.TaggerError) as raised:
        thresholds_of(metrics, ["LOC", "PER"], 0.5, target=target)
    assert str(raised.value) == message


def test_a_label_has_one_threshold() -> None:
    with pytest.raises(ValueError, match=r"one threshold for the label PER: PER:recall=0\.9 is a"):
        thresholds_of(TABLE, ["PER"], 0.5, {"PER": 0.1}, "PER:recall=0.9")
    with pytest.raises(ValueError, match=r"one threshold for all labels: recall=0\.9 is a second"):
        thresholds_of(TABLE, ["PER"], 0.5, 0.1, "recall=0.9")


# -- from Python and the command line


@pytest.fixture(scope="module")
def model() -> Predictor:
    return tagger.load(GOLDEN, precision="float32")


def test_candidates_are_all_probable_spans_and_thresholds_choose_among_them(
    model: Predictor,
) -> None:
    sentences = [["Mira", "met", "Nordwind", "in", "Quito"], ["Rosa", "Harbour", "Trust"], []]
    wide = model.tag_tokens(sentences, candidates=0.001)
    for threshold in (0.05, 0.3, 0.7, 1.0):
        narrow = model.tag_tokens(sentences, candidates=threshold, min_score=threshold)
        for one, other in zip(wide, narrow, strict=True):
            assert one.candidates is not None
            assert other.spans is not None
            expected = [span for span in one.candidates if (span.score or 0) >= threshold]
            assert list(other.candidates or ()) == expected
            assert set(other.spans) <= set(expected)
            assert all((span.score or 0) >= threshold for span in other.spans)
    best = model.tag_tokens(sentences, decode="best-sequence", best=3)
    for sentence in best:
        assert sentence.best is not None
        first = sentence.best[0]
        assert first.spans == sentence.spans
        scores = [one.score for one in sentence.best]
        assert scores == sorted(scores, reverse=True)
        assert len(set(sentence.best)) == len(sentence.best) == (3 if len(sentence) else 1)
    assert model.tag("Rosa left.", min_score={"PER": 1.0})[0].spans == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"decode": "viterbi"}, "unknown decoding rule 'viterbi'; expected best-sequence"),
        ({"decode": "best-sequence", "min_score": 0.5}, "best-sequence has no thresholds"),
        ({"min_score": 0}, "min_score 0: expected a probability, above 0 and at most 1"),
        ({"min_score": {"PER": 2}}, "min_score 2: expected a probability"),
        ({"candidates": 0.0}, "candidates: expected a probability above 0 and at most 1, got 0.0"),
        ({"best": -1}, "best: expected a number of sequences, got -1"),
    ],
)
def test_impossible_options(model: Predictor, options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        model.predict([], **options)


def test_plain_tags_have_no_thresholds_but_best_sequences() -> None:
    golden = bundles.load(GOLDEN)
    bundle = replace(golden, scheme=schemes.PLAIN)
    with Predictor(EnsembleMember(bundle, OnnxTagger(bundle))) as model:
        for options in ({"min_score": 0.5}, {"candidates": 0.5}):
            with pytest.raises(tagger.TaggerError, match="predicts plain tags, which have no span"):
                model.predict([], **options)  # type: ignore[arg-type]
        [sentence] = model.tag_tokens([["Rosa", "left"]], best=2)
        assert sentence.best is not None
        assert sentence.best[0].tags == sentence.tags
        assert len(sentence.best) == 2


def test_the_command_line(here: Path) -> None:
    lines = '{"tokens": ["Rosa", "left"]}\n{"text": "Mira met Rosa. Quito"}\n'
    out = worked(
        invoke("predict", GOLDEN, "-", "--candidates", "0.001", "--best", "2", input=lines)
    )
    tokens, text = map(json.loads, out.splitlines())
    assert ("PER", "Rosa") in [(span["label"], span["text"]) for span in tokens["candidates"]]
    assert [len(sequences) for sequences in tokens["best"]] == [2]
    assert tokens["best"][0][0]["spans"] == [{"start": 0, "end": 1, "label": "PER", "text": "Rosa"}]
    assert [len(sequences) for sequences in text["best"]] == [2, 2]
    for span in text["candidates"]:
        assert text["text"][span["start"] : span["end"]] == span["text"]
    none = worked(
        invoke("predict", GOLDEN, "-", "--min-score", "PER=1", input="Rosa left Quito.\n")
    )
    assert none == "Rosa left [LOC Quito].\n"
    for arguments, message in (
        (("--min-score", "2"), "'2': expected a probability such as 0.8, above 0 and at most 1"),
        (("--target", "f1=0.9"), "'f1=0.9': expected a target such as recall=0.99 or LABEL:pre"),
        (("--min-score", "0.5", "--target", "recall=0.5"), "expected one --min-score or --target"),
        (("--decode", "best-sequence", "--min-score", "0.5"), "--decode best-sequence has no"),
        (("--candidates", "0.1", "--to", "conll"), "--candidates and --best need JSON Lines"),
    ):
        assert message in failed(invoke("predict", GOLDEN, "-", *arguments, input="Rosa\n"), 2)
    message = failed(invoke("predict", GOLDEN, "-", "--best", "2", input="Rosa\n"))
    assert "-: candidates and best sequences are written as JSON Lines, not as text" in message


def test_evaluation_reports_calibration_and_a_curve(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dev = str(SAMPLE / "dev.conll")
    scores = tagger.evaluate(GOLDEN, dev, calibration=True, curve=True)
    assert scores.calibration is not None
    assert scores.curve is not None
    counts = scores.curve["counts"][""]
    place = GRID.index(0.5)
    half = tagger.evaluate(GOLDEN, dev, min_score=0.5).conlleval
    assert (counts["gold"], counts["predicted"][place], counts["correct"][place]) == (
        half.gold,
        half.predicted,
        half.correct,
    )
    report = worked(invoke("evaluate", GOLDEN, dev, "--calibration", "--plot", "curve.png"))
    assert f"expected calibration error {scores.calibration.ece:.4f}" in report
    assert Path("curve.png").read_bytes().startswith(b"\x89PNG")
    found = json.loads(worked(invoke("evaluate", GOLDEN, dev, "--json", "--calibration")))
    assert found["calibration"]["ece"] == scores.calibration.ece
    message = failed(invoke("evaluate", GOLDEN, dev, "--plot", "curve.txt"))
    assert "curve.txt: a plot cannot be written as 'txt'; expected .png or .svg" in message
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    message = failed(invoke("evaluate", GOLDEN, dev, "--plot", "curve.png"))
    assert "a plot needs matplotlib, not installed here: pip install" in message
    assert "'span-tagger[search]'" in message
    with pytest.raises(ValueError, match="calibration, curve, thresholds and rules need a model"):
        tagger.evaluate(predictions="x", calibration=True)
