"""The settings of a sequence-to-sequence model's training."""

from __future__ import annotations

from dataclasses import dataclass, field

from tagger.config import optimization, recurrent
from tagger.config.schema import files, setting
from tagger.errors import ConfigError

__all__ = [
    "DecoderConfig",
    "PairsConfig",
    "Seq2SeqConfig",
    "Seq2SeqTrainingConfig",
    "SourceConfig",
    "SymbolsConfig",
    "check",
]

LEVELS = ("characters", "tokens")


@dataclass(frozen=True)
class PairsConfig:
    """The pairs of a source and a target."""

    train: tuple[str, ...] = files(
        "Training pairs, read in this order: tables or JSON Lines; may be compressed."
    )
    dev: tuple[str, ...] = files(
        "Pairs that decide when to stop and which epoch to keep. Without them, a tenth of the "
        "sources of train is held out."
    )
    format: str = setting(
        "auto",
        "Format of the files: columns divided by tabs, CSV, JSON Lines, or auto, which recognizes "
        "it by the first line.",
        choices=("auto", "tsv", "csv", "jsonl"),
    )
    source: str | int = setting(
        0,
        "Column of the source: its number from 0, or its name in a table with a header row; in "
        "JSON Lines its key.",
        low=0,
        is_name=True,
    )
    target: str | int = setting(1, "Column of the target, likewise.", low=0, is_name=True)
    features: str = setting(
        "",
        "Further columns or keys, divided by commas, whose values become symbols NAME=VALUE in "
        "front of the source.",
    )
    source_level: str = setting(
        "characters",
        "Symbols of a source: its characters, or its tokens, which blanks divide.",
        choices=LEVELS,
    )
    target_level: str = setting("characters", "Symbols of a target, likewise.", choices=LEVELS)
    encoding: str = setting(
        "auto", "Encoding of the files; auto is UTF-8, or what a byte order mark says."
    )

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Return the names of the further columns."""
        return tuple(name.strip() for name in self.features.split(",") if name.strip())


@dataclass(frozen=True)
class SymbolsConfig:
    """The symbols that have an id of their own; all others are <UNK>."""

    minimum_count: int = setting(
        1, "Symbols seen less often in the sources, or the targets, of train are <UNK>.", low=1
    )
    maximum_size: int = setting(
        0, "Number of symbols to keep on either side, the most frequent ones; 0 keeps all.", low=0
    )
    unknown_probability: float = setting(
        0.5,
        "Probability of replacing a source symbol that train contains once by <UNK> while "
        "training.",
        low=0,
        high=1,
    )


@dataclass(frozen=True)
class SourceConfig:
    """The encoder of the source."""

    input: str = setting(
        "embedding", "Representation of symbols.", choices=("embedding", "one-hot")
    )
    embedding: int = setting(
        64, "Dimension of the trained symbol embedding; 0: none.", low=0, high=10_000
    )
    characters: int = setting(
        0, "Units of an encoder of a token's characters; 0: none.", low=0, high=10_000
    )
    character_encoder: str = setting(
        "cnn",
        "Character encoder: a convolution, or a recurrent network of the same cell as the encoder.",
        choices=("cnn", "rnn"),
    )
    shape: int = setting(
        0,
        "Dimension of the embedding of a token's capitalization and digits; 0: none.",
        low=0,
        high=10_000,
    )
    cell: str = recurrent.cell()
    units: int = setting(128, "Units per recurrent layer and direction.", low=1, high=10_000)
    layers: int = recurrent.layers()
    bidirectional: bool = setting(True, "Read each source in both directions.")
    input_dropout: float = setting(
        0.0, "Dropout rate of the inputs, with one mask per sequence.", low=0, high=0.95
    )
    dropout: float = recurrent.dropout(0.3)
    recurrent_dropout: float = recurrent.recurrent_dropout()


@dataclass(frozen=True)
class DecoderConfig:
    """The decoder of the target, which starts from the encoder's last states."""

    attention: str = setting(
        "dot",
        "Attention to the activations of the encoder: scaled dot products, or none.",
        choices=("dot", "none"),
    )
    embedding: int = setting(
        64, "Dimension of the trained embedding of the target; 0: one-hot.", low=0, high=10_000
    )
    cell: str = recurrent.cell()
    units: int = setting(
        256,
        "Units per recurrent layer; where they are not those of an encoder layer, both directions "
        "together, its last state is projected.",
        low=1,
        high=10_000,
    )
    layers: int = recurrent.layers()
    input_dropout: float = setting(
        0.0,
        "Dropout rate of the inputs, with one mask per sequence; one-hot inputs become <UNK>.",
        low=0,
        high=0.95,
    )
    dropout: float = recurrent.dropout(0.3)
    recurrent_dropout: float = recurrent.recurrent_dropout()


@dataclass(frozen=True)
class Seq2SeqTrainingConfig:
    """The optimization."""

    optimizer: str = optimization.optimizer()
    learning_rate: float = optimization.learning_rate()
    schedule: str = optimization.schedule()
    averaging: float = optimization.averaging(1.0)
    clip_norm: float = optimization.clip_norm(5.0)
    weight_decay: float = optimization.weight_decay()
    batch_symbols: int = setting(
        0,
        "Maximum number of padded symbols per batch, source and target together; 0: a fiftieth of "
        "train, between 256 and 4,096.",
        low=0,
    )
    epoch_symbols: int = setting(
        100_000,
        "Minimum number of symbols per epoch: fewer pairs are repeated, so that scoring dev does "
        "not dominate.",
        low=0,
    )
    epochs: int = optimization.epochs(20)
    patience: int = optimization.patience(5)
    seed: int = setting(1, "Seed of weights, order and dropout.", low=0, high=2**32 - 1)


@dataclass(frozen=True)
class Seq2SeqConfig:
    """All settings of a sequence-to-sequence model's training."""

    data: PairsConfig = field(default_factory=PairsConfig)
    vocabulary: SymbolsConfig = field(default_factory=SymbolsConfig)
    model: SourceConfig = field(default_factory=SourceConfig)
    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    training: Seq2SeqTrainingConfig = field(default_factory=Seq2SeqTrainingConfig)


def check(config: Seq2SeqConfig) -> None:
    """Check that the settings are complete and go together.

    Args:
        config: Settings of a training.

    Raises:
        ConfigError: They are not.
    """
    model = config.model
    if not config.data.train:
        raise ConfigError(
            "data.train is missing: expected a list of files of pairs, for example "
            'data.train=["pairs.tsv"]'
        )
    if config.data.source == config.data.target:
        raise ConfigError(
            f"data.source and data.target are the same column, {config.data.source!r}"
        )
    if model.input == "embedding" and not (model.embedding or model.characters or model.shape):
        raise ConfigError(
            "the encoder has no input: set at least one of model.embedding, model.characters and "
            "model.shape above 0"
        )
