"""The settings that all networks with an encoder of sentences share: vocabulary, inputs, layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from tagger.config import recurrent
from tagger.config.schema import setting

__all__ = ["EncoderConfig", "EncoderSettings", "VocabularyConfig"]


@dataclass(frozen=True)
class VocabularyConfig:
    """The tokens that have an id of their own; all others are <UNK>."""

    minimum_count: int = setting(1, "Tokens seen less often in train are <UNK>.", low=1)
    maximum_size: int = setting(
        0, "Number of tokens to keep, the most frequent ones; 0 keeps all.", low=0
    )
    unknown_probability: float = setting(
        0.5,
        "Probability of replacing a token that train contains once by <UNK> while training.",
        low=0,
        high=1,
    )
    word_dropout: float = setting(
        0.3,
        "Probability of replacing any token by <UNK> while training; its pretrained vector stays.",
        low=0,
        high=1,
    )


@dataclass(frozen=True)
class EncoderConfig:
    """The inputs and the recurrent layers of a network."""

    input: str = setting("embedding", "Representation of tokens.", choices=("embedding", "one-hot"))
    embedding: int = setting(
        100,
        "Dimension of the trained token embedding; not used with pretrained vectors. 0: none.",
        low=0,
        high=10_000,
    )
    fine_tune: bool = setting(
        False, "Train a difference to the pretrained vectors of the words of train."
    )
    characters: int = setting(50, "Units of the character encoder; 0: none.", low=0, high=10_000)
    character_encoder: str = setting(
        "cnn",
        "Character encoder: a convolution, or a recurrent network of the same cell as the encoder.",
        choices=("cnn", "rnn"),
    )
    shape: int = setting(
        10,
        "Dimension of the embedding of a word's capitalization and digits; 0: none.",
        low=0,
        high=10_000,
    )
    projection: int = setting(
        128,
        "Dimension that the states of language models are projected to; 0: no projection.",
        low=0,
        high=10_000,
    )
    cell: str = recurrent.cell()
    units: int = setting(200, "Units per recurrent layer and direction.", low=1, high=10_000)
    layers: int = recurrent.layers()
    bidirectional: bool = setting(True, "Read each sentence in both directions.")
    input_dropout: float = setting(
        0.3, "Dropout rate of the inputs, with one mask per sequence.", low=0, high=0.95
    )
    context_dropout: float = setting(
        0.5,
        "Dropout rate of the states of language models, with one mask per sequence.",
        low=0,
        high=0.95,
    )
    dropout: float = recurrent.dropout(0.5)
    recurrent_dropout: float = recurrent.recurrent_dropout()


class EncoderSettings(Protocol):
    """A dataclass of the settings of an encoder: `EncoderConfig`, or those of them that apply."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def input(self) -> str: ...
    @property
    def cell(self) -> str: ...
    @property
    def units(self) -> int: ...
    @property
    def layers(self) -> int: ...
    @property
    def bidirectional(self) -> bool: ...
