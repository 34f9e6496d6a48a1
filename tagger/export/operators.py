"""Construction of ONNX graphs node by node: recurrent and dense layers, in float32 and in int8.

Axes: B batch, T time, F features, N columns of a matrix, U units, G blocks of a cell, R directions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tagger.bundles.graphs import MICROSOFT, OPERATORS
from tagger.bundles.weights import Weights
from tagger.cells import CELLS, CellSpec
from tagger.errors import not_installed

__all__ = ["Graph", "RecurrentOutputs", "dense", "int8_scales", "recurrent", "value"]

OPSET = 17


class Graph:
    """A builder of an ONNX graph.

    Names are derived from the order of calls, so that equal graphs have equal bytes. Values are
    referred to by name.

    Raises:
        TaggerError: The package onnx is not installed.
    """

    def __init__(self) -> None:
        try:
            import onnx  # noqa: F401
        except ImportError as error:
            raise not_installed("creating a model's graphs needs onnx", "train") from error
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.domains: set[str] = set()

    def constant(self, array: Any, dtype: Any = None) -> str:
        """Add a constant of the given or the array's own dtype; return its name."""
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        self.constants.append(
            numpy_helper.from_array(np.ascontiguousarray(array, dtype=dtype), name)
        )
        return name

    def __call__(
        self, operator: str, *inputs: str, domain: str = "", output: str = "", **attributes: Any
    ) -> str:
        """Add a node with one output.

        Args:
            operator: The name of the operator.
            *inputs: The names of its inputs; "" omits an optional one.
            domain: The domain of the operator; "" is ONNX itself.
            output: The name of the output. Default: derived from the operator.
            **attributes: The attributes of the node.

        Returns:
            The name of the output.
        """
        return self.add_node(
            operator,
            *inputs,
            outputs=(output or f"{operator}_{len(self.nodes)}",),
            domain=domain,
            **attributes,
        )

    def add_node(
        self,
        operator: str,
        *inputs: str,
        outputs: Sequence[str],
        domain: str = "",
        **attributes: Any,
    ) -> str:
        """Add a node with several outputs.

        Args:
            operator: The name of the operator.
            *inputs: The names of its inputs; "" omits an optional one.
            outputs: The names of its outputs.
            domain: The domain of the operator; "" is ONNX itself.
            **attributes: The attributes of the node.

        Returns:
            The name of the first output.

        Raises:
            ValueError: The operator is not in `tagger.bundles.graphs.OPERATORS`, so that the graph
                could not be read again.
        """
        from onnx import helper

        if operator not in OPERATORS[domain]:
            raise ValueError(f"{operator}: not in tagger.bundles.graphs.OPERATORS; add it there")
        self.nodes.append(helper.make_node(operator, inputs, outputs, domain=domain, **attributes))
        self.domains.add(domain)
        return outputs[0]

    def default(self, name: str, array: np.ndarray) -> None:
        """Set the default value of the graph input `name`."""
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(array, name))

    def model(
        self, name: str, inputs: Sequence[Any], outputs: Sequence[Any], facts: dict[str, str]
    ) -> bytes:
        """Serialize the graph.

        Args:
            name: The name of the graph.
            inputs: The descriptions of its inputs; see `value`.
            outputs: The descriptions of its outputs.
            facts: Metadata; ``about`` is also the description of the graph.

        Returns:
            The bytes of an .onnx file, checked by onnx if all operators are standard ones.
        """
        from onnx import checker, helper

        facts = dict(facts)
        graph = helper.make_graph(
            self.nodes, name, inputs, outputs, self.constants, doc_string=facts["about"]
        )
        opsets = [
            helper.make_opsetid(domain, 1 if domain else OPSET)
            for domain in sorted({"", *self.domains})
        ]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="tagger")
        helper.set_model_props(model, dict(sorted(facts.items())))
        if not self.domains - {""}:
            checker.check_model(model)
        return bytes(model.SerializeToString(deterministic=True))


def value(name: str, kind: str, shape: tuple[Any, ...], doc: str) -> Any:
    """Describe an input or output of a graph.

    Args:
        name: Its name.
        kind: FLOAT or INT32.
        shape: The size of each axis, or its name if it varies.
        doc: Its documentation.

    Returns:
        An onnx.ValueInfoProto.
    """
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info(name, getattr(TensorProto, kind), shape, doc_string=doc)


# The bias of a gate that is always open, whose sigmoid is 1 in float32.
_SATURATED_GATE_BIAS = 100.0


class RecurrentOutputs(NamedTuple):
    """The names of the outputs of a recurrent operator.

    Attributes:
        activations: (T, R, B, U).
        states: The final states of each direction, (R, B, U) each: activation and, for LSTMs,
            memory cell.
    """

    activations: str
    states: tuple[str, ...]


