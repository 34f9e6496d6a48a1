"""A recurrent language model: the probability of each token given the tokens before it.

Axes: B batch, T time, V vocabulary, L labels, F features, U units.

Id 0 is the boundary of a sequence: as a target y^<t> it is <EOS>; as an input x^<t> = y^<t-1> it
is the zero vector, so that every sequence starts like the first one. Id 1 is <UNK>. A network with
a bias loses nothing by this: z = b after <EOS>, and z = W e_j + b after token j.

In a conditional model, x^<1> is the vector of a label instead (the lectures' one-to-many network):

    x^<1> = e_y,  x^<t> = e_{y^<t-1>}
    a^<t> = g(W_a[a^<t-1>, x^<t>] + b_a)
    ŷ^<t> = softmax(W_y a^<t> + b_y) = P(· | y, y^<1> … y^<t-1>)

The ids of labels are V … V + L - 1: rows of the input table behind those of the vocabulary. The
softmax has no row for them, as they are never predicted.
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

__all__ = ["LanguageModelArchitecture", "LanguageModelNetwork"]


@dataclass(frozen=True)
class LanguageModelArchitecture:
    """The hyperparameters that determine the network.

    Attributes:
        vocabulary_size: V.
        embedding: Embedding dimension F; 0 means one-hot tokens.
        cell, units, layers, recurrent_dropout: See `recurrent.Encoder`.
        tied: Whether the softmax shares its weights with the embedding (Press and Wolf 2017);
            requires ``embedding == units``.
        input_dropout: Dropout rate of the embeddings; for one-hot tokens the rate of <UNK>.
        dropout: Dropout rate after every layer.
        streams: Number of texts read side by side in training, which is B; 0 for a model that is
            not trained and has no recurrent state of its own.
        labels: L, the number of labels of a conditional model; 0 for others.
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
    labels: int = 0

    @property
    def input_size(self) -> int:
        """Return V + L, the number of ids of inputs."""
        return self.vocabulary_size + self.labels


@keras.saving.register_keras_serializable(package="tagger")
class LanguageModelNetwork(keras.Model):
    """A language model: from ids and targets (B, T) to the targets' log-probabilities (B, T).

    `call` carries its hidden state over from batch to batch, row by row, so that B is always
    ``streams``. `activations` receives its initial state as an argument and accepts any B.

    Args:
        architecture: An `Architecture`, or its fields as a dictionary.
    """

    def __init__(
        self, architecture: LanguageModelArchitecture | dict[str, Any], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if isinstance(architecture, dict):
            architecture = LanguageModelArchitecture(**architecture)
        self.architecture = architecture
        one_hot = not architecture.embedding
        self.embed = (
            None
            if one_hot
            else embedding(architecture.input_size, architecture.embedding, "embedding")
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
            vocabulary_size=architecture.input_size if one_hot else 0,
            dropout=architecture.dropout,
            recurrent_dropout=architecture.recurrent_dropout,
            name="encoder",
        )

    @classmethod
    def create(cls, architecture: LanguageModelArchitecture) -> LanguageModelNetwork:
        """Return a built model, with its weights initialized."""
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
        self.recurrent_state = [
            self.add_weight(
                name=f"recurrent_state_{number}",
                shape=(sizes.streams, sizes.units),
                initializer="zeros",
                trainable=False,
            )
            for number in range(CELLS[sizes.cell].states * sizes.layers if sizes.streams else 0)
        ]
        self.built = True

    def call(self, inputs: dict[str, Tensor], training: bool = False) -> Tensor:
        """Return the log-probabilities of the targets and update the recurrent state.

        Args:
            inputs: "ids" (B, T), the input ids; "targets" (B, T), the target ids; and "keep"
                (B,), 1 for rows that continue from the recurrent state, 0 for rows that start from
                the zero vector.
            training: Whether dropout is active.

        Returns:
            (B, T), in nats.
        """
        keep = ops.cast(inputs["keep"], self.compute_dtype)[:, None]
        state = tuple(
            keep * ops.convert_to_tensor(part) for part in self.recurrent_state
        )  # (B, U) each
        a, state = self.activations(inputs["ids"], state, training=training)
        for part, after in zip(self.recurrent_state, state, strict=True):
            part.assign(after)
        return -ops.sparse_categorical_crossentropy(
            inputs["targets"], self.logits(a), from_logits=True
        )

    def activations(
        self,
        ids: Tensor,
        state: State | None = None,
        lengths: Tensor | None = None,
        training: bool = False,
    ) -> tuple[Tensor, State]:
        """Return the last layer's activations and the final state of all layers.

        Args:
            ids: (B, T) input ids.
            state: Initial state in the layout of the returned one; None means zeros.
            lengths: (B,) number of real timesteps per row; T for all rows by default.
            training: Whether dropout is active.

        Returns:
            The activations a^<t> (B, T, U), and the state after each row's last real timestep, a
            flat tuple of (B, U) tensors, layer by layer.
        """
        if lengths is None:
            lengths = ops.shape(ids)[1] * ops.ones((ops.shape(ids)[0],), dtype="int32")
        x = ids
        if self.embed is not None:
            # (B, T) -> (B, T, F), the zero vector for id 0
            x = self.embed(ids) * ops.cast(ops.expand_dims(ids != PAD, -1), self.compute_dtype)
        x = self.input_drop(x, training=training)
        if self.embed is None and self.architecture.labels:  # a label never becomes <UNK>
            x = ops.where(ids < self.architecture.vocabulary_size, x, ids)
        a, after = self.encoder.with_state(x, lengths, state, training=training)
        return a, after

    def logits(self, activations: Tensor) -> Tensor:
        """Return the logits (..., V) of the last layer's activations (..., U)."""
        return ops.matmul(activations, self._output()) + self.bias

    def _output(self) -> Tensor:
        """Return the weights (U, V) of the softmax."""
        if self.architecture.tied and self.embed is not None:
            table = ops.convert_to_tensor(self.embed.embeddings)  # (V + L, F)
            if self.architecture.labels:
                table = table[: self.architecture.vocabulary_size]
            return ops.transpose(table)
        return ops.convert_to_tensor(self.kernel)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """Return the mean cross-entropy of the real targets.

        Args:
            x: Ignored: `call` has already looked up the targets' probabilities.
            y: (B, T) mask, 1 for real targets.
            y_pred: (B, T) log-probabilities returned by `call`.
            sample_weight: Ignored.
            training: Ignored.

        Returns:
            A scalar in nats per target; 0 for a batch without real targets.
        """
        real = ops.cast(y, y_pred.dtype)
        return -ops.sum(y_pred * real) / ops.maximum(ops.sum(real), 1.0)

    def named_weights(self) -> dict[str, keras.Variable]:
        """Return the trainable variables (no copies) by path, as ``encoder/forward_1/kernel``."""
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
