"""BioC (bioc.sourceforge.net), as XML and as JSON: documents of passages with annotations.

    <collection>…<document><id>4711</id><passage><offset>0</offset><text>Anna sang.</text>
    <annotation id="1"><infon key="type">PER</infon><location offset="0" length="4"/>
    <text>Anna</text></annotation></passage></document></collection>

Offsets count from the beginning of the document, in characters or, as in files of some tools, in
bytes or UTF-16 units; the text of the annotations decides. Several locations are the parts of a
discontinuous span. Documents keep what else they contain, such as relations.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from tagger.errors import DataError
from tagger.text.alignment import CharacterSpan, sentences_with
from tagger.text.formats.bioc_offsets import in_code_points
from tagger.text.formats.bioc_parser import LINE, BioCParser
from tagger.text.formats.bioc_writing import (
    JSON_NAME,
    SCORE,
    TYPE,
    XML_NAME,
    write_json,
    write_xml,
)
from tagger.text.formats.format import Format
from tagger.text.formats.whole import plain_tags
from tagger.text.locating import located
from tagger.text.options import ReadOptions
from tagger.text.report import ReadReport, shown
from tagger.text.spans import Record, Sentence
from tagger.text.units import CODE_POINTS

__all__ = ["JSON", "XML"]

_HEAD = 20_000


def recognizes_xml(lines: Sequence[str]) -> bool:
    """Return whether the first lines look like a collection in XML.

    Args:
        lines: First lines of a file, without their ends.
    """
    head = "\n".join(lines)[:_HEAD].lstrip()
    return head.startswith("<") and bool(re.search(r"<collection\b[^>]*>\s*<", head))


def recognizes_json(lines: Sequence[str]) -> bool:
    """Return whether the first lines look like documents with passages in JSON.

    Args:
        lines: First lines of a file, without their ends.
    """
    head = "\n".join(lines)[:_HEAD].lstrip()
    return head[:1] in ("{", "[") and '"passages"' in head


def _read_xml(
    lines: Iterable[tuple[int, str]], path: str, options: ReadOptions, report: ReadReport
) -> Iterator[Sentence]:
    """Yield the sentences of a collection in XML, document by document."""
    report.layout = "BioC XML"
    parser = BioCParser(path)
    for _, line in lines:
        for number, document in parser.feed(line + "\n"):
            yield from _sentences(document, number, path, options, report, XML_NAME)
    parser.close()


def _read_json(
    lines: Iterable[tuple[int, str]], path: str, options: ReadOptions, report: ReadReport
) -> Iterator[Sentence]:
    """Yield the sentences of a collection in JSON, or of one document per line."""
    report.layout = "BioC JSON"
    everything = list(lines)
    try:
        values = [(1, json.loads("\n".join(line for _, line in everything)))]
    except (ValueError, RecursionError) as whole:
        try:
            values = [(number, json.loads(line)) for number, line in everything if line.strip()]
        except (ValueError, RecursionError):
            place = whole.lineno if isinstance(whole, json.JSONDecodeError) else 1
            raise DataError(path, place, f"not JSON ({whole}); expected BioC JSON") from whole
    for number, value in values:
        for document in _documents(value):
            if not isinstance(document, dict):
                message = f"expected a document, found {shown(json.dumps(document))}"
                report.problem(DataError(path, number, message))
            else:
                line = number if len(values) > 1 else 0
                yield from _sentences(document, line, path, options, report, JSON_NAME)


def _documents(value: Any) -> list[Any]:
    """Return the documents of a collection, an array, or PubTator's answer."""
    if isinstance(value, dict):
        for key in ("documents", "PubTator3"):
            if isinstance(value.get(key), list):
                return list(value[key])
        return [value]
    return list(value) if isinstance(value, list) else [value]


