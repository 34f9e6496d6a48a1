"""Writing of CoNLL-U; see `tagger.text.formats.conllu`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

from tagger.errors import DataError
from tagger.text.formats.whole import Whole, as_tokens, whole_documents
from tagger.text.report import shown
from tagger.text.spans import Sentence

__all__ = ["ESCAPES", "HEADER", "refuses", "tag_of", "write"]

_NAME = "conllu"
_TAG_KEY = "NER"
HEADER = re.compile(r"#\s*global\.columns\s*=\s*(.*)")
ESCAPES = {"s": " ", "t": "\t", "n": "\n", "r": "\r", "p": "|", "\\": "\\", "N": "\u00a0"}
_ESCAPED = {value: f"\\{key}" for key, value in ESCAPES.items()}


def tag_of(value: str) -> str:
    """Return a tag; _ and * are no annotation."""
    return "O" if value in ("_", "*") else value


def write(sentences: Iterable[Sentence], stream: IO[str], scheme: str) -> None:
    """Write sentences: with the columns that were read, or as words with tags in MISC.

    Args:
        sentences: Sentences, consumed lazily, document by document.
        stream: Text stream to write to; it is not closed.
        scheme: Tagging scheme of the spans.

    Raises:
        DataError: A token or tag is empty or contains a tab or line break.
        SchemeError: The scheme cannot represent the spans.
    """
    number = 0
    for count, document in enumerate(whole_documents(sentences), 1):
        for order, sentence in enumerate(document.sentences):
            record = sentence.record
            tags = as_tokens(sentence, scheme)
            if record is not None and record.format == _NAME and record.data:
                stream.write(_rewritten(record.data, tags))
                continue
            if not len(sentence):
                continue
            number += 1
            if order == 0:
                stream.write(f"# newdoc id = {_line(document.id) or count}\n")
            stream.write(f"# sent_id = {number}\n")
            stream.writelines(_rows(sentence, document, order, tags))


def _line(value: str) -> str:
    """Return a value for a comment: on one line."""
    return re.sub(r"\s+", " ", value).strip()


def _rewritten(data: dict[str, Any], tags: Sequence[str]) -> str:
    """Return the lines of a sentence that was read, with other tags."""
    rows = [list(row) for row in data["rows"]]
    for index, tag in zip(data["words"], tags, strict=True):
        row = rows[index]
        if data["tag"] is not None:
            if tag_of(row[data["tag"]]) != tag:
                row[data["tag"]] = _checked(tag, "tag", row)
        elif data["misc"] is not None:
            key = data["key"] or _TAG_KEY
            row[data["misc"]] = _with_key(row[data["misc"]], key, _checked(tag, "tag", row))
        else:
            row.append(_checked(tag, "tag", row))
    comments = list(data["comments"])
    if data["tag"] is None and data["misc"] is None and comments:
        comments = [f"{line} TAGGER:NE" if HEADER.match(line) else line for line in comments]
    return "\n".join([*comments, *("\t".join(row) for row in rows), "", ""])


def _with_key(misc: str, key: str, value: str) -> str:
    """Return a cell of MISC with another value of a key."""
    parts = [] if misc == "_" else misc.split("|")
    new = f"{key}={value}"
    for index, part in enumerate(parts):
        if part.partition("=")[0] == key:
            parts[index] = new
            return "|".join(parts)
    return "|".join([*parts, new])


def _rows(sentence: Sentence, document: Whole, order: int, tags: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a sentence of another format."""
    offsets = document.offsets[order]
    following = next((own for own in document.offsets[order + 1 :] if own), None)
    end = following[0][0] if following else len(document.text)
    before = "" if any(document.offsets[:order]) else document.text[: offsets[0][0]]
    inside = document.text[offsets[0][0] : offsets[-1][1]]
    if not re.search(r"[\t\r\n]", inside):
        yield f"# text = {inside}\n"
    for index, ((start, stop), token, tag) in enumerate(
        zip(offsets, sentence.tokens, tags, strict=True)
    ):
        row = [str(index + 1), token]
        _checked(token, "token", row)
        _checked(tag, "tag", row)
        after = document.text[stop : offsets[index + 1][0] if index + 1 < len(offsets) else end]
        misc = [f"{_TAG_KEY}={_escaped_tag(tag)}"]
        if index == 0 and before:
            misc.append(f"SpacesBefore={_escape(before)}")
        if after == "":
            misc.append("SpaceAfter=No")
        elif after != " ":
            misc.append(f"SpacesAfter={_escape(after)}")
        assert start <= stop
        yield "\t".join([*row, *"_______", "|".join(misc)]) + "\n"
    yield "\n"


def _escaped_tag(tag: str) -> str:
    """Return a tag, which may not contain the separator of MISC."""
    if "|" in tag:
        raise DataError("output", None, f"the tag {shown(tag)} cannot be written: it contains |")
    return tag


def _checked(value: str, name: str, row: Sequence[str]) -> str:
    """Return a token or tag, which may not be empty or contain tabs and line breaks."""
    if not value.strip() or re.search(r"[\t\r\n]", value):
        raise DataError(
            "output",
            None,
            f"the {name} {shown(value)} cannot be written as CoNLL-U, whose columns have no tabs "
            "and line breaks; write JSON Lines instead",
        )
    return value


def refuses(sentence: Sentence) -> str:
    """Return why the tokens of a sentence cannot be written, or "".

    Args:
        sentence: A sentence.
    """
    for token in sentence.tokens:
        try:
            _checked(token, "token", ())
        except DataError as error:
            return error.message
    return ""


def _escape(value: str) -> str:
    """Escape blanks as UDPipe does."""
    return "".join(_ESCAPED.get(character, character) for character in value)
