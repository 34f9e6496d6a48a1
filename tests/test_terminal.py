"""What stands on the screen: terminals of 80 and 200 columns, pipes, NO_COLOR and TERM=dumb."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import CONLLEVAL, GOLDEN, ROOT, SAMPLE
from support.processes import PATIENCE
from support.terminals import Recording, record
from support.tiny import TRAIN

TAGGER: list[str | Path] = ["-m", "tagger.cli.main"]
MAKE: list[str | Path] = [
    "-c",
    "import os, sys; os.execvp('make', ['make', *sys.argv[1:]])",
    "--silent",
]
STAND_IN: list[str | Path] = [ROOT / "tests" / "terminal_train.py"]
BAR = "━"

KINDS = pytest.mark.parametrize(
    ("columns", "environment"),
    [(80, {}), (200, {}), (80, {"NO_COLOR": "1"}), (80, {"TERM": "dumb"})],
    ids=["80", "200", "NO_COLOR", "dumb"],
)


def check(recording: Recording, columns: int, environment: dict[str, str]) -> None:
    """Check that no bar is left or wraps, and that colors appear only where they are wanted."""
    assert recording.status == 0, recording.raw
    assert not any(BAR in line for line in recording.screen)
    bars = [frame for frame in recording.frames if BAR in frame]
    assert all(len(frame.rstrip()) <= columns for frame in bars)
    if environment.get("TERM") == "dumb":
        assert "\x1b" not in recording.raw
    if "NO_COLOR" in environment:
        assert "\x1b[3" not in recording.raw


def pipe(command: list[str | Path]) -> subprocess.CompletedProcess[str]:
    """Run a command whose output is piped; check that it contains no control characters."""
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert "\x1b" not in done.stdout + done.stderr
    assert "\r" not in done.stdout + done.stderr
    assert BAR not in done.stderr
    return done


@pytest.fixture
def corpus(tmp_path: Path) -> list[str | Path]:
    path = tmp_path / "train.conll"
    path.write_text(TRAIN)
    return ["--train", path, "--dev", path]


TRAINED = [
    "vocabulary 1, parameters 1",
    "epoch     loss  dev F1  tokens/s   time",
    "    1   0.5000    0.00       100   0:30",
    "    2   0.5000   50.00       100   0:30",
]


@pytest.mark.slow
@KINDS
def test_train_on_a_terminal(
    tmp_path: Path, corpus: list[str | Path], columns: int, environment: dict[str, str]
) -> None:
    command = [*STAND_IN, "50", "train", *corpus, tmp_path / "run"]
    recording = record(command, columns, environment)
    check(recording, columns, environment)
    screen = recording.screen
    assert screen[0] == f"Reading {corpus[1]}, {corpus[3]}"
    assert screen[1] == "Loading TensorFlow"
    assert screen[2:5] == ["train: 4 sentences", "dev: 4 sentences", f"Warning: {'w' * 150}"]
    assert screen[5:9] == TRAINED
    assert screen[9].startswith("Stopped: all 2 epochs are trained. Time: 0:")
    assert screen[10].startswith("Warning: ")
    assert screen[11:] == [
        f"Best dev score 50.0 (epoch 2). The model is in {tmp_path / 'run'}.",
        f"Next: tagger evaluate {tmp_path / 'run'} test.conll",
        f"      tagger predict {tmp_path / 'run'} article.txt",
        "",
    ]
    bars = [frame for frame in recording.frames if BAR in frame]
    assert bool(bars) == (environment.get("TERM") != "dumb")


@pytest.mark.slow
def test_train_in_a_pipe(tmp_path: Path, corpus: list[str | Path]) -> None:
    done = pipe([*STAND_IN, "0", "train", *corpus, tmp_path / "run"])
    assert done.stdout.splitlines() == [
        f"Best dev score 0.0 (epoch 1). The model is in {tmp_path / 'run'}.",
        "The model finds nothing on dev: train longer (--epochs), and check that the labels of "
        "train and dev are the same.",
    ]
    assert done.stderr.splitlines()[5:7] == TRAINED[:2]
    quiet = pipe([*STAND_IN, "50", "train", *corpus, tmp_path / "quiet", "--quiet"])
    assert len(quiet.stdout.splitlines()) == 1
    assert [line.split(": ")[0] for line in quiet.stderr.splitlines()] == ["Warning"] * 2


@pytest.mark.slow
@KINDS
def test_search_on_a_terminal(
    tmp_path: Path, corpus: list[str | Path], columns: int, environment: dict[str, str]
) -> None:
    (tmp_path / "search.toml").write_text(
        f'[data]\ntrain = "{corpus[1]}"\ndev = "{corpus[3]}"\n'
        '[search]\ntrials = 2\n[search.space]\n"model.units" = [2, 3]\n'
    )
    command: list[str | Path] = [
        *STAND_IN,
        "50",
        "search",
        tmp_path / "search.toml",
        tmp_path / "run",
    ]
    recording = record(command, columns, environment)
    check(recording, columns, environment)
    assert "Loading TensorFlow" in recording.screen
    assert sum(line.startswith("trial ") for line in recording.screen) == 2
    assert sum(line.startswith("Warning: ") for line in recording.screen) == 2  # first and last


@pytest.mark.slow
@KINDS
def test_predict_on_a_terminal(tmp_path: Path, columns: int, environment: dict[str, str]) -> None:
    """No bar between lines of tagged text; with --output, one that is gone at the end."""
    text = tmp_path / ("long" * 30 + ".txt")
    text.write_text("Mira Okafor works for Nordwind in Quito.\n" * 300)
    recording = record([*TAGGER, "predict", GOLDEN, text], columns, environment)
    check(recording, columns, environment)
    has_colors = not {"NO_COLOR", "TERM"} & set(environment)
    assert has_colors == ("\x1b" in recording.raw)
    colored = re.findall(r"\x1b\[(\d+)m\x1b\[1m\[(\w+) [\w ]+\]\x1b\[0m", recording.raw)
    assert len(colored) == (900 if has_colors else 0)
    assert len(set(colored)) == len(dict(colored)) == (3 if has_colors else 0)
    line = "[PER Mira Okafor] works for [ORG Nordwind] in [LOC Quito]."
    assert recording.screen == [line] * 300 + [""]
    command: list[str | Path] = [*TAGGER, "predict", GOLDEN, text, "--output", tmp_path / "out"]
    recording = record(command, columns, environment)
    check(recording, columns, environment)
    assert len(recording.screen) == 2
    assert recording.screen[0].startswith("Tagged 1 of 1 files, 2,400 tokens in ")
    bars = [frame for frame in recording.frames if BAR in frame]
    assert bool(bars) == (environment.get("TERM") != "dumb")
    quiet = record([*command, "--quiet"], columns, environment)
    assert (quiet.status, quiet.raw) == (0, "")


def test_predict_in_a_pipe(tmp_path: Path) -> None:
    text = tmp_path / "a.txt"
    text.write_text("Quito\n")
    assert pipe([*TAGGER, "predict", GOLDEN, text]).stdout == "[LOC Quito]\n"
    columns = tmp_path / "a.conll"
    columns.write_text("Quito\n")
    command = [*TAGGER, "predict", GOLDEN, columns]
    assert pipe([*command, "--to", "text"]).stdout == "[LOC Quito]\n"
    shown = record([*command, "--to", "text"], 80)
    assert re.fullmatch(r"\x1b\[\d+m\x1b\[1m\[LOC Quito\]\x1b\[0m\r\n", shown.raw)
    assert record(command, 80).raw == "Quito B-LOC\r\n\r\n"
    done = pipe([*TAGGER, "predict", GOLDEN, text, "--verbose"])
    assert "tagger.inference.predictor: opened " in done.stderr


DEMO = """#!{python}
import shutil, subprocess, sys

