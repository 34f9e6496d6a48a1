"""Division of files into train, dev and test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.command_line import failed, invoke, worked
from support.paths import ROOT

from tagger.corpora.splitting import parts_of, split
from tagger.errors import DataError, TaggerError
from tagger.text.spans import Sentence, Span

FILES = ROOT / "tests" / "data" / "formats"
UNITS = st.lists(
    st.tuples(st.integers(0, 60), st.sampled_from(["", "PER", "LOC", "RARE"])),
    min_size=1,
    max_size=40,
)


def unit(number: int, label: str) -> list[Sentence]:
    spans = [Span(0, 1, label)] if label else []
    return [Sentence((f"word{number}", label or "none")).with_spans(spans)]


@settings(deadline=None)
@given(drawn=UNITS)
def test_equal_documents_share_a_part_and_train_keeps_every_label(
    drawn: list[tuple[int, str]],
) -> None:
    units = [unit(*one) for one in drawn]
    names = parts_of(units, 0.2, 0.2)
    assert len(dict(zip(drawn, names, strict=True))) == len({*zip(drawn, names, strict=True)})
    for label in ("PER", "LOC", "RARE"):
        distinct = {one for one in drawn if one[1] == label}
        parts = {name for one, name in zip(drawn, names, strict=True) if one[1] == label}
        if len(distinct) >= 3 and "train" in parts and len(distinct) > len(parts):
            in_train = {
                o for o, n in zip(drawn, names, strict=True) if o in distinct and n == "train"
            }
            assert parts == {"train", "dev", "test"} or len(in_train) == 1


def test_parts_stay_when_documents_are_added_or_moved() -> None:
    units = [unit(number, "PER") for number in range(300)]
    before = parts_of(units[:200], 0.1, 0.1)
    assert parts_of(units, 0.1, 0.1)[:200] == before
    assert parts_of(units[:200][::-1], 0.1, 0.1)[::-1] == before
    assert before.count("train") > 140
    assert all(10 < before.count(name) < 30 for name in ("dev", "test"))


def documents(count: int) -> str:
    return "".join(
        f"-DOCSTART- -X- O\n\n# text {n}\nMira NN B-PER\nw{n} VB O\n\nHull NN B-LOC\n\n"
        for n in range(count)
    )


def test_columns_are_divided_by_documents_and_unchanged(here: Path) -> None:
    (here / "a.conll").write_text(documents(60))
    out = worked(invoke("split", "a.conll", "--into", "parts", "--dev", "0.2"))
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["train", "dev", "test"]
    counts = {row[0]: [int(cell) for cell in row[1:]] for row in lines[1:]}
    assert counts["documents"] == [count // 2 for count in counts["sentences"]] == counts["PER"]
    assert sum(counts["documents"]) == 60
    parts = [(here / "parts" / f"{name}.conll").read_text() for name in ("train", "dev", "test")]
    blocks = [block for part in parts for block in part.split("-DOCSTART- -X- O\n\n")[1:]]
    assert sorted(blocks) == sorted(documents(60).split("-DOCSTART- -X- O\n\n")[1:])
    message = failed(invoke("split", "a.conll", "--into", "parts"))
    assert "parts/train.conll: exists; choose another folder with --into, or remove it" in message


def test_folders_of_brat_are_divided_into_folders(here: Path) -> None:
    (here / "in").mkdir()
    for number in range(40):
        shutil.copy(FILES / "harbor.ann", here / "in" / f"d{number}.ann")
        text = (FILES / "harbor.txt").read_text() + f"Page {number}.\n"
        (here / "in" / f"d{number}.txt").write_text(text)
    done = split(["in"], "out")
    assert done.kind == "documents"
    names = {p.stem for path in done.paths.values() for p in path.glob("*.ann")}
    assert names == {f"d{number}" for number in range(40)}
    one = next((here / "out" / "dev").glob("*.ann"))
    assert one.read_text() == (FILES / "harbor.ann").read_text()
    assert one.with_suffix(".txt").read_text() == (here / "in" / f"{one.stem}.txt").read_text()


def test_shares_and_sizes_are_checked(here: Path) -> None:
    (here / "a.conll").write_text(documents(1))
    with pytest.raises(TaggerError, match="expected shares between 0 and 1 that leave something"):
        split(["a.conll"], "out", dev=0.6, test=0.4)
    with pytest.raises(DataError, match=r"a.conll: has 2 sentences, too few for "):
        split(["a.conll"], "out")
    assert not (here / "out").exists()
    (here / "b.csv").write_text("token,tag\nMira,B-PER\n")
    with pytest.raises(
        DataError, match=r"expected files of one format, found a.conll: conll, b.csv"
    ):
        split(["a.conll", "b.csv"], "out")
