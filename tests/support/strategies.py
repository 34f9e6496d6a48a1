"""Hypothesis strategies for what people have: odd labels, spans that touch, tokens in any script,
texts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from tagger.features.normalization import normalize
from tagger.features.vectors import Vectors
from tagger.text.formats.layouts import INVISIBLE
from tagger.text.spans import Sentence, Span

# A first call may import a library, and trainings may run beside the tests: time says nothing about
# an example.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# What a careless reader would split, strip or normalize: separators and blanks of Unicode, marks,
# and what columns mean.
ODD_TOKENS = (
    "#",
    "##",
    "#tag",
    "O",
    "B-PER",
    "-",
    "--",
    '"',
    "\\",
    "{}",
    "[PER",
    "a\u00a0b",
    "\u2028",
    "x\u2029",
    "\x0b",
    "\x0c",
    "\x1c",
    "\x1f",
    "\x85",
    "\u3000",
    "\u200b",
    "e\u0301",
    "\u00e9",
    "\u0301",
    "\ufeff",
    "\U0001f469\u200d\U0001f680",
    "\u0130",
    "\u202e",
    "\0",
)
_CHARACTERS = st.characters(codec="utf-8", exclude_characters=" \t\r\n")

LABELS = st.sampled_from(
    ["PER", "GPE-CITY", "-", "-X", "O", "B", "I-PER", "\u00fc", "a\u00a0b", "{}", "1"]
) | st.text(_CHARACTERS, min_size=1, max_size=4).filter(
    lambda label: label == label.strip(INVISIBLE) and not re.search("[|,;+&/ ]", label)
)
PART_OF_SPEECH = st.sampled_from(["NN", "NNP", ".", "``", "PRP$", "X-Y", "#"])
TOKENS = (
    st.sampled_from(["the", "Anna", "Rome", "."])
    | st.sampled_from(ODD_TOKENS)
    | st.text(_CHARACTERS, min_size=1, max_size=4)
)
COLUMN_TOKENS = TOKENS.filter(lambda token: not token.startswith(("-DOCSTART-", "\ufeff")))
"""Tokens that columns can hold: a mark of documents would be read as such, U+FEFF at the start of a
file as its signature.
"""
TEXTS = st.lists(
    st.sampled_from(
        [
            "Anna",
            "saw",
            "Rome",
            ".",
            ". ",
            " ",
            "  ",
            "\u00a0",
            "U.S.",
            "don't",
            "\u2028",
            "\x0c",
            "\U0001f600",
        ]
    )
    | st.text(_CHARACTERS, max_size=3),
    max_size=20,
).map("".join)
"""Texts of one line: neither \\r nor \\n."""


@st.composite
def span_lists(draw: st.DrawFn, length: int, *, separable: bool = True) -> list[Span]:
    """Spans of a sentence without overlap. Neighbours of one label that touch are common, unless
    not `separable`.
    """
    few = draw(st.lists(LABELS, min_size=1, max_size=2))
    spans: list[Span] = []
    start = 0
    while start < length:
        end = draw(st.integers(start + 1, min(start + 3, length)))
        label = draw(st.sampled_from(["", *few, *few]))
        touches = bool(spans) and spans[-1].end == start and spans[-1].label == label
        if label and (separable or not touches):
            spans.append(Span(start, end, label))
        start = end
    return spans


@st.composite
def sentences(
    draw: st.DrawFn,
    tokens: st.SearchStrategy[str] = TOKENS,
    *,
    min_size: int = 0,
    separable: bool = True,
) -> Sentence:
    """Sentences with spans, one-token and (if `min_size` is 0) empty ones among them."""
    words = tuple(draw(st.lists(tokens, min_size=min_size, max_size=8)))
    return Sentence(words).with_spans(draw(span_lists(len(words), separable=separable)))


@st.composite
def plain_sentences(
    draw: st.DrawFn, tokens: st.SearchStrategy[str] = TOKENS, *, min_size: int = 0
) -> Sentence:
    """Sentences with a plain tag a token."""
    rows = draw(st.lists(st.tuples(tokens, PART_OF_SPEECH), min_size=min_size, max_size=8))
    return Sentence(tuple(token for token, _ in rows), tags=tuple(tag for _, tag in rows))


# NumPy's strings drop NULs at their end; U+FEFF at the start of a file is its signature.
VECTOR_WORDS = TOKENS.map(lambda word: word.rstrip("\0")).filter(
    lambda word: word and word[0] != "\ufeff" and word == normalize(word)
)


@st.composite
def vector_tables(draw: st.DrawFn) -> Vectors:
    """Any words with any bits, but for one of the exponent: no nan or inf, nothing beyond
    float16.
    """
    words = draw(st.lists(VECTOR_WORDS, min_size=1, max_size=6, unique=True))
    random = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    bits = random.integers(0, 1 << 32, size=(len(words), draw(st.integers(4, 6))), dtype=np.uint32)
    return Vectors(words, (bits & 0xBFFFFFFF).view(np.float32))


def vectors_by_number(
    words: Sequence[str], dimension: int = 2, dtype: type = np.float32
) -> Vectors:
    """Word i has the vector (i + 1, i + 1 + 1/2, ...)."""
    table = 1 + np.arange(len(words))[:, None] + np.arange(dimension)[None] / dimension
    return Vectors(list(words), table.astype(dtype))
