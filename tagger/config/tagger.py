"""The settings of a tagger's training; `settings` reads and writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tagger.cells import CELLS
from tagger.config import schema as settings
from tagger.config.schema import assign, files, override, setting, to_toml
from tagger.heads import HEADS
from tagger.text import schemes, tokens
from tagger.text.formats import ReadOptions
from tagger.text.formats.conll import Columns

__all__ = [
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


@dataclass(frozen=True)
class DataConfig:
    """Where the corpus is and how to read it."""

    train: str = setting(
        "",
        "file with the training sentences (CoNLL columns or .jsonl, .gz allowed; .parquet, .arrow)",
    )
    dev: str = setting("", "file that decides when to stop and which epoch is kept")
    vectors: tuple[str, ...] = files(
        "of pretrained word vectors, side by side (text, binary, .npz; .gz allowed)"
    )
    keep_vectors: int = setting(
        0, "how many of them the model carries, from the first and commonest; 0 carries all", low=0
    )
    language_models: tuple[str, ...] = files(
        "folders of language models, whose states are read beside the words"
    )
    hub: str = setting(
        "",
        "instead of train and dev: a dataset of the Hugging Face Hub, "
        "OWNER/NAME[/CONFIG][@REVISION], or the folder of a saved one",
    )
    tags: str = setting(
        "", "of a dataset: the feature that holds the tags (default: ner_tags or tags)"
    )
    token_column: int = setting(0, "CoNLL column of the token, from 0; negative from the last")
    tag_column: int = setting(-1, "CoNLL column of the tag")
    delimiter: str = setting("auto", "of CoNLL columns: auto, blank, tab, or any string")
    scheme: str = setting("auto", "of the tags", choices=("auto", *schemes.SCHEMES, schemes.PLAIN))
    tokenizer: str = setting(tokens.DEFAULT, "splits raw text, here and when the model predicts")

    @property
    def reading(self) -> ReadOptions:
        """These settings as the readers of `text.formats` want them."""
        columns = Columns(token=self.token_column, tag=self.tag_column, delimiter=self.delimiter)
        return ReadOptions(columns=columns, tokenizer=self.tokenizer)


@dataclass(frozen=True)
class VocabularyConfig:
    """Which tokens of the training set get a number of their own; all others are <UNK>."""

    minimum_count: int = setting(1, "tokens seen less often are <UNK>", low=1)
    maximum_size: int = setting(0, "keep only so many of the commonest tokens; 0 keeps all", low=0)
    unknown_probability: float = setting(
        0.5, "with which a token seen once becomes <UNK> in training", low=0, high=1
    )
    word_dropout: float = setting(
        0.3, "with which any token becomes <UNK> in training; its vector stays", low=0, high=1
    )


@dataclass(frozen=True)
class ModelConfig:
    """The network."""

    input: str = setting("embedding", "of tokens", choices=("embedding", "one-hot"))
    embedding: int = setting(
        100,
        "dimension of the trained token embedding; pretrained vectors take its place",
        low=0,
        high=10_000,
    )
    fine_tune: bool = setting(
        False, "train a difference to the pretrained vectors of the training set's words"
    )
    characters: int = setting(50, "units of the character encoder; 0: none", low=0, high=10_000)
    character_encoder: str = setting(
        "cnn", "a convolution, or a recurrent network of the cell below", choices=("cnn", "rnn")
    )
    shape: int = setting(
        10,
        "dimension of the embedding of a word's capitals and digits; 0: none",
        low=0,
        high=10_000,
    )
    projection: int = setting(
        128,
        "numbers to which what language models know at a token is brought down; 0: as it is",
        low=0,
        high=10_000,
    )
    cell: str = setting("lstm", "recurrent cell", choices=CELLS)
    units: int = setting(200, "of each layer and direction", low=1, high=10_000)
    layers: int = setting(1, "recurrent layers on top of each other", low=1, high=50)
    bidirectional: bool = setting(True, "read each sentence in both directions")
    hidden: tuple[int, ...] = setting((), "units of feed-forward layers on every timestep's output")
    input_dropout: float = setting(0.3, "on the inputs, one mask a sequence", low=0, high=0.95)
    context_dropout: float = setting(
        0.5, "on what language models know, one mask a sequence", low=0, high=0.95
    )
    dropout: float = setting(0.5, "after each layer, one mask a sequence", low=0, high=0.95)
    recurrent_dropout: float = setting(0.0, "across time, one mask a sequence", low=0, high=0.95)
    head: str = setting("softmax", "scores of tags: softmax, or crf", choices=HEADS)


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
        1.0, "epochs that a moving average of the weights looks back; 0: none", low=0
    )
    clip_norm: float = setting(5.0, "largest norm of the gradient; 0 does not clip", low=0)
    batch_tokens: int = setting(
        0,
        "padded tokens a batch at most; 0: a hundredth of train, but from 128 to 512, which it is "
        "with language models",
        low=0,
    )
    mention_replacement: float = setting(
        0.3,
        "with which a span gives way to another of its label when a small corpus is read again",
        low=0,
        high=1,
    )
    word_prediction: float = setting(
        0.0,
        "weight of the loss of predicting the next and the previous word beside the tag; 0: they "
        "are not predicted",
        low=0,
    )
    epoch_tokens: int = setting(
        50_000, "an epoch reads a smaller corpus several times: dev would take all the time", low=0
    )
    epochs: int = setting(15, "at most", low=1)
    patience: int = setting(10, "stop after so many epochs without a better dev score", low=1)
    seed: int = setting(1, "determines weights, order and dropout", low=0, high=2**32 - 1)


@dataclass(frozen=True)
class DistillationConfig:
    """Teachers, if there are any: trained models that label a text, from which the model learns
    beside train.
    """

    teachers: tuple[str, ...] = files("that are folders of trained models; several are averaged")
    text: tuple[str, ...] = files(
        "of text that nobody needs to have annotated (.txt, .jsonl, else CoNLL columns; .gz "
        "allowed)"
    )
    wrapped: bool = setting(False, "in raw text only a blank line ends a paragraph")
    tokens: int = setting(
        500_000, "of the text that are labelled, about, the same share of each file", low=1
    )
    ratio: float = setting(1.0, "tokens of text that an epoch reads for each of train", low=0)
    labels: str = setting(
        "",
        "folder that keeps what the teachers say, for other trainings too; by default in the run's",
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
    """Return how files are read for a model with these settings, but for those `given` by dotted
    key; None stands for the model's own. Errors are those of `assign`.
    """
    changes = {key: value for key, value in given.items() if value is not None}
    return settings.assign(config, changes, where).data.reading


def load(path: str | Path) -> Config:
    """Read a TOML file with the tables of `Config`; errors are those of `settings.load`."""
    return settings.load(Config, path)


def from_toml(text: str, where: str = "config.toml") -> Config:
    """Settings as TOML text; `where` names their origin in errors, which are those of `load`."""
    return settings.from_toml(Config, text, where)


def from_dict(data: dict[str, Any], where: str) -> Config:
    """Settings from tables as TOML gives them; errors are those of `load`."""
    return settings.from_dict(Config, data, where)
