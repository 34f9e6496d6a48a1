"""The sample corpus is what its README says: counts, examples, splits that share nothing, and no
sentence from a template.
"""

from __future__ import annotations

import io
import itertools
import re
from collections import Counter

import pytest
from support.paths import SAMPLE

from tagger.text import annotation, formats, schemes
from tagger.text.formats import ReadOptions
from tagger.text.spans import Sentence, Span

SPLITS = ("train", "dev", "test")
LABELS = ("PER", "ORG", "LOC", "MISC")
SHORT = 5
"""Sentences of so few tokens (scores, names under a letter, "Thank you .") may well come twice."""


@pytest.fixture(scope="module")
def corpus() -> dict[str, list[Sentence]]:
    return {
        split: annotation.read(SAMPLE / f"{split}.conll", ReadOptions(), "IOB2").sentences
        for split in SPLITS
    }


@pytest.fixture(scope="module")
def sentences(corpus: dict[str, list[Sentence]]) -> list[Sentence]:
    return [sentence for split in SPLITS for sentence in corpus[split]]


@pytest.fixture(scope="module")
def readme() -> str:
    return (SAMPLE / "README.md").read_text(encoding="utf-8")


def spans(sentence: Sentence) -> tuple[Span, ...]:
    return sentence.spans or ()


def bracketed(sentence: Sentence) -> str:
    stream = io.StringIO()
    formats.write([sentence], stream, "text")
    return stream.getvalue().rstrip("\n")


def skeleton(sentence: Sentence) -> tuple[str, ...]:
    """What a template would leave: words in lower case, a label for each name, 0 for whatever has a
    digit.
    """
    words = ["0" if any(map(str.isdigit, token)) else token.lower() for token in sentence.tokens]
    for span in reversed(spans(sentence)):
        words[span.start : span.end] = [f"<{span.label}>"]
    return tuple(words)


@pytest.mark.parametrize("split", SPLITS)
def test_every_line_is_a_token_and_a_tag_of_the_four_labels(split: str) -> None:
    text = (SAMPLE / f"{split}.conll").read_bytes().decode("utf-8")
    assert text.endswith("\n\n")
    assert "\r" not in text
    blocks = [
        [line.split(" ") for line in block.split("\n")]
        for block in text.removesuffix("\n\n").split("\n\n")
    ]
    assert {len(columns) for block in blocks for columns in block} == {2}
    assert {tag for block in blocks for _, tag in block} <= set(schemes.tag_set(LABELS, "IOB2"))
    assert all(
        schemes.first_violation([tag for _, tag in block], "IOB2") is None for block in blocks
    )
    assert schemes.detect([[tag for _, tag in block] for block in blocks]) == "IOB2"


def test_the_readme_counts_what_the_files_hold(
    corpus: dict[str, list[Sentence]], readme: str
) -> None:
    for split in SPLITS:
        labels = Counter(span.label for sentence in corpus[split] for span in spans(sentence))
        counts = [
            len(corpus[split]),
            sum(map(len, corpus[split])),
            labels.total(),
            *(labels[label] for label in LABELS),
        ]
        assert f"| {split} | " + " | ".join(f"{count:,}" for count in counts) + " |" in readme


def test_other_figures_of_the_readme(
    corpus: dict[str, list[Sentence]], sentences: list[Sentence], readme: str
) -> None:
    flat = " ".join(readme.split())
    lengths = [len(sentence) for sentence in sentences]
    assert f"{sum(lengths) / len(lengths):.1f} tokens on average and {max(lengths)} at most" in flat
    without = [
        100 * sum(not spans(sentence) for sentence in corpus[split]) / len(corpus[split])
        for split in SPLITS
    ]
    assert f"({min(without):.0f} to {max(without):.0f} % in each split)" in flat
    sizes = [span.end - span.start for sentence in sentences for span in spans(sentence)]
    assert f"{sum(size >= 5 for size in sizes)} spans have five tokens or more" in flat
    assert max(sizes) == 11
    known = {(span.text, span.label) for sentence in corpus["train"] for span in spans(sentence)}
    shares = []
    for split in ("dev", "test"):
        found = [
            (span.text, span.label) in known
            for sentence in corpus[split]
            for span in spans(sentence)
        ]
        shares.append(100 * sum(found) / len(found))
    assert (
        "{:.0f} % of the spans of dev and {:.0f} % of those of test also occur in train".format(
            *shares
        )
        in flat
    )


