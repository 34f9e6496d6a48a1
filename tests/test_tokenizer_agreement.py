"""Which tokenizer fits a corpus that is tokenized already."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.paths import SAMPLE
from support.strategies import TOKENS

from tagger.text import annotation, tokenizers
from tagger.text.formats import ReadOptions
from tagger.text.spans import Sentence
from tagger.text.tokenizers import fit, registry


def corpus(*lines: str) -> list[Sentence]:
    return [Sentence(tuple(line.split(" "))) for line in lines]


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        ("He does n't , he 's in ( old ) Rome .", "He doesn't, he's in (old) Rome."),
        ("It cost $ 5 , or 6 % .", "It cost $5, or 6%."),
        ("l' Aquila et l\u2019 Anjou", "l'Aquila et l\u2019Anjou"),
        ("# Oslo @ ann", "#Oslo @ann"),
        ("\u4f60 \u597d \u3002 ok \u4f60", "\u4f60\u597d\u3002 ok \u4f60"),
        ("\u0e01 \u0e33", "\u0e01\u0e33"),
        ("the dogs ' house", "the dogs ' house"),
    ],
)
def test_tokens_are_joined_as_text_is_written(tokens: str, text: str) -> None:
    joined, offsets = fit.detokenized(tokens.split(" "))
    assert joined == text
    assert [joined[start:end] for start, end in offsets] == tokens.split(" ")


@given(st.lists(TOKENS | st.just("")))
def test_offsets_of_joined_tokens_are_theirs(tokens: list[str]) -> None:
    text, offsets = fit.detokenized(tokens)
    assert [text[start:end] for start, end in offsets] == [token for token in tokens if token]


def test_agreement_is_the_share_of_tokens_that_are_found() -> None:
    # "New", "York" and "based" are found by unicode alone, "Go" and "." by all but whitespace.
    found = tokenizers.agreement(corpus("New York - based", "Go ."))
    assert found["unicode"] == 1
    assert found == {
        "characters": 2 / 6,
        "english-conll-2": 1,
        "romance": 1,
        "social": 1,
        "unicode": 1,
        "whitespace": 4 / 6,
    }


@pytest.mark.parametrize(
    ("lines", "best"),
    [
        (["Mr. Lee does n't know the U.S. rate .", "They 've left"], "english-conll-2"),
        (["\u738b \u82b3 \u4f4f \u5728 \u5e7f \u5dde \u3002"] * 3, "characters"),
        (["Le roi de l' Italie", "qu' Anne aujourd'hui"], "romance"),
        (["RT @sam : #Oslo :-) :D", "@ann <3 #Rome"], "social"),
        (["a \u201cb\u201d. c,d", "(e) f."], "whitespace"),
    ],
)
def test_the_best_fit(lines: list[str], best: str) -> None:
    shares = tokenizers.agreement(corpus(*lines))
    assert tokenizers.best_fit(shares) == best
    assert tokenizers.warning(corpus(*lines), best) is None


def test_the_sample_corpus_fits_the_default() -> None:
    sentences = annotation.read(str(SAMPLE / "train.conll"), ReadOptions()).sentences
    assert tokenizers.agreement(sentences)[tokenizers.DEFAULT] > 0.99
    assert tokenizers.warning(sentences, tokenizers.DEFAULT) is None


def test_the_warning_proposes_what_fits_better() -> None:
    lines = corpus("Le roi de l' Italie", "d' Arles a l' Aquila", "c' est l' Anjou .")
    assert tokenizers.warning(lines, "fr") is None
    assert tokenizers.warning(lines, tokenizers.DEFAULT) == (
        "the tokenizer english-conll-2 finds 33.3% of the tokens of train in raw text, romance "
        "100.0%; to tag raw text, add --tokenizer romance"
    )


def test_the_warning_says_if_nothing_fits() -> None:
    lines = corpus("un happi ness", "re open ing")
    assert tokenizers.warning(lines, tokenizers.DEFAULT) is None  # blanks separate morphemes
    lines = [Sentence(("New York", "San Jos\u00e9", "Rio Branco"))]
    assert tokenizers.warning(lines, tokenizers.DEFAULT) == (
        "the tokenizer english-conll-2 finds 0.0% of the tokens of train in raw text, and none "
        "finds more; to tag raw text, register one that fits"
    )


def test_text_that_a_tokenizer_split_is_not_measured() -> None:
    sentence = Sentence(("\u4f60\u597d",), offsets=((0, 2),))
    assert tokenizers.agreement([sentence, Sentence(())]) == {}
    assert tokenizers.best_fit({}) == ""
    assert tokenizers.warning([sentence], tokenizers.DEFAULT) is None


def test_a_sample_of_a_large_corpus_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[str] = []

    def spy(text: str) -> list[list[tuple[int, int]]]:
        measured.append(text)
        return []

    monkeypatch.setattr(registry, "_TOKENIZERS", {"spy": spy})
    tokenizers.agreement([Sentence((str(number),)) for number in range(5_000)])
    assert measured[0].split("\n") == [str(number) for number in range(0, 5_000, 3)]


def test_a_tokenizer_that_fails_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {**registry._TOKENIZERS, "broken": lambda text: [[(0, 1)]]}
    monkeypatch.setattr(registry, "_TOKENIZERS", table)
    assert "broken" not in tokenizers.agreement(corpus("Go home"))
    with pytest.raises(tokenizers.TokenizerError, match="unknown tokenizer 'klingon'"):
        tokenizers.warning(corpus("Go home"), "klingon")
