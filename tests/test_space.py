"""The space of a search: reading it, and reporting each mistake in it before the first trial."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.command_line import failed, invoke
from support.paths import ROOT

from tagger.config import tagger as config
from tagger.config.tagger import Config
from tagger.tuning import space
from tagger.tuning.space import Choice, Range


@pytest.fixture
def folder(here: Path) -> Path:
    """With a corpus and a configuration."""
    Path("few.conll").write_text("Rosa B-PER\nmet O\nLeila B-PER\n\nQuito B-LOC\n\n" * 4)
    Path("s.toml").write_text(
        '[data]\ntrain = "few.conll"\ndev = "few.conll"\n[search.space]\n"model.units" = [2, 4]\n'
    )
    return here


def test_a_space_is_read_and_the_rest_is_an_ordinary_configuration(here: Path) -> None:
    Path("s.toml").write_text(
        "[model]\nunits = 7\n[search]\n[search.space]\nmodel.layers = { low = 1, high = 3 "
        '}\n"model.hidden" = [[], [5, 4]]\n'
        '"model.dropout" = { low = 0, high = 0.55, step = 0.1 }\n"training.averaging" = [0, '
        '1]\n"model.cell" = ["gru", "lstm"]\n'
        '"model.units" = { low = 10, high = 34, step = 8 }\n[search.space.training]\n'
        "clip_norm = { low = 1, high = 2, log = true }"
    )
    settings, wanted = space.load("s.toml")
    assert settings == config.override(Config(), ["model.units=7"])
    assert wanted == space.Search(
        30,
        {
            "model.layers": Range(1, 3),
            "model.hidden": Choice(((), (5, 4))),
            "model.dropout": Range(0.0, 0.5, 0.1),
            "training.averaging": Choice((0.0, 1.0)),
            "model.cell": Choice(("gru", "lstm")),
            "model.units": Range(10, 34, 8),
            "training.clip_norm": Range(1.0, 2.0, None, True),
        },
    )
    dropout = wanted.space["model.dropout"]
    assert isinstance(dropout, Range)
    assert type(dropout.low) is float


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[model]\nunits = 3", "expected a table [search]"),
        ("search = 3", "expected a table [search]"),
        ("search = ", "not TOML"),
        ("[search]\ntrials = 3", "expected a table [search.space]"),
        ("[search]\nspace = {}", "expected a table [search.space]"),
        ("[search]\ntrial = 3", "[search]: unknown setting trial; did you mean trials?"),
        (
            '[search]\ntrials = 0\n[search.space]\n"model.units" = [1]',
            "search.trials: expected an integer of at least 1",
        ),
        ("[serch]\n[search.space]", "unknown table serch; did you mean search?"),
        ("[modle]\n[search.space]", "unknown table modle; did you mean model?"),
        ("model = 3\n[search.space]", "'model' must be a table"),
        ("[model]\nunit = 3\n[search.space]", "did you mean model.units?"),
        ("[model]\nunits = 0\n[search.space]", "model.units: expected a value from 1 to 10000"),
        ("[search.space]\nunits = [3]", "units: expected a setting with its table"),
        (
            '[search.space]\n"model.unit" = [3]',
            "unknown setting model.unit; did you mean model.units?",
        ),
        ('[search.space]\n"model.unit" = { low = 1, high = 2 }', "did you mean model.units?"),
        ('[search.space]\n"model.unit" = 3', "did you mean model.units?"),
        ('[search.space]\n"mode.units" = [3]', "unknown table mode; did you mean model?"),
        ('[search.space]\n"data.train" = ["a", "b"]', "data.train: cannot be searched"),
        ('[search.space]\n"training.seed" = [1, 2]', "training.seed: cannot be searched"),
        ('[search.space]\n"model.units" = 3', "expected a list of values or a range"),
        ('[search.space]\n"model.units" = []', "expected a list of values or a range"),
        (
            '[search.space]\n"model.units" = [3, "many"]',
            "[search.space]: model.units: expected int",
        ),
        ('[search.space]\n"model.units" = [3, 0]', "from 1 to 10000, found 0"),
        ('[search.space]\n"model.units" = [3, 4, 3]', "contains a value twice"),
        ('[search.space]\n"model.cell" = ["lstmm"]', "did you mean 'lstm'?"),
        ('[search.space]\n"model.units" = { low = 3 }', "expected numbers { low = …, high = … }"),
        (
            '[search.space]\n"model.units" = { low = 3, hihg = 4 }',
            "unknown key hihg; did you mean high?",
        ),
        ('[search.space]\n"model.units" = { low = 3, high = "4" }', "expected numbers"),
        ('[search.space]\n"model.units" = { low = 3, high = true }', "expected numbers"),
        ('[search.space]\n"training.averaging" = { low = 0, high = inf }', "expected numbers"),
        ('[search.space]\n"training.averaging" = { low = nan, high = 1 }', "expected numbers"),
        ('[search.space]\n"model.units" = { low = 4, high = 3 }', "expected low < high"),
        (
            '[search.space]\n"model.units" = { low = 1, high = 20000 }',
            "from 1 to 10000, found 20000",
        ),
        ('[search.space]\n"model.units" = { low = 1, high = 2.5 }', "model.units: expected int"),
        (
            '[search.space]\n"model.units" = { low = 1, high = 9, step = 0.5 }',
            "expected an integer step",
        ),
        (
            '[search.space]\n"model.units" = { low = 1, high = 9, step = 9 }',
            "not larger than the range",
        ),
        (
            '[search.space]\n"model.units" = { low = 1, high = 9, log = 1 }',
            "expected log = true or log = false",
        ),
        (
            '[search.space]\n"model.units" = { low = 1, high = 9, step = 2, log = true }',
            "expected low > 0 and no step",
        ),
        (
            '[search.space]\n"model.dropout" = { low = 0, high = 0.5, log = true }',
            "expected low > 0 and no step",
        ),
        ('[search.space]\n"model.cell" = { low = 0, high = 1 }', "model.cell: expected str"),
        (
            '[search.space]\n"model.bidirectional" = { low = 0, high = 1 }',
            "model.bidirectional: expected bool",
        ),
    ],
)
def test_a_wrong_space_is_reported_with_its_file_before_anything_begins(
    folder: Path, text: str, complaint: str
) -> None:
    Path("s.toml").write_text(text)
    message = failed(invoke("search", "s.toml", "run"))
    assert complaint in message
    assert "s.toml: " in message
    assert not Path("run").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        (["nowhere.toml", "run"], 1, "nowhere.toml: cannot be read"),
        (["few.conll", "run"], 1, "few.conll: not TOML"),
        (["s.toml"], 2, "Missing argument"),
        (["s.toml", "run", "--trials", "0"], 2, "not in the range"),
        (["s.toml", "run", "--set", "model.unit=3"], 2, "did you mean model.units?"),
        (["s.toml", "run", "--set", "data.train=none"], 1, "none: cannot be read"),
        (
            ["s.toml", "run", "--resume"],
            1,
            "search.db: does not exist, so there is nothing to resume",
        ),
        (["s.toml", "."], 1, "exists and is not empty"),
        (["s.toml", "s.toml"], 1, "exists and is not empty"),
        (["s.toml", "s.toml/run"], 1, "cannot be written"),
        (["s.toml", "/proc/run"], 1, "cannot be written"),
    ],
)
def test_wrong_usage(folder: Path, arguments: list[str], status: int, complaint: str) -> None:
    assert complaint in failed(invoke("search", *arguments), status)
    assert sorted(os.listdir()) == ["few.conll", "s.toml"]


def test_the_example_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    settings, wanted = space.load("experiments/search.toml")
    assert [Path(name).exists() for name in settings.data.train] == [True]
    assert len(wanted.space) == 5
