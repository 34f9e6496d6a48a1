"""HTML pages that show a text with its spans in colors; written, not read.

    <mark style="…" data-label="PER" title="PER 0.98">Teddy Roosevelt</mark> was a great President.

A page is self-contained: it needs no other file and no script. A line stands between documents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import IO

from tagger.errors import DataError
from tagger.text.colors import LabelColors
from tagger.text.documents import begins_document
from tagger.text.formats.format import Format
from tagger.text.formats.whole import text_of
from tagger.text.options import ReadOptions
from tagger.text.report import ReadReport
from tagger.text.schemes import OUTSIDE
from tagger.text.spans import Sentence, by_record

__all__ = ["FORMAT", "write"]

_HEAD = """\
<!doctype html>
<html>
<head>
<meta charset="utf-8">
<title>{}</title>
<style>
body {{ margin: 2em auto; max-width: 50em; padding: 0 1em; font: 1em/1.7 sans-serif }}
p {{ margin: 0; min-height: 1.7em; white-space: pre-wrap; overflow-wrap: break-word }}
mark {{ border-radius: .2em; padding: .1em .2em; color: black }}
mark::after {{ content: " " attr(data-label); font-size: .65em; font-weight: bold }}
</style>
</head>
<body>
"""
_FOOT = "</body>\n</html>\n"


_STEP = 150  # degrees between the hues of consecutive colors; `COLORS` of them all differ


def write(sentences: Iterable[Sentence], stream: IO[str], scheme: str) -> None:
    """Write a page with a paragraph per record; see `Format.write`."""
    colors, previous = LabelColors(), None
    for group in by_record(sentences):
        first = group[0]
        if previous is None:
            stream.write(_HEAD.format(escape(_title(first))))
        elif begins_document(first, previous):
            stream.write("<hr>\n")
        previous = group[-1]
        stream.write(f"<p>{_marked(group, colors)}</p>\n")
    stream.write(_FOOT if previous is not None else _HEAD.format("") + _FOOT)


def _title(sentence: Sentence) -> str:
    """Return the name of the file of a sentence; "" if it is unknown."""
    return Path(sentence.record.path).name if sentence.record is not None else ""


def _marked(group: Sequence[Sentence], colors: LabelColors) -> str:
    """Return the text of one record as HTML."""
    text, offsets = text_of(group)
    pieces, written = [], 0
    for sentence, places in zip(group, offsets, strict=True):
        for first, last, label, score in _marks(sentence):
            start, end = places[first][0], places[last][1]
            title = label if score is None else f"{label} {score:.2f}"
            pieces += [
                _escaped(text[written:start]),
                f'<mark style="background: hsl({colors.number(label) * _STEP % 360} 85% 82%)" '
                f'data-label="{_escaped(label)}" title="{_escaped(title)}">',
                _escaped(text[start:end]),
                "</mark>",
            ]
            written = end
    return "".join([*pieces, _escaped(text[written:])])


def _marks(sentence: Sentence) -> Iterator[tuple[int, int, str, float | None]]:
    """Yield first and last token, label and score of each span, or of each token with a tag."""
    if sentence.spans is not None:
        for span in sentence.spans:
            yield span.start, span.end - 1, span.label, span.score
    else:
        for index, tag in enumerate(sentence.tags or ()):
            if tag != OUTSIDE:
                yield index, index, tag, None


def _escaped(text: str) -> str:
    """Escape a text; carriage returns, too, which parsers of HTML would replace."""
    return escape(text).replace("\r", "&#13;")


def _read(
    lines: Iterable[tuple[int, str]], path: str, options: ReadOptions, report: ReadReport
) -> Iterator[Sentence]:
    """Raise DataError: HTML is not read; see `Format.read`."""
    raise DataError(path, None, "HTML is written, not read; extract its text first")


FORMAT = Format(
    "html",
    (".html", ".htm"),
    lambda lines: False,
    _read,
    write,
    has_annotations=False,
    has_scores=True,
    suffix_means="new files",
)
