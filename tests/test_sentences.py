"""Sentences of raw text: no line ends a run, whatever the library does."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import sentencex
from support.paths import GOLDEN

import tagger
from tagger.text.tokenizers import get, names
from tagger.text.tokenizers import sentences as module

# A blank of several bytes before a full stop made sentencex panic, and so did what resembles it.
HOSTILE = [
    "World War I\xa0. It ended.",
    "J\xa0. Smith came.",
    "the U.S\u202f. troops",
    "a Ph.D\u2009. of 1990",
    "Dr\u3000. Lee",
    "I\u2003.",
    "I\u2003!",
    "I\u1680. A\u1680. B\u2007. C",
    "Mr.\xa0\xa0.\xa0.",
    "\xa0.\xa0.\xa0.",
    "A\u205f?\u205f!\u205f.",
    "U.S\x85. B",
    "U.S\u2028. B\u2029. C",
    "I\u200b. I\u2060. I\ufeff.",
    "I\xad. It",
    "I\u0301. \xc9\xa0. It",
    "\ud800. I\ud800\xa0. B",
    "\u0130\xa0. \u01c5\xa0. \xdf\xa0.",
    "\u4e2d\xa0. \u4e2d\u3000\u3002\u4e2d",
    "\U0001f600\xa0. \U0001f1e9\U0001f1ea.\xa0I\xa0.",
    "(I\xa0. [J\u202f. \"K\u2009. 'L\xa0.",
    "...\xa0...\xa0I\xa0...",
    "1\xa0. 2.\xa0I\xa0. No\xa0. 5",
    "e.g\xa0. i.e\u202f. z.\xa0B\xa0. etc\xa0.",
    "\x00I\xa0.\x00 B\x1c. C\x1f. D",
    "I" + "\xa0." * 5_000,
]


class PanicException(BaseException):
    """An exception like that of a panic in Rust."""


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("line", HOSTILE, ids=lambda line: ascii(line[:20]))
def test_hostile_lines_are_tokenized(name: str, line: str) -> None:
    text = f"Before.\n{line}\nAfter."
    tokens = [text[start:end] for sentence in get(name)(text) for start, end in sentence]
    assert "".join(tokens) == "".join(text.split())
    assert "".join(tokens).startswith("Before.")
    assert "".join(tokens).endswith("After.")


def test_wide_blanks_are_blanks() -> None:
    for text in ("It ended. He left.", "World War II. It ended."):
        wide = text.replace(" ", "\xa0")
        assert [list(module.split(wide))] == [list(module.split(text))]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[BaseException]]:
    """Errors that sentencex raises at each line, the last one for ever."""
    errors: list[BaseException] = []

    def fail(language: str, text: str) -> Any:
        raise errors[0]

    monkeypatch.setattr(sentencex, "get_sentence_boundaries", fail)
    module._log_failure.cache_clear()
    yield errors
    module._log_failure.cache_clear()


@pytest.mark.parametrize("error", [PanicException("byte index 4"), ValueError("x"), KeyError(1)])
def test_a_failure_of_the_library_costs_no_line(
    failing: list[BaseException], error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    failing.append(error)
    with caplog.at_level(logging.WARNING, logger="tagger"):
        (first, second), last = (
            [
                [text[start:end] for start, end in sentence]
                for sentence in get("english-conll-2")(text)
            ]
            for text in ("It rained (twice). We left!", "no end")
        )
    assert first == ["It", "rained", "(", "twice", ")", "."]
    assert second == ["We", "left", "!"]
    assert last == [["no", "end"]]
    assert [record.getMessage() for record in caplog.records] == [
        "the library sentencex failed at a line; a plain rule splits such lines into sentences"
    ]


def test_a_model_tags_on_after_a_failure(failing: list[BaseException]) -> None:
    failing.append(PanicException("byte index 4"))
    found = list(tagger.load(GOLDEN).tag("Mira met Leila. Then Mira left."))
    assert [sentence.tokens[-2:] for sentence in found] == [("Leila", "."), ("left", ".")]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_other_exceptions_pass(failing: list[BaseException], error: type[BaseException]) -> None:
    failing.append(error())
    with pytest.raises(error):
        list(module.split("It rained. We left."))


@pytest.mark.parametrize(
    ("line", "ends"),
    [
        ("It rained. We left.", [10]),
        ("Why? Nobody knows!", [4]),
        ("He said (once.) Then he left", [15]),
        ("at 5 p.m. he left", []),
        ("3.5 www.X.org A.B", []),
        ("Wait... What?! No", [7, 14]),
        ("\u4f60\u597d\u3002 \u4f60", []),
        ("", []),
    ],
)
def test_the_plain_rule(line: str, ends: list[int]) -> None:
    assert module._plain_cuts(line) == ends
