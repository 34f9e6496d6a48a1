"""Short ways, for tests, from a file's content to sentences and from sentences to a text."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tagger.errors import DataError
from tagger.text import formats, schemes
from tagger.text.formats import ReadOptions, format_of
from tagger.text.formats.conll import Columns
from tagger.text.spans import Sentence


class Files:
    """Reads and writes by way of one file in a temporary folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(
        self, content: str | bytes, name: str = "f.conll", options: ReadOptions | None = None
    ) -> list[Sentence]:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return list(formats.read(path, format_of(str(path)), options))

    def error(
        self, content: str | bytes, name: str = "f.conll", options: ReadOptions | None = None
    ) -> str:
        with pytest.raises(DataError) as caught:
            self.read(content, name, options)
        return str(caught.value).removeprefix(f"{self.folder}/")


def written(found: list[Sentence], format_name: str = "conll", scheme: str = "IOB2") -> str:
    stream = io.StringIO(newline="\n")
    formats.write(found, stream, format_name, scheme)
    return stream.getvalue()


def columns(
    token: int = 0, tag: int | None = -1, delimiter: str = "auto", *, annotated: bool = True
) -> ReadOptions:
    return ReadOptions(Columns(token, tag, delimiter), annotated=annotated)


def decoded(found: list[Sentence], scheme: str) -> list[Sentence]:
    """As sentences with spans and nothing else."""
    return [Sentence(s.tokens).with_spans(schemes.decode(s.tags or (), scheme)) for s in found]
