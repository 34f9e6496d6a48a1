"""The formats of annotation tools: their test data, and what people write in any script."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tagger.text import formats
from tagger.text.formats import ReadOptions, ReadReport
from tagger.text.spans import Sentence, by_record

DATA = Path(__file__).parent.parent / "data" / "formats"
WITH_TEXT = ("label-studio", "doccano", "prodigy", "spacy-json", "jsonl")
OPTIONS = ReadOptions(tokenizer="unicode")

PIECES = st.sampled_from(
    [
        "Mira Okafor",
        " ",
        "  ",
        ". ",
        "\u00a0",
        "\r\n",
        "\n",
        "\t",
        "\ufeff",
        "\\n",
        "\U0001f600",
        "\U0001f469\u200d\U0001f469\u200d\U0001f467",
        "\U0001f1f3\U0001f1ec",
        "Zu\u0308rich",
        "\u6771\u4eac\u90fd",
        "\U00020bb7\u91ce\u5bb6",
        "\u0627\u0644\u0642\u0627\u0647\u0631\u0629",
        "\u0e01\u0e23\u0e38\u0e07",
        '"',
        "{}",
        "U.S.",
    ]
) | st.text(st.characters(codec="utf-8"), max_size=3)
TEXTS = st.lists(PIECES, max_size=12).map("".join)


def read(content: str, name: str, options: ReadOptions = OPTIONS) -> list[Sentence]:
    """The sentences of a file's content."""
    return list(read_reported(content, name, options)[0])


def read_reported(
    content: str, name: str, options: ReadOptions = OPTIONS, on_error: str = "stop"
) -> tuple[list[Sentence], ReadReport]:
    """The sentences of a file's content, and the report of its reader."""
    report = ReadReport("file", on_error=on_error)
    if options is OPTIONS:  # odd texts fit several units by chance
        options = replace(options, offsets="utf-16" if name == "doccano" else "utf-32")
    lines = enumerate(content.removesuffix("\n").split("\n"), 1)
    found = list(formats.named(name).read(lines, "file", options, report))
    report.finish()
    return found, report


def written(sentences: Iterable[Sentence], name: str, *, predictions: bool = False) -> str:
    """The content of a file with some sentences."""
    stream = io.StringIO(newline="\n")
    formats.write(sentences, stream, name, predictions=predictions)
    return stream.getvalue()


def facts(sentences: Iterable[Sentence]) -> list[tuple[str, list[tuple[int | None, Any, str]]]]:
    """The texts, and the spans of each in code points."""
    return [
        (
            group[0].record.text if group[0].record else "",
            [(x.start_char, x.end_char, x.label) for one in group for x in one.spans or ()],
        )
        for group in by_record(sentences)
    ]


def mentions(sentences: Iterable[Sentence]) -> list[list[tuple[str, str]]]:
    """Surface and label of the spans of each sentence."""
    return [[(span.text, span.label) for span in one.spans or ()] for one in sentences]


def values(content: str) -> list[Any]:
    """The values of a file's content: of its array, or of its lines."""
    if content.startswith("["):
        try:
            return list(json.loads(content))
        except ValueError:
            pass
    return [json.loads(line) for line in content.splitlines()]
