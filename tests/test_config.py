"""Settings from TOML: what is unknown or impossible is refused with a hint, and what is written is
read as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.config import schema
from tagger.config.tagger import (
    Config,
    DataConfig,
    ModelConfig,
    assign,
    from_toml,
    load,
    override,
    to_toml,
)
from tagger.errors import ConfigError


def _values(setting: Any) -> st.SearchStrategy[Any]:
    """Anything that this setting may be."""
    meta, default = setting.metadata, setting.default
    if meta["choices"]:
        return st.sampled_from(tuple(meta["choices"]))
    if isinstance(default, bool):
        return st.booleans()
    if isinstance(default, int):
        return st.integers(
            -(2**40) if meta["low"] is None else meta["low"],
            2**40 if meta["high"] is None else meta["high"],
        )
    if isinstance(default, float):
        return st.floats(meta["low"], meta["high"], allow_nan=False, allow_infinity=False)
    text = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
    if "files" in meta:
        return st.lists(text.filter(bool), max_size=2).map(tuple)
    if isinstance(default, tuple):
        return st.lists(st.integers(1, 10_000), max_size=3).map(tuple)
    return text


CONFIGS = st.builds(
    Config,
    **{
        section: st.builds(kind, **{setting.name: _values(setting) for setting in fields(kind)})
        for section, kind in get_type_hints(Config).items()
    },
)


@given(config=CONFIGS)
def test_toml_written_and_read(config: Config) -> None:
    assert from_toml(to_toml(config)) == config


@given(config=CONFIGS, other=CONFIGS)
def test_every_setting_can_be_set_in_a_command(config: Config, other: Config) -> None:
    lines = to_toml(other).split("\n")
    section, assignments = "", []
    for line in lines:
        section = line.strip("[]") if line.startswith("[") else section
        if " = " in line:
            assignments.append(f"{section}.{line}")
    assert override(config, assignments) == other


def test_a_file_sets_what_it_names_and_no_more(tmp_path: Path) -> None:
    for text in ("", "[model]\nunits = 7\nhidden = [3, 4]\ndropout = 0\n"):
        for start in ("", "\ufeff"):  # as some editors begin a file
            (tmp_path / "c.toml").write_text(
                start + text.replace("\n", "\r\n"), encoding="utf-8", newline=""
            )
            expected = ModelConfig(units=7, hidden=(3, 4), dropout=0.0) if text else ModelConfig()
            config = load(tmp_path / "c.toml")
            assert config == Config(model=expected)
            assert type(config.model.dropout) is float


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[model]\nunit = 7", "c.toml: unknown setting model.unit; did you mean model.units?"),
        (
            "[model]\nxyz = 7",
            "c.toml: unknown setting model.xyz; known: model.input, model.embedding, "
            "model.fine_tune",
        ),
        ("[modle]", "c.toml: unknown table modle; did you mean model?"),
        ("[zzz]", "c.toml: unknown table zzz; known: data, vocabulary, model, training"),
        ("model = 3", "c.toml: 'model' must be a table, [model], found 3"),
        ("[[model]]\nunits = 1", "c.toml: 'model' must be a table"),
        ("[model]\nunits = 1.5", "c.toml: model.units: expected int, for example 200, found 1.5"),
        ("[model]\nunits = true", "c.toml: model.units: expected int"),
        ("[model]\nunits = 0", "c.toml: model.units: expected a value from 1 to 10000, found 0"),
        (
            "[model]\nbidirectional = 1",
            "c.toml: model.bidirectional: expected bool, for example True, found 1",
        ),
        (
            "[model]\nhidden = 3",
            "c.toml: model.hidden: expected a list of integers from 1 to 10000, found 3",
        ),
        (
            "[model]\nhidden = [3, 0]",
            "c.toml: model.hidden: expected a list of integers from 1 to 10000",
        ),
        (
            "[model]\nunits = 99999999999999999999",
            "c.toml: model.units: expected a value from 1 to 10000, found 99999",
        ),
        (
            "[model]\nhidden = [true]",
            "c.toml: model.hidden: expected a list of integers from 1 to 10000",
        ),
        (
            "[model]\ndropout = 0.96",
            "c.toml: model.dropout: expected a value from 0 to 0.95, found 0.96",
        ),
        ("[model]\ndropout = -0.1", "c.toml: model.dropout: expected a value from 0 to 0.95"),
        ("[model]\ndropout = nan", "c.toml: model.dropout: expected a value from 0 to 0.95"),
        ('[model]\ncell = "LSTM"', "c.toml: model.cell: expected one of rnn, rnn-relu"),
        ('[model]\ncell = "lstn"', "found 'lstn'; did you mean 'lstm'?"),
        (
            "[data]\ntrain = 2024",
            "c.toml: data.train: expected a file name or a list of them, found 2024",
        ),
        (
            "[data]\nvectors = [[]]",
            "c.toml: data.vectors: expected a file name or a list of them, found [[]]",
        ),
        (
            '[data]\nvectors = ["a.txt", ""]',
            "c.toml: data.vectors: expected a file name or a list of them",
        ),
        (
            "[data]\nvectors = [3]",
            "c.toml: data.vectors: expected a file name or a list of them, found [3]",
        ),
        (
            "[data]\nkeep_vectors = -1",
            "c.toml: data.keep_vectors: expected a value of at least 0 and finite, found -1",
        ),
        (
            '[model]\nhead = "crf2"',
            "c.toml: model.head: expected one of softmax, crf, found 'crf2'; did you mean 'crf'?",
        ),
        (
            '[training]\nschedule = "step"',
            "c.toml: training.schedule: expected one of linear, inverse, constant",
        ),
        (
            '[data]\ntrain = "a\\u0000b"',
            "c.toml: data.train: expected text in UTF-8 without the character NUL",
        ),
        (
            "[training]\nlearning_rate = inf",
            "c.toml: training.learning_rate: expected a value of at least 0 and finite, found inf",
        ),
        (
            "[training]\nlearning_rate = nan",
            "c.toml: training.learning_rate: expected a value of at least 0",
        ),
        (
            "[training]\nlearning_rate = 1" + "0" * 400,
            "c.toml: training.learning_rate: expected float",
        ),
        (
            "[training]\nseed = 4294967296",
            "c.toml: training.seed: expected a value from 0 to 4294967295",
        ),
        ("[training]\nseed = 1" + "0" * 5000, "c.toml: not TOML: "),
        ("[model\n", "c.toml: not TOML: "),
        ("[model]\nunits = 1\nunits = 2", "c.toml: not TOML: "),
        ("x = " + "[" * 20_000, "c.toml: not TOML: "),
    ],
)
def test_what_is_wrong_in_a_file_is_one_message(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "c.toml")
    assert says in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "c.toml"))


def test_settings_come_in_several_forms(tmp_path: Path) -> None:
    settings = override(Config(), ["model.units=7", "training.seed=3"])
    path = tmp_path / "settings.toml"
    path.write_text(to_toml(settings), encoding="utf-8")
    tables = {"model": {"units": 7}, "training": {"seed": 3}}
    for source in (settings, tables, path, str(path)):
        assert schema.resolve(Config, source) == settings
    assert schema.resolve(Config, {}) == Config()


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ({"model": {"unit": 7}}, "settings: unknown setting model.unit; did you mean model.units?"),
        ({"modl": {}}, "settings: unknown table modl; did you mean model?"),
        ({"model": 3}, "settings: 'model' must be a table, [model], found 3"),
        ({"model": {"units": "many"}}, "settings: model.units: expected int"),
        (
            3,
            "expected tagger.config.tagger.Config, a mapping of tables, or the path of a TOML file",
        ),
        (ModelConfig(), "a mapping of tables, or the path of a TOML file, found ModelConfig("),
    ],
)
def test_settings_in_a_wrong_form_are_one_message(source: Any, says: str) -> None:
    with pytest.raises(ConfigError) as error:
        schema.resolve(Config, source)
    assert says in str(error.value)


def test_a_file_that_cannot_be_read_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b'[data]\ntrain = "\xe9"\n')
    for name, problem in (
        ("absent.toml", ": cannot be read: No such file or directory"),
        ("", ": cannot be read: Is a directory"),
        (
            "latin.toml",
            ":2: byte 0xe9 at position 9 is not UTF-8; the encoding is not recognized: convert it "
            "with iconv -f NAME -t utf-8",
        ),
    ):
        with pytest.raises(ConfigError) as caught:
            load(tmp_path / name)
        assert str(caught.value) == f"{tmp_path / name}{problem}"


@pytest.mark.parametrize(
    ("assignment", "section", "name", "value"),
    [
        ("model.units=7", "model", "units", 7),
        (" model.units = 7 ", "model", "units", 7),
        ("model.hidden=[3, 4]", "model", "hidden", (3, 4)),
        ('data.vectors=["a b.txt"]', "data", "vectors", ("a b.txt",)),
        ("model.bidirectional=false", "model", "bidirectional", False),
        ("model.cell=gru", "model", "cell", "gru"),
        ('model.cell="gru"', "model", "cell", "gru"),
        ("model.dropout=0", "model", "dropout", 0.0),
        ("training.learning_rate=1e-3", "training", "learning_rate", 0.001),
        ("data.train=a=b c.conll", "data", "train", ("a=b c.conll",)),
        ("data.delimiter=,", "data", "delimiter", ","),
        ("data.train=", "data", "train", ()),
    ],
)
def test_override(assignment: str, section: str, name: str, value: Any) -> None:
    before = Config(model=ModelConfig(layers=3))
    after = override(before, [assignment])
    assert getattr(getattr(after, section), name) == value
    assert assign(after, {f"{section}.{name}": getattr(getattr(before, section), name)}) == before


@pytest.mark.parametrize(
    ("assignment", "says"),
    [
        ("model.unit=7", "--set: unknown setting model.unit; did you mean model.units?"),
        ("models.units=7", "--set: unknown table models; did you mean model?"),
        ("model.units", "--set model.units: expected TABLE.KEY=VALUE, for example model.units=200"),
        ("units=7", "--set units=7: expected TABLE.KEY=VALUE"),
        ("model.units=many", "--set: model.units: expected int, for example 200, found 'many'"),
        ("model.units.x=1", "--set: unknown setting model.units.x"),
        ("data.train=\udcff.conll", "--set: data.train: expected text in UTF-8"),
        ("=", "--set =: expected"),
        (".=1", "unknown table"),
    ],
)
def test_a_wrong_override_is_one_message(assignment: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        override(Config(), [assignment])
    assert says in str(caught.value)


def test_a_later_change_wins_and_reading_follows() -> None:
    config = override(
        Config(),
        [
            "data.tag_column=2",
            "data.tag_column=-2",
            "data.delimiter=tab",
            "data.tokenizer=whitespace",
        ],
    )
    assert config.data == DataConfig(tag_column=-2, delimiter="tab", tokenizer="whitespace")
    reading = config.data.reading
    assert (reading.columns.tag, reading.columns.delimiter, reading.tokenizer) == (
        -2,
        "tab",
        "whitespace",
    )


def test_common_values_are_those_of_settings_that_another_dataclass_also_has() -> None:
    @dataclass(frozen=True)
    class Other:
        units: int
        hidden: tuple[int, ...]
        width: int = 0

    model = ModelConfig(units=7, hidden=(3, 2))
    assert schema.common_values(model, Other) == {"units": 7, "hidden": (3, 2)}
