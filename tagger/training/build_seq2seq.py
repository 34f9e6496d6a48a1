"""Construction of a sequence-to-sequence model's Keras network, and its use with NumPy arrays.

Axes: B batch, M hypotheses, U units of the decoder, S states of all its layers, V target
vocabulary.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from tagger.bundles.seq2seq import Seq2SeqBundle
from tagger.config.schema import common_values
from tagger.config.seq2seq import Seq2SeqConfig
from tagger.features.batches import round_up_shapes
from tagger.features.encode import WordFeatures
from tagger.networks import seq2seq as networks
from tagger.networks.cells import Tensor
from tagger.networks.seq2seq import Seq2SeqArchitecture, Seq2SeqNetwork
from tagger.seq2seq.decoding import Memory
from tagger.training.build import assign, input_values

__all__ = ["OnKeras", "architecture", "restore"]


def architecture(
    config: Seq2SeqConfig, features: WordFeatures, target_size: int
) -> Seq2SeqArchitecture:
    """Return the hyperparameters of the network that settings describe.

    Args:
        config: Settings of the training.
        features: Inputs of the encoder.
        target_size: Ids of target symbols, <EOS> and <UNK> included.

    Returns:
        The hyperparameters.
    """
    model, decoder = config.model, config.decoder
    return Seq2SeqArchitecture(
        **common_values(model, Seq2SeqArchitecture),
        **input_values(model, features),
        target_size=target_size,
        target_embedding=decoder.embedding,
        decoder_cell=decoder.cell,
        decoder_units=decoder.units,
        decoder_layers=decoder.layers,
        decoder_input_dropout=decoder.input_dropout,
        decoder_dropout=decoder.dropout,
        decoder_recurrent_dropout=decoder.recurrent_dropout,
        attention=decoder.attention != "none",
    )


def restore(bundle: Seq2SeqBundle) -> Seq2SeqNetwork:
    """Return the trained network of a bundle.

    Args:
        bundle: The sequence-to-sequence model.

    Returns:
        A new network, whose weights are copies of the bundle's.
    """
    sizes = architecture(bundle.config, bundle.features, len(bundle.targets))
    network = Seq2SeqNetwork.create(sizes)
    assign(network, bundle.weights)
    return network


class OnKeras:
    """The engine of `tagger.seq2seq.decoding` that computes with a Keras network.

    Args:
        network: The network, whose current weights are used.
    """

    def __init__(self, network: Seq2SeqNetwork) -> None:
        self._reader = Reader(network)
        self._stepper = Stepper(network)
        # limits the number of shapes to compile
        self._rounds_up = keras.backend.backend() == "jax"

    def read(self, inputs: dict[str, np.ndarray]) -> tuple[np.ndarray, Memory]:
        """Return the encoded sources; see `decoding.Engine.read`."""
        batch = len(inputs["tokens"])
        if self._rounds_up:
            inputs = round_up_shapes(inputs)
        found = self._reader.predict_on_batch(inputs)
        memory = [found[name][:batch] if name in found else None for name in Memory._fields]
        return np.asarray(found["states"])[:, :batch], Memory(*memory)

    def step(
        self, previous: np.ndarray, states: np.ndarray, memory: Memory
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the next logits and states; see `decoding.Engine.step`."""
        arrays = {name: part for name, part in memory._asdict().items() if part is not None}
        rows = len(previous)
        # (S, M, U) -> (M, S, U): Keras wants the batch first
        inputs = {"previous": previous, "states": states.transpose(1, 0, 2), **arrays}
        if self._rounds_up:
            more = (1 << (rows - 1).bit_length()) - rows
            inputs = {
                name: np.pad(array, [(0, more), *[(0, 0)] * (array.ndim - 1)])
                for name, array in inputs.items()
            }
        found = self._stepper.predict_on_batch(inputs)
        logits, after = (np.asarray(found[name])[:rows] for name in ("logits", "states"))
        return logits, after.transpose(1, 0, 2)


class Reader(keras.Model):
    """The encoder as a model that returns arrays by name."""

    def __init__(self, network: Seq2SeqNetwork) -> None:
        super().__init__()
        self.network = network
        self.built = True

    def call(self, inputs: dict[str, Tensor], training: bool = False) -> dict[str, Tensor]:
        """Return the states (S, B, U) and the arrays of the memory."""
        memory, state = self.network.read(inputs)
        arrays = {name: part for name, part in memory._asdict().items() if part is not None}
        return {"states": ops.stack(state), **arrays}


class Stepper(keras.Model):
    """A timestep of the decoder as a model that returns arrays by name."""

    def __init__(self, network: Seq2SeqNetwork) -> None:
        super().__init__()
        self.network = network
        self.built = True

    def call(self, inputs: dict[str, Any], training: bool = False) -> dict[str, Tensor]:
        """Return the logits (M, V) and the states (M, S, U) after the timestep."""
        states = inputs["states"]  # (M, S, U)
        state = tuple(states[:, number] for number in range(states.shape[1]))
        memory = networks.EncodedSource(
            *(inputs.get(name) for name in networks.EncodedSource._fields)
        )
        logits, after = self.network.predict_next(inputs["previous"][:, None], state, memory)
        return {"logits": logits[:, 0], "states": ops.stack(after, axis=1)}
