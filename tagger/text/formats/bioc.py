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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import IO, Any
from xml.sax.saxutils import escape, quoteattr

from tagger.errors import DataError
from tagger.text.alignment import CharacterSpan, sentences_of
from tagger.text.formats.bioc_parser import BioCParser
from tagger.text.formats.format import Format
from tagger.text.formats.whole import Whole, check_spans, plain_tags, whole_documents
from tagger.text.options import ReadOptions
from tagger.text.report import ReadReport, shown
from tagger.text.spans import Record, Sentence

__all__ = ["JSON", "XML"]

_XML_NAME, _JSON_NAME = "bioc", "bioc-json"
_TYPE, _SCORE = "type", "score"
_UNITS: Mapping[str, Callable[[str], int]] = {
    "characters": lambda c: 1,
    "bytes": lambda c: len(c.encode("utf-8", "surrogatepass")),
    "UTF-16 units": lambda c: 1 + (c > "\uffff"),
}
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
            yield from _sentences(document, number, path, options, report, _XML_NAME)
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
                yield from _sentences(document, line, path, options, report, _JSON_NAME)


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
    try:
        text, spans = _text_and_spans(document, options, report)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        what = f"the document {shown(str(document.get('id', '')))} is ill-formed"
        reason = f"there is no {error}" if isinstance(error, KeyError) else str(error)
        report.problem(DataError(path, line or None, f"{what}: {reason}"))
        return
    data = {"bioc": document}
    record = Record(path, line, data=data, format=name, id=str(document.get("id", "")))
    yield from sentences_of(text, spans if options.annotated else None, record, options, report)


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


def _text_and_spans(
    document: dict[str, Any], options: ReadOptions, report: ReadReport
) -> tuple[str, list[CharacterSpan]]:
    """Return the text of a document and its spans in characters; raise ValueError if it has none.

    The unit of the offsets is the first one in which all annotations have their text.
    """
    parts = list(_parts(document))
    annotations = [one for _, _, found in parts for one in found]
    best: tuple[int, str, list[CharacterSpan], str] | None = None
    for unit, size in _UNITS.items():
        text, places = _placed(parts, size)
        spans = [_span(one, places, options) for one in annotations]
        misses = sum(_is_missed(span, text) for span in spans)
        if best is None or misses < best[0]:
            best = misses, text, spans, unit
        if not misses:
            break
    assert best is not None
    if best[3] != "characters":
        report.note(f"offsets count {best[3]}")
    return best[1], best[2]


def _is_missed(span: CharacterSpan, text: str) -> bool:
    """Return whether the text at the offsets of a span is not that of the span."""
    if span.text is None or span.parts:
        return False
    return text[span.start : span.end].split() != span.text.split()


def _placed(
    parts: list[tuple[int, str, list[dict[str, Any]]]], size: Callable[[str], int]
) -> tuple[str, dict[int, int]]:
    """Return the text of passages at their offsets, and the character of each offset."""
    pieces: list[str] = []
    places: dict[int, int] = {}
    length, unit = 0, 0
    for offset, text, _ in parts:
        if text and offset < unit:
            raise ValueError(
                f"the passage at {offset} begins before the end of the previous one at {unit}"
            )
        if text:
            if offset - unit > 10_000_000:
                raise ValueError(f"the passage at {offset} is too far from the previous one")
            gap = offset - unit
            places.update({unit + step: length + step for step in range(gap + 1)})
            pieces.append("\n" * (offset - unit) if pieces else " " * (offset - unit))
            length, unit = length + offset - unit, offset
        for character in text:
            places[unit] = length
            unit += size(character)
            length += 1
        pieces.append(text)
        places[unit] = length
    return "".join(pieces), places


def _span(
    annotation: dict[str, Any], places: dict[int, int], options: ReadOptions
) -> CharacterSpan:
    """Return the span of an annotation; raise ValueError if it is ill-formed."""
    infons = annotation.get("infons") or {}
    key = options.feature or _TYPE
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
    pairs = []
    for location in locations:
        start, length = int(location["offset"]), int(location["length"])
        end = start + length
        pairs.append((places.get(start, start), places.get(end, end)))
    pairs.sort()
    text, score = annotation.get("text"), infons.get(_SCORE)
    return CharacterSpan(
        pairs[0][0],
        max(end for _, end in pairs),
        label.strip(),
        float(score) if score is not None else None,
        str(text) if text else None,
        tuple(pairs) if len(pairs) > 1 else (),
    )


def _rebuilt(document: Whole, number: int) -> dict[str, Any]:
    """Return the object of a document: as it was read, with other annotations."""
    record = document.record
    own = record is not None and record.format in (_XML_NAME, _JSON_NAME)
    old = (record.data or {}).get("bioc", {}) if record is not None and own else {}
    passages = [
        {**passage, "offset": offset, "text": text, "annotations": [], "sentences": []}
        for passage, offset, text in _passages(old, document.text)
    ]
    annotations = [one for _, _, found in _parts(old) for one in found]
    known = {(_place(one), (one.get("infons") or {}).get(_TYPE)): one for one in annotations}
    taken = {str(one.get("id")) for one in known.values()}
    numbers = (str(n) for n in range(1, 1 << 60) if str(n) not in taken)
    for span in document.spans:
        same = known.get(((span.start, span.end), span.label))
        infons: dict[str, Any] = {**((same or {}).get("infons") or {}), _TYPE: span.label}
        infons.pop(_SCORE, None)
        if span.score is not None:
            infons[_SCORE] = f"{span.score:.6f}"
        home = max((p for p in passages if p["offset"] <= span.start), key=lambda p: p["offset"])
        home["annotations"].append(
            {
                "id": str(same["id"]) if same and "id" in same else next(numbers),
                "infons": infons,
                "text": document.text[span.start : span.end],
                "locations": [{"offset": span.start, "length": span.end - span.start}],
            }
        )
    identifier = str(old.get("id") or document.id or number)
    rest = {key: value for key, value in old.items() if key not in ("id", "passages")}
    return {"id": identifier, "infons": {}, **rest, "passages": passages}


