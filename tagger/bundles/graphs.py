"""A check of ONNX graphs before they are opened: only what `tagger.export` writes is accepted.

A graph of somebody else could name files that ONNX Runtime would read (external data), loop for
ever, or call operators that no model needs. The check reads the serialized protocol buffer without
the package onnx. Field numbers are those of onnx.proto, which never change.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["MICROSOFT", "OPERATORS", "check"]

MICROSOFT = "com.microsoft"
"""The domain of ONNX Runtime's own operators, which compute in int8."""

OPERATORS = {
    "": {
        "Add", "Cast", "Clip", "Concat", "Conv", "Div", "Expand", "GRU", "Gather", "Greater",
        "LSTM", "Less", "LogSoftmax", "MatMul", "Max", "Mul", "Pad", "RNN", "Range", "ReduceMax",
        "ReduceSum", "Relu", "Reshape", "Shape", "Softmax", "Split", "Squeeze", "Tanh",
        "Transpose", "Unsqueeze", "Where",
    },
    MICROSOFT: {"DynamicQuantizeLSTM", "DynamicQuantizeMatMul"},
}  # fmt: skip
"""The operators of our graphs by domain. None contains another graph."""

_MOST_FIELDS = 200_000  # of the messages that are read; a graph of twenty layers has 5,000
# Wire types of protocol buffers.
_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5


class _Kind(NamedTuple):
    """A kind of message: the fields that it may have, and the kinds of those that are read."""

    fields: frozenset[int]
    read: dict[int, _Kind]


# Left out are external_data and data_location (13, 14).
_TENSOR = _Kind(frozenset({1, 2, 4, 5, 7, 8, 9, 10, 11, 12}), {})
# Left out are tensors and graphs (5, 6, 10, 11), sparse ones (22, 23) and types (14, 15).
_ATTRIBUTE = _Kind(frozenset({1, 2, 3, 4, 7, 8, 9, 13, 20}), {})
_NODE = _Kind(frozenset({1, 2, 3, 4, 5, 6, 7}), {5: _ATTRIBUTE})
# Left out are sparse initializers (15).
_GRAPH = _Kind(frozenset({1, 2, 5, 10, 11, 12, 13}), {1: _NODE, 5: _TENSOR})
# Left out are training_info (20) and functions (25).
_MODEL = _Kind(frozenset({1, 2, 3, 4, 5, 6, 7, 8, 14}), {7: _GRAPH})
_OP_TYPE, _DOMAIN = 4, 7


def check(graph: bytes) -> None:
    """Check that a serialized ONNX model could be one of ours.

    Args:
        graph: The bytes of an .onnx file.

    Raises:
        ValueError: The bytes are not an ONNX model, or it contains something that our graphs do
            not: other operators, graphs within graphs, functions, or data in other files.
    """
    count = [0]
    _check(memoryview(graph), _MODEL, count)
    if not count[0]:
        raise ValueError("is empty")


def _check(message: memoryview, kind: _Kind, count: list[int]) -> None:
    """Check a message and those within it; `count` is the number of fields read so far."""
    texts = {_OP_TYPE: b"", _DOMAIN: b""}
    for field, value in _fields(message):
        count[0] += 1
        if count[0] > _MOST_FIELDS:
            raise ValueError(f"has more than {_MOST_FIELDS:,} fields")
        if field not in kind.fields:
            raise ValueError(_refusal(kind, field))
        if field in kind.read:
            if value is None:
                raise ValueError("is not an ONNX model")
            _check(value, kind.read[field], count)
        if kind is _NODE and field in texts:
            texts[field] = bytes(value or b"")
    if kind is _NODE:
        domain, operator = (texts[field].decode() for field in (_DOMAIN, _OP_TYPE))
        # "ai.onnx" is another name of the domain "".
        if operator not in OPERATORS.get(domain, ()):
            raise ValueError(f"contains the operator {f'{domain}.{operator}'.lstrip('.')!r}")


def _refusal(kind: _Kind, field: int) -> str:
    """Describe a field that our graphs do not have."""
    if kind is _TENSOR:
        return "keeps data in another file"
    names = {id(_ATTRIBUTE): "attribute", id(_NODE): "node", id(_GRAPH): "graph"}
    return f"contains field {field} of a {names.get(id(kind), 'model')}"


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview | None]]:
    """Yield the number of each field of a message, and its content if it has a length."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        wire, value = key & 7, None
        if wire == _VARINT:
            _, place = _varint(message, place)
        elif wire == _BYTES:
            size, place = _varint(message, place)
            value = message[place : place + size]
            place += size
        elif wire in (_FOUR_BYTES, _EIGHT_BYTES):
            place += 4 if wire == _FOUR_BYTES else 8
        else:
            raise ValueError("is not an ONNX model")
        if place > len(message):
            raise ValueError("ends early")
        yield key >> 3, value


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """Return the integer of variable length at a place, and the place after it."""
    number = 0
    for shift in range(0, 70, 7):
        if place >= len(message):
            raise ValueError("ends early")
        byte = message[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place
    raise ValueError("is not an ONNX model")
