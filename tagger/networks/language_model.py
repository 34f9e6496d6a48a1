"""A language model: the probability of each token, given those before it.

Axes: B batch, T time, V vocabulary, F features, U units.

Number 0 is the border of a sequence. As a target y^<t> it is <EOS>; as an input x^<t> = y^<t-1> it
is the zero vector, with which the next sequence begins as the first one did. Number 1 is <UNK>. To
a network with a bias this is no loss: z = b after <EOS>, and z = W e_j + b after token j.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import keras
from keras import ops

from tagger.cells import CELLS
from tagger.features.vocabulary import PAD
from tagger.networks.cells import State, Tensor
from tagger.networks.embedding import WordDropout, embedding
from tagger.networks.recurrent import Encoder

__all__ = ["Architecture", "LanguageModel"]


@dataclass(frozen=True)
class Architecture:
    """All numbers that determine the network; dropouts are rates.

    ``embedding`` 0 means one-hot tokens. ``tied`` gives the softmax the embedding's rows for its
    weights (Press and Wolf 2017); then ``embedding`` is ``units``. ``streams`` is how many texts
    are read side by side in training (0: no training).
    """

    vocabulary_size: int
    embedding: int = 100
    cell: str = "lstm"
    units: int = 200
    layers: int = 1
    tied: bool = False
    input_dropout: float = 0.0
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    streams: int = 0


@keras.saving.register_keras_serializable(package="tagger")
class LanguageModel(keras.Model):
    """Inputs ``numbers``, ``targets`` (B, T) and ``keep`` (B,) to the targets' log-probabilities
    (B, T), in nats.

    The state is carried from each batch to the next, row by row, for the rows where ``keep`` is 1;
    where it is 0, it begins as the zero vector. So B is always ``streams``. `activations` is told
    its state instead and may have any B.
    """

    def __init__(self, architecture: Architecture | dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(architecture, dict):
            architecture = Architecture(**architecture)
        self.architecture = architecture
        one_hot = not architecture.embedding
        self.embed = (
            None
            if one_hot
            else embedding(architecture.vocabulary_size, architecture.embedding, "embedding")
        )
        self.input_drop: keras.layers.Layer = (
            WordDropout(architecture.input_dropout)
            if one_hot
            else keras.layers.Dropout(architecture.input_dropout, noise_shape=(None, 1, None))
        )
        self.encoder = Encoder(
            architecture.cell,
            architecture.units,
            layers=architecture.layers,
            bidirectional=False,
            vocabulary_size=architecture.vocabulary_size if one_hot else 0,
            dropout=architecture.dropout,
            recurrent_dropout=architecture.recurrent_dropout,
            name="encoder",
        )

    @classmethod
    def create(cls, architecture: Architecture) -> LanguageModel:
        """A model whose weights exist."""
        model = cls(architecture)
        model.build()
        return model

    def build(self, input_shape: Any = None) -> None:
        sizes = self.architecture
        if self.embed is not None:
            self.embed.build((None, None))
        self.encoder.build((None, None, sizes.embedding) if sizes.embedding else (None, None))
        if not sizes.tied:
            shape = (sizes.units, sizes.vocabulary_size)
            self.kernel = self.add_weight(name="kernel", shape=shape, initializer="glorot_uniform")
        self.bias = self.add_weight(
            name="bias", shape=(sizes.vocabulary_size,), initializer="zeros"
        )
        self.carried = [
            self.add_weight(
                name=f"carried_{number}",
                shape=(sizes.streams, sizes.units),
                initializer="zeros",
                trainable=False,
            )
            for number in range(CELLS[sizes.cell].states * sizes.layers if sizes.streams else 0)
        ]
        self.built = True

    def call(self, inputs: dict[str, Tensor], training: bool = False) -> Tensor:
        keep = ops.cast(inputs["keep"], self.compute_dtype)[:, None]
        state = tuple(keep * ops.convert_to_tensor(part) for part in self.carried)
        a, state = self.activations(inputs["numbers"], state, training=training)
        for part, after in zip(self.carried, state, strict=True):
            part.assign(after)
        return -ops.sparse_categorical_crossentropy(
            inputs["targets"], self.logits(a), from_logits=True
        )

    def activations(
        self,
        numbers: Tensor,
        state: State | None = None,
        lengths: Tensor | None = None,
        training: bool = False,
    ) -> tuple[Tensor, State]:
        """The last layer's activations (B, T, U) for input numbers (B, T), and the state of all
        layers after each row's end.

        ``state`` is that before the first timestep; None is the zero vector. Without ``lengths`` no
        row is padded.
        """
        if lengths is None:
            lengths = ops.shape(numbers)[1] * ops.ones((ops.shape(numbers)[0],), dtype="int32")
        x = numbers
        if self.embed is not None:
            x = self.embed(numbers) * ops.cast(
                ops.expand_dims(numbers != PAD, -1), self.compute_dtype
            )
        x = self.input_drop(x, training=training)
        a, after = self.encoder.with_state(x, lengths, state, training=training)
        return a, after

    def logits(self, activations: Tensor) -> Tensor:
        """The softmax' logits (..., V) for the last layer's activations (..., U)."""
        return ops.matmul(activations, self._output()) + self.bias

    def _output(self) -> Tensor:
        """The softmax' weights (U, V)."""
        if self.architecture.tied and self.embed is not None:
            return ops.transpose(ops.convert_to_tensor(self.embed.embeddings))
        return ops.convert_to_tensor(self.kernel)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """The mean cross-entropy of the real targets, which `y` (B, T) marks by ones."""
        real = ops.cast(y, y_pred.dtype)
        return -ops.sum(y_pred * real) / ops.maximum(ops.sum(real), 1.0)

    def named_weights(self) -> dict[str, keras.Variable]:
        """The trained weights by their place in the model, such as ``encoder/forward_1/kernel``."""
        named = {} if self.embed is None else {"embedding/embeddings": self.embed.embeddings}
        for directions in self.encoder.stack:
            named |= {
                f"encoder/{layer.name}/{weight.name}": weight
                for layer in directions
                for weight in layer.trainable_weights
            }
        if not self.architecture.tied:
            named["softmax/kernel"] = self.kernel
        return {**named, "softmax/bias": self.bias}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "architecture": asdict(self.architecture)}
