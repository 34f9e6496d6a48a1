"""The tagger's network: embed, encode, score.

Axes: B batch, T time, K tags.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from tagger.features.vocabulary import PAD, UNK
from tagger.networks.cells import Tensor
from tagger.networks.embedding import WordDropout, embedding
from tagger.networks.heads import SoftmaxHead
from tagger.networks.recurrent import Encoder

__all__ = ["Architecture", "SequenceTagger"]


@dataclass(frozen=True)
class Architecture:
    """All numbers that determine a network. ``embedding`` 0 means one-hot tokens; dropouts are rates."""

    vocabulary_size: int
    tags: int
    embedding: int = 100
    cell: str = "lstm"
    units: int = 100
    layers: int = 1
    bidirectional: bool = True
    hidden: tuple[int, ...] = ()
    input_dropout: float = 0.0
    dropout: float = 0.0
    recurrent_dropout: float = 0.0


@keras.saving.register_keras_serializable(package="tagger")
class SequenceTagger(keras.Model):
    """Token numbers to tag scores: ``{"words": (B, T) int}``, 0 where padded on the right, to logits (B, T, K)."""

    def __init__(self, architecture: Architecture | dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(architecture, dict):
            architecture = Architecture(**{**architecture, "hidden": tuple(architecture.get("hidden", ()))})
        self.architecture = architecture
        one_hot = architecture.embedding == 0
        if one_hot:
            self.word_dropout = WordDropout(architecture.input_dropout, UNK)
        else:
            self.words = embedding(architecture.vocabulary_size, architecture.embedding)
            self.input_drop = keras.layers.Dropout(architecture.input_dropout, noise_shape=(None, 1, None))
        self.encoder = Encoder(
            architecture.cell,
            architecture.units,
            layers=architecture.layers,
            bidirectional=architecture.bidirectional,
            vocabulary_size=architecture.vocabulary_size if one_hot else 0,
            dropout=architecture.dropout,
            recurrent_dropout=architecture.recurrent_dropout,
            name="encoder",
        )
        self.head = SoftmaxHead(architecture.tags, hidden=architecture.hidden, dropout=architecture.dropout, name="head")

    @classmethod
    def create(cls, architecture: Architecture) -> SequenceTagger:
        """A model whose weights exist."""
        model = cls(architecture)
        model.build({"words": (None, None)})
        return model

    def build(self, input_shape: dict[str, tuple[int | None, ...]]) -> None:
        shape = input_shape["words"]
        if self.architecture.embedding:
            self.words.build(shape)
            shape = (*shape, self.architecture.embedding)
        self.encoder.build(shape)
        self.head.build(self.encoder.compute_output_shape(shape))
        self.built = True

    def call(self, inputs: dict[str, Tensor], training: bool = False) -> Tensor:
        words = inputs["words"]
        lengths = ops.sum(ops.cast(words != PAD, "int32"), axis=1)
        if self.architecture.embedding == 0:
            x = self.word_dropout(words, training=training)
        else:
            x = self.input_drop(self.words(words), training=training)
        return self.head(self.encoder(x, lengths, training=training), training=training)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Tensor:
        """The head's loss over real tokens only."""
        return self.head.loss(y_pred, y, ops.cast(x["words"] != PAD, "float32"))

    def emissions(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        """Log-probabilities (B, T, K) of a batch in NumPy, without dropout."""
        rows, time = inputs["words"].shape
        if keras.backend.backend() == "jax":  # compiles each shape anew: let there be few
            inputs = {name: _enlarged(array) for name, array in inputs.items()}
        scores = self.head.emissions(self.predict_on_batch(inputs))
        return np.asarray(ops.convert_to_numpy(scores))[:rows, :time]

    def named_weights(self) -> dict[str, keras.Variable]:
        """The trained weights by their place in the model, such as ``encoder/forward_1/kernel``."""
        layers = {} if self.architecture.embedding == 0 else {"words": self.words}
        layers |= {f"encoder/{layer.name}": layer for directions in self.encoder.stack for layer in directions}
        layers |= {f"head/{layer.name}": layer for layer in (*self.head.dense, self.head.output_layer)}
        return {f"{place}/{weight.name}": weight for place, layer in layers.items() for weight in layer.trainable_weights}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "architecture": asdict(self.architecture)}


def _enlarged(array: np.ndarray) -> np.ndarray:
    """`array` (B, T, ...) padded to a power of two rows and a multiple of eight timesteps."""
    rows, time = array.shape[:2]
    more = [(0, (1 << (rows - 1).bit_length()) - rows), (0, -time % 8)] + [(0, 0)] * (array.ndim - 2)
    return np.pad(array, more, constant_values=PAD)
