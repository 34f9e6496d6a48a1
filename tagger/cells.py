"""The table of recurrent cells, one row per cell, shared by all other parts of the package.

A new cell is a row here and a function in `networks.cells.STEPS`. Weight shapes are derived from
the table, so they are available without Keras, whose layers use the same names.

Axes: F features, U units, G blocks of a cell.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CELLS", "CellSpec", "Onnx", "dense_shapes", "recurrent_shapes"]


@dataclass(frozen=True)
class Onnx:
    """The ONNX operator that runs a cell.

    Attributes:
        operator: Name of the operator: ``RNN``, ``GRU`` or ``LSTM``.
        gates: The cell's gates in the operator's order; None stands for a gate that is always 1.
        signs: Sign of each gate's weights, 1 or -1; empty means all 1.
        activation: The operator's activation function; empty means its default.
    """

    operator: str
    gates: tuple[str | None, ...]
    signs: tuple[int, ...] = ()
    activation: str = ""


@dataclass(frozen=True)
class CellSpec:
    """The structure of a recurrent cell.

    Attributes:
        gates: Names of the weight blocks, gates and candidate, in column order; each block has U
            columns.
        onnx: The ONNX operator that runs the cell.
        states: Number of state vectors (U,); the first is the activation a^<t>.
        forget: Name of the gate whose bias is initialized to 1; None if the cell has none.
        peepholes: Names of the gates that also receive the memory cell c^<t>, each through a weight
            vector (U,) (Gers and Schmidhuber 2000).
        gated_blocks: Number of blocks, counted from the last, whose recurrent weights multiply a
            gated state (as Γ_r * a^<t-1> in a GRU) instead of the state itself.
        is_fused: Whether TensorFlow's BlockLSTM kernel computes the cell.
        has_int8: Whether ONNX Runtime has an operator for the cell with 8-bit weights.
    """

    gates: tuple[str, ...]
    onnx: Onnx
    states: int = 1
    forget: str | None = None
    peepholes: tuple[str, ...] = ()
    gated_blocks: int = 0
    is_fused: bool = False
    has_int8: bool = False

    @property
    def blocks(self) -> int:
        """Return G, the number of weight blocks."""
        return len(self.gates)


_LSTM = ("update", "candidate", "forget", "output")
_LSTM_ONNX = Onnx("LSTM", ("update", "output", "forget", "candidate"))

# ONNX orders the gates of an LSTM i, o, f, c and those of a GRU z, r, h. Its z weights the old
# memory, our update gate Γ_u the candidate; since 1 - σ(x) = σ(-x), the weights change their sign.
# The simplified GRU is a GRU whose relevance gate Γ_r is always 1.
CELLS: dict[str, CellSpec] = {
    "rnn": CellSpec(("activation",), Onnx("RNN", ("activation",), activation="Tanh")),
    "rnn-relu": CellSpec(("activation",), Onnx("RNN", ("activation",), activation="Relu")),
    "gru-simplified": CellSpec(
        ("update", "candidate"), Onnx("GRU", ("update", None, "candidate"), (-1, 1, 1))
    ),
    "gru": CellSpec(
        ("update", "relevance", "candidate"),
        Onnx("GRU", ("update", "relevance", "candidate"), (-1, 1, 1)),
        gated_blocks=1,
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
    """Return the weight shapes of a recurrent layer in one direction.

    Args:
        place: Path of the layer in the network, prefixed to the weight names; may be empty.
        cell: Name of the cell in `CELLS`.
        width: Number of input features, F.
        units: Number of units, U.

    Returns:
        Shapes by weight name: kernel (F, G·U), recurrent (U, G·U), bias (G·U,) and, if the cell has
        peepholes, peepholes (number of peepholes, U).
    """
    spec = CELLS[cell]
    columns = spec.blocks * units
    shapes = {"kernel": (width, columns), "recurrent": (units, columns), "bias": (columns,)}
    if spec.peepholes:
        shapes["peepholes"] = (len(spec.peepholes), units)
    return {_within(place, name): shape for name, shape in shapes.items()}


def dense_shapes(place: str, width: int, units: int) -> dict[str, tuple[int, ...]]:
    """Return the weight shapes of a dense layer.

    Args:
        place: Path of the layer in the network, prefixed to the weight names; may be empty.
        width: Number of input features, F.
        units: Number of units, U.

    Returns:
        Shapes by weight name: kernel (F, U) and bias (U,).
    """
    return {_within(place, "kernel"): (width, units), _within(place, "bias"): (units,)}


def _within(place: str, name: str) -> str:
    """Join the path of a layer and the name of a weight."""
    return f"{place}/{name}" if place else name
