"""UIMA CAS as XMI or JSON (INCEpTION and others), read and written by `dkpro-cassis`, optional.

XMI needs its type system, ``TypeSystem.xml`` beside it; JSON contains it. Spans are the annotations
of one type, by default ``NamedEntity``, with the label in one feature, by default ``value``. The
text is tokenized as any other; written files have tokens and sentences of DKPro Core. Probabilities
are the feature ``score``, which INCEpTION shows if the layer of the project has it, too.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

from tagger.errors import DataError, TaggerError, not_installed
from tagger.files import atomic_write
from tagger.text.alignment import CharacterSpan, sentences_of
from tagger.text.formats.format import Format
from tagger.text.formats.whole import (
    Whole,
    check_spans,
    file_names,
    plain_tags,
    whole_documents,
)
from tagger.text.options import ReadOptions
from tagger.text.report import ReadReport, shown
from tagger.text.spans import Record, Sentence

__all__ = ["FORMAT", "is_type_system"]

_NAME = "cas"
_XMI, _JSON = ".xmi", ".cas.json"
_TYPES = "TypeSystem.xml"
_NAMED_ENTITY = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
_TOKEN = "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Token"
_SENTENCE = "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Sentence"
_ANNOTATION = "uima.tcas.Annotation"
_SCORE = "score"
_FEATURES = ("value", "label", "category", "entity", "type")
_HEAD = 20_000


def _library() -> Any:
    """Import and return cassis; raise TaggerError if it is not installed."""
    try:
        import cassis
    except ImportError as error:
        raise not_installed("files of UIMA CAS need dkpro-cassis", "cas") from error
    return cassis


def is_type_system(path: Path) -> bool:
    """Return whether a file is the type system of CAS XMI in its folder, not a document.

    Args:
        path: Any file.
    """
    return path.name == _TYPES and any(path.parent.glob(f"*{_XMI}"))


def recognizes(lines: Sequence[str]) -> bool:
    """Return whether the first lines look like CAS XMI or CAS JSON.

    Args:
        lines: First lines of a file, without their ends.
    """
    head = "\n".join(lines)[:_HEAD]
    return "<xmi:XMI" in head or bool(re.search(r'"%(?:TYPES|FEATURE_STRUCTURES)"\s*:', head))


def _read(
    lines: Iterable[tuple[int, str]], path: str, options: ReadOptions, report: ReadReport
) -> Iterator[Sentence]:
    """Yield the sentences of a document."""
    cassis = _library()
    content = "\n".join(line for _, line in lines)
    report.layout = "UIMA CAS"
    cas = _loaded(cassis, content, path)
    text = cas.sofa_string or ""
    chosen = _type(cas, options, path) if options.annotated else None
    spans = None if chosen is None else list(_spans(cas, chosen, options, path, report))
    if options.annotated and spans is None:
        spans = []
    if chosen is not None:
        _note_others(cas, chosen, report)
    name = Path(path).name.removesuffix(_JSON).removesuffix(_XMI)
    record = Record(path, 0, data={}, format=_NAME, id=name)
    yield from sentences_of(text, spans, record, options, report)


def _loaded(cassis: Any, content: str, path: str) -> Any:
    """Return the CAS of a file."""
    try:
        if content.lstrip().startswith("{"):
            return cassis.load_cas_from_json(io.BytesIO(content.encode()))
        types = Path(path).with_name(_TYPES)
        if re.search(r"<!(?:DOCTYPE|ENTITY)", content):
            raise DataError(path, None, "declares a document type, which XMI does not need")
        if not types.is_file():
            message = f"CAS XMI needs its type system: there is no file {types}; export it, too"
            raise DataError(path, None, message)
        with types.open("rb") as stream:
            system = cassis.load_typesystem(stream)
        return cassis.load_cas_from_xmi(io.BytesIO(content.encode()), system, lenient=True)
    except TaggerError:
        raise
    except Exception as error:  # of lxml, json or cassis
        line = getattr(error, "lineno", None)
        raise DataError(path, line, f"cannot be read by dkpro-cassis: {error}") from error


def _type(cas: Any, options: ReadOptions, path: str) -> str | None:
    """Return the name of the type of the spans; None if there are no annotations."""
    counts: dict[str, int] = {}
    for one in cas.select(_ANNOTATION):
        name = one.type.name
        if not _is_structure(name):
            counts[name] = counts.get(name, 0) + 1
    listed = ", ".join(f"{name.rpartition('.')[2]} ({n})" for name, n in counts.items()) or "none"
    if options.layer:
        known = {one.name for one in cas.typesystem.get_types()}
        fitting = [n for n in known if options.layer in (n, n.rpartition(".")[2])]
        if not fitting:
            message = f"has no type {shown(options.layer)}; found the annotations {listed}"
            raise DataError(path, None, message)
        return str(min(fitting))
    if _NAMED_ENTITY in counts:
        return _NAMED_ENTITY
    with_label = [name for name in counts if _feature(cas, name, options, path, is_needed=False)]
    if len(with_label) > 1:
        message = f"has several types of annotations; choose one with --layer: {listed}"
        raise DataError(path, None, message)
    return with_label[0] if with_label else None


def _feature(cas: Any, type_name: str, options: ReadOptions, path: str, *, is_needed: bool) -> str:
    """Return the feature of a type with the labels, or ""."""
    names = [one.name for one in cas.typesystem.get_type(type_name).all_features]
    if options.feature in names:
        return options.feature
    found = next((name for name in _FEATURES if name in names and not options.feature), "")
    if not found and is_needed:
        message = f"the type {type_name.rpartition('.')[2]} has no feature with labels; choose one"
        raise DataError(path, None, f"{message} with --feature: {', '.join(names)}")
    return found


def _spans(
    cas: Any, type_name: str, options: ReadOptions, path: str, report: ReadReport
) -> Iterator[CharacterSpan]:
    """Yield the annotations of a type as spans."""
    feature = _feature(cas, type_name, options, path, is_needed=True)
    for one in cas.select(type_name):
        label = getattr(one, feature, None)
        if not label:
            report.note("annotations without a value are not read", None, one.get_covered_text())
        else:
            score = getattr(one, _SCORE, None)
            yield CharacterSpan(
                one.begin,
                one.end,
                str(label),
                float(score) if isinstance(score, int | float) else None,
                id=str(one.xmiID or ""),
            )


def _note_others(cas: Any, chosen: str, report: ReadReport) -> None:
    """Note the annotations of other types than the one that is read."""
    for one in cas.select(_ANNOTATION):
        name = one.type.name
        if name != chosen and not _is_structure(name):
            report.note("annotations of other types are not read", None, name.rpartition(".")[2])


def _is_structure(name: str) -> bool:
    """Return whether annotations of a type are not annotation by people."""
    return name.startswith("uima.") or name in (_TOKEN, _SENTENCE) or "DocumentMetaData" in name


def _save(sentences: Iterable[Sentence], path: Path, scheme: str) -> None:
    """Write a document to a file, or several to a folder; XMI with its type system."""
    documents = check_spans(whole_documents(sentences), _NAME)
    suffix = _JSON if path.name.endswith(_JSON) else _XMI
    if path.name.endswith(suffix) and not path.is_dir():
        first = list(islice(documents, 2))
        if len(first) == 1:
            _save_one(first[0], path, suffix)
            return
        documents = chain(first, documents)
        path = path.with_name(path.name.removesuffix(suffix))
    for name, document in file_names(documents, suffix):
        _save_one(document, path / name, suffix)


def _save_one(document: Whole, path: Path, suffix: str) -> None:
    """Write the file of a document."""
    cassis = _library()
    system = cassis.load_dkpro_core_typesystem()
    cas = cassis.Cas(typesystem=system)
    cas.sofa_string = document.text
    cas.sofa_mime = "text/plain"
    token, sentence, entity = (system.get_type(name) for name in (_TOKEN, _SENTENCE, _NAMED_ENTITY))
    for offsets in document.offsets:
        if offsets:
            cas.add(sentence(begin=offsets[0][0], end=offsets[-1][1]))
            cas.add_all([token(begin=start, end=end) for start, end in offsets])
    # The documents of a folder share their type system, whichever of them have scores.
    if suffix == _XMI or any(span.score is not None for span in document.spans):
        system.create_feature(entity, _SCORE, "uima.cas.Float")
    for span in document.spans:
        scored = {} if span.score is None else {_SCORE: round(span.score, 6)}
        cas.add(entity(begin=span.start, end=span.end, value=span.label, **scored))
    content = cas.to_json() if suffix == _JSON else cas.to_xmi()
    with atomic_write(path) as stream:
        stream.write(content)
    if suffix == _XMI:
        with atomic_write(path.with_name(_TYPES)) as stream:
            stream.write(system.to_xml())


def _write(sentences: Iterable[Sentence], stream: IO[str], scheme: str) -> None:
    """Refuse to write several files to a stream."""
    raise TaggerError("UIMA CAS has a file per document; write it to a file or folder")


FORMAT = Format(
    _NAME,
    (_XMI, _JSON),
    recognizes,
    _read,
    _write,
    has_scores=True,
    refuses=lambda sentence: plain_tags(sentence, _NAME),
    suffix_means="new files",
    save=_save,
    has_folders=True,
    takes_records=True,
)
