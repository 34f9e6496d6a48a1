"""What two formats can both hold is the same after it went from one to the other and back."""

from __future__ import annotations

import itertools
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import support.strategies  # noqa: F401  # its settings
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tagger.text import formats, schemes
from tagger.text.alignment import CharacterSpan, sentences_of
from tagger.text.documents import begins_document
from tagger.text.formats.whole import whole_documents
from tagger.text.options import ReadOptions
from tagger.text.report import ReadReport
from tagger.text.spans import Record, Sentence

OPTIONS = ReadOptions(tokenizer="whitespace", offsets="utf-32")
WORDS = st.sampled_from(
    [
        *("Mira", "Okafor", "left", "Hull.", "\U0001f6a2", "\U0001f469\u200d\U0001f680", "e\u0301"),
        *("\u0301", "a\u00a0b", "東京", "مرحبا", "#", "_", "*", "|", "->", "\\", "\\n", "[1]", ";"),
        *('"', "1,200", "&amp;", "<b>", "O", "B-PER", "'", "\u200b", "T1", "\ufeffx", "a|t|b"),
    ]
)
BLANKS = st.sampled_from([" ", " ", " ", "  ", "\n", "\r\n", "\t", " \n\n", "\u00a0 ", "\u2028"])
LABELS = st.sampled_from(["PER", "LOC", "GPE-CITY", "ü", "a_b", "x|y", "*", "_", "[2]", "<&>"])
SCORES = st.none() | st.sampled_from([0.0, 0.25, 0.987654, 1.0])

Facts = list[tuple[str, list[tuple[int, int, str, float | None]]]]


@st.composite
def texts(draw: st.DrawFn, blanks: st.SearchStrategy[str] = BLANKS) -> Facts:
    """Documents: each a text and its spans."""
    documents: Facts = []
    with_scores = draw(st.booleans())
    for number in range(draw(st.integers(1, 3))):
        words = draw(st.lists(WORDS, min_size=1, max_size=6))
        text, starts = f"{number}", []
        for word in words:
            text += draw(blanks)
            starts.append(len(text))
            text += word
        spans, index = [], 0
        while index < len(words):
            end = draw(st.integers(index + 1, min(index + 3, len(words))))
            if draw(st.booleans()):
                score = draw(SCORES.filter(lambda s: (s is not None) is with_scores))
                stop = starts[end - 1] + len(words[end - 1])
                spans.append((starts[index], stop, draw(LABELS), score))
            index = end
        documents.append((text, spans))
    return documents


def sentences_from(facts: Facts) -> list[Sentence]:
    """The facts as a reader of texts returns them."""
    report = ReadReport()
    found = [
        sentence
        for number, (text, spans) in enumerate(facts, 1)
        for sentence in sentences_of(
            text,
            [CharacterSpan(*span) for span in spans],
            Record("a", number, data={}, format="facts", id=f"d{number}"),
            OPTIONS,
            report,
        )
    ]
    report.finish()
    return found


def facts_of(sentences: list[Sentence]) -> Facts:
    """The texts and spans of documents."""
    return [
        (one.text, [(s.start, s.end, s.label, s.score) for s in one.spans])
        for one in whole_documents(sentences)
    ]


def through(sentences: list[Sentence], format_name: str) -> list[Sentence]:
    """Sentences after they were written and read in a format."""
    suffix = formats.named(format_name).suffixes[0]
    predictions = any(span.score is not None for s in sentences for span in s.spans or ())
    options = replace(OPTIONS, offsets="utf-16") if format_name == "doccano" else OPTIONS
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"f{suffix}"
        formats.save(iter(sentences), path, format_name, predictions=predictions)
        report = ReadReport()
        read = [
            sentence
            for file in formats.files_of(folder)
            if Path(file).name != "TypeSystem.xml"
            for sentence in formats.read(file, format_name, options, report=report)
        ]
    return [sentence for sentence in read if len(sentence)]


def without_scores(facts: Facts) -> Facts:
    return [(text, [(a, b, c, None) for a, b, c, _ in spans]) for text, spans in facts]


TEXT_FORMATS = ["brat", "bioc", "bioc-json", "csv", *(["spacy"] if find_spec("spacy") else [])]
# A table of tokens that another tokenizer found has no text.
PAIRS = [pair for pair in itertools.permutations(TEXT_FORMATS, 2) if {*pair} != {"spacy", "csv"}]
FIRST: Facts = [
    ("0 \U0001f469\u200d\U0001f680 x\r\n\u00a0 東京", [(2, 5, "PER", None), (11, 13, "LOC", None)])
]


@pytest.mark.parametrize(("first", "second"), PAIRS)
@settings(max_examples=25)
@given(facts=texts())
@example(facts=FIRST)
def test_texts_and_spans_survive(first: str, second: str, facts: Facts) -> None:
    once = through(sentences_from(facts), first)
    assert facts_of(once) == facts
    assert facts_of(through(once, second)) == facts
    assert facts_of(through(through(once, second), first)) == facts


