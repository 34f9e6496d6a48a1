"""The recurrent cells as a table: one row per cell, which every other part of the package reads.

A new cell is a row here and a function in `networks.cells.STEPS`. The shapes of weights follow from
the table, so that they are known without Keras, which names them in the same way.

Axes: F features, U units, G blocks of a cell.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CELLS", "CellSpec", "Onnx", "dense_shapes", "recurrent_shapes"]


@dataclass(frozen=True)
class Onnx:
    """The ONNX operator that runs a cell.

    Attributes:
        operator: Its name, ``RNN``, ``GRU`` or ``LSTM``.
        gates: The cell's gate in each of the operator's places; None is a gate that is always 1.
        signs: The sign of each gate's weights; all 1 by default.
        activation: The operator's activation function where it is not the default one.
    """

    operator: str
    gates: tuple[str | None, ...]
    signs: tuple[int, ...] = ()
    activation: str = ""


@dataclass(frozen=True)
class CellSpec:
    """The shape of a recurrent cell.

    Attributes:
        gates: The blocks of the weights side by side, gates and candidate, each of U columns.
        onnx: How ONNX runs the cell.
        states: The number of state vectors (U,); the first is the activation.
        forget: The gate whose bias is initialized to one.
        peepholes: The gates that also see the memory cell, one weight vector (U,) for each.
        gated: The number of last blocks whose recurrent weights are multiplied by something other
            than the state itself.
        is_fused: Whether TensorFlow's BlockLSTM kernel computes the cell.
        has_int8: Whether ONNX Runtime has an operator for the cell with 8-bit weights.
    """

    gates: tuple[str, ...]
    onnx: Onnx
    states: int = 1
    forget: str | None = None
    peepholes: tuple[str, ...] = ()
    gated: int = 0
    is_fused: bool = False
    has_int8: bool = False

    @property
    def blocks(self) -> int:
        """The number of blocks of the weights."""
        return len(self.gates)


_LSTM = ("update", "candidate", "forget", "output")
_LSTM_ONNX = Onnx("LSTM", ("update", "output", "forget", "candidate"))

# ONNX orders the gates of an LSTM i, o, f, c and those of a GRU z, r, h. Its z keeps the old memory
# as our update gate keeps the new one, and 1 - σ(x) = σ(-x): hence the sign. The simplified GRU is
# a GRU whose relevance gate is always 1.
CELLS: dict[str, CellSpec] = {
    "rnn": CellSpec(("activation",), Onnx("RNN", ("activation",), activation="Tanh")),
    "rnn-relu": CellSpec(("activation",), Onnx("RNN", ("activation",), activation="Relu")),
    "gru-simplified": CellSpec(
        ("update", "candidate"), Onnx("GRU", ("update", None, "candidate"), (-1, 1, 1))
    ),
    "gru": CellSpec(
        ("update", "relevance", "candidate"),
        Onnx("GRU", ("update", "relevance", "candidate"), (-1, 1, 1)),
        gated=1,
    ),
    "lstm": CellSpec(_LSTM, _LSTM_ONNX, states=2, forget="forget", is_fused=True, has_int8=True),
    "lstm-peephole": CellSpec(
        _LSTM,
        _LSTM_ONNX,
        states=2,
        forget="forget",
        peepholes=("update", "forget", "output"),
        is_fused=True,
        has_int8=True,
    ),
}


def recurrent_shapes(place: str, cell: str, width: int, units: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of each weight of a layer in one direction, by name: kernel (F, G·U),
    recurrent (U, G·U), bias (G·U,) and, if the cell has them, peepholes.

    Args:
        place: The layer's place in the network, before the names of its weights.
        cell: The cell's name.
        width: The number of features that are read, F.
        units: The number of units, U.
    """
    spec = CELLS[cell]
    columns = spec.blocks * units
    shapes = {"kernel": (width, columns), "recurrent": (units, columns), "bias": (columns,)}
    if spec.peepholes:
        shapes["peepholes"] = (len(spec.peepholes), units)
    return {_within(place, name): shape for name, shape in shapes.items()}


def dense_shapes(place: str, width: int, units: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of each weight of a dense layer, by name: kernel (F, U) and bias (U,)."""
    return {_within(place, "kernel"): (width, units), _within(place, "bias"): (units,)}


def _within(place: str, name: str) -> str:
    return f"{place}/{name}" if place else name
