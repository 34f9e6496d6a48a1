"""An interpreter of pickles of plain data, which can call nothing and costs no more than they hold.

Python's own unpickler calls whatever a file names, sets attributes of any object, and can be made
to fill the memory by a few bytes. This one knows the instructions that `torch.save` writes for
numbers, strings, lists, dictionaries and tensors; the caller gives the meaning of the names.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

__all__ = ["PlainObject", "UnsafePickleError", "load"]

_MOST_STEPS = 1_000_000
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_CONTAINERS: dict[str, Callable[[], Any]] = {"EMPTY_DICT": dict, "EMPTY_LIST": list}
_LITERALS = {
    "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE",
    "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES",
}  # fmt: skip
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_NOTHING = {"PROTO", "FRAME"}
_MARK = object()


class UnsafePickleError(ValueError):
    """A pickle that contains more than plain data."""


class PlainObject:
    """An object of the file, with the attributes that it has there.

    Attributes:
        values: The attributes by name.
    """

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}


def load(
    stream: BinaryIO,
    names: Mapping[tuple[str, str], Any],
    persistent: Callable[[Any], Any],
) -> Any:
    """Return the value of a pickle, and leave the stream after it.

    Args:
        stream: The open file.
        names: What stands for each name, (module, name), that the file may contain: a function of
            the arguments in the file, or any other value.
        persistent: The function of an identity that yields an object stored elsewhere.

    Returns:
        The value.

    Raises:
        UnsafePickleError: The file names something else.
        ValueError: The file is damaged, or contains an unknown or excessive instruction.
        Exception: What functions in `names` raise for wrong arguments; IndexError or TypeError for
            instructions that make no sense.
    """
    machine = _Machine(names, persistent)
    for step, (instruction, argument, _) in enumerate(pickletools.genops(stream)):
        if step > _MOST_STEPS:
            raise ValueError(f"has more than {_MOST_STEPS:,} instructions")
        if instruction.name == "STOP":
            return machine.stack.pop()
        machine.run(instruction.name, argument)
    raise ValueError("ends early")


class _Machine:
    """The stack and the memo of a pickle."""

    def __init__(
        self, names: Mapping[tuple[str, str], Any], persistent: Callable[[Any], Any]
    ) -> None:
        self.names = names
        self.functions = [value for value in names.values() if callable(value)]
        self.persistent = persistent
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self, name: str, argument: Any) -> None:
        """Run one instruction."""
        stack = self.stack
        if name in _LITERALS:
            stack.append(argument)
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(self.memo[argument])
        elif name in ("BINPUT", "LONG_BINPUT"):
            self.memo[argument] = stack[-1]
        elif name == "MEMOIZE":
            self.memo[len(self.memo)] = stack[-1]
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in _CONTAINERS:
            stack.append(_CONTAINERS[name]())
        elif name == "MARK":
            stack.append(_MARK)
        elif name in _TUPLES:
            count = len(stack) - _TUPLES[name]
            stack[count:] = [tuple(stack[count:])]
        elif name == "TUPLE":
            stack.append(tuple(self.above_mark()))
        elif name == "GLOBAL":
            self.find(*argument.split(" ", 1))
        elif name == "STACK_GLOBAL":
            attribute, module = stack.pop(), stack.pop()
            self.find(module, attribute)
        elif name == "BINPERSID":
            stack.append(self.persistent(stack.pop()))
        elif name in ("REDUCE", "NEWOBJ"):
            arguments, function = stack.pop(), stack.pop()
            if not any(function is known for known in self.functions):
                raise UnsafePickleError("calls something that is not a function")
            stack.append(function(*arguments))
        elif name == "BUILD":
            self.build(stack.pop())
        elif name in ("SETITEM", "SETITEMS"):
            self.set_items(
                self.above_mark() if name == "SETITEMS" else [stack.pop(-2), stack.pop()]
            )
        elif name in ("APPEND", "APPENDS"):
            items = self.above_mark() if name == "APPENDS" else [stack.pop()]
            self.top(list).extend(items)
        elif name not in _NOTHING:
            raise ValueError(f"contains the instruction {name}")

    def above_mark(self) -> list[Any]:
        """Remove the topmost mark, and return what was above it."""
        place = len(self.stack) - 1
        while self.stack[place] is not _MARK:
            place -= 1
            if place < 0:
                raise ValueError("lacks a mark")
        items = self.stack[place + 1 :]
        del self.stack[place:]
        return items

    def top(self, kind: type) -> Any:
        """Return the top of the stack, which must be of a type."""
        if type(self.stack[-1]) is not kind:
            raise ValueError(f"expected a {kind.__name__}, found {type(self.stack[-1]).__name__}")
        return self.stack[-1]

    def find(self, module: Any, name: Any) -> None:
        """Push what stands for a name."""
        if not (isinstance(module, str) and isinstance(name, str)):
            raise ValueError("contains a name that is not text")
        if (module, name) not in self.names:
            raise UnsafePickleError(f"contains {module[:80]}.{name[:80]}")
        self.stack.append(self.names[module, name])

    def build(self, state: Any) -> None:
        """Set the attributes of the object on top; those of an ordered dictionary are ignored."""
        if type(self.stack[-1]) is dict:
            return
        if type(state) is not dict or not all(isinstance(name, str) for name in state):
            raise ValueError("contains an object without attributes")
        self.top(PlainObject).values.update(state)

    def set_items(self, items: list[Any]) -> None:
        """Set items of the dictionary on top; keys are strings, bytes or integers."""
        keys = items[::2]
        if not all(type(key) in (str, bytes, int) for key in keys):
            raise ValueError("contains a dictionary with other keys than text and numbers")
        self.top(dict).update(zip(keys, items[1::2], strict=True))