arguments = sys.argv[1:]
if arguments[0] == "train":
    done = subprocess.run([sys.executable, "{stand_in}", "50", *arguments], check=True)
    shutil.rmtree(arguments[-1])
    shutil.copytree("{model}", arguments[-1])
else:
    from tagger.cli.main import main
    main()
"""


@pytest.fixture
def demo(tmp_path: Path) -> tuple[list[str | Path], dict[str, str]]:
    """`make demo` with another trainer and no installation, as a command and its environment."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    script = tmp_path / "bin" / "tagger"
    script.parent.mkdir()
    script.write_text(DEMO.format(python=sys.executable, stand_in=STAND_IN[0], model=GOLDEN))
    script.chmod(0o755)
    variables = [f"BIN={script.parent}", f"RUN={tmp_path / 'run'}"]
    # `make test` runs this with variables of its own.
    environment = {"MAKEFLAGS": "", "MAKELEVEL": "0", "PYTHONPATH": str(ROOT)}
    return [*MAKE, "--old-file=.venv/installed", "demo", *variables], environment


def check_demo(text: str) -> None:
    """Check that the parts of the demonstration stand in order, the article whole among them."""
    expected = [
        "== Training on data/sample (two minutes or so)\n",
        "Reading data/sample/train.conll, data/sample/dev.conll\nLoading TensorFlow\n",
        f"{TRAINED[-1]}\n",
        "== Evaluating on sentences it has never seen\n",
        "  445 sentences, 6,988 tokens, 1 document\n",
        "a stray I- opens a span; 641 gold, ",
        "== Tagging data/sample/article.txt\n",
        (SAMPLE / "next.txt").read_text(encoding="utf-8"),
    ]
    parts = []
    for part in expected:
        before, _, text = text.partition(part)
        parts.append(before)
    assert text == ""
    article = (SAMPLE / "article.txt").read_text(encoding="utf-8")
    assert re.sub(r"\[[A-Z]+ ([^]]+)\]", r"\1", parts[-1]) == f"{article}\n"


