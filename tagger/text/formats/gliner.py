"""Training data of GLiNER: tokens, and spans of token indices whose end is inclusive.

    {"tokenized_text": ["Anna", "Lee", "sang"], "ner": [[0, 1, "person"]]}

The objects are the elements of an array or stand on a line each. Other keys, such as ``relations``
and ``ner_negatives``, are kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

from tagger.text.fitting import without_overlaps
from tagger.text.formats.character_spans import is_list_of_spans
from tagger.text.formats.format import Format
from tagger.text.formats.json_documents import Item, looks_like
from tagger.text.formats.json_records import common_data, name_of, read_items, unread, write_array
from tagger.text.options import ReadOptions
from tagger.text.report import ReadReport, shown
from tagger.text.spans import Record, Sentence, Span

__all__ = ["FORMAT"]


def recognizes(lines: Sequence[str]) -> bool:
    """Return whether the values at the beginning of a file are examples of GLiNER."""
    return looks_like(lines, lambda value: isinstance(value, dict) and "tokenized_text" in value)


def read(
    lines: Iterable[tuple[int, str]], path: str, options: ReadOptions, report: ReadReport
) -> Iterator[Sentence]:
    """Yield the sentences; see `Format.read`."""
    report.layout = "JSON of GLiNER"

    def parse(item: Item) -> Iterator[Sentence]:
        data = item.value if isinstance(item.value, dict) else {}
        tokens = data.get("tokenized_text")
        if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
            raise ValueError('expected an object whose "tokenized_text" is a list of strings')
        record = Record(path, item.line, data=data, format=FORMAT.name, id=name_of(data))
        sentence = Sentence(tuple(tokens), record=record)
        if options.annotated:
            spans = without_overlaps(_spans(data, tokens), tokens, record, options, report)
            sentence = sentence.with_spans(spans)
        yield sentence

    return read_items(lines, path, report, parse)


def _spans(data: dict[str, Any], tokens: Sequence[str]) -> list[Span]:
    """Return the spans of an example."""
    values = data.get("ner")
    if not is_list_of_spans(values):
        raise ValueError('expected "ner" with a list of [first token, last token, label]')
    found = []
    for start, end, label, *_ in values or ():
        if type(end) is not int or not isinstance(label, str) or not label:
            raise ValueError(
                'expected [first token, last token, label] in "ner", found '
                f"{json.dumps([start, end, label], ensure_ascii=False)[:80]}"
            )
        if not 0 <= start <= end < len(tokens):
            raise ValueError(
                f"the span {start}-{end} ({shown(label, 30)}) does not fit the {len(tokens):,} "
                "tokens; GLiNER counts tokens from 0, and the second number is the last token of "
                "the span"
            )
        found.append(Span(start, end + 1, label))
    return found


def write(sentences: Iterable[Sentence], stream: IO[str], scheme: str) -> None:
    """Write an array of examples; see `Format.write`."""
    write_array(_examples(sentences), stream)


def _examples(sentences: Iterable[Sentence]) -> Iterator[dict[str, Any]]:
    """Yield the example of each sentence."""
    for sentence in sentences:
        record = sentence.record
        if record is not None and record.lines and not len(sentence):
            yield from unread(record)
            continue
        is_own = record is not None and record.format == FORMAT.name and record.data is not None
        data = dict(record.data or {}) if record and is_own else common_data(record)
        data["tokenized_text"] = list(sentence.tokens)
        if sentence.spans is not None:
            data["ner"] = [[one.start, one.end - 1, one.label] for one in sentence.spans]
        yield data


FORMAT = Format(
    "gliner",
    (".json", ".jsonl"),
    recognizes,
    read,
    write,
    suffix_means="nothing",
    keeps_text=False,
    common_keys=frozenset({"id", "tokenized_text", "ner"}),
)
