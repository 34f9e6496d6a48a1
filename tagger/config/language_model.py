"""The settings of a language model's training."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tagger.config import optimization, recurrent
from tagger.config import schema as settings
from tagger.config.schema import assign, files, override, setting, to_toml
from tagger.errors import ConfigError
from tagger.text import tokenizers
from tagger.text.formats import ReadOptions

__all__ = [
    "LanguageModelConfig",
    "LanguageModelNetworkConfig",
    "LanguageModelTrainingConfig",
    "TextConfig",
    "assign",
    "from_dict",
    "load",
    "override",
    "to_toml",
]


@dataclass(frozen=True)
class TextConfig:
    """The text, in files of any format that the tagger reads; a sentence, as the tokenizer sees it,
    is a sequence.
    """

    train: tuple[str, ...] = files(
        "Training text, read as one text in this order: .txt, .jsonl or CoNLL columns; may "
        "be compressed."
    )
    dev: tuple[str, ...] = files("Text that decides when to stop and which epoch to keep.")
    tokenizer: str = setting(
        tokenizers.DEFAULT,
        "Tokenizer of raw text: its name or the code of a language; with whitespace, a line is a "
        "sequence and blanks divide its tokens.",
    )
    wrapped: bool = setting(False, "Raw text is wrapped: only a blank line ends a paragraph.")
    encoding: str = setting(
        "auto", "Encoding of the text; auto is UTF-8, or what a byte order mark says."
    )
    label: str = setting(
        "label",
        "Key of JSON Lines with the label of each text, on which the model is conditional if every "
        "text of train has one; empty: no labels.",
    )

    def __post_init__(self) -> None:
        # Models store the tokenizer that the code of a language stands for.
        object.__setattr__(self, "tokenizer", tokenizers.resolve(self.tokenizer))

    @property
    def reading(self) -> ReadOptions:
        """Return these settings as options of the readers of `text.formats`."""
        return ReadOptions(
            tokenizer=self.tokenizer,
            wrapped=self.wrapped,
            annotated=False,
            encoding=self.encoding,
        )


@dataclass(frozen=True)
class LanguageModelVocabularyConfig:
    """Which words or characters have a number of their own; all others are <UNK>."""

    minimum_count: int = setting(
        3, "Words or characters seen less often in train are <UNK>.", low=1
    )
    maximum_size: int = setting(
        10_000, "Number of words or characters to keep, the most frequent ones; 0 keeps all.", low=0
    )


@dataclass(frozen=True)
class LanguageModelNetworkConfig:
    """The network."""

    level: str = setting(
        "characters", "Unit that a timestep predicts.", choices=("characters", "words")
    )
    direction: str = setting(
        "forward",
        "Reading direction; backward reads each text from its end.",
        choices=("forward", "backward"),
    )
    embedding: int = setting(
        100, "Dimension of the trained embedding; 0: one-hot.", low=0, high=10_000
    )
    cell: str = recurrent.cell()
    units: int = setting(200, "Units per recurrent layer.", low=1, high=10_000)
    layers: int = recurrent.layers()
    tied: bool = setting(
        False, "Share the weights of embedding and softmax; requires embedding = units."
    )
    input_dropout: float = setting(
        0.0,
        "Dropout rate of the inputs, with one mask per window; one-hot inputs become <UNK>.",
        low=0,
        high=0.95,
    )
    dropout: float = recurrent.dropout(0.1, "window")
    recurrent_dropout: float = recurrent.recurrent_dropout()


@dataclass(frozen=True)
class LanguageModelTrainingConfig:
    """The optimization."""

    optimizer: str = optimization.optimizer()
    learning_rate: float = optimization.learning_rate()
    schedule: str = optimization.schedule()
    averaging: float = optimization.averaging(0.0)
    clip_norm: float = optimization.clip_norm(1.0)
    weight_decay: float = optimization.weight_decay()
    streams: int = setting(
        32,
        "Number of contiguous parts of the text that are read side by side: the batch size.",
        low=1,
        high=100_000,
    )
    window: int = setting(
        100,
        "Timesteps of truncated back-propagation through time; the state is carried on.",
        low=1,
        high=100_000,
    )
    epoch_tokens: int = setting(
        2_000_000,
        "Maximum number of tokens per epoch, after which the next epoch continues; 0: the whole "
        "text.",
        low=0,
    )
    epochs: int = optimization.epochs(10)
    patience: int = optimization.patience(3)
    seed: int = setting(1, "Seed of weights and dropout.", low=0, high=2**32 - 1)


@dataclass(frozen=True)
class LanguageModelConfig:
    """All settings of a language model's training."""

    data: TextConfig = field(default_factory=TextConfig)
    vocabulary: LanguageModelVocabularyConfig = field(default_factory=LanguageModelVocabularyConfig)
    model: LanguageModelNetworkConfig = field(default_factory=LanguageModelNetworkConfig)
    training: LanguageModelTrainingConfig = field(default_factory=LanguageModelTrainingConfig)


def load(path: str | Path) -> LanguageModelConfig:
    """Read settings from a TOML file and return them; errors are those of `schema.load`."""
    return settings.load(LanguageModelConfig, path)


def from_dict(data: dict[str, Any], where: str) -> LanguageModelConfig:
    """Read settings from tables and return them; errors are those of `schema.load`."""
    return settings.from_dict(LanguageModelConfig, data, where)


def check(config: LanguageModelConfig) -> None:
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
    tokenizers.get(config.data.tokenizer)  # report an unknown name now
