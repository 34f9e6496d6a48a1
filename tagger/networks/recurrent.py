"""Recurrent layers over right-padded sequences: one direction, two, and stacks of them.

Axes: B batch, T time, F features, U units, V vocabulary, G blocks of a cell.

No mask enters the recurrence. With padding on the right, a forward pass meets it only after the
last token; a backward pass reads the tokens reversed *within each length*, so it meets padding last
as well. What stands at padded positions of an output is of no meaning and changes nothing at the
others.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from tagger.cells import CELLS
from tagger.features.vocabulary import PAD
from tagger.networks import fused
from tagger.networks.cells import STEPS, State, Tensor

__all__ = ["Encoder", "Recurrent", "reverse_within"]

_serializable = keras.saving.register_keras_serializable(package="tagger")


def reverse_within(x: Tensor, lengths: Tensor) -> Tensor:
    """`x` (B, T, ...) with the first `lengths[b]` timesteps of each row in reverse order; padding
    stays where it is.

    Whole timesteps are gathered from (B·T, ...): `ops.take_along_axis` would address every single
    number.
    """
    batch, times = ops.shape(x)[0], ops.shape(x)[1]
    time = ops.arange(times, dtype="int32")[None, :]
    lengths = ops.cast(lengths, "int32")[:, None]
    reversed_time = ops.where(time < lengths, lengths - 1 - time, time)
    rows = reversed_time + times * ops.arange(batch, dtype="int32")[:, None]
    return ops.take(ops.reshape(x, (-1, *x.shape[2:])), rows, axis=0)


@_serializable
class Recurrent(keras.layers.Layer):
    """One direction of one layer: (B, T, F) floats, or (B, T) token numbers, to activations (B, T,
    U).

    Token numbers stand for one-hot vectors: W_·x · one_hot(j) is column j of W_·x, so the layer
    gathers that row of its kernel (V, G·U) and never multiplies by zeros. ``vocabulary_size`` says
    V and makes the layer expect numbers. Number 0, padding, is the zero vector.

    ``recurrent_dropout`` drops entries of the recurrent weights, the same at all timesteps and for
    the whole batch (Merity et al. 2018): the memory itself is untouched, and the fused kernel
    serves training too.
    """

    def __init__(
        self,
        cell: str,
        units: int,
        *,
        backwards: bool = False,
        vocabulary_size: int = 0,
        recurrent_dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if cell not in CELLS:
            raise ValueError(f"unknown cell {cell!r}; expected one of {', '.join(CELLS)}")
        self.cell = cell
        self.units = units
        self.backwards = backwards
        self.vocabulary_size = vocabulary_size
        self.recurrent_dropout = recurrent_dropout
        self._drop = keras.layers.Dropout(recurrent_dropout) if recurrent_dropout else None

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        cell, units = CELLS[self.cell], self.units
        features = self.vocabulary_size or input_shape[-1]
        self.kernel = self.add_weight(
            name="kernel", shape=(features, cell.blocks * units), initializer="glorot_uniform"
        )
        self.recurrent = self.add_weight(
            name="recurrent", shape=(units, cell.blocks * units), initializer=_orthogonal_blocks
        )
        self.bias = self.add_weight(
            name="bias", shape=(cell.blocks * units,), initializer=self._bias_initializer
        )
        if cell.peepholes:
            self.peepholes = self.add_weight(
                name="peepholes", shape=(len(cell.peepholes), units), initializer="zeros"
            )

    def _bias_initializer(self, shape: tuple[int, ...], dtype: Any = None) -> Tensor:
        """Zeros, but one for Γ_f: a new LSTM remembers (Gers et al. 2000; Jozefowicz et al.
        2015).
        """
        cell = CELLS[self.cell]
        forget = -1 if cell.forget is None else cell.gates.index(cell.forget)
        return ops.cast(ops.arange(shape[0]) // self.units == forget, dtype or "float32")

    def call(
        self, x: Tensor, lengths: Tensor, training: bool = False, state: State | None = None
    ) -> Tensor:
        """Activations of `x` whose row b has `lengths[b]` real timesteps. Padded positions hold
        anything finite.
        """
        return self.with_state(x, lengths, state, training=training)[0]

    def with_state(
        self, x: Tensor, lengths: Tensor, state: State | None = None, training: bool = False
    ) -> tuple[Tensor, State]:
        """Activations, as `call` gives them, and the state, as many tensors (B, U) as the cell has,
        after each row's end.

        ``state`` is that before the first timestep that is read; None is the zero vector.
        """
        if self.backwards:
            x = reverse_within(x, lengths)
        if state is None:
            state = (ops.zeros((ops.shape(x)[0], self.units), dtype=self.compute_dtype),) * CELLS[
                self.cell
            ].states
        state = tuple(ops.stop_gradient(part) for part in state)
        recurrent = (
            self.recurrent if self._drop is None else self._drop(self.recurrent, training=training)
        )
        if fused.available(self.cell) and not self.vocabulary_size:
            peepholes = self.peepholes if CELLS[self.cell].peepholes else None
            states = fused.lstm(
                ops.transpose(x, (1, 0, 2)), self.kernel, recurrent, self.bias, peepholes, state
            )
        else:
            states = self._scan(self._project(x), recurrent, state)
        a = ops.transpose(states[0], (1, 0, 2))
        after = tuple(
            _at_end(part, lengths, before) for part, before in zip(states, state, strict=True)
        )
        return reverse_within(a, lengths) if self.backwards else a, after

    def _project(self, x: Tensor) -> Tensor:
        """W_·x x^<t> + b for all timesteps at once (B, T, G·U)."""
        if not self.vocabulary_size:
            return ops.matmul(x, self.kernel) + self.bias
        real = ops.cast(ops.expand_dims(x != PAD, -1), self.compute_dtype)
        return ops.take(self.kernel, x, axis=0) * real + self.bias

    def _scan(self, z: Tensor, recurrent: Tensor, state: State) -> State:
        """All states (T, B, U), the activations first, timestep by timestep."""
        cell, advance = CELLS[self.cell], STEPS[self.cell]
        recurrent = ops.convert_to_tensor(recurrent)
        columns = (cell.blocks - cell.gated) * self.units
        # Taken apart here, once: inside of the step it would be a copy at each timestep.
        weights = {"recurrent": recurrent[:, :columns]}
        if cell.gated:
            weights["recurrent_gated"] = recurrent[:, columns:]
        if cell.peepholes:
            weights["peepholes"] = ops.convert_to_tensor(self.peepholes)

        def step(
            state: tuple[Tensor, ...], z_t: Tensor
        ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
            state = advance(z_t, state, weights)
            return state, state

        return tuple(ops.scan(step, state, ops.transpose(z, (1, 0, 2)))[1])

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...], *_: Any
    ) -> tuple[int | None, ...]:
        return (*input_shape[:2], self.units)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "cell": self.cell,
            "units": self.units,
            "backwards": self.backwards,
            "vocabulary_size": self.vocabulary_size,
            "recurrent_dropout": self.recurrent_dropout,
        }


def _at_end(states: Tensor, lengths: Tensor, before: Tensor) -> Tensor:
    """Of `states` (T, B, U) that of each row's last real timestep (B, U); a row without any keeps
    the one `before`.
    """
    last = ops.cast(lengths, "int32") - 1
    batch = ops.arange(ops.shape(states)[1], dtype="int32")
    rows = ops.maximum(last, 0) * ops.shape(states)[1] + batch
    end = ops.take(ops.reshape(states, (-1, states.shape[-1])), rows, axis=0)
    return ops.stop_gradient(ops.where(last[:, None] >= 0, end, before))


def _orthogonal_blocks(shape: tuple[int, int], dtype: Any = None) -> Tensor:
    """An orthogonal matrix for each block: it neither shrinks nor stretches the state (Saxe et al.
    2014).
    """
    units = shape[0]
    orthogonal = keras.initializers.Orthogonal()
    return ops.concatenate(
        [orthogonal((units, units), dtype=dtype) for _ in range(shape[1] // units)], axis=1
    )


@_serializable
class Encoder(keras.layers.Layer):
    """A stack of recurrent layers, each in one direction or two whose activations are concatenated
    (Schuster and Paliwal 1997).

    (B, T, F) floats or, with ``vocabulary_size``, (B, T) numbers; to (B, T, U) or (B, T, 2U).
    ``dropout`` acts between the layers and on the output, with one mask a sequence.
    """

    def __init__(
        self,
        cell: str,
        units: int,
        *,
        layers: int = 1,
        bidirectional: bool = True,
        vocabulary_size: int = 0,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._arguments: dict[str, Any] = {
            "cell": cell,
            "units": units,
            "layers": layers,
            "bidirectional": bidirectional,
            "vocabulary_size": vocabulary_size,
            "dropout": dropout,
            "recurrent_dropout": recurrent_dropout,
        }
        self.stack = [
            [
                Recurrent(
                    cell,
                    units,
                    backwards=backwards,
                    vocabulary_size=0 if depth else vocabulary_size,
                    recurrent_dropout=recurrent_dropout,
                    name=f"{'backward' if backwards else 'forward'}_{depth + 1}",
                )
                for backwards in (False, True)[: 1 + bidirectional]
            ]
            for depth in range(layers)
        ]
        self.drops = [
            keras.layers.Dropout(dropout, noise_shape=(None, 1, None)) for _ in range(layers)
        ]

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        for directions in self.stack:
            for layer in directions:
                layer.build(input_shape)
            input_shape = (*input_shape[:2], len(directions) * directions[0].units)

    def call(self, x: Tensor, lengths: Tensor, training: bool = False) -> Tensor:
        return self.with_state(x, lengths, None, training=training)[0]

    def with_state(
        self, x: Tensor, lengths: Tensor, state: State | None, training: bool = False
    ) -> tuple[Tensor, State]:
        """Activations, as `call` gives them, and the state after each row's end: of all layers, one
        after another.

        ``state`` is that before the first timestep; None is the zero vector.
        """
        activations, after = self.every_layer(x, lengths, state, training=training)
        return activations[-1], after

    def every_layer(
        self, x: Tensor, lengths: Tensor, state: State | None = None, training: bool = False
    ) -> tuple[list[Tensor], State]:
        """The activations of every layer, dropout included, the first layer's first; and the state,
        as `with_state` gives it.
        """
        activations: list[Tensor] = []
        after: State = ()
        parts = CELLS[self._arguments["cell"]].states
        for directions, drop in zip(self.stack, self.drops, strict=True):
            outputs = []
            for layer in directions:
                before = None if state is None else state[len(after) : len(after) + parts]
                a, ends = layer.with_state(x, lengths, before, training=training)
                outputs.append(a)
                after += ends
            x = drop(ops.concatenate(outputs, axis=-1), training=training)
            activations.append(x)
        return activations, after

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...], *_: Any
    ) -> tuple[int | None, ...]:
        return (*input_shape[:2], self._arguments["units"] * (1 + self._arguments["bidirectional"]))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self._arguments}
