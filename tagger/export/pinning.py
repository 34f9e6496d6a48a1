"""Constant bounds beside the values that int8 operators quantize, so that their scales are fixed.

ONNX Runtime's int8 operators scale their inputs by the minimum and maximum of the whole batch, so
that without bounds a probability would depend on the sentences in the same batch. Two more values
are therefore part of every input: its lowest and its highest possible value, with weights of zero.
Within a recurrent layer two more units have the activations -1 and 1 at every timestep.

Axes: T time, B batch, F features, U units, G blocks of a cell, R directions.
"""

from __future__ import annotations

import numpy as np

from tagger.bundles.weights import Weights
from tagger.cells import CellSpec
from tagger.export.operators import Graph

__all__ = ["clipped", "pinned", "pinned_cell", "pinned_rows", "unpinned", "with_pinned_states"]

# The bias of a gate that is always open (or closed, if negative), and the memory of a unit whose
# activation is 1.
_SATURATED, _MEMORY = 100.0, 20.0


def pinned(graph: Graph, x: str, low: float, high: float) -> str:
    """Append two constant values to the last axis of x (·, ·, F); return the result's name."""
    for bound in (low, high):
        ends = graph.constant([0, 0, 0, 0, 0, 1], np.int64)
        x = graph("Pad", x, ends, graph.constant(bound, np.float32))
    return x


def clipped(graph: Graph, x: str, low: float, high: float) -> str:
    """Clip x to a range; return the name of the result."""
    bounds = (graph.constant(bound, np.float32) for bound in (low, high))
    return graph("Clip", x, *bounds)


def pinned_rows(kernel: np.ndarray, parts: int = 1) -> np.ndarray:
    """Return a kernel (F, ...) with two rows of zeros after each of equal parts of its rows."""
    widths = [(0, 2)] + [(0, 0)] * (kernel.ndim - 1)
    return np.concatenate([np.pad(part, widths) for part in np.split(kernel, parts)])


def pinned_cell(layer: Weights, spec: CellSpec) -> Weights:
    """Add two units to an LSTM layer whose activations stay as `with_pinned_states` sets them.

    Their update gate is closed, their forget and output gates are open: Γ_u = 0, Γ_f = Γ_o = 1.

    Args:
        layer: The weights of a direction: kernel (F, G·U), recurrent (U, G·U), bias (G·U,) and
            perhaps peepholes (·, U).
        spec: The cell.

    Returns:
        Weights of U + 2 units.
    """
    bias = {"update": -_SATURATED, "candidate": 0.0, "forget": _SATURATED, "output": _SATURATED}

    def widened(array: np.ndarray) -> np.ndarray:
        blocks = np.split(array, spec.blocks, axis=-1)
        widths = [(0, 0)] * (array.ndim - 1) + [(0, 2)]
        return np.concatenate([np.pad(block, widths) for block in blocks], axis=-1)

    pinned_layer = {
        "kernel": widened(layer["kernel"]),
        "recurrent": pinned_rows(widened(layer["recurrent"])),
        "bias": widened(layer["bias"]),
    }
    for place, gate in enumerate(spec.gates):
        end = (place + 1) * (len(layer["bias"]) // spec.blocks + 2)
        pinned_layer["bias"][end - 2 : end] = bias[gate]
    if "peepholes" in layer:
        pinned_layer["peepholes"] = np.pad(layer["peepholes"], [(0, 0), (0, 2)])
    return pinned_layer


def with_pinned_states(graph: Graph, states: list[str]) -> list[str]:
    """Return the initial states of an LSTM, activation and memory (R, B, U), for U + 2 units."""
    activation, memory = states
    return [pinned(graph, activation, -1.0, 1.0), pinned(graph, memory, -_MEMORY, _MEMORY)]


def unpinned(graph: Graph, states: tuple[str, ...], units: int, axis: int = 2) -> list[str]:
    """Return final states (R, B, U + 2), or activations (·, U + 2), without the added units."""
    found = []
    for state in states:
        names, sizes = (f"{state}_own", f"{state}_pinned"), graph.constant([units, 2], np.int64)
        graph.add_node("Split", state, sizes, outputs=names, axis=axis)
        found.append(names[0])
    return found
