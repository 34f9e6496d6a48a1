"""Configuration: frozen dataclasses read from TOML. An unknown key is an error that names the nearest known one."""

from __future__ import annotations

import difflib
import json
import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from tagger.errors import ConfigError
from tagger.text import schemes, tokens
from tagger.text.formats import ReadOptions
from tagger.text.formats.conll import Columns

__all__ = [
    "Config", "DataConfig", "ModelConfig", "TrainingConfig", "VocabularyConfig", "assign", "from_dict", "from_toml", "load",
    "override", "to_toml",
]  # fmt: skip

CELLS = ("rnn", "rnn-relu", "gru-simplified", "gru", "lstm", "lstm-peephole")


def _setting(
    default: Any, doc: str, *, choices: tuple[str, ...] = (), low: float | None = None, high: float | None = None
) -> Any:
    return field(default=default, metadata={"doc": doc, "choices": choices, "low": low, "high": high})


@dataclass(frozen=True)
class DataConfig:
    """Where the corpus is and how to read it."""

    train: str = _setting("", "file with the training sentences (CoNLL columns or .jsonl, .gz allowed)")
    dev: str = _setting("", "file that decides when to stop and which epoch is kept")
    vectors: tuple[str, ...] = _setting((), "files of pretrained word vectors, side by side (text, binary, .npz; .gz allowed)")
    keep_vectors: int = _setting(0, "how many of them the model carries, from the first and commonest; 0 carries all", low=0)
    hub: str = _setting("", "instead of files: the name of a dataset on the Hugging Face Hub")
    tags: str = _setting("", "with hub: the feature that holds the tags (default: ner_tags or tags)")
    token_column: int = _setting(0, "CoNLL column of the token, from 0; negative from the last")
    tag_column: int = _setting(-1, "CoNLL column of the tag")
    delimiter: str = _setting("auto", "of CoNLL columns: auto, blank, tab, or any string")
    scheme: str = _setting("auto", "of the tags", choices=("auto", *schemes.SCHEMES, schemes.PLAIN))
    tokenizer: str = _setting(tokens.DEFAULT, "splits raw text, here and when the model predicts")

    @property
    def reading(self) -> ReadOptions:
        """These settings as the readers of `text.formats` want them."""
        columns = Columns(token=self.token_column, tag=self.tag_column, delimiter=self.delimiter)
        return ReadOptions(columns=columns, tokenizer=self.tokenizer)


@dataclass(frozen=True)
class VocabularyConfig:
    """Which tokens of the training set get a number of their own; all others are <UNK>."""

    minimum_count: int = _setting(1, "tokens seen less often are <UNK>", low=1)
    maximum_size: int = _setting(0, "keep only so many of the commonest tokens; 0 keeps all", low=0)
    unknown_probability: float = _setting(0.5, "with which a token seen once becomes <UNK> in training", low=0, high=1)
    word_dropout: float = _setting(0.3, "with which any token becomes <UNK> in training; its vector stays", low=0, high=1)


@dataclass(frozen=True)
class ModelConfig:
    """The network."""

    input: str = _setting("embedding", "of tokens", choices=("embedding", "one-hot"))
    embedding: int = _setting(
        100, "dimension of the trained token embedding; pretrained vectors take its place", low=0, high=10_000
    )
    fine_tune: bool = _setting(False, "train a difference to the pretrained vectors of the training set's words")
    characters: int = _setting(50, "units of the character encoder; 0: none", low=0, high=10_000)
    character_encoder: str = _setting("cnn", "a convolution, or a recurrent network of the cell below", choices=("cnn", "rnn"))
    shape: int = _setting(10, "dimension of the embedding of a word's capitals and digits; 0: none", low=0, high=10_000)
    cell: str = _setting("lstm", "recurrent cell", choices=CELLS)
    units: int = _setting(200, "of each layer and direction", low=1, high=10_000)
    layers: int = _setting(1, "recurrent layers on top of each other", low=1, high=50)
    bidirectional: bool = _setting(True, "read each sentence in both directions")
    hidden: tuple[int, ...] = _setting((), "units of feed-forward layers on every timestep's output")
    input_dropout: float = _setting(0.3, "on the inputs, one mask a sequence", low=0, high=0.95)
    dropout: float = _setting(0.5, "after each layer, one mask a sequence", low=0, high=0.95)
    recurrent_dropout: float = _setting(0.0, "across time, one mask a sequence", low=0, high=0.95)
    residual: bool = _setting(False, "add each layer's input to its output, from the second layer on")
    normalize: bool = _setting(False, "layer normalization after each layer")
    head: str = _setting("softmax", "scores of tags: softmax, or crf", choices=("softmax", "crf"))


@dataclass(frozen=True)
class TrainingConfig:
    """The optimization."""

    optimizer: str = _setting("adam", "Adam, or SGD with momentum 0.9", choices=("adam", "sgd"))
    learning_rate: float = _setting(0.004, "at its highest", low=0)
    schedule: str = _setting(
        "linear", "of the rate: to 0 in a line, 1 / (1 + 0.05 epoch), constant", choices=("linear", "inverse", "constant")
    )
    warmup: float = _setting(0.0, "epochs in which the learning rate rises from 0", low=0)
    averaging: float = _setting(1.0, "epochs that a moving average of the weights looks back; 0: none", low=0)
    label_smoothing: float = _setting(0.0, "share of the target that goes to all tags alike", low=0, high=0.9)
    clip_norm: float = _setting(5.0, "largest norm of the gradient; 0 does not clip", low=0)
    batch_tokens: int = _setting(0, "padded tokens a batch at most; 0: a hundredth of train, but from 128 to 512", low=0)
    mention_replacement: float = _setting(
        0.3, "with which a span gives way to another of its label when a small corpus is read again", low=0, high=1
    )
    epoch_tokens: int = _setting(50_000, "an epoch reads a smaller corpus several times: dev would take all the time", low=0)
    epochs: int = _setting(15, "at most", low=1)
    patience: int = _setting(10, "stop after so many epochs without a better dev score", low=1)
    seed: int = _setting(1, "determines weights, order and dropout", low=0, high=2**32 - 1)


