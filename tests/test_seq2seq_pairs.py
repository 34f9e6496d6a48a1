"""Files of pairs: every format gives the same pairs, and errors name their line."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from support.command_line import failed, invoke

from tagger.config.schema import from_dict
from tagger.config.seq2seq import PairsConfig, Seq2SeqConfig
from tagger.errors import DataError
from tagger.seq2seq.error_rates import ErrorRates, edit_distance
from tagger.seq2seq.pairs import Pair, read, read_all
from tagger.seq2seq.splits import references_of, splits

PAIRS = [("a b", "x y"), ("cc", "z"), ("a b", "x, y")]


def config_of(**data: Any) -> PairsConfig:
    return from_dict(Seq2SeqConfig, {"data": data}, "test").data


def written(folder: Path, text: str, name: str = "pairs.txt") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def sides(pairs: list[Pair]) -> list[tuple[str, str]]:
    return [("".join(pair.source), "".join(pair.target or ())) for pair in pairs]


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a b\tx y\ncc\tz\na b\tx, y\n", {}),
        ("\na b\tx y\n\ncc\tz\textra\na b\tx, y", {}),
        ("source\ttarget\na b\tx y\ncc\tz\na b\tx, y\n", {}),
        ("n\tto\tfrom\n1\tx y\ta b\n2\tz\tcc\n3\tx, y\ta b\n", {"source": "from", "target": "to"}),
        ("x y\ta b\nz\tcc\nx, y\ta b\n", {"source": 1, "target": 0}),
        ('a b,x y\ncc,z\na b,"x, y"\n', {}),
        ('Source;Target\na b;x y\ncc;z\na b;x, y\n', {}),
        ("\n".join(json.dumps({"source": a, "target": b}) for a, b in PAIRS), {}),
        (json.dumps([{"source": a, "target": b} for a, b in PAIRS], indent=1), {}),
        (
            "\n".join(json.dumps({"in": a, "out": b, "id": 7}) for a, b in PAIRS),
            {"source": "in", "target": "out"},
        ),
    ],
    ids=["tabs", "blank lines", "usual header", "names", "numbers", "CSV", "semicolons", "JSON",
         "array", "keys"],
)  # fmt: skip
def test_every_format_gives_the_same_pairs(tmp_path: Path, text: str, data: dict[str, Any]) -> None:
    path = written(tmp_path, text)
    assert sides(read_all([path], config_of(**data))) == PAIRS
    packed = tmp_path / "packed.gz"
    packed.write_bytes(gzip.compress(text.encode("utf-16")))
    assert sides(read_all([packed], config_of(**data))) == PAIRS


def test_a_cell_of_csv_may_hold_line_ends_and_lines_are_still_counted(tmp_path: Path) -> None:
    path = written(tmp_path, 'source,target\n"a\nb",x\nc,y\n"d""e",z\n')
    pairs = read_all([path], config_of())
    assert sides(pairs) == [("a\nb", "x"), ("c", "y"), ('d"e', "z")]
    assert [pair.line for pair in pairs] == [2, 4, 5]


def test_levels_are_independent_and_lists_are_tokens(tmp_path: Path) -> None:
    path = written(tmp_path, '{"source": "ab c", "target": ["AE", "B"]}\n')
    [pair] = read_all([path], config_of(target_level="tokens"))
    assert (pair.source, pair.target) == (("a", "b", " ", "c"), ("AE", "B"))
    path = written(tmp_path, "ab  c\tx yz\n")
    [pair] = read_all([path], config_of(source_level="tokens"))
    assert (pair.source, pair.target) == (("ab", "c"), ("x", " ", "y", "z"))


def test_symbols_are_composed_and_without_invisible_characters(tmp_path: Path) -> None:
    path = written(tmp_path, "Zu\u0308\u00adrich\tZu\u0308\n")
    assert sides(read_all([path], config_of())) == [("Z\u00fcrich", "Z\u00fc")]


@pytest.mark.parametrize(
    "text",
    [
        "word\tlemma\tpos\tcase\nbetter\tgood\tADJ\t2\n",
        '{"word": "better", "lemma": "good", "pos": "ADJ", "case": 2}\n',
    ],
)
def test_features_are_symbols_in_front_of_the_source(tmp_path: Path, text: str) -> None:
    data = config_of(source="word", target="lemma", features="pos, case")
    [pair] = read_all([written(tmp_path, text)], data)
    assert pair.source == ("pos=ADJ", "case=2", *"better")
    assert pair.target == tuple("good")


def test_features_of_a_table_without_header_have_numbers(tmp_path: Path) -> None:
    [pair] = read_all([written(tmp_path, "a\tb\tX\n")], config_of(features="2"))
    assert pair.source == ("2=X", "a")


@pytest.mark.parametrize(
    ("text", "data", "message"),
    [
        ("a\tb\nc\n", {}, ":2: expected at least 2 columns, found 1"),
        ("a\tb\n\tc\n", {}, ":2: the source is empty; correct or remove the pair"),
        ("a\tb\nc\t \n", {"target_level": "tokens"}, ":2: the target is empty"),
        ("a\tb\n", {"source": "word"}, ":1: expected a header row with the column 'word'; known:"),
        ("wort\tb\n", {"source": "word"}, "'word'; did you mean wort?"),
        ('a,"b\nc,d\n', {}, ":1: a quote does not end; expected quotes around values"),
        ('{"source": "a", "target": "b"}\n{"source": "a"\n', {}, ":2: not JSON ("),
        ('{"source": "a", "target": "b"}\n{"source": "a"}\n', {}, ':2: expected the key "target"'),
        ('{"source": "a", "targets": "b"}\n', {}, '"target"; did you mean targets?'),
        ('{}\n', {}, ':1: expected the key "source"; the object is empty'),
        ('{"source": ["a"], "target": "b"}\n', {}, ":1: the source must be a string, found"),
        ('{"source": "a", "target": 7}\n', {}, ":1: the target must be a string, found 7"),
        (
            '{"source": ["a b"], "target": "b"}\n',
            {"source_level": "tokens"},
            "the source has the token 'a b'; expected tokens without blanks",
        ),
        ('{"source": "a", "target": "b"}\n', {"features": "pos"}, ':1: expected the key "pos"'),
        (
            '{"source": "a", "target": "b", "pos": null}\n',
            {"features": "pos"},
            ":1: 'pos' must be a text or a number, found None",
        ),
        ("[1, 2]\n", {"format": "jsonl"}, ':1: expected an object with "source", found [1, 2]'),
        ("\n\n", {}, ": contains no pairs of a source and a target"),
    ],
)  # fmt: skip
def test_errors_name_the_line(
    tmp_path: Path, text: str, data: dict[str, Any], message: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(DataError) as caught:
        read_all([path], config_of(**data))
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        ("source\n\na, b\n", ["source", "", "a, b"]),
        ("source\ttarget\na\tx\n", ["a"]),
        ("a\tx\nb\n", ["a", "b"]),
        ('{"source": "a"}\n{"source": ""}\n', ["a", ""]),
        ("{not JSON\n", None),
    ],
)
def test_sources_alone_are_lines_whatever_they_contain(
    tmp_path: Path, text: str, sources: list[str] | None
) -> None:
    path = written(tmp_path, text)
    if sources is None:
        with pytest.raises(DataError, match=":1: not JSON"):
            list(read(path, config_of(), with_targets=False))
        found = list(read(path, config_of(format="tsv"), with_targets=False))
        assert ["".join(pair.source) for pair in found] == ["{not JSON"]
        return
    found = list(read(path, config_of(), with_targets=False))
    assert ["".join(pair.source) for pair in found] == sources


def test_a_table_with_names_is_recognized_without_its_targets(tmp_path: Path) -> None:
    path = written(tmp_path, "id,word\n1,ab\n")
    [pair] = read(path, config_of(source="word", target="lemma"), with_targets=False)
    assert (pair.text, pair.target, pair.line) == ("ab", None, 2)


# -- held out


def test_sources_are_held_out_with_all_of_their_targets(tmp_path: Path) -> None:
    lines = [f"word{n % 40}\ttarget{n}\n" for n in range(200)]
    path = written(tmp_path, "".join(lines))
    read_once = splits(config_of(train=[str(path)]))
    train, dev = references_of(read_once.train), references_of(read_once.dev)
    assert not train.keys() & dev.keys()
    assert len(train) + len(dev) == 40
    assert len(read_once.train) + len(read_once.dev) == 200
    assert 1 <= len(dev) <= 12
    assert not read_once.warnings()
    # The choice depends on the sources alone.
    other = written(tmp_path, "".join(lines[::-1]) + "new\tx\n", "other.tsv")
    assert references_of(splits(config_of(train=[str(other)])).dev).keys() - {tuple("new")} == {
        *dev
    }


def test_a_single_source_cannot_be_held_out(tmp_path: Path) -> None:
    path = written(tmp_path, "a\tb\na\tc\n")
    with pytest.raises(DataError, match=r"only one distinct source.*give --dev FILE"):
        splits(config_of(train=[str(path)]))


def test_sources_that_are_in_train_and_in_dev_are_warned_about(tmp_path: Path) -> None:
    train, dev = written(tmp_path, "a\tb\nc\td\n"), written(tmp_path, "a\tb\ne\tf\n", "dev.tsv")
    both = splits(config_of(train=[str(train)], dev=[str(dev)]))
    assert both.warnings() == [
        "1 sources of dev are in train too, so the dev score says little about new sources"
    ]
    assert both.summaries()[0] == f"{train}: 2 pairs of 2 sources"


# -- error rates


def slow_distance(a: str, b: str) -> int:
    if not a or not b:
        return len(a) + len(b)
    return min(
        slow_distance(a[1:], b) + 1,
        slow_distance(a, b[1:]) + 1,
        slow_distance(a[1:], b[1:]) + (a[0] != b[0]),
    )


@given(some.text("abc", max_size=5), some.text("abc", max_size=5))
def test_the_edit_distance_is_the_least_number_of_edits(a: str, b: str) -> None:
    assert edit_distance(a, b) == slow_distance(a, b) == edit_distance(b, a)


def test_error_rates_are_those_of_the_nearest_reference() -> None:
    rates = ErrorRates()
    assert (rates.symbol_error_rate, rates.string_error_rate) == (0, 0)
    rates.add("abc", ["xyzab", "abd", "abcd"])  # the first of the two at distance 1
    rates.add("ab", ["ab", "ba"])
    rates.add("", ["abcde"])
    assert (rates.sources, rates.wrong, rates.edits, rates.symbols) == (3, 2, 6, 10)
    assert rates.symbol_error_rate == 0.6
    assert rates.as_dict()["string_error_rate"] == pytest.approx(200 / 3)


def test_reading_a_table_leaves_the_limit_of_the_csv_module_alone(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    long = "a" * (before + 1)
    paths = [written(tmp_path, f'"{long}",b\nc,d\n', name) for name in ("a.csv", "b.csv")]
    one, other = (read(path, config_of()) for path in paths)
    for pairs in (one, other, one, other):  # readers that end in the order in which they began
        assert next(pairs).target
        assert csv.field_size_limit() == before
    assert not [*one, *other]
    assert csv.field_size_limit() == before


def test_training_on_the_command_line_reports_errors_of_the_data_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "a\tb\nc\n", "bad.tsv")
    message = failed(invoke("seq2seq", "train", "--train", "bad.tsv", "run"))
    assert message == "Error: bad.tsv:2: expected at least 2 columns, found 1\n"
    assert not (tmp_path / "run").exists()
