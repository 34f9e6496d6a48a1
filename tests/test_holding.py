"""Dev held out of train: whole documents, independent of their order and of other documents."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger import corpora
from tagger.config.tagger import DataConfig
from tagger.corpora.holding import documents, fraction, hold_out
from tagger.errors import DataError
from tagger.text.annotation import Corpus
from tagger.text.spans import Record, Sentence

NAMES = [f"n{number}" for number in range(100)]


def corpus(names: list[str], *, with_marks: bool = True) -> Corpus:
    """A corpus of documents of two sentences each, whose tokens are a name and a number."""
    found = []
    for name in names:
        for number in range(2):
            leading = ("-DOCSTART- O",) if with_marks and number == 0 else ()
            record = Record("a.conll", 1, leading=leading)
            found.append(Sentence((name, str(number)), spans=(), record=record))
    return Corpus("a.conll", found, "IOB2")


def names_of(part: Corpus) -> list[str]:
    """The names of the documents of a corpus, each once for each of its sentences."""
    return [sentence.tokens[0] for sentence in part.sentences]


def test_a_tenth_of_the_documents_is_held_out_in_their_order() -> None:
    whole = corpus(NAMES)
    train, dev = hold_out(whole)
    held = [
        name
        for name, sentences in zip(NAMES, documents(whole.sentences), strict=True)
        if fraction(sentences) <= 0.1
    ]
    assert 5 <= len(held) <= 15
    assert names_of(dev) == [name for name in held for _ in range(2)]
    assert names_of(train) == [name for name in NAMES if name not in held for _ in range(2)]
    assert dev.name == f"dev, {len(held)} of 100 documents held out of a.conll"
    assert (train.name, train.scheme, dev.scheme) == ("a.conll", "IOB2", "IOB2")


@given(order=st.permutations(NAMES), kept=st.integers(50, 100))
def test_the_choice_depends_on_no_other_document(order: list[str], kept: int) -> None:
    held = set(names_of(hold_out(corpus(NAMES))[1]))
    part = order[:kept]
    found = set(names_of(hold_out(corpus(part))[1]))
    assert found == held & set(part) or not held & set(part)


def test_the_summary_of_several_files_counts_what_is_left_of_each() -> None:
    parts = [replace(corpus(NAMES[:50]), name="a"), replace(corpus(NAMES[50:]), name="b")]
    whole = Corpus(
        "a, b", [s for part in parts for s in part.sentences], "IOB2", parts=tuple(parts)
    )
    train, dev = hold_out(whole)
    left = [part.sentences for part in train.parts]
    assert left[0] + left[1] == train.sentences
    assert [len(part.sentences) for part in train.parts] != [100, 100]
    assert f"b: scheme IOB2\n  {len(left[1])} sentences" in train.summary()
    assert dev.summary().startswith(
        f"dev, {len(dev.sentences) // 2} of 100 documents held out of a, b: scheme IOB2\n"
        f"  {len(dev.sentences)} sentences"
    )


def test_equal_documents_stay_together() -> None:
    train, dev = hold_out(corpus(NAMES * 2))
    assert not set(names_of(train)) & set(names_of(dev))


@pytest.mark.parametrize("with_marks", [True, False])
def test_sentences_are_held_out_of_few_documents(with_marks: bool) -> None:
    train, dev = hold_out(corpus(NAMES[:20], with_marks=with_marks))
    assert len(train.sentences) + len(dev.sentences) == 40
    assert dev.name == f"dev, {len(dev.sentences)} of 40 sentences held out of a.conll"


def test_either_part_has_a_sentence() -> None:
    train, dev = hold_out(corpus(["a"]))
    assert (len(train.sentences), len(dev.sentences)) == (1, 1)


def test_one_distinct_sentence_cannot_be_divided() -> None:
    same = Sentence(("a",), spans=())
    with pytest.raises(DataError) as caught:
        hold_out(Corpus("a.conll", [same, same], "IOB2"))
    assert str(caught.value) == (
        "a.conll: has only one distinct sentence, so none can be held out; give --dev FILE"
    )


def test_splits_without_dev_files(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("".join(f"{name} B-X\nleft O\n\n" for name in NAMES))
    train, dev = corpora.splits(DataConfig(train=(str(path),)))
    assert dev is not None
    assert len(train.sentences) + len(dev.sentences) == 100
    assert dev.name == f"dev, {len(dev.sentences)} of 100 sentences held out of {path}"
    assert dev.label_counts() == {"X": len(dev.sentences)}
    again = corpora.splits(DataConfig(train=(str(path),)))
    assert again == (train, dev)