@pytest.mark.slow
@KINDS
def test_make_demo_on_a_terminal(
    demo: tuple[list[str | Path], dict[str, str]], columns: int, environment: dict[str, str]
) -> None:
    command, variables = demo
    recording = record(command, columns, variables | environment)
    check(recording, columns, environment)
    check_demo("\n".join(recording.screen))
    bars = [frame for frame in recording.frames if BAR in frame]
    assert bool(bars) == (environment.get("TERM") != "dumb")


@pytest.mark.slow
def test_make_demo_in_a_pipe(
    demo: tuple[list[str | Path], dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    command, variables = demo
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    done = pipe(command)
    assert done.returncode == 0, done.stderr
    assert TRAINED[-1] in done.stderr.splitlines()
    assert TRAINED[-1] not in done.stdout
    assert "641 gold" in done.stdout
    assert done.stdout.endswith((SAMPLE / "next.txt").read_text(encoding="utf-8"))


@pytest.mark.slow
@KINDS
def test_errors_and_evaluate_on_a_terminal(
    tmp_path: Path, columns: int, environment: dict[str, str]
) -> None:
    rows = CONLLEVAL / "exact.txt"
    recording = record([*TAGGER, "evaluate", "--predictions", rows], columns, environment)
    check(recording, columns, environment)
    piped = pipe([*TAGGER, "evaluate", "--predictions", rows])
    assert "\n".join(recording.screen) == piped.stdout
    corpus = tmp_path / "a.conll"
    corpus.write_text(TRAIN)
    recording = record([*TAGGER, "evaluate", GOLDEN, corpus], columns, environment)
    check(recording, columns, environment)
    piped = pipe([*TAGGER, "evaluate", GOLDEN, corpus])
    assert "\n".join(recording.screen) == piped.stderr + piped.stdout
    bars = [frame for frame in recording.frames if BAR in frame]
    assert bool(bars) == (environment.get("TERM") != "dumb")
    assert all(" tokens " in frame for frame in bars)
    recording = record([*TAGGER, "info", "missing"], columns, environment)
    assert recording.status == 1
    assert recording.screen[0].startswith("Error: missing")
    assert ("\x1b[31m" in recording.raw) == (environment == {})


@pytest.mark.slow
@pytest.mark.parametrize("environment", [{}, {"TERM": "dumb"}], ids=["80", "dumb"])
def test_bench_on_a_terminal(environment: dict[str, str]) -> None:
    command = [*TAGGER, "bench", GOLDEN, "--tokens", "200", "--rounds", "1"]
    recording = record(command, 80, environment)
    check(recording, 80, environment)
    bars = [frame for frame in recording.frames if BAR in frame]
    assert bool(bars) == (environment == {})
    assert all(" measurements" in frame for frame in bars)
