"""A language model as an ONNX graph, so that it runs without Keras: the standard recurrent operators, float32 or int8.

Axes: B batch, T time, F features, U units, V vocabulary, G blocks of a cell, N places.

Inputs: ``numbers`` (T, B) int64; ``places`` (N,) int64, which timesteps are asked for, t · B + b; for each layer its state,
``state_0`` ... (1, B, U). Outputs: ``activations`` (N, U) or, with a head, ``logits`` (N, V); the states after the last
timestep, ``after_0`` ...; rows are not told apart by length, so those are of use only where no row is padded.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tagger.errors import TaggerError
from tagger.language_models.bundle import Bundle
from tagger.language_models.config import ModelConfig

__all__ = ["QUANTIZED_CELLS", "build", "states_of"]

Arrays = dict[str, np.ndarray]
OPSET = 17
QUANTIZED_CELLS = ("lstm", "lstm-peephole")
_SURE = 30.0  # σ(30) is 1 in float32
# Our blocks' numbers in the order of the operators: LSTM i, o, f, c; GRU z, r, h.
_ORDERS = {"lstm": (0, 3, 2, 1), "lstm-peephole": (0, 3, 2, 1), "gru": (0, 1, 2), "rnn": (0,), "rnn-relu": (0,)}


def states_of(model: ModelConfig) -> int:
    """How many tensors (B, U) the state of all layers has."""
    return model.layers * (2 if model.cell in QUANTIZED_CELLS else 1)


def build(bundle: Bundle, *, head: bool, quantized: bool = False) -> bytes:
    """The graph of a trained model, serialized.

    With ``quantized`` the weights of recurrent layers are int8, with a scale a column, and their inputs are quantized too, with
    one scale for all of them (ONNX Runtime's DynamicQuantizeLSTM). The border stands for padding alone in such a graph: its
    vector may be far from all others, and would leave these a few steps of the scale. A text begins with the state after it.

    Raises:
        TaggerError: the cell has no int8 operator.
    """
    from onnx import TensorProto, helper

    model = bundle.config.model
    if quantized and model.cell not in QUANTIZED_CELLS:
        raise TaggerError(f"there is no int8 operator for the cell {model.cell}, only for {' and '.join(QUANTIZED_CELLS)}")
    parts = _Parts()
    table, kernel, bias = _inputs(bundle, centred=quantized)
    x = parts.add("Gather", [parts.constant("table", table), "numbers"], axis=0)
    after: list[str] = []
    for depth in range(model.layers):
        weights = {name: bundle.weights[f"encoder/forward_{depth + 1}/{name}"] for name in ("recurrent", "bias")}
        weights["kernel"] = bundle.weights[f"encoder/forward_{depth + 1}/kernel"] if depth else kernel
        weights["bias"] = weights["bias"] if depth else bias
        if model.cell == "lstm-peephole":
            weights["peepholes"] = bundle.weights[f"encoder/forward_{depth + 1}/peepholes"]
        before = [f"state_{len(after) + part}" for part in range(states_of(model) // model.layers)]
        x, *ends = _layer(parts, x, before, weights, model.cell, quantized)
        after += ends
    found = _asked_for(parts, x, bundle, head)
    inputs = [helper.make_tensor_value_info("numbers", TensorProto.INT64, ["T", "B"])]
    inputs.append(helper.make_tensor_value_info("places", TensorProto.INT64, ["N"]))
    state = [helper.make_tensor_value_info(f"state_{n}", TensorProto.FLOAT, [1, "B", model.units]) for n in range(len(after))]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in (found, *after)]
    graph = helper.make_graph(parts.nodes, "language model", inputs + state, outputs, parts.constants)
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)]
    serialized: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()
    return serialized


class _Parts:
    """A graph that grows: nodes, and constants by unique names."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, array: np.ndarray) -> str:
        from onnx import numpy_helper

        name = f"{name}_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def add(self, operator: str, inputs: list[str], outputs: int = 1, **attributes: Any) -> Any:
        """A node; the name of its output, or their names."""
        from onnx import helper

        names = [f"{operator}_{len(self.nodes)}_{number}" for number in range(outputs)]
        self.nodes.append(helper.make_node(operator, inputs, names, **attributes))
        return names[0] if outputs == 1 else names


def _asked_for(parts: _Parts, x: str, bundle: Bundle, head: bool) -> str:
    """The activations (T, B, U) at the places, or their logits."""
    model, weights = bundle.config.model, bundle.weights
    rows = parts.add("Reshape", [x, parts.constant("rows", np.array([-1, model.units], dtype=np.int64))])
    found = parts.add("Gather", [rows, "places"], axis=0)
    if head:
        softmax = weights["embedding/embeddings"].T if model.tied else weights["softmax/kernel"]
        product = parts.add("MatMul", [found, parts.constant("softmax", softmax)])
        found = parts.add("Add", [product, parts.constant("softmax_bias", weights["softmax/bias"])])
    return str(found)


def _inputs(bundle: Bundle, *, centred: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A table (V, F) of the tokens' vectors, zero for the border, the first layer's kernel (F, G·U) and its bias.

    One-hot rows of the kernel are a product of an identity matrix and the kernel: the smaller identity is taken. Where
    ``centred``, the vectors have their mean taken from them, and its product is in the bias, but for the border.
    """
    kernel, bias = (bundle.weights[f"encoder/forward_1/{name}"] for name in ("kernel", "bias"))
    if bundle.config.model.embedding:
        table = bundle.weights["embedding/embeddings"].copy()
    elif kernel.shape[0] <= kernel.shape[1]:
        table = np.eye(kernel.shape[0], dtype=np.float32)
    else:
        table, kernel = kernel.copy(), np.eye(kernel.shape[1], dtype=np.float32)
    if centred:
        mean = table[1:].mean(axis=0)
        table, bias = table - mean, bias + mean @ kernel
    table[0] = 0.0
    return table, kernel, bias


def _layer(parts: _Parts, x: str, before: list[str], weights: Arrays, cell: str, quantized: bool) -> tuple[str, ...]:
    """One recurrent layer: the names of its activations (T, 1, B, U) as (T, B, U), and of its states after the end."""
    units = len(weights["recurrent"])
    if cell.startswith("gru"):
        weights = _gru_weights(weights, cell)
    order = _ORDERS["gru" if cell.startswith("gru") else cell]
    kernel, recurrent, bias = (_ordered(weights[name], order, units) for name in ("kernel", "recurrent", "bias"))
    bias = np.concatenate([bias, np.zeros_like(bias)])[None]
    attributes: dict[str, Any] = {"hidden_size": units}
    if cell == "rnn-relu":
        attributes["activations"] = ["Relu"]
    scales: list[np.ndarray] = []
    if quantized:
        matrices, scales = map(list, zip(*(_quantized(matrix[None]) for matrix in (kernel, recurrent)), strict=True))
    else:
        matrices = [kernel.T[None], recurrent.T[None]]
    inputs = [x, *(parts.constant("weights", matrix) for matrix in matrices), parts.constant("bias", bias), "", *before]
    if cell in QUANTIZED_CELLS:
        look = weights.get("peepholes")
        inputs.append("" if look is None else parts.constant("peepholes", look[[0, 2, 1]].reshape(1, -1)))
    for scale in scales:
        inputs += [parts.constant("scale", scale), parts.constant("zero_point", np.zeros(scale.shape, dtype=np.int8))]
    outputs = 1 + len(before)
    if quantized:
        y, *ends = parts.add("DynamicQuantizeLSTM", inputs, outputs, domain="com.microsoft", **attributes)
    else:
        y, *ends = parts.add(cell.split("-")[0].upper(), inputs, outputs, **attributes)
    return parts.add("Squeeze", [y, parts.constant("axis", np.array([1], dtype=np.int64))]), *ends


def _ordered(array: np.ndarray, order: tuple[int, ...], units: int) -> np.ndarray:
    """The blocks of the last axis in another order."""
    return np.concatenate([array[..., block * units : (block + 1) * units] for block in order], axis=-1)


def _gru_weights(weights: Arrays, cell: str) -> Arrays:
    """Blocks u, r, c for the operator, whose z is 1 - Γ_u = σ(-...); a simplified GRU has an r that is always open."""
    changed = {}
    for name, array in weights.items():
        blocks = np.split(array, 3 if cell == "gru" else 2, axis=-1)
        relevance = blocks[1] if cell == "gru" else np.full_like(blocks[0], _SURE if name == "bias" else 0.0)
        changed[name] = np.concatenate([-blocks[0], relevance, blocks[-1]], axis=-1)
    return changed


def _quantized(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A matrix (1, F, G·U) as int8, and the scale of each of its columns (1, G·U)."""
    scale = np.maximum(np.abs(matrix).max(axis=1), 1e-12) / 127
    return np.round(matrix / scale[:, None]).astype(np.int8), scale.astype(np.float32)
