"""The command line as a demanding user meets it: what comes out, where, and with which exit
status.
"""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import datasets
import pytest
from support.command_line import failed, invoke, worked
from support.paths import CONLLEVAL, GOLDEN, ROOT

import tagger
from tagger.bundles import tagger_files as bundles
from tagger.cli import options
from tagger.text import schemes

SAMPLE = ROOT / "data" / "sample"
TEXT = "Mira Okafor works for Nordwind in Quito.\n"
TINY = [
    "model.units=2",
    "model.embedding=2",
    "model.characters=2",
    "training.epochs=1",
    "training.epoch_tokens=0",
]
QUICKLY = [part for setting in TINY for part in ("--set", setting)]


# -- usage


def test_help_costs_next_to_nothing() -> None:
    script = """
import sys
from tagger.cli import main
sys.argv = ["tagger", "--help"]
try: main.main()
except SystemExit as exit_: assert not exit_.code
loaded = {"tensorflow", "keras", "datasets", "numpy"} & set(sys.modules)
assert not loaded, loaded
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "predict" in done.stdout


@pytest.mark.parametrize(
    "command", ["train", "distill", "search", "evaluate", "predict", "convert", "info"]
)
def test_every_command_explains_itself(command: str) -> None:
    assert worked(invoke(command, "--help")).startswith(f"Usage: tagger {command}")
    assert invoke(command).status == 2


def test_version() -> None:
    assert tagger.__version__ in worked(invoke("--version"))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["trian"], "did you mean 'train'"),
        (["sing"], "No such command"),
        (["predict", GOLDEN], "at least one model, then at least one file"),
        (["predict", GOLDEN, GOLDEN], "at least one model, then at least one file"),
        (["predict", GOLDEN, "-", "--format", "xml"], "'xml' is not one of"),
        (["predict", GOLDEN, "-", "--scheme", "IOB3"], "'IOB3' is not one of"),
        (["predict", GOLDEN, "-", "--scheme", "plain"], "'plain' is not one of"),
        (["predict", GOLDEN, "-", "--colour"], "No such option"),
        (["info", GOLDEN, "more"], "unexpected extra argument"),
        (["evaluate", GOLDEN], "expected RUN... FILE..."),
        (["evaluate", GOLDEN, GOLDEN], "at least one model, then at least one file"),
        (["evaluate", GOLDEN, "a", "--predictions", "b"], "expected RUN... FILE..."),
        (["evaluate", "--predictions", "b", "--tag-column", "3"], "leave out --tag-column"),
        (["evaluate", GOLDEN, "a", "--scheme", "IOB3"], "'IOB3' is not one of"),
        (["convert", "a", "b", "--to", "IOB3"], "'IOB3' is not one of"),
        (["convert", "a", "b", "--from", "iob3"], "'iob3' is not one of"),
        (["train", "a", "b", "c"], "found a b c"),
        (["distill", "a", "b", "c"], "found a b c"),
        (["distill", "run", "--tokens", "0"], "0 is not in the range"),
        (["train", "run", "--set", "units=3"], "TABLE.KEY=VALUE"),
        (["train", "run", "--set", "model.units"], "TABLE.KEY=VALUE"),
        (["train", "run", "--set", "model.unit=3"], "did you mean model.units?"),
        (["train", "run", "--set", "mode.units=3"], "did you mean model?"),
        (["train", "run", "--set", "model.units=many"], "expected int"),
        (["train", "run", "--set", "model.units=0"], "from 1 to 10000"),
        (["train", "run", "--set", "model.cell=lstmm"], "did you mean 'lstm'?"),
        (["train", "run", "--set", "training.learning_rate=nan"], "found nan"),
        (["train", "run", "--seed", "-1"], "training.seed"),
        (["train", "run", "--scheme", "IOB3"], "'IOB3' is not one of"),
    ],
)
def test_wrong_usage(here: Path, arguments: list[str], complaint: str) -> None:
    assert complaint in failed(invoke(*arguments), 2)
    assert not list(here.iterdir())


def test_the_schemes_offered_are_those_there_are() -> None:
    assert set(options.SPAN_SCHEME.choices) == {*schemes.SCHEMES, *schemes.ALIASES}
    assert set(options.SCHEME.choices) == {"auto", *options.SPAN_SCHEME.choices, schemes.PLAIN}


# -- evaluate


@pytest.mark.parametrize("name", sorted(json.loads((CONLLEVAL / "expected.json").read_text())))
def test_evaluate_agrees_with_conlleval(name: str) -> None:
    figures = json.loads(worked(invoke("evaluate", "--predictions", CONLLEVAL / name, "--json")))
    assert set(figures) == {"conlleval", "strict"}
    assert figures["conlleval"] == json.loads((CONLLEVAL / "expected.json").read_text())[name]


ROWS = "Anna B-PER B-PER\nsang O O\n\nBonn B-LOC O\n"


@pytest.mark.parametrize(
    "content",
    [
        ROWS,
        ROWS.replace("\n", "\r\n"),
        "\ufeff" + ROWS,
        ROWS.replace(" ", "\t"),
        ROWS.removesuffix("\n") + "\n\n\n\n",
        ROWS.removesuffix("\n"),
        "# a remark\n" + ROWS + "\n# the end\n",
        "B-PER B-PER\nO O\n\nB-LOC O\n",
        ROWS.replace(" B", " NN  x B", 1)
        .replace("sang ", "sang VB y ")
        .replace("Bonn ", "Bonn NE \u00a0 "),
    ],
    ids=[
        "plain",
        "CRLF",
        "BOM",
        "tabs",
        "blank lines",
        "no last line end",
        "remarks",
        "two columns",
        "more columns",
    ],
)
@pytest.mark.parametrize(
    "pack", [str.encode, lambda text: gzip.compress(text.encode())], ids=["", "gzip"]
)
def test_evaluate_reads_every_layout(
    here: Path, content: str, pack: Callable[[str], bytes]
) -> None:
    (here / "rows").write_bytes(pack(content))
    scores = json.loads(worked(invoke("evaluate", "--predictions", "rows", "--json")))["conlleval"]
    assert (
        scores["tokens"],
        scores["gold"],
        scores["predicted"],
        scores["correct"],
        scores["f1"],
    ) == (3, 2, 1, 1, 66.67)
    assert invoke("evaluate", "--predictions", "-", "--json", input=content.encode()).status == 0


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "contains no sentence"),
        (b"\n\n \n", "contains no sentence"),
        (b"# one\n# two\n-DOCSTART- -X- O\n", "contains no sentence"),
        (b"one\ntwo\n", "rows:1"),
        (b"a O O\nb O\n", "rows:2: expected 3 columns, found 2"),
        (b"a O O\nM\xfcnchen O O\n", "rows:2: byte 0xfc at position 1 is not UTF-8"),
        (gzip.compress(ROWS.encode() * 99, mtime=0)[:40], "damaged"),
    ],
)
def test_evaluate_refuses_what_is_no_predictions(
    here: Path, content: bytes, complaint: str
) -> None:
    (here / "rows").write_bytes(content)
    assert complaint in failed(invoke("evaluate", "--predictions", "rows"))


@pytest.mark.slow
def test_the_first_column_is_a_column_too(here: Path) -> None:
    """Number 0 is given, and not left out."""
    Path("tags-first.conll").write_text(
        "B-PER Anna\nO sang\n\nO cold\nB-LOC Oslo\n", encoding="utf-8"
    )
    data = [
        "--train",
        "tags-first.conll",
        "--dev",
        "tags-first.conll",
        "--token-column",
        "1",
        "--tag-column",
        "0",
    ]
    worked(invoke("train", *data, "run", *QUICKLY))
    assert bundles.load("run").labels == ["LOC", "PER"]


@pytest.mark.slow
def test_evaluate_a_model_on_several_files(trained_run: Path, here: Path) -> None:
    sentences = (SAMPLE / "test.conll").read_text().split("\n\n")
    for number in range(2):
        (here / f"{number}.conll").write_text("\n\n".join(sentences[number::2]) + "\n\n")
    together = json.loads(worked(invoke("evaluate", trained_run, SAMPLE / "test.conll", "--json")))
    apart = json.loads(worked(invoke("evaluate", trained_run, "0.conll", "1.conll", "--json")))
    assert together == apart
    assert together["strict"]["gold"] == 641
    report = worked(invoke("evaluate", trained_run, SAMPLE / "test.conll"))
    assert f"{together['conlleval']['f1']:.2f}" in report


def test_evaluate_what_predict_wrote(trained_run: Path, here: Path) -> None:
    """Tag an annotated file, and score it as a file of predictions: the same figures."""
    worked(invoke("predict", trained_run, SAMPLE / "test.conll", "--output", "out"))
    direct = json.loads(worked(invoke("evaluate", trained_run, SAMPLE / "test.conll", "--json")))
    again = json.loads(worked(invoke("evaluate", "--predictions", "out/test.conll", "--json")))
    assert {name: direct[name] for name in again} == again
    assert {*direct} - {*again} == {"confusion", "cutting", "schemas"}


@pytest.mark.parametrize(
    ("content", "extra", "complaint"),
    [
        ("", [], "contains no sentences"),
        ("a DT\nb NN\n", [], "the model predicts spans"),
        ("a B-PER\nb O\n", ["--tag-column", "7"], "there is no column 7 for the tag"),
        ("a B-PER\nb O\n", ["--delimiter", ""], "delimiter of columns is empty"),
        (
            "a B-PER\nb O\n",
            ["--scheme", "IOBES"],
            "a.conll:2: tag 'O' cannot follow 'B-PER' in IOBES",
        ),
        ("a\nb\n", [], "both be column 0"),
    ],
)
def test_evaluate_refuses_what_is_no_annotation(
    here: Path, content: str, extra: list[str], complaint: str
) -> None:
    (here / "a.conll").write_text(content)
    assert complaint in failed(invoke("evaluate", GOLDEN, "a.conll", *extra))


@pytest.mark.parametrize("run", ["nowhere", ".", "", __file__])
@pytest.mark.parametrize("command", [["info"], ["predict", "-"], ["evaluate", "-"]])
def test_what_is_no_model_is_refused(here: Path, run: str, command: list[str]) -> None:
    assert "not a trained model" in failed(invoke(command[0], run, *command[1:], input=TEXT))


def test_a_damaged_model_is_refused(here: Path) -> None:
    shutil.copytree(GOLDEN, "run")
    with Path("run/weights.npz").open("ab") as stream:
        stream.write(b"x")
    for command in (["info", "run"], ["predict", "run", "-"]):
        assert "weights.npz: differs from the manifest" in failed(invoke(*command, input=TEXT))


def test_info() -> None:
    out = worked(invoke("info", GOLDEN))
    assert "LOC, ORG, PER" in out
    assert "english-conll-1" in out


# -- convert


def test_convert_there_and_back(here: Path) -> None:
    worked(invoke("convert", SAMPLE / "dev.conll", "dev.jsonl"))
    worked(invoke("convert", "dev.jsonl", "dev.bilou", "--to", "BILOU"))
    done = invoke("convert", "dev.bilou", "dev.conll")
    assert worked(done) == ""
    assert done.stderr.startswith(
        "dev.bilou: columns separated by blanks: token in column 0, tag in column 1 of 2, scheme "
        "BILOU\n  445 sentences, 6,922 tokens, 1 document\n"
    )
    assert done.stderr.endswith("\ndev.conll: 445 sentences\n")
    assert Path("dev.conll").read_text().split() == (SAMPLE / "dev.conll").read_text().split()


@pytest.mark.parametrize(
    "target", [".", "-", "b.conll.gz", "a.conll", "./a.conll", "a.conll/b", "/proc/none"]
)
def test_convert_refuses_a_target(here: Path, target: str) -> None:
    Path("a.conll").write_text("Rosa B-PER\n")
    failed(invoke("convert", "a.conll", target))
    assert Path("a.conll").read_text() == "Rosa B-PER\n"
    assert [path.name for path in here.iterdir()] == ["a.conll"]


# -- train


@pytest.mark.slow
def test_train_from_the_command_line(here: Path) -> None:
    Path("few.conll").write_text("Rosa B-PER\nmet O\nLeila B-PER\n\nQuito B-LOC\n\n" * 4)
    small = [
        *QUICKLY,
        "--set",
        "training.schedule=constant",
    ]  # with another, no training can be prolonged
    base = ["train", "--train", "few.conll", "--dev", "few.conll", "run", *small]
    done = invoke(*base)
    assert "The model is in run." in worked(done)
    assert "scheme IOB2" in done.stderr
    assert "units = 2" in Path("run/config.toml").read_text()
    assert (
        worked(invoke("predict", "run", "-", "--to", "conll", input="Rosa met Leila")).count("\n")
        == 4
    )
    assert "exists and is not empty" in failed(invoke(*base))
    assert "(epoch" in worked(invoke(*base, "--resume", "--set", "training.epochs=2"))
    assert len(Path("run/history.csv").read_text().splitlines()) == 3
    assert "started with other settings" in failed(
        invoke(*base, "--resume", "--set", "model.units=3")
    )
    Path("run/checkpoint/last.npz").write_bytes(b"no")
    assert "damaged checkpoint" in failed(invoke(*base, "--resume"))


@pytest.mark.slow
def test_train_on_a_saved_dataset(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", here / "cache")
    Path("few.conll").write_text("Rosa B-PER\nmet O\nLeila B-PER\n\nQuito B-LOC\n\n" * 4)
    both = tagger.to_dataset({"train": "few.conll", "validation": "few.conll"})
    both.save_to_disk("both")
    both["validation"].to_parquet("dev.parquet")
    done = invoke("train", "--hub", "both", "run", *QUICKLY)
    assert "The model is in run." in worked(done)
    assert "scheme IOB2" in done.stderr
    assert bundles.load("run").config.data.hub == "both"
    worked(invoke("train", "--train", "few.conll", "--dev", "dev.parquet", "other", *QUICKLY))
    weights = [Path(run, "weights.npz").read_bytes() for run in ("run", "other")]
    assert weights[0] == weights[1]  # where sentences come from makes no difference
    worked(invoke("export", "other"))  # measures on dev.parquet again


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["run"], "no train data"),
        (["--hub", "a/b", "--dev", "good", "run"], "data.hub is 'a/b', but data.train or data.dev"),
        (["--hub", "a//b", "run"], "data.hub: the dataset 'a//b' cannot be loaded: expected NAME"),
        (["--hub", "good", "run"], "its name should end in one of .parquet, .arrow, .json, .jsonl"),
        (["nowhere.toml", "run"], "nowhere.toml: cannot be read"),
        ([".", "run"], "cannot be read"),
        (["bytes", "run"], "bytes: binary data, not text"),
        (["good", "run"], "good: not TOML"),
        (["--train", "nowhere", "--dev", "good", "run"], "nowhere: cannot be read"),
        (["--train", "empty", "--dev", "good", "run"], "empty: contains no sentences"),
        (["--train", "good", "--dev", "empty", "run"], "empty: contains no sentences"),
        (["--train", "bytes", "--dev", "good", "run"], "bytes: binary data, not text"),
        (["--train", "outside", "--dev", "good", "run"], "every tag is O"),
        (["--train", "single", "--dev", "good", "run"], "both be column 0"),
        (["--train", "good", "--dev", "good", "--tag-column", "5", "run"], "no column 5"),
        (["--train", "good", "--dev", "good", "--scheme", "IOBES", "run"], "good:2"),
        (["--train", "good", "--dev", "good", "run", "--resume"], "nothing to resume"),
        (
            ["--train", "good", "--dev", "good", "run", "--set", "data.tokenizer=klingon"],
            "unknown tokenizer 'klingon'",
        ),
        (["--train", "good", "--dev", "good", "good"], "exists and is not empty"),
        (["--train", "good", "--dev", "good", "good/run"], "cannot be written"),
        (["--train", "good", "--dev", "good", "/proc/run"], "cannot be written"),
        (["--train", "good", "--dev", "good", ""], "exists and is not empty"),
    ],
)
def test_train_refuses(here: Path, arguments: list[str], complaint: str) -> None:
    Path("good").write_text("Rosa B-PER\nmet O\nLeila B-PER\n\n" * 3)
    Path("empty").write_text("\n# nothing\n")
    Path("outside").write_text("a O\nb O\n")
    Path("single").write_text("a\nb\n")
    Path("bytes").write_bytes(b"\x80\x00")
    assert complaint in failed(invoke("train", *arguments, "--set", "model.units=2"))
    assert not Path("run").exists()


def test_a_document_mark_counts_as_a_token_as_in_conlleval(here: Path) -> None:
    (here / "predictions.conll").write_text(
        "-DOCSTART- -X- O O\n\nAnna NNP B-PER B-PER\nsang VBD O B-PER\n\n-DOCSTART-\n"
    )
    figures = json.loads(
        worked(invoke("evaluate", "--predictions", "predictions.conll", "--json"))
    )["conlleval"]
    assert (figures["tokens"], figures["accuracy"]) == (4, 75.0)
