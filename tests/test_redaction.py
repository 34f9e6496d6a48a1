"""`tagger redact`: spans are replaced, nothing else changes, and maps restore every byte."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.command_line import failed, invoke, worked
from support.paths import GOLDEN

import tagger
from tagger.inference.predictor import Predictor
from tagger.inference.redaction import Redacted, redact_files, restore
from tagger.inference.redactor import join_lines, split_lines

TEXT = "Mira Okafor works for Nordwind in Quito.\r\n\nRosa left.\nMira Okafor met ROSA."
WORDS = [
    "Mira Okafor",
    "Rosa",
    "left",
    "met",
    "in",
    "Quito",
    ".",
    "Nordwind",
    "\u00a0",
    "😀",
    "[",
    "PER-1",
]


@pytest.fixture(scope="module")
def model() -> Predictor:
    return tagger.load(GOLDEN, precision="float32")


def redacted(
    model: Predictor, here: Path, content: bytes, name: str = "a.txt", **options: object
) -> bytes:
    """Redact a file, check that its map restores it, and return the redacted content."""
    (here / name).write_bytes(content)
    done = redact_files(model, here / name, here / "out", keep_map=True, **options)  # type: ignore[arg-type]
    assert isinstance(done, Redacted)
    found = (here / "out" / name).read_bytes()
    mapping = json.loads((here / "out" / f"{name}.map.json").read_text())
    assert restore(found, mapping) == content
    return found


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("label", "[PER] works for [ORG] in [LOC].\r\n\n[PER] left.\n[PER] met [PER]."),
        ("block", "█████ works for █████ in █████.\r\n\n█████ left.\n█████ met █████."),
        ("pseudonym", "PER-1 works for ORG-1 in LOC-1.\r\n\nPER-2 left.\nPER-1 met PER-2."),
    ],
)
def test_styles(model: Predictor, here: Path, style: str, expected: str) -> None:
    found = redacted(model, here, TEXT.encode(), style=style)
    assert found.decode() == expected


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_the_encoding_and_the_mark_stay(model: Predictor, here: Path, encoding: str) -> None:
    content = "Rosa left “Quito”.\n".encode(encoding)
    declared = {"encoding": encoding} if encoding == "cp1252" else {}
    found = redacted(model, here, content, **declared)
    assert found == "[PER] left “[LOC]”.\n".encode(encoding)


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(st.sampled_from(WORDS), st.sampled_from([" ", "\n", "\r\n", "\n\n", "  "])),
        max_size=15,
    ),
    st.booleans(),
)
@example([("Rosa", "\r\n"), ("Rosa", " ")], True)
def test_text_outside_spans_is_untouched(
    model: Predictor, here: Path, parts: Sequence[tuple[str, str]], wrapped: bool
) -> None:
    text = "".join(word + end for word, end in parts)
    found = redacted(
        model, here, text.encode(), style="block", wrapped=wrapped, source_format="text"
    ).decode()
    # What is left between the blocks occurs in the text, in this order, and covers its ends.
    pattern = "(?s:.+?)".join(map(re.escape, re.split(r"█████(?:\r?\n)*", found)))
    assert re.fullmatch(pattern, text)
    assert found.count("\n") == text.count("\n")


def test_a_span_over_a_line_break_keeps_it(model: Predictor, here: Path) -> None:
    found = redacted(model, here, b"Nobody met Mira\nOkafor in Quito.\n", wrapped=True)
    assert found == b"Nobody met [PER]\n in [LOC].\n"


def test_columns_are_replaced_token_by_token_and_so_are_their_copies(
    model: Predictor, here: Path
) -> None:
    content = (
        b"# note\n-DOCSTART- O\n\nMira NN Mira O\nOkafor NN okafor O\nleft VB leave O\n\n\n"
        b"Quito NN x O\n"
    )
    found = redacted(model, here, content, "a.conll", token_column=0)
    assert found == (
        b"# note\n-DOCSTART- O\n\n[PER] NN [PER] O\n[PER] NN okafor O\nleft VB leave O\n\n\n"
        b"[LOC] NN x O\n"
    )
    tabs = redacted(model, here, b"Mira\tx y\nleft\t\n", "b.conll", token_column=0)
    assert tabs == b"[PER]\tx y\nleft\t\n"


def test_comments_that_repeat_the_text_are_redacted(model: Predictor, here: Path) -> None:
    content = (
        b"# text = Mira Okafor left Quito.\n# source = x\nMira NN O\nOkafor NN O\nleft VB O\n"
        b"Quito NN O\n\n# text = Nobody\nNobody NN O\n"
    )
    found = redacted(model, here, content, "a.conll", token_column=0)
    assert found == (
        b"# text = [PER] left [LOC]\n# source = x\n[PER] NN O\n[PER] NN O\nleft VB O\n"
        b"[LOC] NN O\n\n# text = Nobody\nNobody NN O\n"
    )


def test_objects_lose_their_annotation_and_keep_all_else(model: Predictor, here: Path) -> None:
    lines = [
        '{"id":  7, "text": "Nobody answered."}',
        '{"id": 8, "text": "Rosa left.", "spans": [[0, 4, "PER"]]}',
        '{"tokens": ["Nobody", "met", "Rosa"], "note": null}',
        '{"text": "Nobody answered.", "gold": []}',
    ]
    found = redacted(model, here, ("\n".join(lines) + "\n").encode(), "a.jsonl").decode()
    assert found.splitlines() == [
        lines[0],
        '{"id": 8, "text": "[PER] left."}',
        '{"tokens": ["Nobody", "met", "[PER]"], "note": null}',
        '{"text": "Nobody answered."}',
    ]


def test_json_over_several_lines_is_an_error(model: Predictor, here: Path) -> None:
    for content in (b'[{"text": "Rosa left."}]\n', b'{\n"text": "Rosa left."\n}\n'):
        with pytest.raises(tagger.TaggerError) as caught:
            redacted(model, here, content, "a.jsonl")
        assert str(caught.value) == (
            f"{here / 'a.jsonl'}:1: is not one JSON object per line; convert it to JSON Lines with "
            "tagger convert"
        )


@pytest.mark.parametrize("declared", [None, "conll"])
def test_conllu_is_an_error_since_its_lemmas_and_comments_repeat_names(
    model: Predictor, here: Path, declared: str | None
) -> None:
    content = b"# text = Rosa left\n" + b"".join(
        b"%d\t%s\t_\t_\t_\t_\t_\t_\t_\t_\n" % each for each in ((1, b"Rosa"), (2, b"left"))
    )
    with pytest.raises(tagger.TaggerError) as caught:
        redacted(model, here, content, "a.conllu", source_format=declared)
    assert str(caught.value) == (
        f"{here / 'a.conllu'}: is conllu, of which spans cannot be replaced; convert it to one of "
        "text, conll, jsonl with tagger convert"
    )


def test_a_quoted_token_is_an_error(model: Predictor, here: Path) -> None:
    options = {"token_column": 0, "delimiter": ",", "style": "block"}
    with pytest.raises(tagger.TaggerError) as caught:
        redacted(model, here, b'Nobody,O\nmet,O\n"Mira",O\n', "a.conll", **options)
    assert str(caught.value) == (
        f"{here / 'a.conll'}:3: contains a quoted token, which cannot be replaced; convert the "
        "file to JSON Lines with tagger convert"
    )
    found = redacted(model, here, b'Nobody,O\n"met",O\nMira,O\n', "a.conll", **options)
    assert found.decode() == 'Nobody,O\n"met",O\n█████,O\n'


def test_a_pseudonym_is_of_a_document_or_of_the_run(model: Predictor, here: Path) -> None:
    (here / "a.txt").write_text("Rosa left.\n")
    (here / "b.txt").write_text("Leila met Rosa.\n")
    inputs = [here / "a.txt", here / "b.txt"]
    for scope, expected in (("document", "PER-1 met PER-2.\n"), ("run", "PER-2 met PER-1.\n")):
        redact_files(model, inputs, here / scope, style="pseudonym", scope=scope)
        assert (here / scope / "a.txt").read_text() == "PER-1 left.\n"
        assert (here / scope / "b.txt").read_text() == expected


def test_only_some_labels_and_thresholds(model: Predictor, here: Path) -> None:
    content = b"Rosa left Quito.\n"
    assert redacted(model, here, content, labels=["LOC"]) == b"Rosa left [LOC].\n"
    assert (
        redacted(model, here, content, min_score={"PER": 1.0, "LOC": 0.1}) == b"Rosa left [LOC].\n"
    )
    with pytest.raises(tagger.TaggerError, match="does not predict the label 'X'; it predicts LOC"):
        redact_files(model, here / "a.txt", here / "out", labels=["X"])


def test_the_threshold_of_dev(model: Predictor) -> None:
    table = {
        "thresholds": [0.01, 0.1, 0.5],
        "spans": 200,
        "hidden": [199, 198, 150],
        "tokens": [400, 320, 200],
        "right": [300, 288, 190],
        "labels": {
            "LOC": {
                "spans": 90,
                "hidden": [90, 81, 60],
                "tokens": [200, 100, 90],
                "right": [150, 90, 90],
            },
            "PER": {
                "spans": 10,
                "hidden": [10, 10, 10],
                "tokens": [40, 20, 10],
                "right": [20, 15, 10],
            },
        },
    }
    bundle = model.members[0].bundle
    bundle.metrics["redaction"] = table
    try:
        from tagger.inference.redaction import _thresholds

        found = _thresholds(model, (), None, None)
        assert found.other == 0.1
        assert found.promises == (
            "hides spans with a probability of at least 0.1; on dev 99.0 % of 200 spans were "
            "hidden completely, and 10.0 % of the hidden tokens were in none",
        )
        assert _thresholds(model, (), None, "recall=0.995").other == 0.01
        with pytest.raises(
            tagger.TaggerError, match=r"recall=1 cannot be reached: on dev at most 0\.995"
        ):
            _thresholds(model, (), None, "recall=1")
        # Other counts for some of the labels, whether chosen or left over by min_score.
        for labels, scores, expected in (
            (["PER"], None, ({}, 0.5)),
            (["LOC", "PER"], None, ({}, 0.01)),
            (["LOC", "PER"], {"LOC": 0.7}, ({"LOC": 0.7}, 0.5)),
            (["LOC"], {"LOC": 0.7}, ({"LOC": 0.7}, 0.05)),
            ([], {"LOC": 0.7, "": 0.6}, ({"LOC": 0.7}, 0.6)),
            (["LOC", "ORG"], None, ({}, 0.05)),
        ):
            found = _thresholds(model, labels, scores, None)
            assert (found.by_label, found.other) == expected
        assert _thresholds(model, ["LOC", "PER"], None, "recall=0.9").promises == (
            "hides spans of LOC, PER with a probability of at least 0.1; on dev 91.0 % of 100 "
            "spans were hidden completely, and 12.5 % of the hidden tokens were in none",
        )
        with pytest.raises(tagger.TaggerError, match="a target needs counts on dev of ORG, which"):
            _thresholds(model, ["ORG"], None, "recall=0.9")
        with pytest.raises(
            ValueError, match=r"expected a target such as recall=0\.995 of all labels"
        ):
            _thresholds(model, (), None, "precision=0.9")
    finally:
        del bundle.metrics["redaction"]


def test_a_map_of_another_file_restores_nothing(model: Predictor, here: Path) -> None:
    redacted(model, here, b"Rosa left.\n")
    mapping = json.loads((here / "out" / "a.txt.map.json").read_text())
    longer = b"[PER] left.\nMore.\n"
    for content, one in ((longer, mapping), (b"[PER] left.\n", {}), (b"", mapping)):
        with pytest.raises(tagger.TaggerError, match="the map does not belong to this file"):
            restore(content, one)


@given(st.text(st.sampled_from("a\r\n\u2028"), max_size=8))
def test_lines_are_joined_again(text: str) -> None:
    lines = split_lines(text)
    assert join_lines(lines) == text
    assert all("\n" not in line for line, _ in lines)


def test_the_summary_as_json(here: Path) -> None:
    Path("a.txt").write_text("Rosa left.\n")
    given = ("--min-score", "0.5", "--precision", "float32", "--json")
    assert json.loads(worked(invoke("redact", GOLDEN, "a.txt", "-o", "out", *given))) == {
        "files": 1,
        "spans": 1,
        "promises": [],
        "notes": [],
    }


def test_the_command(here: Path) -> None:
    Path("a.txt").write_text("Rosa left.\n")
    outcome = invoke("redact", GOLDEN, "a.txt", "-o", "out", "--keep-map", "--precision", "float32")
    assert worked(outcome) == ""
    assert outcome.stderr == (
        "spans with a probability of at least 0.05, not measured on dev\n"
        "Replaced 1 span in 1 file into out.\n"
    )
    assert (
        worked(invoke("redact", "--restore", "out/a.txt.map.json", "out/a.txt")) == "Rosa left.\n"
    )
    for arguments, message in (
        ((GOLDEN, "a.txt", "--keep-map"), "--keep-map needs --output"),
        ((GOLDEN, "a.txt", "--json"), "--json needs --output, and cannot be combined with"),
        ((GOLDEN, "a.txt", "--min-score", "2"), "'2': expected a probability such as 0.8, above 0"),
        ((GOLDEN, "a.txt", "--target", "x=1"), "'x=1': expected a target such as recall=0.99"),
        (("--restore", "m", "a", "b"), "expected --restore MAP FILE"),
    ):
        assert message in failed(invoke("redact", *arguments), 2)