def _sentences(
    document: dict[str, Any],
    line: int,
    path: str,
    options: ReadOptions,
    report: ReadReport,
    name: str,
) -> Iterator[Sentence]:
    """Yield the sentences of a document; report it if it is ill-formed."""
    identifier = str(document.get("id", ""))
    try:
        parts = list(_parts(document))
        spans = [_span(one, options) for _, _, found in parts for one in found]
        passages = [(offset, text) for offset, text, _ in parts]
        record = Record(path, line, format=name, id=identifier)
        placed = in_code_points(passages, spans, record, options, report)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        what = f"the document {shown(identifier)} is ill-formed"
        reason = f"there is no {error}" if isinstance(error, KeyError) else str(error)
        report.problem(DataError(path, line or None, f"{what}: {reason}"))
        return
    if placed is None:  # the error is reported
        return
    if any(passage.get("sentences") for passage in document.get("passages", ())):
        report.note("sentences inside of passages become part of their passage", line or None)
    record = replace(record, text=placed[0], data={"bioc": document})
    reading = replace(options, offsets=CODE_POINTS)
    usable = located(placed[1], record, reading, report if options.annotated else ReadReport())
    record.data["places"] = {span.id: (span.start, span.end) for span in usable}  # type: ignore[index]
    yield from sentences_with(usable if options.annotated else None, record, reading, report)


def _parts(document: dict[str, Any]) -> Iterator[tuple[int, str, list[dict[str, Any]]]]:
    """Yield offset, text and annotations of each passage, or of its sentences if it has no text."""
    for passage in document.get("passages", ()):
        sentences = passage.get("sentences") or ()
        extra = [one for sentence in sentences for one in sentence.get("annotations", ())]
        if passage.get("text") or not sentences:
            text = str(passage.get("text") or "")
            yield int(passage["offset"]), text, [*passage.get("annotations", ()), *extra]
            continue
        for sentence in sentences:
            text = str(sentence.get("text") or "")
            yield int(sentence["offset"]), text, list(sentence.get("annotations", ()))
        yield int(passage["offset"]), "", list(passage.get("annotations", ()))


def _span(annotation: dict[str, Any], options: ReadOptions) -> CharacterSpan:
    """Return the span of an annotation; raise ValueError if it is ill-formed."""
    infons = annotation.get("infons") or {}
    key = options.feature or TYPE
    label = infons.get(key)
    if not isinstance(label, str) or not label.strip():
        keys = ", ".join(map(str, infons)) or "none"
        raise ValueError(
            f"an annotation has no infon {shown(key)} with its label; found the keys {keys}"
            + ("" if options.feature else ": choose one with --feature")
        )
    locations: list[Any] = annotation.get("locations") or []
    if not locations:
        raise ValueError(f"an annotation ({label}) has no location")
    starts = [int(location["offset"]) for location in locations]
    ends = [start + int(one["length"]) for start, one in zip(starts, locations, strict=True)]
    text, score = annotation.get("text"), infons.get(SCORE)
    return CharacterSpan(
        min(starts),
        max(ends),
        label.strip(),
        float(score) if score is not None else None,
        str(text) if text else None,
        tuple(sorted(zip(starts, ends, strict=True))) if len(starts) > 1 else (),
        line=annotation.get(LINE, 0),
        id=str(annotation.get("id", "")),
    )


XML = Format(
    XML_NAME,
    (".bioc.xml", ".bioc"),
    recognizes_xml,
    _read_xml,
    write_xml,
    has_scores=True,
    refuses=lambda sentence: plain_tags(sentence, XML_NAME),
    suffix_means="new files",
    takes_records=True,
    common_keys=frozenset({"bioc"}),
)
JSON = Format(
    JSON_NAME,
    (".bioc.json",),
    recognizes_json,
    _read_json,
    write_json,
    has_scores=True,
    refuses=lambda sentence: plain_tags(sentence, JSON_NAME),
    suffix_means="new files",
    takes_records=True,
    common_keys=frozenset({"bioc"}),
)
