"""Writing of BioC as XML and as JSON; see `tagger.text.formats.bioc`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import IO, Any
from xml.sax.saxutils import escape, quoteattr

from tagger.errors import DataError
from tagger.text.formats.whole import Whole, check_spans, whole_documents
from tagger.text.spans import Sentence

__all__ = ["JSON_NAME", "SCORE", "TYPE", "XML_NAME", "write_json", "write_xml"]

XML_NAME, JSON_NAME = "bioc", "bioc-json"
TYPE, SCORE = "type", "score"
"""Keys of the infons of an annotation with its label and its probability."""


def _rebuilt(document: Whole, number: int) -> dict[str, Any]:
    """Return the object of a document: as it was read, with other annotations."""
    record = document.record
    own = record is not None and record.format in (XML_NAME, JSON_NAME)
    old = (record.data or {}).get("bioc", {}) if record is not None and own else {}
    passages = [
        {**passage, "offset": offset, "text": text, "annotations": [], "sentences": []}
        for passage, offset, text in _passages(old, document.text)
    ]
    places = (record.data or {}).get("places", {}) if record is not None and own else {}
    annotations = {str(one.get("id")): one for one in _annotations(old)}
    known = {
        (*places[name], (one.get("infons") or {}).get(TYPE)): one
        for name, one in annotations.items()
        if name in places
    }
    taken = set(annotations)
    numbers = (str(n) for n in range(1, 1 << 60) if str(n) not in taken)
    for span in document.spans:
        same = known.get((span.start, span.end, span.label))
        infons: dict[str, Any] = {**((same or {}).get("infons") or {}), TYPE: span.label}
        infons.pop(SCORE, None)
        if span.score is not None:
            infons[SCORE] = f"{span.score:.6f}"
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


def _annotations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the annotations of a document, of its passages and of their sentences."""
    for passage in document.get("passages", ()):
        for part in (passage, *(passage.get("sentences") or ())):
            yield from part.get("annotations", ())


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


def write_json(sentences: Iterable[Sentence], stream: IO[str], scheme: str) -> None:
    """Write a collection in JSON, a document per line."""
    head = json.dumps({"source": "", "date": "", "key": "", "infons": {}})
    stream.write(f'{head[:-1]}, "documents": [')
    documents = check_spans(whole_documents(sentences), JSON_NAME)
    for number, document in enumerate(documents, 1):
        stream.write(",\n" if number > 1 else "\n")
        data = {**_rebuilt(document, number)}
        data.setdefault("annotations", [])
        data.setdefault("relations", [])
        stream.write(json.dumps(data, ensure_ascii=False))
    stream.write("\n]}\n")


def write_xml(sentences: Iterable[Sentence], stream: IO[str], scheme: str) -> None:
    """Write a collection in XML."""
    stream.write(
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE collection SYSTEM "BioC.dtd">\n'
    )
    stream.write("<collection><source></source><date></date><key></key>\n")
    documents = check_spans(whole_documents(sentences), XML_NAME)
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