@dataclass(frozen=True)
class Config:
    """All settings of a training."""

    data: DataConfig = field(default_factory=DataConfig)
    vocabulary: VocabularyConfig = field(default_factory=VocabularyConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)


def load(path: str | Path) -> Config:
    """Read a TOML file with the tables data, vocabulary, model and training, each optional.

    Raises:
        ConfigError: the file cannot be read, is not TOML, or holds an unknown key or an impossible value.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    return from_toml(text, str(path))


def from_toml(text: str, where: str = "config.toml") -> Config:
    """Settings as TOML text; `where` names their origin in errors, which are those of `load`."""
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number of thousands of digits is a ValueError too
        raise ConfigError(f"{where}: not TOML: {error}") from error
    return from_dict(data, where)


def from_dict(data: dict[str, Any], where: str) -> Config:
    """Settings from tables as TOML gives them; errors are those of `load`."""
    sections = get_type_hints(Config)
    parts = {}
    for name, values in data.items():
        _known(name, sections, "table", where)
        if not isinstance(values, dict):
            raise ConfigError(f"{where}: {name!r} must be a table, [{name}], found {values!r}")
        parts[name] = _section(sections[name], name, values, where)
    return Config(**parts)


def _section(section: type, name: str, values: dict[str, Any], where: str) -> Any:
    known = {setting.name: setting for setting in fields(section)}
    checked = {}
    for key, value in values.items():
        _known(key, known, "setting", where, name)
        checked[key] = _checked(value, known[key], f"{where}: {name}.{key}")
    return section(**checked)


def _known(name: str, known: Iterable[str], what: str, where: str, section: str = "") -> None:
    if name not in known:
        prefix = f"{section}." if section else ""
        near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
        hint = f"did you mean {prefix}{near[0]}?" if near else f"known: {', '.join(prefix + key for key in known)}"
        raise ConfigError(f"{where}: unknown {what} {prefix}{name}; {hint}")


def _checked(value: Any, setting: Any, where: str) -> Any:
    default, meta = setting.default, setting.metadata
    assert default is not MISSING
    if isinstance(default, tuple) and setting.name == "vectors":
        if not isinstance(value, (list, tuple)) or not all(isinstance(name, str) and name for name in value):
            raise ConfigError(f"{where}: expected a list of file names, found {value!r}")
        return tuple(value)
    if isinstance(default, tuple):
        if not isinstance(value, (list, tuple)) or not all(type(unit) is int and 0 < unit <= 10_000 for unit in value):
            raise ConfigError(f"{where}: expected a list of integers from 1 to 10000, found {value!r}")
        return tuple(value)
    if isinstance(default, float) and type(value) is int and abs(value) < 2**53:
        value = float(value)
    if type(value) is not type(default):
        raise ConfigError(f"{where}: expected {type(default).__name__}, for example {default!r}, found {value!r}")
    if meta["choices"] and value not in meta["choices"]:
        near = difflib.get_close_matches(str(value), meta["choices"], n=1, cutoff=0.3)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ConfigError(f"{where}: expected one of {', '.join(meta['choices'])}, found {value!r}{hint}")
    if isinstance(value, str) and re.search("[\0\ud800-\udfff]", value):  # such bytes, in a name typed, are not UTF-8
        raise ConfigError(f"{where}: expected text in UTF-8 without the character NUL, found {value!a}")
    low, high = meta["low"], meta["high"]
    if (low is not None and not low <= value < math.inf) or (high is not None and not value <= high):
        bounds = f"of at least {low} and finite" if high is None else f"from {low} to {high}"
        raise ConfigError(f"{where}: expected a value {bounds}, found {value!r}")
    return value


def override(config: Config, assignments: Iterable[str]) -> Config:
    """`config` with changes such as ``model.units=200``. A value is TOML; what is no TOML is taken as a string.

    >>> override(Config(), ["model.units=200", "model.cell=gru"]).model.cell
    'gru'

    Raises:
        ConfigError: an unknown key, which names the nearest, or an impossible value.
    """
    changes = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or "." not in key:
            raise ConfigError(f"--set {assignment}: expected TABLE.KEY=VALUE, for example model.units=200")
        try:
            changes[key.strip()] = tomllib.loads(f"value = {text}")["value"]
        except (ValueError, RecursionError):
            changes[key.strip()] = text
    return assign(config, changes)


def assign(config: Config, changes: Mapping[str, Any], where: str = "--set") -> Config:
    """`config` with changes by dotted key; errors are those of `override`."""
    for key, value in changes.items():
        section, _, name = key.partition(".")
        new = getattr(from_dict({section: {name: value}}, where), section)
        config = replace(config, **{section: replace(getattr(config, section), **{name: getattr(new, name)})})
    return config


def to_toml(config: Config) -> str:
    """All settings as TOML, those at their default included: a run says what it was made with."""
    lines = []
    for name, values in asdict(config).items():
        lines.append(f"[{name}]")
        # A JSON string, number, boolean or list of numbers is TOML too, but for one character that TOML wants escaped.
        lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}".replace("\x7f", "\\u007f") for key, value in values.items()]
        lines.append("")
    return "\n".join(lines)
