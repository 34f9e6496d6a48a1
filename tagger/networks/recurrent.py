"""Recurrent layers over right-padded sequences: one direction, two directions, and stacks.

Axes: B batch, T time, F features, U units, V vocabulary, G blocks of a cell.

The recurrence needs no mask. Because padding is on the right, a forward pass reaches it only after
the last token; a backward pass reads the tokens reversed *within each length*, so it reaches the
padding last as well. Outputs at padded positions are meaningless and do not affect real positions.
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
    """Reverse the real timesteps of each row; padding stays in place.

    Args:
        x: (B, T, ...), right-padded.
        lengths: (B,) number of real timesteps per row.

    Returns:
        (B, T, ...), in which the first ``lengths[b]`` timesteps of row b are in reverse order.
    """
    # Gather whole timesteps from (B·T, ...): `ops.take_along_axis` would index every single number.
    batch, times = ops.shape(x)[0], ops.shape(x)[1]
    time = ops.arange(times, dtype="int32")[None, :]  # (1, T)
    lengths = ops.cast(lengths, "int32")[:, None]  # (B, 1)
    reversed_time = ops.where(time < lengths, lengths - 1 - time, time)  # (B, T)
    rows = reversed_time + times * ops.arange(batch, dtype="int32")[:, None]  # (B, T), into B·T
    return ops.take(ops.reshape(x, (-1, *x.shape[2:])), rows, axis=0)


@_serializable
class Recurrent(keras.layers.Layer):
    """One direction of one recurrent layer: vectors (B, T, F) or ids (B, T) to a^<t> (B, T, U).

    Ids represent one-hot vectors: W_·x · one_hot(j) is column j of W_·x, so the layer gathers
    row j of its kernel (V, G·U) instead of multiplying by zeros. Id 0, padding, is the zero vector.

    Weights: ``kernel`` (F or V, G·U), ``recurrent`` (U, G·U), ``bias`` (G·U,), and with peepholes
    ``peepholes`` (number of peepholes, U).

    Args:
        cell: Name of the cell, one of `tagger.cells.CELLS`.
        units: U.
        backwards: Whether to read each row from its last real timestep to its first.
        vocabulary_size: V, if inputs are ids; 0 if they are vectors.
        recurrent_dropout: Rate at which entries of the recurrent weights are dropped, the same at
            all timesteps and for the whole batch (Merity et al. 2018). The memory cell itself is
            unaffected, and the fused kernel can be used in training too.
        differentiable_states: Whether gradients flow into initial states and out of final states,
            as from a decoder into the encoder whose last states it starts from. By default they are
            cut there, as truncated back-propagation through time requires.

    Raises:
        ValueError: `cell` is unknown.
    """

    def __init__(
        self,
        cell: str,
        units: int,
        *,
        backwards: bool = False,
        vocabulary_size: int = 0,
        recurrent_dropout: float = 0.0,
        differentiable_states: bool = False,
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
        self.differentiable_states = differentiable_states
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
        """Return zeros (G·U,), but ones for Γ_f, so that an untrained LSTM remembers.

        See Gers et al. (2000) and Jozefowicz et al. (2015).
        """
        cell = CELLS[self.cell]
        forget = -1 if cell.forget is None else cell.gates.index(cell.forget)
        return ops.cast(ops.arange(shape[0]) // self.units == forget, dtype or "float32")

    def call(
        self, x: Tensor, lengths: Tensor, training: bool = False, state: State | None = None
    ) -> Tensor:
        """Return the activations a^<t> of a sequence.

        Args:
            x: (B, T, F) vectors or (B, T) ids, right-padded; any finite values where padded.
            lengths: (B,) number of real timesteps per row.
            training: Whether dropout is active.
            state: Initial state, a tuple of (B, U) tensors; zeros by default.

        Returns:
            (B, T, U); finite but meaningless values where padded.
        """
        return self.with_state(x, lengths, state, training=training)[0]

    def with_state(
        self, x: Tensor, lengths: Tensor, state: State | None = None, training: bool = False
    ) -> tuple[Tensor, State]:
        """Return the activations of a sequence and the state after each row's last real timestep.

        Args:
            x: (B, T, F) vectors or (B, T) ids, right-padded.
            lengths: (B,) number of real timesteps per row.
            state: Initial state, before the first timestep that is read, a tuple of (B, U) tensors;
                zeros by default. It receives a gradient if the layer has `differentiable_states`.
            training: Whether dropout is active.

        Returns:
            The activations (B, T, U) as returned by `call`, and the final state, a tuple of
            (B, U) tensors, which pass on a gradient if the layer has `differentiable_states`. A row
            of length 0 keeps its initial state.
        """
        if self.backwards:
            x = reverse_within(x, lengths)
        if state is None:
            state = (ops.zeros((ops.shape(x)[0], self.units), dtype=self.compute_dtype),) * CELLS[
                self.cell
            ].states
        state = tuple(map(self._cut, state))
        recurrent = (
            self.recurrent if self._drop is None else self._drop(self.recurrent, training=training)
        )
        if fused.available(self.cell) and not self.vocabulary_size:
            peepholes = self.peepholes if CELLS[self.cell].peepholes else None
            # The kernel is time-major: (B, T, F) -> (T, B, F).
            states = fused.lstm(
                ops.transpose(x, (1, 0, 2)),
                self.kernel,
                recurrent,
                self.bias,
                peepholes,
                state,
                differentiable_states=self.differentiable_states,
            )
        else:
            states = self._scan(self._project(x), recurrent, state)
        a = ops.transpose(states[0], (1, 0, 2))  # (T, B, U) -> (B, T, U)
        after = tuple(
            self._cut(_at_end(part, lengths, before))
            for part, before in zip(states, state, strict=True)
        )
        return reverse_within(a, lengths) if self.backwards else a, after

    def _cut(self, part: Tensor) -> Tensor:
        """Return a part of a state, without its gradient unless `differentiable_states`."""
        return part if self.differentiable_states else ops.stop_gradient(part)

    def _project(self, x: Tensor) -> Tensor:
        """Compute W_·x x^<t> + b for all timesteps at once: (B, T, F) or (B, T) to (B, T, G·U)."""
        if not self.vocabulary_size:
            return ops.matmul(x, self.kernel) + self.bias
        real = ops.cast(ops.expand_dims(x != PAD, -1), self.compute_dtype)  # (B, T, 1)
        return ops.take(self.kernel, x, axis=0) * real + self.bias

    def _scan(self, z: Tensor, recurrent: Tensor, state: State) -> State:
        """Run the cell over `z` (B, T, G·U); return all states, (T, B, U) each, a^<t> first."""
        cell, advance = CELLS[self.cell], STEPS[self.cell]
        recurrent = ops.convert_to_tensor(recurrent)
        columns = (cell.blocks - cell.gated_blocks) * self.units
        # Split once here: inside the step, each slice would be copied at every timestep.
        weights = {"recurrent": recurrent[:, :columns]}
        if cell.gated_blocks:
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
            "differentiable_states": self.differentiable_states,
        }


def _at_end(states: Tensor, lengths: Tensor, before: Tensor) -> Tensor:
    """Gather the state at each row's last real timestep: `states` (T, B, U) to (B, U).

    Rows of length 0 keep their initial state `before` (B, U).
    """
    last = ops.cast(lengths, "int32") - 1  # (B,)
    batch = ops.arange(ops.shape(states)[1], dtype="int32")
    rows = ops.maximum(last, 0) * ops.shape(states)[1] + batch  # (B,), into T·B
    end = ops.take(ops.reshape(states, (-1, states.shape[-1])), rows, axis=0)
    return ops.where(last[:, None] >= 0, end, before)


def _orthogonal_blocks(shape: tuple[int, int], dtype: Any = None) -> Tensor:
    """Initialize each block (U, U) with an orthogonal matrix, which preserves the state's norm.

    See Saxe et al. (2014).
    """
    units = shape[0]
    orthogonal = keras.initializers.Orthogonal()
    return ops.concatenate(
        [orthogonal((units, units), dtype=dtype) for _ in range(shape[1] // units)], axis=1
    )


@_serializable
class Encoder(keras.layers.Layer):
    """A stack of unidirectional or bidirectional recurrent layers.

    Input (B, T, F) vectors or (B, T) ids; output (B, T, U), or (B, T, 2U) if bidirectional: the
    forward direction's activations, then the backward direction's (Schuster and Paliwal 1997).

    Args:
        cell: Name of the cell, one of `tagger.cells.CELLS`.
        units: U, per direction.
        layers: Number of layers.
        bidirectional: Whether each layer has a backward direction too.
        vocabulary_size: V, if inputs are ids; 0 if they are vectors.
        dropout: Dropout rate on the output of every layer, with one mask per sequence.
        recurrent_dropout, differentiable_states: See `Recurrent`.
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
        differentiable_states: bool = False,
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
            "differentiable_states": differentiable_states,
        }
        self.stack = [
            [
                Recurrent(
                    cell,
                    units,
                    backwards=backwards,
                    vocabulary_size=0 if depth else vocabulary_size,
                    recurrent_dropout=recurrent_dropout,
                    differentiable_states=differentiable_states,
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
        """Return the last layer's activations, (B, T, U) or (B, T, 2U), after dropout."""
        return self.with_state(x, lengths, None, training=training)[0]

    def with_state(
        self, x: Tensor, lengths: Tensor, state: State | None, training: bool = False
    ) -> tuple[Tensor, State]:
        """Return the last layer's activations and the final state of all layers.

        Args:
            x: (B, T, F) vectors or (B, T) ids, right-padded.
            lengths: (B,) number of real timesteps per row.
            state: Initial state in the layout of the returned one; None means zeros.
            training: Whether dropout is active.

        Returns:
            The activations as returned by `call`, and the state after each row's last real
            timestep: a flat tuple of (B, U) tensors, layer by layer, within a layer the forward
            direction first.
        """
        activations, after = self.every_layer(x, lengths, state, training=training)
        return activations[-1], after

    def every_layer(
        self, x: Tensor, lengths: Tensor, state: State | None = None, training: bool = False
    ) -> tuple[list[Tensor], State]:
        """Return the activations of every layer, bottom first and after dropout, and the state.

        Args:
            x, lengths, state, training: See `with_state`.

        Returns:
            One tensor (B, T, U) or (B, T, 2U) per layer, and the state as `with_state` returns it.
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
            # one or two (B, T, U) -> (B, T, U) or (B, T, 2U)
            x = drop(ops.concatenate(outputs, axis=-1), training=training)
            activations.append(x)
        return activations, after

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...], *_: Any
    ) -> tuple[int | None, ...]:
        return (*input_shape[:2], self._arguments["units"] * (1 + self._arguments["bidirectional"]))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self._arguments}
