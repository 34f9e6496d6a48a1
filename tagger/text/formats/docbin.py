"""spaCy's DocBin (.spacy): tokenized documents, read and written by spaCy, which is optional.

Spans are the entities of the documents, or one of their span groups. Tokens of blanks alone, which
spaCy has, are not tokens here; the text is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from tagger.errors import DataError, TaggerError, not_installed
from tagger.files import atomic_write
from tagger.text.alignment import CharacterSpan, sentences_with
from tagger.text.formats.format import Format
from tagger.text.formats.whole import Whole, check_spans, plain_tags, whole_documents
from tagger.text.locating import located
from tagger.text.opening import binary
from tagger.text.options import ReadOptions
from tagger.text.report import ReadReport, shown
from tagger.text.spans import Record, Sentence
from tagger.text.tokenizers import Offsets
from tagger.text.units import CODE_POINTS

__all__ = ["FORMAT"]

_NAME = "spacy"
_SCORED = "sc"
"""The span group with the probabilities of predicted spans, as spaCy's span categorizer has it."""


def _library() -> Any:
    """Import and return spaCy; raise TaggerError if it is not installed."""
    try:
        import spacy
        import spacy.tokens
    except ImportError as error:
        raise not_installed("files of spaCy (.spacy) need spaCy", "spacy") from error
    return spacy


def _load(path: str, options: ReadOptions, report: ReadReport) -> Iterator[Sentence]:
    """Yield the sentences of the documents of a DocBin; those of a document share a record."""
    spacy = _library()
    report.layout = "spaCy DocBin"
    try:
        docs = spacy.tokens.DocBin().from_bytes(Path(path).read_bytes())
        documents = list(docs.get_docs(spacy.blank("xx").vocab))
    except Exception as error:  # of zlib, msgpack or spaCy
        raise DataError(path, None, f"cannot be read by spaCy: {error}") from error
    for number, doc in enumerate(documents, 1):
        name = str(doc.user_data.get("id", "")) or str(number)
        record = Record(
            path, 0, doc.text, data={"document": name}, format=_NAME, id=name, is_tokenized=True
        )
        reading = replace(options, offsets=CODE_POINTS)
        spans = _spans(doc, options, path, name) if options.annotated else None
        usable = None if spans is None else located(spans, record, reading, report)
        yield from sentences_with(usable, record, reading, report, _tokens(doc))


def _spans(doc: Any, options: ReadOptions, path: str, name: str) -> list[CharacterSpan]:
    """Return the entities of a document, or the spans of a group."""
    groups = [key for key in doc.spans if key != _SCORED]
    if options.layer and options.layer not in doc.spans:
        found = ", ".join(doc.spans) or "none"
        message = f"document {shown(name)} has no span group {shown(options.layer)}; found {found}"
        raise DataError(path, None, message)
    if not options.layer and not doc.ents and len(groups) > 1:
        message = f"document {shown(name)} has no entities, but several span groups; choose one"
        raise DataError(path, None, f"{message} with --layer: {', '.join(groups)}")
    group = options.layer or (groups[0] if groups and not doc.ents else "")
    scored = doc.spans.get(_SCORED, ())
    values = getattr(scored, "attrs", {}).get("scores", ())
    scores = {
        (span.start, span.end, span.label_): float(value)
        for span, value in zip(scored, values, strict=False)
    }
    return [
        CharacterSpan(
            span.start_char,
            span.end_char,
            span.label_,
            scores.get((span.start, span.end, span.label_)),
            span.text,
        )
        for span in (doc.spans[group] if group else doc.ents)
    ]


def _tokens(doc: Any) -> Iterator[list[Offsets]]:
    """Yield the offsets of the tokens of each sentence of a document."""
    starts_of_sentences = doc.has_annotation("SENT_START")
    block: list[Offsets] = []
    for token in doc:
        if starts_of_sentences and token.is_sent_start and block:
            yield block
            block = []
        if token.text.strip():
            block.append((token.idx, token.idx + len(token.text)))
    if block:
        yield block


def _save(sentences: Iterable[Sentence], path: Path, scheme: str) -> None:
    """Write documents to a DocBin."""
    spacy = _library()
    attributes = ["ORTH", "SPACY", "ENT_IOB", "ENT_TYPE", "SENT_START"]
    docs = spacy.tokens.DocBin(attrs=attributes, store_user_data=True)
    vocab = spacy.blank("xx").vocab
    for number, document in enumerate(check_spans(whole_documents(sentences), _NAME), 1):
        docs.add(_doc(spacy, vocab, document, document.id or str(number)))
    with atomic_write(path, "wb") as stream:
        stream.write(docs.to_bytes())


def _doc(spacy: Any, vocab: Any, document: Whole, name: str) -> Any:
    """Return a document of spaCy; blanks other than single ones between tokens become tokens."""
    words: list[str] = []
    spaces: list[bool] = []
    starts: list[bool] = []
    position = 0
    for own in document.offsets:
        for index, (start, end) in enumerate(own):
            if start < position:
                path = document.record.path if document.record else "output"
                message = f"tokens overlap at {shown(document.text[start:end])}"
                raise DataError(path, None, f"{message}, which spaCy cannot represent")
            _add_blanks(document.text[position:start], words, spaces, starts)
            words.append(document.text[start:end])
            spaces.append(False)
            starts.append(index == 0)
            position = end
    _add_blanks(document.text[position:], words, spaces, starts)
    doc = spacy.tokens.Doc(vocab, words=words, spaces=spaces, sent_starts=starts)
    assert doc.text == document.text
    spans = [doc.char_span(span.start, span.end, span.label) for span in document.spans]
    doc.set_ents(spans, default="outside")
    scores = [span.score for span in document.spans]
    if scores and None not in scores:
        doc.spans[_SCORED] = spacy.tokens.SpanGroup(
            doc, name=_SCORED, spans=spans, attrs={"scores": scores}
        )
    doc.user_data["id"] = name
    return doc


def _add_blanks(text: str, words: list[str], spaces: list[bool], starts: list[bool]) -> None:
    """Add what stands between two tokens: a blank after the first, and the rest as a token."""
    if text.startswith(" ") and words:
        spaces[-1] = True
        text = text[1:]
    if text:
        words.append(text)
        spaces.append(False)
        starts.append(False)


def _write(sentences: Iterable[Sentence], stream: IO[str], scheme: str) -> None:
    """Refuse to write bytes to a stream of text."""
    raise TaggerError("files of spaCy are not text; write them to a file")


def _read(
    lines: Iterable[tuple[int, str]], path: str, options: ReadOptions, report: ReadReport
) -> Iterator[Sentence]:
    """Refuse lines of text."""
    raise DataError(path, None, "is text, not a file of spaCy (.spacy)")


FORMAT = Format(
    _NAME,
    (".spacy",),
    lambda lines: False,
    _read,
    _write,
    has_scores=True,
    refuses=lambda sentence: plain_tags(sentence, _NAME),
    suffix_means="new files",
    kinds=(binary.DOCBIN,),
    load=_load,
    save=_save,
    takes_records=True,
    common_keys=frozenset({"document"}),
)
