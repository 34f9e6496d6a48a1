"""The settings of a language model's training."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tagger.cells import CELLS
from tagger.config import schema as settings
from tagger.config.schema import assign, files, override, setting, to_toml
from tagger.errors import ConfigError
from tagger.text import tokens
from tagger.text.formats import ReadOptions

__all__ = [
    "Config",
    "DataConfig",
    "ModelConfig",
    "TrainingConfig",
    "assign",
    "from_dict",
    "load",
    "override",
    "to_toml",
]


@dataclass(frozen=True)
class DataConfig:
    """The text, in files of any format that the tagger reads; a sentence, as the tokenizer sees it,
    is a sequence.
    """

    train: tuple[str, ...] = files(
        "to learn from, read as one text in this order (.txt, .jsonl, CoNLL columns; .gz allowed)"
    )
    dev: tuple[str, ...] = files("that decide when to stop and which epoch is kept")
    tokenizer: str = setting(
        tokens.DEFAULT,
        "of raw text; whitespace: a line is a sequence, and blanks divide its tokens",
    )
    wrapped: bool = setting(False, "raw text is wrapped: only a blank line ends a paragraph")

    @property
    def reading(self) -> ReadOptions:
        """These settings as the readers of `text.formats` want them."""
        return ReadOptions(tokenizer=self.tokenizer, wrapped=self.wrapped, annotated=False)


@dataclass(frozen=True)
class VocabularyConfig:
    """Which words or characters have a number of their own; all others are <UNK>."""

    minimum_count: int = setting(3, "what is seen less often is <UNK>", low=1)
    maximum_size: int = setting(10_000, "keep only so many of the commonest; 0 keeps all", low=0)


@dataclass(frozen=True)
class ModelConfig:
    """The network."""

    level: str = setting("characters", "what a step predicts", choices=("characters", "words"))
    direction: str = setting(
        "forward", "backward reads every text from its end", choices=("forward", "backward")
    )
    embedding: int = setting(
        100, "dimension of the trained embedding; 0: one-hot", low=0, high=10_000
    )
    cell: str = setting("lstm", "recurrent cell", choices=CELLS)
    units: int = setting(200, "of each layer", low=1, high=10_000)
    layers: int = setting(1, "recurrent layers on top of each other", low=1, high=50)
    tied: bool = setting(
        False, "the softmax has the embedding's vectors for its weights; needs embedding = units"
    )
    input_dropout: float = setting(
        0.0, "on the inputs, one mask a window; of one-hot tokens: made <UNK>", low=0, high=0.95
    )
    dropout: float = setting(0.1, "after each layer, one mask a window", low=0, high=0.95)
    recurrent_dropout: float = setting(0.0, "of recurrent weights", low=0, high=0.95)


@dataclass(frozen=True)
class TrainingConfig:
    """The optimization."""

    optimizer: str = setting("adam", "Adam, or SGD with momentum 0.9", choices=("adam", "sgd"))
    learning_rate: float = setting(0.004, "at its highest", low=0)
    schedule: str = setting(
        "linear",
        "of the rate: to 0 in a line, 1 / (1 + 0.05 epoch), constant",
        choices=("linear", "inverse", "constant"),
    )
    averaging: float = setting(
        0.0, "epochs that a moving average of the weights looks back; 0: none", low=0
    )
    clip_norm: float = setting(1.0, "largest norm of the gradient; 0 does not clip", low=0)
    streams: int = setting(
        32,
        "contiguous parts of the text that are read side by side: the batch",
        low=1,
        high=100_000,
    )
    window: int = setting(
        100,
        "tokens that back-propagation through time goes back; the state is carried on",
        low=1,
        high=100_000,
    )
    epoch_tokens: int = setting(
        2_000_000, "an epoch reads at most so much and the next one goes on there; 0: all", low=0
    )
    epochs: int = setting(10, "at most", low=1)
    patience: int = setting(3, "stop after so many epochs without a better dev score", low=1)
    seed: int = setting(1, "determines weights and dropout", low=0, high=2**32 - 1)


@dataclass(frozen=True)
class Config:
    """All settings of a language model's training."""

    data: DataConfig = field(default_factory=DataConfig)
    vocabulary: VocabularyConfig = field(default_factory=VocabularyConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)


def load(path: str | Path) -> Config:
    """Read a TOML file with the tables data, vocabulary, model and training; errors are those of
    `settings.load`.
    """
    return settings.load(Config, path)


def from_dict(data: dict[str, Any], where: str) -> Config:
    """Settings from tables as TOML gives them; errors are those of `settings.load`."""
    return settings.from_dict(Config, data, where)


def check(config: Config) -> None:
    """See that the settings go together.

    Raises:
        ConfigError: they do not.
    """
    model = config.model
    if model.tied and model.embedding != model.units:
        raise ConfigError(
            f"model.tied needs model.embedding = model.units, found {model.embedding} and "
            f"{model.units}"
        )
    for name in ("train", "dev"):
        if not getattr(config.data, name):
            raise ConfigError(
                f"data.{name} is missing: expected a list of text files, for example "
                f'data.{name}=["news.txt"]'
            )
    tokens.get(config.data.tokenizer)  # an unknown name is to be told now
