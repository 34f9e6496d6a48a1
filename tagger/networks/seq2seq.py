"""A sequence-to-sequence network: an encoder of the source, and a decoder that predicts the target.

Axes: B batch, X source time, Y target time, F features of the encoder's output, E dimension of the
target's embedding, U units of the decoder, V target vocabulary, S states of all decoder layers.

The decoder starts from the last states of the encoder, a^<0> (Sutskever, Vinyals and Le 2014), and
reads x^<1> = 0, then x^<t> = y^<t-1>. As in language models, id 0 is the boundary: the zero vector
as an input, <EOS> as a target. Id 1 is <UNK>.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
from keras import ops

from tagger.cells import CELLS
from tagger.features.batches import MASKED
from tagger.features.vocabulary import PAD
from tagger.networks.attention import Attention
from tagger.networks.cells import State, Tensor
from tagger.networks.embedding import WordDropout, embedding
from tagger.networks.recurrent import Encoder
from tagger.networks.sentence_encoder import (
    EncoderArchitecture,
    SentenceEncoder,
    token_mask,
    weights_of,
)

__all__ = ["EncodedSource", "Seq2SeqArchitecture", "Seq2SeqNetwork"]


@dataclass(frozen=True, kw_only=True)
class Seq2SeqArchitecture(EncoderArchitecture):
    """The hyperparameters that determine a network; those of the encoder are inherited.

    Attributes:
        target_size: V, <EOS> and <UNK> included.
        target_embedding: E; 0 means one-hot symbols.
        decoder_cell, decoder_units, decoder_layers: The decoder's stack; see `recurrent.Encoder`.
        decoder_input_dropout: Dropout rate of the target's embeddings; for one-hot symbols the rate
            of <UNK>.
        decoder_dropout: Dropout rate after every layer of the decoder.
        decoder_recurrent_dropout: See `recurrent.Recurrent`.
        attention: Whether the decoder attends to all timesteps of the source.
    """

    target_size: int
    target_embedding: int = 100
    decoder_cell: str = "lstm"
    decoder_units: int = 200
    decoder_layers: int = 1
    decoder_input_dropout: float = 0.0
    decoder_dropout: float = 0.0
    decoder_recurrent_dropout: float = 0.0
    attention: bool = True


class EncodedSource(NamedTuple):
    """Encoded sources as the decoder reads them.

    Attributes:
        keys: (B, X, U) for attention; None without.
        values: (B, X, F), the activations of the encoder's last layer; None without attention.
        mask: (B, X), 0 at real timesteps and `MASKED` at padding; None without attention.
    """

    keys: Tensor | None = None
    values: Tensor | None = None
    mask: Tensor | None = None


@keras.saving.register_keras_serializable(package="tagger")
class Seq2SeqNetwork(SentenceEncoder):
    """A network from sources and targets to the targets' log-probabilities (B, Y).

    Args:
        architecture: The hyperparameters.
    """

    architecture: Seq2SeqArchitecture
    architecture_class = Seq2SeqArchitecture
    has_differentiable_states = True

    def __init__(self, architecture: Seq2SeqArchitecture, **kwargs: Any) -> None:
        super().__init__(architecture, **kwargs)
        sizes = architecture
        one_hot = not sizes.target_embedding
        self.embed = (
            None if one_hot else embedding(sizes.target_size, sizes.target_embedding, "embedding")
        )
        self.target_drop: keras.layers.Layer = (
            WordDropout(sizes.decoder_input_dropout)
            if one_hot
            else keras.layers.Dropout(sizes.decoder_input_dropout, noise_shape=(None, 1, None))
        )
        self.initial = [
            keras.layers.Dense(sizes.decoder_units, name=f"initial_{layer + 1}_{part + 1}")
            for layer in range(sizes.decoder_layers)
            for part in range(CELLS[sizes.decoder_cell].states)
            if _state_width(sizes) != sizes.decoder_units
        ]
        self.decoder = Encoder(
            sizes.decoder_cell,
            sizes.decoder_units,
            layers=sizes.decoder_layers,
            bidirectional=False,
            vocabulary_size=sizes.target_size if one_hot else 0,
            dropout=sizes.decoder_dropout,
            recurrent_dropout=sizes.decoder_recurrent_dropout,
            differentiable_states=True,
            name="decoder",
        )
        self.attention = (
            Attention(sizes.decoder_units, name="attention") if sizes.attention else None
        )
        self.attention_drop = keras.layers.Dropout(
            sizes.decoder_dropout, noise_shape=(None, 1, None)
        )
        self.softmax = keras.layers.Dense(sizes.target_size, name="softmax")

    def build(self, input_shape: Any = None) -> None:
        """Create all weights."""
        sizes, encoded = self.architecture, self.build_encoder()
        if self.embed is not None:
            self.embed.build((None, None))
        for layer in self.initial:
            layer.build((None, _state_width(sizes)))
        width = (sizes.target_embedding,) if sizes.target_embedding else ()
        self.decoder.build((None, None, *width))
        if self.attention is not None:
            self.attention.build(encoded)
        self.softmax.build((None, None, sizes.decoder_units))
        self.built = True

    def call(self, inputs: dict[str, Tensor], training: bool = False) -> Tensor:
        """Return the log-probabilities of the targets.

        Args:
            inputs: Arrays of the source by name, as of `features.encode.WordEncoder.inputs`, and
                "previous" and "targets" (B, Y), the ids y^<t-1> and y^<t>.
            training: Whether dropout is active.

        Returns:
            (B, Y), in nats; any values where padded.
        """
        memory, state = self.read(inputs, training=training)
        logits, _ = self.predict_next(inputs["previous"], state, memory, training=training)
        chosen = ops.take_along_axis(logits, inputs["targets"][..., None], axis=-1)[..., 0]
        return chosen - ops.logsumexp(logits, axis=-1)

    def read(
        self, inputs: dict[str, Tensor], training: bool = False
    ) -> tuple[EncodedSource, State]:
        """Encode sources.

        Args:
            inputs: Arrays of the sources by name.
            training: Whether dropout is active.

        Returns:
            The sources for the decoder, and its initial state: S tensors (B, U), layer by layer.
        """
        activations, ends = self.encode(inputs, training=training)
        state = self._initial_state(ends)
        if self.attention is None:
            return EncodedSource(), state
        values = activations[-1]  # (B, X, F)
        mask = (1.0 - token_mask(inputs)) * MASKED
        return EncodedSource(self.attention.project(values), values, mask), state

    def _initial_state(self, ends: State) -> State:
        """Return the decoder's initial state from the final states of all encoder layers.

        Layer l starts from both directions of the encoder's layer l, or of the last one if the
        encoder has fewer layers. A memory cell starts from that of the encoder if it has one, else
        from its activation.
        """
        sizes = self.architecture
        parts, wanted = CELLS[sizes.cell].states, CELLS[sizes.decoder_cell].states
        directions = 1 + sizes.bidirectional
        state: State = ()
        for layer in range(sizes.decoder_layers):
            first = min(layer, sizes.layers - 1) * directions * parts
            of_layer = ends[first : first + directions * parts]  # direction by direction
            for part in range(wanted):
                sides = of_layer[min(part, parts - 1) :: parts]
                both = ops.concatenate(sides, axis=-1) if len(sides) > 1 else sides[0]
                project = self.initial[len(state)] if self.initial else None
                state += (both if project is None else project(both),)
        return state

    def predict_next(
        self, previous: Tensor, state: State, memory: EncodedSource, training: bool = False
    ) -> tuple[Tensor, State]:
        """Run the decoder.

        Args:
            previous: (B, Y) ids of the symbols before each timestep.
            state: State before the first timestep, S tensors (B, U).
            memory: The encoded sources.
            training: Whether dropout is active.

        Returns:
            Logits (B, Y, V), and the state after the last timestep.
        """
        x = previous
        if self.embed is not None:  # (B, Y) -> (B, Y, E), the zero vector for id 0
            real = ops.cast(ops.expand_dims(previous != PAD, -1), self.compute_dtype)
            x = self.embed(previous) * real
        x = self.target_drop(x, training=training)
        lengths = ops.shape(previous)[1] * ops.ones((ops.shape(previous)[0],), dtype="int32")
        a, after = self.decoder.with_state(x, lengths, state, training=training)
        if self.attention is not None:
            a = self.attention(a, memory.keys, memory.values, memory.mask)
            a = self.attention_drop(a, training=training)
        return self.softmax(a), after

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """Return the mean cross-entropy of the real targets, <EOS> included.

        Args:
            x: Ignored: `call` has already looked up the targets' probabilities.
            y: (B, Y) mask, 1 for real targets.
            y_pred: (B, Y) log-probabilities returned by `call`.
            sample_weight: Ignored.
            training: Ignored.

        Returns:
            A scalar in nats per target.
        """
        real = ops.cast(y, y_pred.dtype)
        return -ops.sum(y_pred * real) / ops.maximum(ops.sum(real), 1.0)

    def named_weights(self) -> dict[str, keras.Variable]:
        """Return the weights of the bundle by path, such as ``decoder/forward_1/kernel``.

        Returns:
            The trainable variables themselves, no copies.
        """
        layers: dict[str, keras.layers.Layer] = {}
        if self.embed is not None:
            layers["decoder/embedding"] = self.embed
        layers |= {f"decoder/{layer.name}": layer for layer in self.initial}
        layers |= {f"decoder/{layer.name}": layer for (layer,) in self.decoder.stack}
        if self.attention is not None:
            layers["attention"] = self.attention
        return self.encoder_weights() | weights_of({**layers, "softmax": self.softmax})


def _state_width(sizes: EncoderArchitecture) -> int:
    """Return the width of a final state of an encoder layer, all directions together."""
    return sizes.units * (1 + sizes.bidirectional)
