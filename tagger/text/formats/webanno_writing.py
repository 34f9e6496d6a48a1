"""Writing of WebAnno TSV 3.3; see `tagger.text.formats.webanno`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import IO

from tagger.errors import DataError
from tagger.text.formats.whole import Whole, check_spans, whole_documents
from tagger.text.report import shown
from tagger.text.spans import Sentence

__all__ = ["FORMAT_LINE", "NAMED_ENTITY", "SCORES", "write"]

_NAME = "webanno"
FORMAT_LINE = "#FORMAT=WebAnno TSV 3"
SCORES = re.compile(r"#Scores=((?:[01](?:\.\d+)?(?:e-\d+)?\s*)+)")
NAMED_ENTITY = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"


def write(sentences: Iterable[Sentence], stream: IO[str], scheme: str) -> None:
    """Write sentences as one document, with their spans in the layer NamedEntity.

    The probabilities of predicted spans are in a comment before their sentence, since a file with a
    feature that a project lacks cannot be imported there.

    Args:
        sentences: Sentences; several documents are joined.
        stream: Text stream to write to; it is not closed.
        scheme: Not used.

    Raises:
        DataError: The sentences have plain tags.
    """
    stream.write(f"{FORMAT_LINE}.3\n#T_SP={NAMED_ENTITY}|identifier|value\n\n")
    position, count, number = 0, 0, 0
    for document in check_spans(whole_documents(sentences), _NAME):
        for order, sentence in enumerate(document.sentences):
            if not len(sentence):
                continue
            count += 1
            number = _write_sentence(document, order, position, count, number, stream)
        position += _units(document.text) + 2


def _write_sentence(
    document: Whole, order: int, position: int, count: int, number: int, stream: IO[str]
) -> int:
    """Write one sentence; return the last number of a span of several rows."""
    offsets = document.offsets[order]
    start = offsets[0][0]
    before = position + _units(document.text[:start])
    lines = document.text[start : offsets[-1][1]].split("\n")
    spans = document.sentences[order].spans or ()
    stream.write("\n")
    if spans and all(span.score is not None for span in spans):
        stream.write(f"#Scores={' '.join(f'{span.score or 0:.6g}' for span in spans)}\n")
    stream.write("".join(f"#Text={_escaped_text(line)}\n" for line in lines))
    values = ["_\t_"] * len(offsets)
    for span in spans:
        suffix = ""
        if span.end - span.start > 1:
            number += 1
            suffix = f"[{number}]"
        for index in range(span.start, span.end):
            values[index] = f"*{suffix}\t{_escaped(span.label)}{suffix}"
    previous = start
    for index, (begin, end) in enumerate(offsets):
        if begin < previous:
            raise DataError(
                document.record.path if document.record else "output",
                None,
                f"the tokens at {shown(document.text[begin:end])} overlap, which {_NAME} cannot "
                "represent",
            )
        before += _units(document.text[previous:begin])
        after = before + _units(document.text[begin:end])
        surface = document.text[begin:end].replace("\n", "\\n").replace("\t", "\\t")
        stream.write(f"{count}-{index + 1}\t{before}-{after}\t{surface}\t{values[index]}\t\n")
        before, previous = after, end
    return number


def _units(text: str) -> int:
    """Return the number of UTF-16 units of a text."""
    return len(text) + sum(character > "\uffff" for character in text)


def _escaped(value: str) -> str:
    """Escape the characters of a value that have a meaning."""
    escaped = re.sub(r"->|[\\\[\]|_;*]", lambda found: "\\" + found[0], value)
    return escaped.replace("\t", "\\t").replace("\n", "\\n")


def _escaped_text(line: str) -> str:
    """Escape a line of text."""
    for character, name in (("\\", "\\"), ("\t", "t"), ("\r", "r"), ("\f", "f"), ("\b", "b")):
        line = line.replace(character, f"\\{name}")
    return line
