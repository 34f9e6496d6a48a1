"""Options that all commands share, hints for options of other programs, and completion."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import click
import pytest
from support.command_line import failed, invoke, worked
from support.paths import GOLDEN, GOLDEN_LANGUAGE_MODEL, ROOT
from support.tiny import TRAIN

import tagger
from tagger.cli import training
from tagger.cli.hints import hint_for
from tagger.cli.main import group
from tagger.config import tagger as config
from tagger.text import schemes

PATHS = re.compile(r"FILE|DIR|RUN|MAP|TOML|SOURCE|TARGET$")


def commands(parent: click.Group = group, path: str = "") -> list[tuple[str, click.Command]]:
    """Return all commands, with those of groups, and what is typed for them."""
    found = []
    for name in parent.list_commands(click.Context(parent)):
        command = parent.get_command(click.Context(parent), name)
        assert command is not None
        if isinstance(command, click.Group):
            found += commands(command, f"{path}{name} ")
        else:
            found.append((path + name, command))
    return found


@pytest.mark.parametrize(("name", "command"), commands(), ids=lambda value: str(value))
def test_every_command_has_the_common_options(name: str, command: click.Command) -> None:
    options = {option for parameter in command.params for option in parameter.opts}
    assert {"--quiet", "-q", "--verbose", "-v"} <= options
    assert "--json" in options
    for parameter in command.params:  # no path is without a completion
        if PATHS.search(f"{parameter.metavar or parameter.name}".upper()):
            assert parameter.type.name != "text", parameter.name


@pytest.mark.parametrize(("name", "command"), commands(), ids=lambda value: str(value))
def test_no_option_silently_takes_the_last_of_several_values(
    name: str, command: click.Command
) -> None:
    """An option with several values says so; others are an error if they are repeated."""
    for option in command.params:
        if not isinstance(option, click.Option) or option.is_flag:
            continue
        assert ("repeat" in (option.help or "").lower()) == option.multiple, option.help
        if not option.multiple:
            word = max(option.opts, key=len)
            message = failed(invoke(*name.split(), option.opts[0], "1", f"{word}=2", "x"), 2)
            assert f"Error: {word} may be given only once" in message


@pytest.mark.parametrize(
    ("option", "hint"),
    [
        ("--batch-size", "use --set training.batch_tokens=VALUE; "),
        ("--lr", "use --set training.learning_rate=VALUE; "),
        ("--dropout=0.5", "use --set model.dropout=VALUE; "),
        ("--patience", "use --set training.patience=VALUE; "),
        ("--clip-norm", "use --set training.clip_norm=VALUE; "),
        ("--hidden-size", "use --set model.units=VALUE; "),
        ("--force", "nothing is overwritten: remove the folder, or choose another one"),
    ],
)
def test_options_of_other_programs_point_to_settings(here: Path, option: str, hint: str) -> None:
    name = option.partition("=")[0]
    message = failed(invoke("train", "--train", "a", "run", option), 2)
    assert f"Error: No such option '{name}'; {hint}" in message
    for command in ("distill", "search"):
        assert hint in failed(invoke(command, option, "run"), 2)
    assert "--set" not in failed(invoke("predict", option, "run"), 2)


def test_every_hint_names_a_setting() -> None:
    for name in ("batch-size", "lr", "num-layers", "rnn", "gradient-clip", "embedding-dim"):
        key = hint_for(f"--{name}").removeprefix("use --set ").partition("=")[0]
        table, _, setting = key.partition(".")
        assert hasattr(getattr(config.Config(), table), setting)
    assert hint_for("--colour") == ""


def test_common_settings_are_options(monkeypatch: pytest.MonkeyPatch) -> None:
    received = []
    monkeypatch.setattr(training, "_one", lambda settings, *others: received.append(settings))
    numbers = ["--epochs", "7", "--units", "8", "--batch-tokens", "90"]
    worked(invoke("train", "--train", "a", "run", *numbers, "--set", "model.units=9"))
    [settings] = received
    assert (settings.training.epochs, settings.training.batch_tokens) == (7, 90)
    assert settings.model.units == 9  # --set has the last word
    message = failed(invoke("train", "--train", "a", "run", "--units", "0"), 2)
    assert "command line: model.units: expected a value from 1 to 10000, found 0" in message


def test_distill_names_its_own_options(here: Path) -> None:
    assert "no teacher; give --teacher DIR" in failed(invoke("distill", "--text", "a", "run"), 2)
    message = failed(invoke("distill", "--teacher", GOLDEN, "run"), 2)
    assert "no text for the teachers to label; give --text FILE" in message


@pytest.mark.parametrize("name", ["a.xlsx", "a.docx", "a.PDF"])
def test_convert_writes_no_columns_under_the_name_of_other_files(here: Path, name: str) -> None:
    Path("a.conll").write_text(TRAIN)
    message = failed(invoke("convert", "a.conll", name))
    assert f"files ending in {Path(name).suffix} are of another kind; expected a suffix" in message
    worked(invoke("convert", "a.conll", name, "--as", "conll"))


@pytest.mark.parametrize("alias", ["BIO", "bioes", "Biluo"])
def test_schemes_have_other_names_in_either_case(here: Path, alias: str) -> None:
    Path("a.conll").write_text(TRAIN)
    worked(invoke("convert", "a.conll", "b.conll", "--to", alias))
    read = worked(invoke("convert", "b.conll", "c.jsonl", "--scheme", alias, "--json"))
    assert json.loads(read)["scheme"] == schemes.ALIASES[alias.upper()]
    tagged = worked(invoke("predict", GOLDEN, "a.conll", "--scheme", alias))
    assert len(tagged.splitlines()) == len(TRAIN.rstrip("\n").splitlines()) + 1


def test_results_as_json(here: Path) -> None:
    assert json.loads(worked(invoke("info", GOLDEN, "--json"))) == tagger.describe(GOLDEN)
    Path("a.conll").write_text(TRAIN)
    done = json.loads(worked(invoke("convert", "a.conll", "b.jsonl", "--json", "--quiet")))
    assert done == {
        "target": "b.jsonl",
        "scheme": "IOB2",
        "sentences": 4,
        "tokens": 13,
        "labels": {"PER": 2, "LOC": 2},
        "dropped": [],
        "notes": [],
    }
    bench = invoke("bench", GOLDEN, "a.conll", "--tokens", "20", "--rounds", "1", "--json")
    measured = json.loads(worked(bench))
    for speed in measured["speeds"]:
        assert set(speed) == {"precision", "threads", "kernel", "whole"}
    labels = json.loads(worked(invoke("evaluate", GOLDEN, "a.conll", "--json")))["strict"]["labels"]
    assert (labels["PER"]["gold"], labels["LOC"]["gold"]) == (2, 2)


def test_settings_and_samples_as_json(here: Path) -> None:
    settings = json.loads(worked(invoke("config", "model", "--json")))
    assert {setting["table"] for setting in settings} == {"model"}
    defaults = {setting["name"]: setting["default"] for setting in settings}
    assert defaults == json.loads(json.dumps(asdict(config.Config().model)))
    everything = json.loads(worked(invoke("lm", "config", "--json")))
    assert {setting["table"] for setting in everything} >= {"data", "model", "training"}
    sample = ["lm", "sample", str(GOLDEN_LANGUAGE_MODEL), "--count", "2", "--seed", "1"]
    texts = json.loads(worked(invoke(*sample, "--json")))
    assert [each["text"] for each in texts] == worked(invoke(*sample)).splitlines()


def test_evaluate_warns_of_other_labels(here: Path) -> None:
    Path("a.conll").write_text("Mira B-HUMAN\nOkafor I-HUMAN\nleft O\nQuito B-PLACE\n")
    done = invoke("evaluate", GOLDEN, "a.conll")
    assert done.status == 0
    assert done.stderr.endswith(
        "Warning: no label in common: the files contain HUMAN, PLACE, the model predicts LOC, PER\n"
    )
    Path("b.conll").write_text("and B-HUMAN\n")
    assert invoke("evaluate", GOLDEN, "b.conll").stderr.endswith(
        "Warning: the model finds nothing in these files\n"
    )


def test_verbose_prints_the_log_and_only_then() -> None:
    handlers = list(logging.getLogger("tagger").handlers)
    done = invoke("predict", GOLDEN, "-", "--verbose", input="Quito\n")
    assert f"tagger.inference.predictor: opened {GOLDEN}: " in done.stderr
    assert invoke("predict", GOLDEN, "-", input="Quito\n").stderr == ""
    assert logging.getLogger("tagger").handlers == handlers


def test_version_has_a_short_option() -> None:
    assert worked(invoke("-V")) == worked(invoke("--version"))


@pytest.mark.parametrize(
    "words", ["tagger predict ru", "tagger predict a --output o", "tagger tra"]
)
def test_the_shell_completes_files_folders_and_commands(words: str) -> None:
    variables = {
        **os.environ,
        "_TAGGER_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    done = subprocess.run(
        [sys.executable, "-m", "tagger.cli.main"],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )
    expected = {"ru": "file,ru", "o": "dir,o", "tra": "plain,train"}
    assert done.stdout == expected[words.split()[-1]] + "\n"


def test_paths_in_toml_may_be_seen_from_its_folder(here: Path) -> None:
    Path("sub").mkdir()
    for name in ("sub/train.conll", "sub/both.conll", "both.conll"):
        Path(name).write_text(TRAIN)
    Path("sub/a.toml").write_text(
        '[data]\ntrain = ["train.conll", "both.conll"]\ndev = "missing.conll"\n'
    )
    data = config.load("sub/a.toml").data
    assert data.train == ("sub/train.conll", "both.conll")
    assert data.dev == ("missing.conll",)