def _place(annotation: dict[str, Any]) -> tuple[int, int]:
    """Return start and end of an annotation; (-1, -1) if it does not have one location."""
    locations: list[Any] = annotation.get("locations") or []
    if len(locations) != 1:
        return -1, -1
    start = int(locations[0]["offset"])
    return start, start + int(locations[0]["length"])


def _passages(old: dict[str, Any], text: str) -> list[tuple[dict[str, Any], int, str]]:
    """Return the passages of a document with their offsets in its text, or one for all of it."""
    found, start = [], 0
    for passage in old.get("passages", ()):
        own = passage.get("text") or ""
        start = text.find(own, start) if own else -1
        if start < 0:
            return [({"infons": {}, "relations": []}, 0, text)]
        found.append((passage, start, own))
        start += len(own)
    return found or [({"infons": {}, "relations": []}, 0, text)]


def _write_json(sentences: Iterable[Sentence], stream: IO[str], scheme: str) -> None:
    """Write a collection in JSON, a document per line."""
    head = json.dumps({"source": "", "date": "", "key": "", "infons": {}})
    stream.write(f'{head[:-1]}, "documents": [')
    documents = check_spans(whole_documents(sentences), _JSON_NAME)
    for number, document in enumerate(documents, 1):
        stream.write(",\n" if number > 1 else "\n")
        data = {**_rebuilt(document, number)}
        data.setdefault("annotations", [])
        data.setdefault("relations", [])
        stream.write(json.dumps(data, ensure_ascii=False))
    stream.write("\n]}\n")


def _write_xml(sentences: Iterable[Sentence], stream: IO[str], scheme: str) -> None:
    """Write a collection in XML."""
    stream.write(
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE collection SYSTEM "BioC.dtd">\n'
    )
    stream.write("<collection><source></source><date></date><key></key>\n")
    documents = check_spans(whole_documents(sentences), _XML_NAME)
    for number, document in enumerate(documents, 1):
        data = _rebuilt(document, number)
        stream.write(f"<document><id>{_xml(data['id'], document)}</id>")
        stream.write(_infons(data, document))
        for passage in data["passages"]:
            stream.write(f"<passage>{_infons(passage, document)}")
            stream.write(f"<offset>{passage['offset']}</offset>")
            stream.write(f"<text>{_xml(passage['text'], document)}</text>\n")
            stream.writelines(_annotation(one, document) for one in passage["annotations"])
            stream.writelines(_relation(one, document) for one in passage.get("relations") or ())
            stream.write("</passage>\n")
        stream.writelines(_relation(one, document) for one in data.get("relations") or ())
        stream.write("</document>\n")
    stream.write("</collection>\n")


def _annotation(annotation: dict[str, Any], document: Whole) -> str:
    """Return an annotation in XML."""
    locations = "".join(
        f'<location offset="{one["offset"]}" length="{one["length"]}"/>'
        for one in annotation["locations"]
    )
    identifier = quoteattr(_checked(annotation["id"], document))
    text = _xml(annotation["text"], document)
    infons = _infons(annotation, document)
    return f"<annotation id={identifier}>{infons}{locations}<text>{text}</text></annotation>\n"


def _relation(relation: dict[str, Any], document: Whole) -> str:
    """Return a relation in XML."""
    nodes = "".join(
        f"<node refid={quoteattr(str(node.get('refid', '')))} "
        f"role={quoteattr(str(node.get('role', '')))}/>"
        for node in relation.get("nodes") or ()
    )
    identifier = quoteattr(str(relation.get("id", "")))
    return f"<relation id={identifier}>{_infons(relation, document)}{nodes}</relation>\n"


def _infons(data: dict[str, Any], document: Whole) -> str:
    """Return the infons of an object in XML."""
    return "".join(
        f"<infon key={quoteattr(str(key))}>{_xml(str(value), document)}</infon>"
        for key, value in (data.get("infons") or {}).items()
    )


def _xml(text: str, document: Whole) -> str:
    """Return a text with the escapes of XML."""
    return escape(_checked(text, document), {"\r": "&#13;"})


_UNWRITABLE = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def _checked(text: str, document: Whole) -> str:
    """Return a text that XML can represent; raise DataError for one that it cannot."""
    if found := _UNWRITABLE.search(text):
        path = document.record.path if document.record else "output"
        line = document.record.line or None if document.record else None
        message = f"the character {found[0]!a} cannot be written as XML; write BioC JSON instead"
        raise DataError(path, line, message)
    return text


XML = Format(
    _XML_NAME,
    (".bioc.xml", ".bioc"),
    recognizes_xml,
    _read_xml,
    _write_xml,
    has_scores=True,
    refuses=lambda sentence: plain_tags(sentence, _XML_NAME),
    is_evident=True,
    takes_records=True,
    common_keys=frozenset({"bioc"}),
)
JSON = Format(
    _JSON_NAME,
    (".bioc.json",),
    recognizes_json,
    _read_json,
    _write_json,
    has_scores=True,
    refuses=lambda sentence: plain_tags(sentence, _JSON_NAME),
    is_evident=True,
    takes_records=True,
    common_keys=frozenset({"bioc"}),
)
