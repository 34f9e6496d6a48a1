"""The settings of a classifier's training."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tagger.config import optimization, sources
from tagger.config import schema as settings
from tagger.config.encoder import EncoderConfig, VocabularyConfig
from tagger.config.schema import assign, files, override, setting, to_toml
from tagger.errors import ConfigError
from tagger.text import tokenizers
from tagger.text.labeled import TextOptions

__all__ = [
    "AUTO",
    "POOLINGS",
    "ClassifierConfig",
    "ClassifierModelConfig",
    "ClassifierTrainingConfig",
    "TextDataConfig",
    "assign",
    "from_dict",
    "load",
    "override",
    "to_toml",
]

POOLINGS = ("last", "mean", "maximum")
"""How a text's activations become one vector: see `ClassifierModelConfig.pooling`."""

AUTO = "auto"
"""The pooling of a training that tries all of `POOLINGS`."""


@dataclass(frozen=True)
class TextDataConfig:
    """The texts, and how to read them."""

    train: tuple[str, ...] = files(
        "Files of labeled texts: JSON Lines, tables with a header row, Parquet or Arrow, possibly "
        "compressed. All are read."
    )
    dev: tuple[str, ...] = files(
        "Files of labeled texts that decide when to stop, which epoch to keep and how "
        "probabilities are calibrated. Without them, a tenth of train is held out."
    )
    vectors: tuple[str, ...] = sources.vectors()
    keep_vectors: int = sources.keep_vectors()
    language_models: tuple[str, ...] = sources.language_models()
    hub: str = sources.hub()
    text_column: str = setting(
        "", "Name of the column or key with the text; by default a usual one, such as text."
    )
    label_column: str = setting(
        "", "Name of the column or key with the label; by default a usual one, such as label."
    )
    label_separator: str = setting(
        ",", "What separates several labels in the cell of a table, with multi_label."
    )
    multi_label: bool = setting(
        False, "A text has any number of labels, or none, instead of exactly one."
    )
    tokenizer: str = sources.tokenizer()
    unescape: bool = sources.unescape()
    encoding: str = setting(
        "auto", "Encoding of the files; auto is UTF-8, or what a byte order mark says."
    )

    def __post_init__(self) -> None:
        # Models store the tokenizer that the code of a language stands for.
        object.__setattr__(self, "tokenizer", tokenizers.resolve(self.tokenizer))

    @property
    def reading(self) -> TextOptions:
        """Return these settings as options of the readers of `text.labeled`."""
        return TextOptions(
            text=self.text_column,
            label=self.label_column,
            separator=self.label_separator,
            multi_label=self.multi_label,
            tokenizer=self.tokenizer,
            encoding=self.encoding,
        )


@dataclass(frozen=True)
class ClassifierModelConfig(EncoderConfig):
    """The network."""

    pooling: str = setting(
        "mean",
        "Vector of a text from which its label is predicted: the last state of each direction, or "
        "the mean or maximum of each unit over all tokens; auto trains with each and keeps the "
        "best on dev.",
        choices=(*POOLINGS, AUTO),
    )
    hidden: tuple[int, ...] = setting(
        (), "Units of feed-forward layers between the vector of a text and its label."
    )


@dataclass(frozen=True)
class ClassifierTrainingConfig:
    """The optimization."""

    optimizer: str = optimization.optimizer()
    learning_rate: float = optimization.learning_rate()
    schedule: str = optimization.schedule()
    averaging: float = optimization.averaging(1.0)
    clip_norm: float = optimization.clip_norm(5.0)
    weight_decay: float = optimization.weight_decay()
    batch_tokens: int = setting(
        0,
        "Maximum number of padded tokens per batch; a longer text is a batch of its own. 0: 32 "
        "texts of average length.",
        low=0,
    )
    epoch_tokens: int = setting(
        50_000,
        "Minimum number of tokens per epoch: a smaller corpus is repeated, so that scoring dev "
        "does not dominate.",
        low=0,
    )
    epochs: int = optimization.epochs(15)
    patience: int = optimization.patience(10)
    seed: int = setting(1, "Seed of weights, order and dropout.", low=0, high=2**32 - 1)


@dataclass(frozen=True)
class ClassifierConfig:
    """All settings of a classifier's training."""

    data: TextDataConfig = field(default_factory=TextDataConfig)
    vocabulary: VocabularyConfig = field(default_factory=VocabularyConfig)
    model: ClassifierModelConfig = field(default_factory=ClassifierModelConfig)
    training: ClassifierTrainingConfig = field(default_factory=ClassifierTrainingConfig)


def load(path: str | Path) -> ClassifierConfig:
    """Read settings from a TOML file and return them; errors are those of `schema.load`."""
    return settings.load(ClassifierConfig, path)


def from_dict(data: dict[str, Any], where: str) -> ClassifierConfig:
    """Read settings from tables and return them; errors are those of `schema.load`."""
    return settings.from_dict(ClassifierConfig, data, where)


def check(config: ClassifierConfig) -> None:
    """Check that the settings go together, before any data is read.

    Raises:
        ConfigError: The separator of labels is empty.
        TaggerError: The tokenizer is unknown.
    """
    if not config.data.label_separator:
        raise ConfigError("data.label_separator is empty; expected a character such as a comma")
    tokenizers.get(config.data.tokenizer)
