"""Datasets: names on the Hub, files and folders on the disk, and sentences as datasets."""

from __future__ import annotations

from pathlib import Path

import datasets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.hub import SPANS, STRINGS, TAG_IDS, TOKENS, hub, split, strings
from support.strategies import plain_sentences, sentences

import tagger
from tagger import corpora
from tagger.config.tagger import DataConfig
from tagger.errors import ConfigError, DataError, TaggerError
from tagger.text.formats import ReadOptions
from tagger.text.schemes import SCHEMES
from tagger.text.spans import Sentence, Span

pytestmark = pytest.mark.usefixtures("quiet_datasets")


# -- names on the Hub, and datasets on the disk


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("news", ("news", None, None)),
        ("someone/news", ("someone/news", None, None)),
        ("someone/news/en-2003", ("someone/news", "en-2003", None)),
        ("news@v1.0", ("news", None, "v1.0")),
        ("someone/news@refs/pr/7", ("someone/news", None, "refs/pr/7")),
        ("someone/news/en@a@b", ("someone/news", "en", "a@b")),
    ],
)
def test_a_name_says_dataset_configuration_and_revision(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    expected: tuple[str, str | None, str | None],
) -> None:
    asked = hub(monkeypatch, tmp_path, {"train": split(), "validation": split()})
    corpora.splits(DataConfig(hub=name))
    assert asked == [expected]


def saved(folder: Path, kind: str) -> str:
    """The dataset of `split` on the disk, in one of the ways in which `datasets` writes it."""
    target = folder / f"one.{kind}"
    if kind == "folder":
        split().save_to_disk(target)
    elif kind == "arrow":
        split().save_to_disk(folder / "written")
        next((folder / "written").glob("*.arrow")).rename(target)
    elif kind == "parquet":
        split().to_parquet(target)
    else:
        split(strings(TAG_IDS), feature=STRINGS).to_json(target)
    return str(target)


@pytest.mark.parametrize("kind", ["folder", "arrow", "parquet", "json"])
def test_a_dataset_on_the_disk_may_be_train_or_dev(tmp_path: Path, kind: str) -> None:
    one = saved(tmp_path, kind)
    train, dev = corpora.splits(DataConfig(train=(one,), dev=(one,)))
    assert [s.tokens for s in train.sentences] == [tuple(row) for row in TOKENS if row]
    assert ([s.spans for s in train.sentences], train.scheme) == (SPANS, "IOB2")
    assert dev == train
    with pytest.raises(ConfigError, match=r"has the splits train; expected train and validation"):
        corpora.splits(DataConfig(hub=one))
    assert corpora.splits(DataConfig(hub=one, dev=("none",)))[1] is None


def test_no_progress_bar_is_drawn_for_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    split().to_parquet(tmp_path / "one.parquet")
    datasets.enable_progress_bars()
    tagger.convert(tmp_path / "one.parquet", tmp_path / "two.parquet")
    tagger.convert(tmp_path / "two.parquet", tmp_path / "three.conll")
    assert capsys.readouterr().err == ""
    assert not datasets.are_progress_bars_disabled()


@pytest.mark.parametrize("way", ["save_to_disk", "parquet", "jsonl"])
def test_a_folder_with_both_splits_stands_in_place_of_a_name(tmp_path: Path, way: str) -> None:
    both = {"train": split(), "validation": split()}
    folder = tmp_path / "both"
    if way == "save_to_disk":
        datasets.DatasetDict(both).save_to_disk(folder)
    else:
        folder.mkdir()
        for name in both:
            if way == "parquet":
                both[name].to_parquet(folder / f"{name}.parquet")
            else:
                part = split(strings(TAG_IDS), feature=STRINGS)
                part.to_json(folder / f"{name}.jsonl")
    train, dev = corpora.splits(DataConfig(hub=str(folder)))
    assert dev is not None
    assert ([s.spans for s in train.sentences], train.scheme) == (SPANS, "IOB2")
    assert ([s.spans for s in dev.sentences], dev.scheme) == (SPANS, "IOB2")


