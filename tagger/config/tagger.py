"""The settings of a tagger's training; `settings` reads and writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tagger.config import optimization, sources
from tagger.config import schema as settings
from tagger.config.encoder import EncoderConfig, VocabularyConfig
from tagger.config.schema import assign, files, override, setting, to_toml
from tagger.errors import ConfigError
from tagger.heads import HEADS
from tagger.text import schemes, tokenizers
from tagger.text.formats import FORMATS, ReadOptions
from tagger.text.formats.conll import Columns
from tagger.text.options import DISCONTINUOUS, MISALIGNED, OFFSETS, OVERLAPS

__all__ = [
    "NO_DEV",
    "Config",
    "DataConfig",
    "DistillationConfig",
    "ModelConfig",
    "TrainingConfig",
    "VocabularyConfig",
    "assign",
    "from_dict",
    "from_toml",
    "load",
    "override",
    "reading",
    "to_toml",
]


NO_DEV = "none"
"""The value of `DataConfig.dev` that trains without a dev set."""


@dataclass(frozen=True)
class DataConfig:
    """The corpus, and how to read it."""

    train: tuple[str, ...] = files(
        "Annotated training files: CoNLL columns, JSON Lines, Parquet or Arrow, possibly "
        "compressed. All are read."
    )
    dev: tuple[str, ...] = files(
        "Annotated files that decide when to stop and which epoch to keep. Without them, a tenth "
        "of train is held out, by documents; none trains on all of train, for all epochs."
    )
    vectors: tuple[str, ...] = sources.vectors()
    keep_vectors: int = sources.keep_vectors()
    language_models: tuple[str, ...] = sources.language_models()
    hub: str = sources.hub()
    tags: str = setting(
        "", "With hub, the feature that contains the tags; by default ner_tags or tags."
    )
    token_column: int | str = setting(
        0,
        "Column of the token: its name in the header row, or its number from 0, negative from the "
        "last.",
        is_name=True,
    )
    tag_column: int | str = setting(
        -1,
        "Column of the tag: its name in the header row, or its number from 0, negative from the "
        "last.",
        is_name=True,
    )
    delimiter: str = setting("auto", "Separator of CoNLL columns: auto, blank, tab, or any string.")
    scheme: str = setting(
        "auto",
        "Tagging scheme of the corpus; auto detects it.",
        choices=("auto", *schemes.SCHEMES, *schemes.ALIASES, schemes.PLAIN),
    )
    format: str = setting(
        "auto",
        "Format of train and dev; auto recognizes it by the content.",
        choices=("auto", *(name for name, each in FORMATS.items() if each.has_annotations)),
    )
    tokenizer: str = sources.tokenizer()
    unescape: bool = sources.unescape()
    annotator: str = setting(
        "",
        "Name or id of the annotator whose annotation is read, where texts have several; by "
        "default the latest annotation.",
    )
    label_field: str = setting(
        "", "Name of the labeling field that is read, where an annotation project has several."
    )
    encoding: str = setting(
        "auto",
        "Encoding of train, dev and unannotated text; auto is UTF-8, or what a byte order mark "
        "says.",
    )
    offsets: str = setting(
        "auto",
        "Unit of the offsets of spans of characters: utf-32 (code points), utf-16, utf-8, "
        "graphemes, or auto, which the texts of the spans prove and which else is utf-32.",
        choices=OFFSETS,
    )
    misaligned: str = setting(
        "error",
        "What happens to spans that cut a token: error, expand or contract them to whole tokens, "
        "or split the tokens.",
        choices=MISALIGNED,
    )
    overlaps: str = setting(
        "error",
        "What happens to spans that overlap: error, or keep the longest, the first or the outer.",
        choices=OVERLAPS,
    )
    discontinuous: str = setting(
        "error",
        "What happens to spans of several parts: error, or cover from the first to the last part.",
        choices=DISCONTINUOUS,
    )
    issues: str = setting(
        "",
        "File that receives all spans that cannot be used as they are, as JSON Lines; none by "
        "default.",
    )

    layer: str = setting("", "Layer of the spans in files of annotation tools with several.")
    feature: str = setting("", "Feature of the layer that has the labels.")

    def __post_init__(self) -> None:
        # Models store the tokenizer that the code of a language stands for.
        object.__setattr__(self, "tokenizer", tokenizers.resolve(self.tokenizer))

    @property
    def has_dev(self) -> bool:
        """Return whether a training has a dev set: its own files, or a part of train."""
        return self.dev != (NO_DEV,)

    def require_dev(self, what: str) -> None:
        """Raise ConfigError unless trainings have a dev set.

        Args:
            what: What needs the dev score, such as "a search".
        """
        if not self.has_dev:
            raise ConfigError(
                f"data.dev is {NO_DEV!r}, but {what} compares trainings by their dev scores; give "
                "--dev FILE, or nothing to hold out a tenth of train"
            )

    @property
    def reading(self) -> ReadOptions:
        """Return these settings as options of the readers of `text.formats`."""
        columns = Columns(token=self.token_column, tag=self.tag_column, delimiter=self.delimiter)
        declared = "" if self.format == "auto" else self.format
        return ReadOptions(
            columns=columns,
            tokenizer=self.tokenizer,
            format=declared,
            encoding=self.encoding,
            annotator=self.annotator,
            label_field=self.label_field,
            layer=self.layer,
            feature=self.feature,
            offsets=self.offsets,
            misaligned=self.misaligned,
            overlaps=self.overlaps,
            discontinuous=self.discontinuous,
        )


@dataclass(frozen=True)
class ModelConfig(EncoderConfig):
    """The network."""

    hidden: tuple[int, ...] = setting(
        (), "Units of feed-forward layers between the encoder and the tags."
    )
    head: str = setting(
        "softmax",
        "Output layer: a softmax per token, or a conditional random field.",
        choices=HEADS,
    )


@dataclass(frozen=True)
class TrainingConfig:
    """The optimization."""

    optimizer: str = optimization.optimizer()
    learning_rate: float = optimization.learning_rate()
    schedule: str = optimization.schedule()
    averaging: float = optimization.averaging(1.0)
    clip_norm: float = optimization.clip_norm(5.0)
    weight_decay: float = optimization.weight_decay()
    batch_tokens: int = setting(
        0,
        "Maximum number of padded tokens per batch; 0: a hundredth of train, between 128 and 512, "
        "and always 512 with language models.",
        low=0,
    )
    mention_replacement: float = setting(
        0.3,
        "Probability of replacing a mention by another of the same label, from the second pass "
        "over a small corpus on.",
        low=0,
        high=1,
    )
    word_prediction: float = setting(
        0.0,
        "Weight of the loss of predicting the next and the previous word beside the tag; 0: none.",
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
class DistillationConfig:
    """Teachers, if there are any: trained models that label a text, from which the model learns
    beside train.
    """

    teachers: tuple[str, ...] = files(
        "Folders of trained models that label the text; several are averaged."
    )
    text: tuple[str, ...] = files(
        "Files of unannotated text: .txt, .jsonl, else CoNLL columns; may be compressed."
    )
    wrapped: bool = setting(False, "Raw text is wrapped: only a blank line ends a paragraph.")
    tokens: int = setting(
        500_000,
        "Approximate number of tokens of the text to label, with the same share of each file.",
        low=1,
    )
    ratio: float = setting(1.0, "Tokens of text that an epoch reads per token of train.", low=0)
    labels: str = setting(
        "",
        "Folder of the soft labels, to share them between trainings; by default inside the run.",
    )


@dataclass(frozen=True)
class Config:
    """All settings of a training."""

    data: DataConfig = field(default_factory=DataConfig)
    vocabulary: VocabularyConfig = field(default_factory=VocabularyConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    distillation: DistillationConfig = field(default_factory=DistillationConfig)


def reading(config: Config, given: Mapping[str, Any], where: str = "arguments") -> ReadOptions:
    """Return how files are read with a trained model.

    Args:
        config: Settings of the model's training, whose columns and tokenizer are the defaults. The
            format and the unit of offsets are those of each file.
        given: Other settings by dotted key; None stands for the model's own.
        where: Origin of `given`, for errors.

    Returns:
        The reading options.

    Raises:
        ConfigError: As `assign`.
    """
    changes = {"data.format": "auto", "data.offsets": "auto"}
    changes |= {key: value for key, value in given.items() if value is not None}
    return settings.assign(config, changes, where).data.reading


def load(path: str | Path) -> Config:
    """Read settings from a TOML file and return them; errors are those of `schema.load`."""
    return settings.load(Config, path)


def from_toml(text: str, where: str = "config.toml") -> Config:
    """Read settings from TOML text and return them; errors are those of `schema.load`."""
    return settings.from_toml(Config, text, where)


def from_dict(data: dict[str, Any], where: str) -> Config:
    """Read settings from tables and return them; errors are those of `schema.load`."""
    return settings.from_dict(Config, data, where)
