"""`tagger predict`: whatever goes in comes out whole, or not at all and with a reason; and streams
that fail.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.command_line import failed, invoke, worked
from support.paths import CONLLEVAL, GOLDEN, ROOT
from support.processes import PATIENCE

from tagger.errors import TaggerError
from tagger.inference import files as stream
from tagger.inference import gil
from tagger.inference.predictor import load
from tagger.text.formats import ReadOptions
from tagger.text.spans import Sentence

TEXT = "Mira Okafor works for Nordwind in Quito.\n"


# -- predict


def test_predict_text(here: Path) -> None:
    assert (
        worked(invoke("predict", GOLDEN, "-", input=TEXT))
        == "[PER Mira Okafor] works for [ORG Nordwind] in [LOC Quito].\n"
    )


def test_predict_columns_keeps_them_and_adds_one() -> None:
    columns = "# id 7\nMira\tx y\nOkafor\t\nleft\tz\n\n\nQuito\tz"
    expected = "# id 7\nMira\tx y\tB-PER\nOkafor\t\tI-PER\nleft\tz\tO\n\nQuito\tz\tB-LOC\n\n"
    assert worked(invoke("predict", GOLDEN, "-", "--format", "conll", input=columns)) == expected
    other = worked(
        invoke("predict", GOLDEN, "-", "--format", "conll", "--scheme", "BILOU", input=columns)
    )
    assert [line.split("\t")[-1] for line in other.splitlines() if "\t" in line] == [
        "B-PER",
        "L-PER",
        "O",
        "U-LOC",
    ]


def test_predict_json_lines_keeps_keys_and_gives_probabilities() -> None:
    given: list[dict[str, Any]] = [
        {
            "id": 1,
            "text": "Mira Okafor left.  Rosa 😀 left when she met Leila in Quito.",
            "spans": "whatever",
        },
        {"tokens": ["Quito", "is", ""], "note": None},
        {"text": ""},
        {"tokens": []},
    ]
    lines = "\n\n".join(map(json.dumps, given))
    found = [
        json.loads(line)
        for line in worked(
            invoke("predict", GOLDEN, "-", "--format", "jsonl", input=lines)
        ).splitlines()
    ]
    assert len(found) == 4
    assert (found[0]["id"], found[0]["text"], found[0]["gold"]) == (1, given[0]["text"], "whatever")
    assert [span["text"] for span in found[0]["spans"]] == [
        "Mira Okafor",
        "Rosa",
        "Leila",
        "Quito",
    ]
    for span in found[0]["spans"]:
        assert found[0]["text"][span["start"] : span["end"]] == span["text"]
        assert 0 < span["score"] <= 1
    assert found[1].items() >= given[1].items()
    first = found[1]["spans"][0]
    assert (first["start"], first["end"], first["label"], first["text"]) == (0, 1, "LOC", "Quito")
    assert found[2:] == [{"text": "", "spans": []}, {"tokens": [], "spans": []}]


@pytest.mark.parametrize(("columns", "result"), [("Mira\n", 1), ("Mira a\nleft\n", 0)])
def test_threads_take_short_turns_while_a_file_is_tagged_and_no_longer(
    here: Path, monkeypatch: pytest.MonkeyPatch, columns: str, result: int
) -> None:
    (here / "in.conll").write_text(columns)
    intervals, seen = [0.005], []
    turns = SimpleNamespace(
        getswitchinterval=lambda: intervals[-1], setswitchinterval=intervals.append
    )
    monkeypatch.setattr(gil, "sys", turns)
    model = load(GOLDEN)
    predict = model.predict
    monkeypatch.setattr(model, "predict", lambda *given, **more: watched(predict(*given, **more)))

    def watched(sentences: Iterable[Sentence]) -> Iterator[Sentence]:
        seen.append(intervals[-1])
        yield from sentences

    settings = stream.TaggingSettings(ReadOptions(annotated=False))
    job = stream.FileJob("in.conll", "conll", here / "out.conll", "conll")
    with pytest.raises(TaggerError) if not result else nullcontext():
        assert stream.run(model, job, settings).tokens == result
    assert seen[0] < 0.005 / 5
    assert intervals == [0.005, seen[0], 0.005]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\n",
        "\n\n\n",
        " \t\n",
        "a",
        "a\nb",
        "\u200b\n\u2028\x1c\x85 \u00a0x\x00y e\u0301 {0} [PER] \U0001f469\u200d\U0001f4bb",
    ],
)
def test_predict_gives_every_line_of_text_back(content: str) -> None:
    out = worked(invoke("predict", GOLDEN, "-", "--to", "jsonl", input=content))
    assert [json.loads(line)["text"] for line in out.split("\n")[:-1]] == content.removesuffix(
        "\n"
    ).split("\n")[: len(content)]


def test_predict_reads_carriage_returns_and_byte_order_mark() -> None:
    given = "\ufeff" + TEXT.replace("\n", "\r\n") * 2
    plain = worked(invoke("predict", GOLDEN, "-", input=TEXT * 2))
    assert worked(invoke("predict", GOLDEN, "-", input=given)) == plain.replace("\n", "\r\n")
    given = given.removesuffix("\r\n")  # the last line ends like the others
    assert worked(invoke("predict", GOLDEN, "-", input=given)) == plain.replace("\n", "\r\n")


def test_predict_a_very_long_line() -> None:
    tokens = 6_000
    out = worked(
        invoke(
            "predict", GOLDEN, "-", "--to", "conll", input="Rosa left Quito and " * (tokens // 4)
        )
    )
    assert len(out.splitlines()) == tokens + 1


def test_predict_wrapped_text() -> None:
    out = worked(
        invoke(
            "predict", GOLDEN, "-", "--wrapped", input="Nobody met Mira\nOkafor there.\n\nQuito\n"
        )
    )
    assert out == "Nobody met [PER Mira\nOkafor] there.\n\n[LOC Quito]\n"


def test_predict_files_and_folders_into_a_folder(here: Path) -> None:
    (here / "in" / "deep").mkdir(parents=True)
    (here / "in" / ".hidden").write_text(TEXT)
    (here / "in" / "b.txt").write_text(TEXT)
    (here / "in" / "deep" / "a.conll.gz").write_bytes(gzip.compress(b"Quito x\n"))
    (here / "in" / "deep" / "c.jsonl").write_text('{"text": "Quito"}\n')
    (here / "other.txt").write_text("Rosa\n")
    done = invoke("predict", GOLDEN, "in", "other.txt", "-", "--output", "out", input="Quito")
    assert worked(done) == ""
    assert "Tagged 5 of 5 files" in done.stderr
    written = {
        str(path.relative_to("out")): path.read_text()
        for path in Path("out").rglob("*")
        if path.is_file()
    }
    assert sorted(written) == ["b.txt", "deep/a.conll", "deep/c.jsonl", "other.txt", "stdin.txt"]
    assert written["deep/a.conll"] == "Quito x B-LOC\n\n"
    assert written["stdin.txt"] == "[LOC Quito]\n"
    worked(invoke("predict", GOLDEN, "in", "--to", "jsonl", "--output", "json"))
    assert sorted(path.name for path in Path("json").rglob("*.*")) == [
        "a.jsonl",
        "b.jsonl",
        "c.jsonl",
    ]
    worked(
        invoke(
            "predict", GOLDEN, "-", "--format", "jsonl", "--output", "json", input='{"text": ""}'
        )
    )
    assert Path("json/stdin.jsonl").read_text() == '{"text": "", "spans": []}\n'


def test_predict_a_folder_into_itself(here: Path) -> None:
    (here / "sub").mkdir()
    (here / "a.txt").write_text(TEXT)
    (here / "sub" / "b.txt").write_text(TEXT)
    for out in ("out", "./out", here / "out"):  # what an earlier run wrote is no input of the next
        assert "Tagged 2 of 2 files" in invoke("predict", GOLDEN, ".", "--output", out).stderr
    assert "Tagged 1 of 1 files" in invoke("predict", GOLDEN, "sub", "--output", ".").stderr
    for inputs, out in ((".", "."), ("a.txt", "."), ("sub", "sub")):
        assert "would be overwritten" in failed(invoke("predict", GOLDEN, inputs, "--output", out))
    assert (here / "a.txt").read_text() == TEXT


def test_predict_refuses_name_collisions(here: Path) -> None:
    for name in ("a.txt", "x/a.txt", "a.text"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(TEXT)
    for extra in (
        ["a.txt", "x/a.txt"],
        ["a.txt", "a.txt"],
        ["a.txt", "a.text", "--to", "jsonl"],
        ["x", "a.txt"],
    ):
        assert "would both be written to" in failed(
            invoke("predict", GOLDEN, *extra, "--output", "out")
        )
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("bad.txt", b"fine\nM\xfcnchen\n", "bad.txt:2: byte 0xfc"),
        ("bad.conll", b"a b\nc\n", "bad.conll:2: expected 2 columns, found 1"),
        ("bad.jsonl", b'{"text": "a"}\n{"text": 1}\n', "bad.jsonl:2"),
        ("bad.jsonl", b'{"text": "a"', "bad.jsonl:1: not JSON"),
        ("bad.jsonl", b'{"text": "a", "n": ' + b"9" * 5000 + b"}", "bad.jsonl:1: not JSON"),
        ("bad.jsonl", b'{"text": "a", "n": ' + b"[" * 9999 + b"}", "bad.jsonl:1: not JSON"),
        ("bad.jsonl", b'{"text": "\\ud800"}', "bad.jsonl:1"),
        (
            "bad.jsonl",
            b"[1]",
            "bad.jsonl: looks like JSON, but not of a format that is read; its first value is "
            "'[1]'",
        ),
        ("bad.txt.gz", gzip.compress(TEXT.encode() * 99, mtime=0)[:-20], "bad.txt.gz"),
        ("bad.bin", bytes(range(256)), "bad.bin: binary data, not text"),
    ],
)
def test_predict_leaves_nothing_of_a_bad_file_and_tags_the_others(
    here: Path, name: str, content: bytes, complaint: str
) -> None:
    Path(name).write_bytes(content)
    Path("good.txt").write_text(TEXT)
    done = invoke("predict", GOLDEN, name, "good.txt", "--output", "out")
    assert complaint in failed(done)
    assert "Tagged 1 of 2 files" in done.stderr
    assert [path.name for path in Path("out").iterdir()] == ["good.txt"]


def test_predict_keeps_the_old_output_when_the_new_cannot_be_made(here: Path) -> None:
    Path("a.txt").write_text(TEXT)
    worked(invoke("predict", GOLDEN, "a.txt", "--output", "out"))
    before = Path("out/a.txt").read_text()
    Path("a.txt").write_bytes(b"new\n\xff")
    failed(invoke("predict", GOLDEN, "a.txt", "--output", "out"))
    assert Path("out/a.txt").read_text() == before


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["missing.txt"], "missing.txt: cannot be read: No such file or directory"),
        ([""], "the name of an input is empty"),
        (["empty"], "no file to tag"),
        (["a.txt", "--output", ""], "output folder is empty"),
        (["a.txt", "--output", "a.txt"], "a.txt: cannot be written"),
        (["a.txt", "--output", "a.txt/deep/er"], "cannot be written"),
        (["a.txt", "--output", "/proc/none"], "cannot be written"),
        (["columns.conll", "--token-column", "5"], "there is no column 5"),
        (["columns.conll", "--delimiter", ""], "delimiter of columns is empty"),
        (
            ["tokens.jsonl", "--to", "conll"],
            "tokens.jsonl:1: the token 'a b' cannot be a CoNLL column",
        ),
    ],
)
def test_predict_refuses(here: Path, arguments: list[str], complaint: str) -> None:
    Path("empty").mkdir()
    Path("a.txt").write_text(TEXT)
    Path("columns.conll").write_text("Quito x\n")
    Path("tokens.jsonl").write_text('{"tokens": ["a b"]}\n')
    assert complaint in failed(invoke("predict", GOLDEN, *arguments))
    assert Path("a.txt").read_text() == TEXT


def process(*arguments: str | Path, **kwargs: Any) -> subprocess.CompletedProcess[Any]:
    """The same in a process of its own, where streams and signals are real."""
    command = [sys.executable, "-m", "tagger.cli.main", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, check=False, timeout=PATIENCE, **kwargs)


def test_predict_in_several_processes(here: Path) -> None:
    """The same files as one process writes, and the same complaints."""
    Path("in").mkdir()
    for number in range(5):
        Path(f"in/{number}.txt").write_text(TEXT * (number + 1))
    Path("in/2.txt").write_bytes(b"fine\nM\xfcnchen\n")
    for workers in (1, 2):
        done = invoke(
            "predict", GOLDEN, "in", "--output", f"out-{workers}", "--workers", str(workers)
        )
        assert "in/2.txt:2: byte 0xfc" in failed(done)
        assert "Tagged 4 of 5 files" in done.stderr
    names = [path.name for path in sorted(Path("out-1").iterdir())]
    assert (
        names
        == [path.name for path in sorted(Path("out-2").iterdir())]
        == ["0.txt", "1.txt", "3.txt", "4.txt"]
    )
    assert all(
        Path(f"out-1/{name}").read_bytes() == Path(f"out-2/{name}").read_bytes() for name in names
    )
    assert "needs --output" in failed(invoke("predict", GOLDEN, "in", "--workers", "2"), 2)


# -- streams, in processes of their own


def test_streams_that_fail(here: Path) -> None:
    """A reader that goes away, a full disk, another encoding and closed streams: no traceback, and
    never a false success.
    """
    rows = next(CONLLEVAL.glob("*.txt"))
    with open("/dev/full", "w") as full:
        done = process("evaluate", "--predictions", rows, stdout=full, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (1, b"Error: output: No space left on device\n")
    shell = f"{sys.executable} -m tagger.cli.main evaluate --predictions {rows}"
    for streams, status in ((" >&-", 1), (" | true; exit ${PIPESTATUS[0]}", None)):
        done = subprocess.run(
            ["bash", "-c", shell + streams], cwd=ROOT, capture_output=True, check=False
        )
        assert status is None or done.returncode == status
        assert b"Traceback" not in done.stderr
        assert b"Exception" not in done.stderr


def test_predict_in_a_process_of_its_own(here: Path) -> None:
    """Results are UTF-8 whatever the locale, stderr is silent, a pipe can be read, and `| head` is
    no fault.
    """
    line = "Zürich met Leila in Tromsø.\n"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    script = (
        f"{sys.executable} -m tagger.cli.main predict {GOLDEN} --format text "
        f"<(yes '{line.strip()}' | head -3000) | head -2; exit ${{PIPESTATUS[0]}}"
    )
    done = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, capture_output=True, check=False, env=environment
    )
    assert (done.returncode, done.stderr) == (1, b"")
    assert done.stdout.decode() == worked(invoke("predict", GOLDEN, "-", input=line * 2))
