"""The lean installation: every command works, or says how to install what it lacks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import CONLLEVAL, GOLDEN, ROOT
from support.processes import PATIENCE
from support.tiny import TRAIN

# What only `pip install .[train]` and `.[search]` bring.
MISSING = (
    "datasets", "jax", "keras", "matplotlib", "onnx", "optuna", "pandas", "pyarrow", "seqeval",
    "tensorboard", "tensorflow",
)  # fmt: skip
SCRIPT = """
import importlib.abc, sys

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in {missing!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

import importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name in {missing!r} else real(name, *more)
sys.meta_path.insert(0, Missing())
{action}
"""
INSTALL = "pip install 'span-tagger[train]'"


def run(action: str) -> subprocess.CompletedProcess[str]:
    """Run Python code where the packages cannot be imported."""
    return subprocess.run(
        [sys.executable, "-c", SCRIPT.format(missing=MISSING, action=action)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command where the packages cannot be imported."""
    argv = ["tagger", *map(str, arguments)]
    return run(f"sys.argv = {argv!r}\nfrom tagger.cli.main import main\nmain()")


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "train.conll"
    path.write_text(TRAIN)
    return path


@pytest.mark.slow
def test_commands_that_need_more_say_how_to_install_it(tmp_path: Path, corpus: Path) -> None:
    search = tmp_path / "search.toml"
    search.write_text('[search.space]\n"model.units" = [2, 3]\n')
    new = tmp_path / "run"
    commands: list[list[str | Path]] = [
        ["train", "--train", corpus, new],
        ["train", "--train", corpus, "--seeds", "2", new],
        ["distill", "--train", corpus, "--teacher", GOLDEN, "--text", corpus, new],
        ["search", search, new],
        ["lm", "train", "--train", corpus, "--dev", corpus, new],
        ["classify", "train", "--train", corpus, new],
        ["export", GOLDEN],
        ["export", GOLDEN, "--to", "saved-model"],
    ]
    for arguments in commands:
        done = command(*arguments)
        assert done.returncode == 1, arguments
        assert INSTALL in done.stderr, done.stderr
        assert "Traceback" not in done.stderr
        assert not new.exists()


@pytest.mark.slow
def test_all_other_commands_work(tmp_path: Path, corpus: Path) -> None:
    for arguments in (
        ["config"],
        ["lm", "config"],
        ["classify", "config"],
        ["predict", GOLDEN, corpus, "--output", tmp_path / "out"],
        ["evaluate", GOLDEN, corpus],
        ["evaluate", "--predictions", CONLLEVAL / "exact.txt", "--json"],
        ["info", GOLDEN, "--json"],
        ["bench", GOLDEN, corpus, "--tokens", "50", "--rounds", "1", "--json"],
        ["convert", corpus, tmp_path / "train.jsonl", "--json"],
    ):
        done = command(*arguments)
        assert done.returncode == 0, done.stderr
        assert "Warning" not in done.stderr


def test_help_of_the_package_works() -> None:
    done = run("import tagger\nhelp(tagger)\nprint(tagger.train.__doc__)")
    assert done.returncode == 0, done.stderr
    assert "Not available: this needs datasets, keras, onnx, tensorflow" in done.stdout
