"""Documentation is run: every command of the README works as it stands there."""

import re
import shlex
import shutil

import pytest
from support import small_language_models
from support.command_line import invoke
from support.paths import ROOT
from test_language_model_import import arrays_of, write_npz

from tagger.bundles import language_model as bundles

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if "tagger " in line
]
LANGUAGE_MODELS = {"letters": "forward", "back": "backward"}
QUICKLY = [
    "--set",
    "training.epochs=1",
    "--set",
    "model.units=4",
    "--set",
    "model.embedding=4",
    "--set",
    "model.characters=4",
]


PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def workplace(tmp_path, trained_run, monkeypatch):
    """A folder like the repository's, with the run that the README trains; CoNLL-2003 is played by
    the sample.
    """
    (tmp_path / "data").mkdir()
    shutil.copytree(ROOT / "data" / "sample", tmp_path / "data" / "sample")
    shutil.copytree(ROOT / "data" / "sample", tmp_path / "data" / "conll2003")
    shutil.copytree(
        ROOT / "experiments", tmp_path / "experiments", ignore=shutil.ignore_patterns("*.png")
    )
    for run in ("mine", "five/seed-1", "five/seed-2"):
        shutil.copytree(trained_run, tmp_path / "runs" / run)
    for name, direction in LANGUAGE_MODELS.items():
        bundles.save(tmp_path / "runs" / name, small_language_models.bundle_of(direction=direction))
    monkeypatch.setenv("TAGGER_CACHE", str(tmp_path / "cache"))
    write_npz(tmp_path / "news-forward.npz", **arrays_of())
    (tmp_path / "glove.6B.100d.txt").write_text(
        "the 0.1 0.2 0.3\nminister -0.1 0.5 0.25\n", encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_there_are_commands_to_check():
    assert {command.split()[1] for command in COMMANDS if command.startswith("tagger")} >= {
        "train",
        "evaluate",
        "predict",
        "info",
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_command_works(command, workplace):
    text, pipe, right = command.partition(" | ")
    arguments = shlex.split(right if pipe else command)[1:]
    if arguments[:2] == ["lm", "train"]:
        shutil.rmtree(workplace / "runs")
        arguments += QUICKLY[:4]
    if arguments[0] == "train":
        for run in (workplace / "runs").iterdir():
            if run.name not in LANGUAGE_MODELS:
                shutil.rmtree(run)
        arguments = ["2" if word == "5" else word for word in arguments] + QUICKLY
    if arguments[0] == "distill":
        arguments += QUICKLY
    if arguments[0] == "search":
        arguments += ["--trials", "1", "--set", "training.epochs=1"]
    if arguments[0] == "bench":
        arguments += ["--tokens", "1000", "--rounds", "1"]
    result = invoke(*arguments, input=shlex.split(text)[1] + "\n" if pipe else None)
    assert result.status == 0, result.stderr


def test_python_example_runs(workplace, capsys):
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(code, "README.md", "exec"), {})
    assert "Error" not in capsys.readouterr().err


def test_links_lead_somewhere():
    for name in ("README.md", "CONTRIBUTING.md", "experiments/README.md"):
        for target in re.findall(
            r"\]\((?!https?:)([^)#]+)\)", (ROOT / name).read_text(encoding="utf-8")
        ):
            assert ((ROOT / name).parent / target).exists(), f"{name}: {target}"


def test_python_works(workplace, capsys):
    names = {}
    for block in PYTHON:
        exec(block, names)
    assert "PER" in names["model"].labels
    assert len(capsys.readouterr().out.splitlines()) >= 3