def test_what_is_wrong_on_the_disk_is_reported(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent.parquet: cannot be read: No such file"):
        corpora.read(tmp_path / "absent.parquet", ReadOptions())
    (tmp_path / "bad.parquet").write_text("a O\n")
    with pytest.raises(ConfigError, match=r"^the dataset '.*bad.parquet' cannot be loaded: "):
        corpora.read(tmp_path / "bad.parquet", ReadOptions())
    (tmp_path / "a.csv").write_text("a O\n")
    with pytest.raises(ConfigError, match=r"should end in one of .parquet, .arrow, .json, .jsonl"):
        corpora.splits(DataConfig(hub=str(tmp_path / "a.csv")))
    datasets.DatasetDict({"a": split(), "b": split()}).save_to_disk(tmp_path / "two")
    with pytest.raises(
        ConfigError, match=r"contains the splits a, b; expected one, or name it with"
    ):
        corpora.read(tmp_path / "two", ReadOptions())
    split(tokens=[["a", "b", "c", "d"], [], ["e", None]]).save_to_disk(tmp_path / "gap")
    with pytest.raises(DataError, match=r"gap:3: a token or its tag is missing"):
        corpora.read(tmp_path / "gap", ReadOptions())


# -- to_dataset


@settings(max_examples=50)
@given(
    found=st.lists(sentences(min_size=1, separable=False), min_size=1, max_size=4),
    scheme=st.sampled_from(SCHEMES),
)
def test_sentences_to_a_dataset_and_back(found: list[Sentence], scheme: str) -> None:
    again = corpora.from_dataset(tagger.to_dataset(found, scheme), scheme)
    assert [(s.tokens, s.spans) for s in again.sentences] == [(s.tokens, s.spans) for s in found]
    assert again.scheme == scheme


@settings(max_examples=50)
@given(found=st.lists(plain_sentences(min_size=1), min_size=1, max_size=4))
def test_plain_tags_to_a_dataset_and_back(found: list[Sentence]) -> None:
    again = corpora.from_dataset(tagger.to_dataset(found), "plain")
    assert (again.sentences, again.scheme) == (found, "plain")


def test_splits_become_a_dataset_dict_that_training_reads(tmp_path: Path) -> None:
    (tmp_path / "dev.jsonl").write_text('{"text": "Bo left.", "spans": [[0, 2, "PER"]]}\n')
    train = [Sentence(("in", "Rome")).with_spans([Span(1, 2, "LOC")]), Sentence((), spans=())]
    splits: dict[str, Path | list[Sentence]] = {
        "train": train,
        "validation": tmp_path / "dev.jsonl",
    }
    both = tagger.to_dataset(splits, "IOBES")
    names = ["O", *(f"{prefix}-{label}" for label in ("LOC", "PER") for prefix in "BIES")]
    for part in both.values():
        assert part.features["ner_tags"] == datasets.List(datasets.ClassLabel(names=names))
    assert both["train"][:] == {"tokens": [["in", "Rome"], []], "ner_tags": [[0, 4], []]}
    both.save_to_disk(tmp_path / "both")
    read = corpora.splits(DataConfig(hub=str(tmp_path / "both")))
    (first,), (second,) = (corpus.sentences for corpus in read if corpus is not None)
    assert (first.spans, read.train.scheme) == ((Span(1, 2, "LOC"),), "IOBES")
    assert (second.tokens, second.spans) == (("Bo", "left", "."), (Span(0, 1, "PER"),))


@pytest.mark.parametrize(
    ("corpus", "scheme", "says"),
    [
        ([Sentence(("a", "b"))], "IOB2", "'a b': no annotation; expected spans or plain tags"),
        (
            [Sentence(("a",), spans=()), Sentence(("b",), tags=("NN",))],
            "IOB2",
            "'b': has tags and no spans, but other sentences have spans",
        ),
        ([], "plain", "unknown scheme 'plain'; expected one of IOB2, IO, IOB1, IOBES, BILOU"),
        (
            [Sentence(("a", "b"), spans=(Span(0, 1, "X"), Span(1, 2, "X")))],
            "IO",
            "'a b': cannot be written in IO: IO cannot separate two adjacent spans of X",
        ),
    ],
)
def test_what_no_dataset_can_hold_is_reported(
    corpus: list[Sentence], scheme: str, says: str
) -> None:
    with pytest.raises(TaggerError) as caught:
        tagger.to_dataset(corpus, scheme)
    assert str(caught.value).startswith(says)