def test_every_example_of_the_readme_is_a_sentence_of_the_corpus(
    sentences: list[Sentence], readme: str
) -> None:
    examples = [
        line
        for block in re.findall(r"^```\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE)
        for line in block.splitlines()
    ]
    assert len(examples) > 20
    assert set(examples) <= {bracketed(sentence) for sentence in sentences}


def test_it_is_large_enough_and_complete(
    corpus: dict[str, list[Sentence]], sentences: list[Sentence]
) -> None:
    assert len(sentences) >= 1_000
    for split in SPLITS:
        assert {span.label for sentence in corpus[split] for span in spans(sentence)} == set(LABELS)
        assert (
            0.15 < sum(not spans(sentence) for sentence in corpus[split]) / len(corpus[split]) < 0.3
        )


def test_no_sentence_is_in_two_splits_or_twice_in_one(corpus: dict[str, list[Sentence]]) -> None:
    long = {split: [s.tokens for s in corpus[split] if len(s) > SHORT] for split in SPLITS}
    for one, other in itertools.combinations(SPLITS, 2):
        assert not set(long[one]) & set(long[other])
    assert all(len(set(tokens)) == len(tokens) for tokens in long.values())


def test_the_teddies(sentences: list[Sentence]) -> None:
    texts = {bracketed(sentence) for sentence in sentences}
    assert 'He said , " [PER Teddy Roosevelt] was a great President . "' in texts
    assert 'He said , " Teddy bears are on sale ! "' in texts


def test_names_have_several_roles(
    corpus: dict[str, list[Sentence]], sentences: list[Sentence]
) -> None:
    roles: dict[str, set[str]] = {}
    for sentence in sentences:
        for span in spans(sentence):
            roles.setdefault(span.text, set()).add(span.label)
    assert {"PER", "LOC"} <= roles["Washington"] & roles["Jordan"]
    assert roles["Amazon"] == {"ORG", "LOC"}
    assert {"PER", "ORG", "LOC"} <= roles["Chelsea"] & roles["Reading"]
    assert {"PER", "ORG", "MISC"} <= roles["Ford"]
    assert sum(len(labels) > 1 for labels in roles.values()) >= 30
    words = {token for sentence in sentences for token in sentence.tokens if token.islower()}
    assert {"turkey", "china", "apple", "may", "bill", "grace", "hope", "reading"} <= words


@pytest.mark.parametrize("split", SPLITS)
def test_adjacent_spans_of_one_label(split: str, corpus: dict[str, list[Sentence]]) -> None:
    pairs = [pair for sentence in corpus[split] for pair in itertools.pairwise(spans(sentence))]
    assert sum(one.end == other.start and one.label == other.label for one, other in pairs) >= 5


def test_lower_case_and_capitals(sentences: list[Sentence]) -> None:
    named = [
        " ".join(sentence.tokens)
        for sentence in sentences
        if len(sentence) > SHORT and spans(sentence)
    ]
    assert sum(text.islower() for text in named) >= 50
    assert sum(text.isupper() for text in named) >= 50


@pytest.mark.slow
def test_no_sentence_comes_from_a_template(sentences: list[Sentence]) -> None:
    """With names and numbers taken out, hardly two sentences are alike; those that are stand in
    tables of results.
    """
    long = [sentence for sentence in sentences if len(sentence) > SHORT]
    skeletons = Counter(map(skeleton, long))
    assert len(skeletons) >= 0.97 * len(long)
    prose = {
        form: count
        for form, count in skeletons.items()
        if sum(word.isalpha() for word in form) > SHORT
    }
    assert max(prose.values()) == 1
    openings = Counter(tuple(token.lower() for token in sentence.tokens[:3]) for sentence in long)
    assert len(openings) >= 0.95 * len(long)
    assert max(openings.values()) <= 0.005 * len(long)


def test_lengths_vary(sentences: list[Sentence]) -> None:
    lengths = Counter(map(len, sentences))
    assert set(range(2, 37)) <= set(lengths)
    assert max(lengths.values()) < 0.1 * len(sentences)


def test_the_article_is_raw_text_that_is_not_in_the_corpus(sentences: list[Sentence]) -> None:
    text = (SAMPLE / "article.txt").read_text(encoding="utf-8")
    paragraphs = [line for line in text.splitlines() if line]
    assert len(paragraphs) >= 3
    assert all(
        len(paragraph.split()) > 20 and paragraph.endswith((".", '"')) for paragraph in paragraphs
    )
    assert not set("[]\t") & set(text)
    assert " ." not in text
    assert " ," not in text
    found = [
        s.tokens
        for s in formats.read(SAMPLE / "article.txt", formats.format_of("article.txt"))
        if len(s)
    ]
    assert len(found) > 10
    assert not set(found) & {sentence.tokens for sentence in sentences}
