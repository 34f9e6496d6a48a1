"""Repair with consent: what is changed, what is listed, and what is refused without it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tagger.cli.main import group
from tagger.corpora.conversion import convert
from tagger.errors import DataError
from tagger.text import annotation
from tagger.text.formats import ReadOptions

GOOD = "Anna B-PER\nKeller I-PER\nsang O\n\n" * 20


def repaired(folder: Path, content: str | bytes, scheme: str = "IOB2") -> tuple[str, list[str]]:
    source, target = folder / "a.conll", folder / "b.conll"
    source.write_bytes(content.encode() if isinstance(content, str) else content)
    done = convert(source, target, ReadOptions(repair=True), target_scheme=scheme)
    changes = [
        f"{issue.line}: {issue.text} > {issue.tokens}" for issue in done.corpus.report.issues
    ]
    return target.read_text().rstrip() + "\n", changes


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ("Bo I-PER\nran O\n", "Bo B-PER\nran O\n", ["81: I-PER > B-PER"]),
        ("Bo B-PER\nLee I-LOC\n", "Bo B-PER\nLee B-LOC\n", ["82: I-LOC > B-LOC"]),
        ("Bo B_PER\nran O\n", "Bo B-PER\nran O\n", ["81: B_PER > B-PER"]),
        ("Bo b-PER\nran o\n", "Bo B-PER\nran O\n", ["81: b-PER > B-PER", "82: o > O"]),
        ("\ufeffBo B-PER\nran O\n", "Bo B-PER\nran O\n", ["81: \ufeffBo B-PER > Bo B-PER"]),
    ],
)
def test_what_has_one_reading_is_repaired_and_listed(
    tmp_path: Path, before: str, after: str, changes: list[str]
) -> None:
    assert repaired(tmp_path, GOOD + before) == (GOOD + after, changes)


def test_letters_of_two_schemes_are_those_of_the_more_frequent(tmp_path: Path) -> None:
    content = "Bo S-PER\n\nAnn B-PER\nLee E-PER\n\n" * 3 + "Oslo U-LOC\n\nNew B-LOC\nYork L-LOC\n"
    output, changes = repaired(tmp_path, content, "IOBES")
    assert output == content.replace("U-", "S-").replace("L-LOC", "E-LOC")
    assert changes == ["16: U-LOC > S-LOC", "19: L-LOC > E-LOC"]


def test_stray_ends_are_read_as_conlleval_reads_them(tmp_path: Path) -> None:
    good = "Bo S-PER\nmet O\nAnn B-PER\nLee E-PER\n\n" * 5
    output, changes = repaired(tmp_path, good + "Zoe E-PER\nand O\nAl B-PER\nran O\n", "IOBES")
    assert output == good + "Zoe S-PER\nand O\nAl S-PER\nran O\n"
    assert changes == ["26: E-PER > S-PER", "28: B-PER > S-PER"]


def test_blanks_at_the_ends_of_lines_and_bytes_of_cp1252(tmp_path: Path) -> None:
    content = "Zoë\tB-PER\nsang\tO \n\nlé\tO\ncafé\tO\nà\tO\nFrançois\tB-PER\nété\tO\n\n"
    output, changes = repaired(tmp_path, content.encode("cp1252"))
    assert output == content.replace("O \n", "O\n").rstrip() + "\n"
    assert changes[:2] == ["1: Zoë\tB-PER > Zoë\tB-PER", "2: sang\tO  > sang\tO"]
    assert len(changes) == 7


def test_texts_of_json_lines_keep_their_marks(tmp_path: Path) -> None:
    line = json.dumps({"text": "\ufeffAnn sang", "spans": [[1, 4, "PER"]]}, ensure_ascii=False)
    source, target = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    source.write_text(line + "\n")
    done = convert(source, target, ReadOptions(repair=True))
    assert done.corpus.report.issues == []
    assert done.corpus.report.notes == (
        "spans are extended by invisible characters, such as a byte order mark, that are part of "
        "their tokens (line 1: 'Ann')",
    )
    assert json.loads(target.read_text())["text"] == "\ufeffAnn sang"


def test_bytes_of_another_encoding_are_not_repaired(tmp_path: Path) -> None:
    content = "Анна\tB-PER\nпела\tO\nв\tO\nМоскве\tB-LOC\n\n".encode("cp1251")
    with pytest.raises(DataError, match=r"a.conll:1: is not UTF-8, and not certainly cp1252"):
        repaired(tmp_path, content)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            GOOD + "Bo I-PER\nran O\n\nRome I-LOC\n",
            ":81: tag 'I-PER' cannot follow the start of a sentence in IOB2 (token 'Bo'); the "
            "other tags follow IOB2: correct the tag, or declare --scheme IOB1, in which I- after "
            "another label opens a span (1 more error in this file, in line 84); tagger convert "
            "--repair changes 2 tags and "
            "lists each change",
        ),
        (
            "Bo S-PER\nran O\n\nOslo U-LOC\n",
            ": no scheme of IOB2, IO, IOB1, IOBES, BILOU has all prefixes of the tags 'S-PER', "
            "'U-LOC'; expected the prefixes of one scheme; tagger convert --repair changes 1 tag "
            "and lists each change",
        ),
        (
            GOOD + "Bo B-PER|B-ORG\nran O\n",
            ":81: 'B-PER|B-ORG' is two tags in one cell; expected one tag per token: keep one of "
            "them, since spans cannot overlap",
        ),
    ],
)
def test_an_error_says_whether_repair_helps(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "a.conll"
    path.write_text(content)
    with pytest.raises(DataError) as caught:
        annotation.read(path, ReadOptions())
    assert str(caught.value) == f"{path}{says}"


def test_plain_tags_stay_as_they_are(tmp_path: Path) -> None:
    content = "the DT\ncat NN\n\nI_B X\n\n"
    assert repaired(tmp_path, content)[1] == []


def test_the_command_lists_the_first_changes_and_writes_all(tmp_path: Path) -> None:
    source, target, issues = tmp_path / "a.conll", tmp_path / "b.conll", tmp_path / "i.jsonl"
    source.write_text(GOOD * 2 + "Bo I-PER\n\n" * 25)
    arguments = ["convert", str(source), str(target), "--repair", "--issues", str(issues)]
    result = CliRunner().invoke(group, arguments)
    assert result.exit_code == 0, result.output
    lines = result.stderr.splitlines()
    assert f"{source}:161: tags: 'I-PER' is repaired to 'B-PER'" in lines
    assert lines[-2:] == [
        "5 more changes; --issues FILE lists all",
        f"{target}: 65 sentences",
    ]
    assert len([json.loads(line) for line in issues.read_text().splitlines()]) == 25
