"""What the JSON formats share: records of JSON values, and what they keep of other formats."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any

from tagger.errors import DataError
from tagger.text.alignment import Document
from tagger.text.formats.json_documents import DECODER, Item, items
from tagger.text.report import ReadReport
from tagger.text.spans import Record, Sentence

__all__ = [
    "check_surrogates",
    "common_data",
    "name_of",
    "read_items",
    "unread",
    "with_unread",
    "write_array",
    "write_lines",
]


def read_items(
    lines: Iterable[tuple[int, str]],
    path: str,
    report: ReadReport,
    parse: Callable[[Item], Iterable[Sentence]],
) -> Iterator[Sentence]:
    """Yield the sentences of the values of a file, and report those that cannot be read.

    Args:
        lines: Line numbers, counted from 1, and lines without their ends.
        path: Path of the file.
        report: Receives an error for each value that is not JSON or that `parse` refuses.
        parse: Return the sentences of a value. Raises ValueError if they cannot be read.

    Yields:
        The sentences. If the report keeps what cannot be read, it is an empty sentence.

    Raises:
        DataError: The rest of the file cannot be read.
    """
    for item in items(lines, path):
        try:
            if item.error:
                raise ValueError(f"not JSON ({item.error}); expected one object per line")
            check_surrogates(item)
            found = list(parse(item))
        except ValueError as error:
            report.problem(DataError(path, item.line, str(error)))
            if report.on_error == "keep":
                kept = tuple(item.source.split("\n"))
                yield Sentence((), record=Record(path, item.line, lines=kept))
        else:
            yield from found


def name_of(value: Any) -> str:
    """Return the value of the key "id" of an object as a string, "" without one."""
    name = value.get("id", "") if isinstance(value, dict) else ""
    return str(name) if isinstance(name, str | int) else ""


def common_data(record: Record | None) -> dict[str, Any]:
    """Return what an object keeps of a record of another format: id and document.

    Args:
        record: The record, if any.
    """
    data: dict[str, Any] = {"id": record.id} if record is not None and record.id else {}
    document = (record.data or {}).get("document") if record is not None else None
    return data if document is None else data | {"document": document}


def with_unread(
    documents: Iterable[Document], value_of: Callable[[Document], Any]
) -> Iterator[Any]:
    """Yield the value of each document; one that could not be read is kept if it is JSON.

    Args:
        documents: The documents, consumed lazily.
        value_of: Return the value of a document that could be read.
    """
    for document in documents:
        record = document.record
        if record is not None and record.lines and not document.text:
            yield from unread(record)
        else:
            yield value_of(document)


def unread(record: Record) -> Iterator[Any]:
    """Yield the value of a record that could not be read, if it is JSON.

    Args:
        record: The record, whose lines are the text of the value.
    """
    try:
        yield DECODER.decode("\n".join(record.lines))
    except (ValueError, RecursionError):
        return


def write_array(values: Iterable[Any], stream: IO[str]) -> None:
    """Write values as one array, an element per line.

    Args:
        values: The values, consumed lazily.
        stream: Text stream to write to; it is not closed.
    """
    before = "[\n"
    for value in values:
        stream.write(before + json.dumps(value, ensure_ascii=False))
        before = ",\n"
    stream.write("[]\n" if before == "[\n" else "\n]\n")


def write_lines(values: Iterable[Any], stream: IO[str]) -> None:
    """Write values one per line.

    Args:
        values: The values, consumed lazily.
        stream: Text stream to write to; it is not closed.
    """
    for value in values:
        stream.write(json.dumps(value, ensure_ascii=False) + "\n")


def check_surrogates(item: Item) -> None:
    """Check that the value of an item contains whole characters only.

    Args:
        item: The item.

    Raises:
        ValueError: It contains an unpaired surrogate.
    """
    if "\\u" not in item.source:
        return
    try:
        json.dumps(item.value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = f"{error.object[error.start]!a}"
        raise ValueError(
            f"{half} is an unpaired surrogate, not a character; correct or remove it"
        ) from error