JSON_FORMATS = ["label-studio", "doccano", "prodigy", "spacy-json", "jsonl"]
# Each way between the files of tools and the JSON of tools; those of JSON among each other are in
# test_tool_formats.py. What spaCy divides into tokens has no text as JSON Lines.
CROSS = [
    pair
    for pair in itertools.product([*TEXT_FORMATS, "pubtator"], JSON_FORMATS)
    if pair != ("spacy", "jsonl")
]


@pytest.mark.parametrize(("first", "second"), [*CROSS, *(pair[::-1] for pair in CROSS)])
@settings(max_examples=8)
@given(data=st.data())
def test_texts_and_spans_survive_between_files_and_json(
    first: str, second: str, data: st.DataObject
) -> None:
    facts = data.draw(texts(st.just(" ")) if "pubtator" in (first, second) else texts())
    if not all(formats.named(name).has_scores for name in (first, second)):
        facts = without_scores(facts)
    once = through(sentences_from(facts), first)
    assert facts_of(once) == facts
    assert facts_of(through(once, second)) == facts
    assert facts_of(through(through(once, second), first)) == facts


@pytest.mark.parametrize("other", TEXT_FORMATS)
@given(facts=texts(st.just(" ")))
def test_pubtator_holds_texts_of_one_line(other: str, facts: Facts) -> None:
    facts = without_scores(facts)
    assert facts_of(through(through(sentences_from(facts), "pubtator"), other)) == facts
    assert facts_of(through(through(sentences_from(facts), other), "pubtator")) == facts


@pytest.mark.skipif(not find_spec("cassis"), reason="dkpro-cassis is not installed")
@pytest.mark.parametrize("suffix", [".xmi", ".cas.json"])
@pytest.mark.parametrize("other", ["", *TEXT_FORMATS, *JSON_FORMATS])
@settings(max_examples=8)
@given(facts=texts(st.sampled_from([" ", "\n", "  "])))
def test_cas_holds_texts(suffix: str, other: str, facts: Facts) -> None:
    facts = facts[:1]
    if other and not formats.named(other).has_scores:
        facts = without_scores(facts)
    sentences = sentences_from(facts)
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"a{suffix}"
        formats.save(iter(through(sentences, other) if other else sentences), path, "cas")
        found = list(formats.read(path, options=OPTIONS))
    assert facts_of(found) == facts
    if other:
        assert facts_of(through(found, other)) == facts


def tokens_of(sentences: list[Sentence]) -> list[Any]:
    """The sentences of each document: their tokens and spans."""
    found: list[Any] = []
    previous = None
    for sentence in sentences:
        if previous is None or begins_document(sentence, previous):
            found.append([])
        previous = sentence
        spans = sentence.spans
        if spans is None:
            spans = tuple(schemes.decode(sentence.tags or (), "IOB2"))
        found[-1].append((sentence.tokens, [(s.start, s.end, s.label) for s in spans]))
    return found


TOKEN_FORMATS = ["conllu", "csv"]


def decoded(sentences: list[Sentence]) -> list[Sentence]:
    """Sentences with the spans that their tags encode."""
    return [s.with_spans(schemes.decode(s.tags or (), "IOB2")) for s in sentences]


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(TOKEN_FORMATS, 2)))
@given(facts=texts())
def test_tokens_sentences_and_documents_survive(first: str, second: str, facts: Facts) -> None:
    labels = [label for _, spans in facts for _, _, label, _ in spans]
    if any("|" in label or label in "_*" for label in labels):
        return
    as_tokens = [
        Sentence(s.tokens, s.spans, record=Record("a", 1, data={"document": s.record.id}))
        for s in sentences_from(facts)
        if s.record is not None
    ]
    once = decoded(through(as_tokens, first))
    assert tokens_of(once) == tokens_of(as_tokens)
    assert tokens_of(decoded(through(once, second))) == tokens_of(as_tokens)


@given(facts=texts())
@example(facts=FIRST)
def test_conllu_keeps_text(facts: Facts) -> None:
    labels = [label for _, spans in facts for _, _, label, _ in spans]
    if any("|" in label or label in "_*" for label in labels):
        return
    assert facts_of(decoded(through(sentences_from(facts), "conllu"))) == without_scores(facts)


@given(facts=texts())
@example(facts=FIRST)
def test_webanno_keeps_the_tokens_and_spans_of_a_document(facts: Facts) -> None:
    sentences = sentences_from(facts[:1])
    once = through(sentences, "webanno")
    assert tokens_of(once) == tokens_of(sentences)
    assert [span.score for s in once for span in s.spans or ()] == [
        span.score for s in sentences for span in s.spans or ()
    ]
    assert tokens_of(through(once, "webanno")) == tokens_of(sentences)
    assert len(facts_of(once)[0][0]) == len(facts[0][0])