def recurrent(
    graph: Graph,
    x: str,
    lengths: str,
    cell: str,
    directions: dict[str, Weights],
    *,
    quantized: bool = False,
    before: Sequence[str] = (),
) -> RecurrentOutputs:
    """Add a recurrent layer, forward, backward or bidirectional.

    Args:
        graph: The graph.
        x: The name of the inputs (T, B, F).
        lengths: The name of the lengths (B,) int32; "" if all are T.
        cell: The name of the cell in `tagger.cells.CELLS`.
        directions: The weights of ``forward``, ``backward`` or both.
        quantized: Whether the weights are int8; for LSTM cells only.
        before: The names of the initial states (R, B, U). Default: zeros.

    Returns:
        The names of the activations and final states.
    """
    spec, weights = CELLS[cell], list(directions.values())
    units = weights[0]["recurrent"].shape[0]
    matrices = [
        np.stack([_ordered(w[name], spec, units) for w in weights])
        for name in ("kernel", "recurrent")
    ]
    bias = np.stack([_ordered(w["bias"], spec, units, opened=True) for w in weights])
    looking = [spec.peepholes.index(gate) for gate in spec.onnx.gates if gate in spec.peepholes]
    looks = [w["peepholes"][looking].reshape(-1) for w in weights if spec.peepholes]
    attributes: dict[str, Any] = {
        "hidden_size": units,
        "direction": "bidirectional"
        if len(directions) == 2
        else "reverse"
        if "backward" in directions
        else "forward",
    }
    if spec.onnx.activation:
        attributes["activations"] = [spec.onnx.activation] * len(directions)
    name = f"{spec.onnx.operator}_{len(graph.nodes)}"
    ends = (f"{name}_activation", f"{name}_memory")[: spec.states]
    fixed = [
        graph.constant(np.concatenate([bias, np.zeros_like(bias)], axis=1)),
        lengths,
        *(before or [""] * len(ends)),
    ]
    if len(ends) == 2:
        fixed.append(graph.constant(np.stack(looks)) if looks else "")
    if quantized:
        (kernel, scale), (again, scales) = (_quantized(graph, matrix) for matrix in matrices)
        inputs = [x, kernel, again, *fixed, *scale, *scales]
        graph.add_node(
            "DynamicQuantizeLSTM", *inputs, outputs=(name, *ends), domain=MICROSOFT, **attributes
        )
    else:
        kernels = [graph.constant(matrix.transpose(0, 2, 1)) for matrix in matrices]
        graph.add_node(spec.onnx.operator, x, *kernels, *fixed, outputs=(name, *ends), **attributes)
    return RecurrentOutputs(name, ends)


def _ordered(array: np.ndarray, spec: CellSpec, units: int, *, opened: bool = False) -> np.ndarray:
    """Return the blocks of the last axis, G·U, in the order and with the signs of ONNX.

    Gates that the cell lacks have zero weights; with `opened` (for biases) they are always open.
    """
    blocks: dict[str | None, np.ndarray] = {
        gate: array[..., number * units : (number + 1) * units]
        for number, gate in enumerate(spec.gates)
    }
    blocks[None] = np.full(
        (*array.shape[:-1], units), _SATURATED_GATE_BIAS if opened else 0.0, dtype=array.dtype
    )
    signs = spec.onnx.signs or (1,) * len(spec.onnx.gates)
    signed = [sign * blocks[gate] for sign, gate in zip(signs, spec.onnx.gates, strict=True)]
    return np.concatenate(signed, axis=-1)


def dense(
    graph: Graph, x: str, kernel: np.ndarray, bias: np.ndarray, *, quantized: bool = False
) -> str:
    """Add a dense layer, x · kernel + bias.

    Args:
        graph: The graph.
        x: The name of the inputs (..., F).
        kernel: (F, N).
        bias: (N,).
        quantized: Whether the weights are int8.

    Returns:
        The name of the output (..., N).
    """
    if not quantized:
        return graph("Add", graph("MatMul", x, graph.constant(kernel)), graph.constant(bias))
    weights, (scale, zero) = _quantized(graph, kernel)
    return graph(
        "DynamicQuantizeMatMul", x, weights, scale, zero, graph.constant(bias), domain=MICROSOFT
    )


def _quantized(graph: Graph, matrices: np.ndarray) -> tuple[str, tuple[str, str]]:
    """Add int8 weights (..., F, N); return their name and those of scales and zero points (..., N).

    The zero points are 0.
    """
    scales = int8_scales(matrices)
    zeros = graph.constant(np.zeros(scales.shape), np.int8)
    quantized = np.rint(matrices / scales[..., None, :])
    return graph.constant(quantized, np.int8), (graph.constant(scales, np.float32), zeros)


def int8_scales(matrices: np.ndarray) -> np.ndarray:
    """Compute int8 scales per column: the smallest for which no pair of products overflows 16 bits.

    Processors without VNNI multiply by unsigned 8-bit numbers and add the products of rows 0 and 1,
    2 and 3, ... in 16 bits. Quantized weights of one sign in such a pair may therefore add up to
    128, as 255 · 128 < 2^15, which is 127.4 before both are rounded.

    Args:
        matrices: (..., F, N) float32.

    Returns:
        (..., N), the value of one quantization step; at least 1e-10.
    """
    rows = np.concatenate(
        [matrices, np.zeros_like(matrices[..., : matrices.shape[-2] % 2, :])], axis=-2
    )
    pairs = rows.reshape(*rows.shape[:-2], -1, 2, rows.shape[-1])  # (..., F/2, 2, N)
    together = np.maximum(
        np.maximum(pairs, 0).sum(axis=-2), np.maximum(-pairs, 0).sum(axis=-2)
    ).max(axis=-2)
    scales = np.maximum(together / 127.4, np.abs(matrices).max(axis=-2) / 127)
    return np.asarray(np.maximum(scales, 1e-10))
