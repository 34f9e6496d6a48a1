"""A parser of BioC XML, which refuses declarations of entities."""

from __future__ import annotations

from typing import Any
from xml.parsers import expat

from tagger.errors import DataError

__all__ = ["LINE", "BioCParser"]

LINE = "\0line"
"""Key of the line number of an annotation, which no file can have."""

_LISTS = {"passage": "passages", "sentence": "sentences", "annotation": "annotations"}
_LISTS |= {"relation": "relations", "location": "locations", "node": "nodes"}


class BioCParser:
    """A parser of BioC XML that builds the objects of BioC JSON."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.documents: list[tuple[int, dict[str, Any]]] = []
        self._stack: list[tuple[str, dict[str, Any], list[str]]] = []
        self._line = 1
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.EntityDeclHandler = self._refuse

    def feed(self, text: str) -> list[tuple[int, dict[str, Any]]]:
        """Parse a part of the file; return the documents that end in it, with their lines."""
        self._call(text, False)
        documents, self.documents = self.documents, []
        return documents

    def close(self) -> None:
        """Check that the file is complete."""
        self._call("", True)

    def _call(self, text: str, is_last: bool) -> None:
        try:
            self._parser.Parse(text, is_last)
        except expat.ExpatError as error:
            message = f"not XML ({expat.errors.messages.get(error.code, error)})"
            raise DataError(self.path, error.lineno, f"{message}; expected BioC XML") from error

    def _refuse(self, *arguments: Any) -> None:
        """Refuse declarations of entities, which can expand without limit."""
        raise DataError(
            self.path,
            self._parser.CurrentLineNumber,
            "declares an XML entity, which BioC does not need; remove the declaration",
        )

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "document":
            self._line = self._parser.CurrentLineNumber
        data: dict[str, Any] = dict(attributes)
        if tag == "annotation":
            data[LINE] = self._parser.CurrentLineNumber
        self._stack.append((tag, data, []))

    def _text(self, text: str) -> None:
        if self._stack:
            self._stack[-1][2].append(text)

    def _end(self, tag: str) -> None:
        _, data, pieces = self._stack.pop()
        text = "".join(pieces)
        parent = self._stack[-1][1] if self._stack else {}
        if tag == "document":
            self.documents.append((self._line, data))
        elif tag == "infon":
            parent.setdefault("infons", {})[data.get("key", "")] = text
        elif tag in _LISTS:
            parent.setdefault(_LISTS[tag], []).append(data)
        elif tag in ("id", "offset", "text"):
            parent[tag] = text
