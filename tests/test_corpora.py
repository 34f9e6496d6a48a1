"""Corpora: the same sentences from files, from datasets on the disk and from the Hub, and what is
wrong with any of them told in one message.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import datasets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.paths import ROOT
from support.strategies import plain_sentences, sentences

import tagger
from tagger import corpora
from tagger.config.tagger import DataConfig
from tagger.errors import ConfigError, DataError, TaggerError
from tagger.text.formats import ReadOptions
from tagger.text.schemes import SCHEMES
from tagger.text.spans import Sentence, Span

STRINGS = datasets.List(datasets.Value("string"))
NAMES = ["O", "B-PER", "I-PER", "B-GPE-CITY", "I-GPE-CITY"]
TOKENS = [["Zo\u00eb\u00a0X", "Lee", "saw", "Rome"], [], ["\u2028", "#"]]
NUMBERS = [[1, 2, 0, 3], [], [0, 0]]
SPANS = [(Span(0, 2, "PER"), Span(3, 4, "GPE-CITY")), ()]


def split(
    numbers: Any = NUMBERS, tokens: Any = TOKENS, feature: Any = None, name: str = "ner_tags"
) -> datasets.Dataset:
    feature = feature or datasets.List(datasets.ClassLabel(names=NAMES))
    features = datasets.Features({"id": datasets.Value("int64"), "tokens": STRINGS, name: feature})
    return datasets.Dataset.from_dict(
        {"id": range(len(tokens)), "tokens": tokens, name: numbers}, features=features
    )


def hub(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, found: dict[str, datasets.Dataset]
) -> list[tuple[str, str | None, str | None]]:
    """Let the Hub have this one dataset, which has been on a disk as it would have been there.

    Returns the list to which each call adds the name, configuration and revision asked for.
    """
    datasets.DatasetDict(found).save_to_disk(tmp_path / "hub")

    asked: list[tuple[str, str | None, str | None]] = []

    def load_dataset(
        path: str, name: str | None = None, *, revision: str | None = None
    ) -> datasets.DatasetDict:
        asked.append((path, name, revision))
        if path not in ("someone/news", "news"):
            raise FileNotFoundError(f"Dataset '{path}' doesn't exist on the Hub")
        return datasets.DatasetDict.load_from_disk(tmp_path / "hub")

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    return asked


def strings(numbers: list[list[int]]) -> list[list[str]]:
    return [[NAMES[number] for number in row] for row in numbers]


@pytest.fixture(autouse=True)
def _quiet(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No progress bars, and nothing left in the user's cache."""
    datasets.disable_progress_bars()
    cache = tmp_path_factory.getbasetemp() / "datasets"
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", cache)


@pytest.mark.parametrize("dev", ["validation", "dev"])
@pytest.mark.parametrize("name", ["ner_tags", "tags", "labels"])
@pytest.mark.parametrize("named", [True, False])
def test_the_hub_and_files_give_the_same_sentences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dev: str, name: str, named: bool
) -> None:
    """Numbers of a ClassLabel and strings, JSON Lines and columns: the same sentences; only a row
    without a token is none.
    """
    feature, tags = (None, NUMBERS) if named else (STRINGS, strings(NUMBERS))
    part = split(tags, feature=feature, name=name)
    hub(monkeypatch, tmp_path, {"train": part, dev: part, "test": part})
    given = DataConfig(hub="someone/news", tags=name if name == "labels" else "")
    train, found_dev, scheme = corpora.splits(given)
    assert scheme == "IOB2"
    assert [s.tokens for s in train] == [tuple(row) for row in TOKENS if row]
    assert [s.spans for s in train] == SPANS
    assert found_dev == train

    rows = zip(TOKENS, strings(NUMBERS), strict=True)
    columns = "\n".join(
        "".join(f"{token}\t{tag}\n" for token, tag in zip(*row, strict=True)) for row in rows
    )
    (tmp_path / "a.conll").write_text(columns, encoding="utf-8")
    datasets.Dataset.from_dict({"tokens": TOKENS, "tags": strings(NUMBERS)}).to_json(
        tmp_path / "a.jsonl"
    )
    from_files = corpora.splits(
        DataConfig(train=str(tmp_path / "a.conll"), dev=str(tmp_path / "a.jsonl"))
    )
    assert from_files == (train, train, "IOB2")


def test_a_file_as_a_dataset(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("# c\na NNP B-X\n\n\nb NN O\n")
    found = tagger.to_dataset(tmp_path / "a.txt")
    assert found[:] == {"tokens": [["a"], ["b"]], "ner_tags": [[1], [0]]}
    classes = datasets.List(datasets.ClassLabel(names=["O", "B-X", "I-X"]))
    assert found.features == {"tokens": STRINGS, "ner_tags": classes}
    sentences, _ = corpora.read(tmp_path / "a.txt", ReadOptions())
    assert [sentence.record.line for sentence in sentences if sentence.record] == [2, 5]


def test_plain_tags_and_a_declared_scheme(tmp_path: Path) -> None:
    (tmp_path / "pos.conll").write_text("a NN\nb VB\n")
    train, dev, scheme = corpora.splits(
        DataConfig(train=str(tmp_path / "pos.conll"), dev=str(tmp_path / "pos.conll"))
    )
    assert (scheme, train[0].tags, dev[0].spans) == ("plain", ("NN", "VB"), None)
    (tmp_path / "train.jsonl").write_text(
        '{"tokens": ["a", "b"], "spans": [[0, 1, "X"], [1, 2, "X"]]}\n'
    )
    (tmp_path / "dev.conll").write_text("a S-X\nb S-X\n")
    files: dict[str, Any] = {
        "train": str(tmp_path / "train.jsonl"),
        "dev": str(tmp_path / "dev.conll"),
    }
    train, dev, scheme = corpora.splits(DataConfig(**files, scheme="IOBES"))
    assert scheme == "IOBES"
    assert train[0].spans == dev[0].spans == (Span(0, 1, "X"), Span(1, 2, "X"))
    with pytest.raises(DataError, match=r"dev.conll:1: tag 'S-X' is not in the scheme IOB2"):
        corpora.splits(DataConfig(**files))


def test_sentences_of_files_keep_what_stood_around_them(tmp_path: Path) -> None:
    """Marks of documents decide which sentences help each other, on dev as when a model is used."""
    text = "-DOCSTART- O\n\na B-X\n\n# c\nb O\n"
    (tmp_path / "a.conll").write_text(text)
    lines = '{"text": "a b. c", "spans": [[0, 1, "X"]], "id": 7}\n'
    (tmp_path / "a.jsonl").write_text(lines)
    train, dev, _ = corpora.splits(
        DataConfig(train=str(tmp_path / "a.conll"), dev=str(tmp_path / "a.jsonl"))
    )
    records = [sentence.record for sentence in train]
    assert [record and record.leading for record in records] == [("-DOCSTART- O",), ("# c",)]
    assert [span.text for sentence in dev for span in sentence.spans or ()] == ["a"]
    assert {record and (record.data or {})["id"] for record in (s.record for s in dev)} == {7}


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("t.conll", "a O\nb O\nc E-X\n", "t.conll:3: tag 'E-X'"),
        (
            "t.jsonl",
            '\n{"tokens": ["a", "b", "c"], "tags": ["O", "O", "E-X"]}\n',
            "t.jsonl:2: tag 'E-X'",
        ),
        ("t.conll", "a O\nb O\n", "t.conll: every tag is O, so there is nothing to learn"),
        ("t.conll", "a O\nb\n", "t.conll:2: expected 2 columns"),
        ("t.conll", "", "t.conll: contains no sentences"),
    ],
)
def test_a_mistake_in_a_file_is_reported_with_its_line(
    tmp_path: Path, name: str, text: str, says: str
) -> None:
    (tmp_path / name).write_text(text)
    (tmp_path / "dev.conll").write_text("a B-X\n")
    with pytest.raises(TaggerError) as caught:
        corpora.splits(
            DataConfig(train=str(tmp_path / name), dev=str(tmp_path / "dev.conll"), scheme="IOB2")
        )
    assert str(caught.value).startswith(f"{tmp_path}/{says}")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            {},
            "no train and no dev data: give --train FILE and --dev FILE, or set data.train and "
            "data.dev",
        ),
        ({"train": "x"}, "no dev data"),
        ({"hub": "someone/news", "dev": "x"}, "expected one or the other"),
        (
            {"hub": "someone/newz"},
            "data.hub: the dataset 'someone/newz' cannot be loaded: Dataset 'someone/newz' "
            "doesn't exist",
        ),
        (
            {"hub": "a/b/c/d"},
            "data.hub: the dataset 'a/b/c/d' cannot be loaded: expected NAME, OWNER/NAME or "
            "OWNER/NAME/CONFIG, each optionally followed by @REVISION, or an existing file or "
            "folder",
        ),
        ({"hub": "someone/news@"}, "cannot be loaded: expected NAME, OWNER/NAME or"),
        ({"hub": "someone//news"}, "cannot be loaded: expected NAME, OWNER/NAME or"),
        (
            {"hub": "someone/news", "tags": "pos"},
            "data.tags: 'someone/news' has the features id, tokens, ner_tags; expected",
        ),
        ({"hub": "someone/news", "tags": "tokens"}, "data.tags: 'someone/news' has the features"),
        (
            {"hub": "someone/news", "tags": "id"},
            "the feature 'id' of 'someone/news' is Value('int64'); expected a list of strings",
        ),
    ],
)
def test_what_is_not_there_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], says: str
) -> None:
    hub(monkeypatch, tmp_path, {"train": split(), "validation": split()})
    with pytest.raises(ConfigError) as caught:
        corpora.splits(DataConfig(**given))
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("train", "says"),
    [
        (split(feature=datasets.List(datasets.Value("int64"))), "is List(Value('int64')); "
                                                                "expected a list of strings, or"),
        (split([[1, 2, 0, -1], [], [0, 0]]), "someone/news[train]:1: a token or its tag is "
                                             "missing"),
        (split(tokens=[["a", "b", "c", "d"], [], ["e", None]]), "someone/news[train]:3: a token "
                                                                "or its tag is missing"),
        (split([[1, 2, 0], [], [0, 0]]), "someone/news[train]:1: 4 tokens but 3 tags"),
        (split([[1, 2, 0, 3], [], None]), "someone/news[train]:3: 2 tokens but 0 tags"),
        (split([[0, 0, 0, 0], [], [0, 2]]), "someone/news[train]:3: tag 'I-PER' cannot follow 'O' "
                                            "in IOB2"),
        (split([[], [], []], [[], [], []]), "someone/news[train]: contains no sentences"),
        (split([[0, 0, 0, 0], [], [0, 0]]), "someone/news[train]: every tag is O"),
    ],
)  # fmt: skip
def test_rows_that_are_no_annotated_sentences_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, train: datasets.Dataset, says: str
) -> None:
    hub(monkeypatch, tmp_path, {"train": train, "validation": split()})
    with pytest.raises(TaggerError) as caught:
        corpora.splits(DataConfig(hub="someone/news", scheme="IOB2"))
    assert says in str(caught.value)


def test_a_dataset_without_a_dev_split_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub(monkeypatch, tmp_path, {"train": split(), "test": split()})
    with pytest.raises(
        ConfigError, match="has the splits train, test; expected train and validation"
    ):
        corpora.splits(DataConfig(hub="someone/news"))


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
        split(strings(NUMBERS), feature=STRINGS).to_json(target)
    return str(target)


@pytest.mark.parametrize("kind", ["folder", "arrow", "parquet", "json"])
def test_a_dataset_on_the_disk_may_be_train_or_dev(tmp_path: Path, kind: str) -> None:
    one = saved(tmp_path, kind)
    train, dev, scheme = corpora.splits(DataConfig(train=one, dev=one))
    assert [s.tokens for s in train] == [tuple(row) for row in TOKENS if row]
    assert ([s.spans for s in train], scheme) == (SPANS, "IOB2")
    assert dev == train
    with pytest.raises(ConfigError, match=r"has the splits train; expected train and validation"):
        corpora.splits(DataConfig(hub=one))


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
                part = split(strings(NUMBERS), feature=STRINGS)
                part.to_json(folder / f"{name}.jsonl")
    train, dev, scheme = corpora.splits(DataConfig(hub=str(folder)))
    assert ([s.spans for s in train], scheme) == (SPANS, "IOB2")
    assert dev == train


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
    again, declared = corpora.from_dataset(tagger.to_dataset(found, scheme), scheme)
    assert [(s.tokens, s.spans) for s in again] == [(s.tokens, s.spans) for s in found]
    assert declared == scheme


@settings(max_examples=50)
@given(found=st.lists(plain_sentences(min_size=1), min_size=1, max_size=4))
def test_plain_tags_to_a_dataset_and_back(found: list[Sentence]) -> None:
    assert corpora.from_dataset(tagger.to_dataset(found), "plain") == (found, "plain")


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
    (first,), (second,), scheme = corpora.splits(DataConfig(hub=str(tmp_path / "both")))
    assert (first.spans, scheme) == ((Span(1, 2, "LOC"),), "IOBES")
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


# -- files need no `datasets`


def test_files_never_pass_through_datasets(tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text("a B-X\n")
    (tmp_path / "b.jsonl").write_text('{"tokens": ["a"], "spans": [[0, 1, "X"]]}\n')
    code = (
        "import sys\n"
        "from tagger import corpora\n"
        "from tagger.config.tagger import DataConfig\n"
        "train, dev, scheme = corpora.splits(DataConfig(train='a.conll', dev='b.jsonl'))\n"
        "assert train[0].spans == dev[0].spans\n"
        "loaded = {'datasets', 'pyarrow', 'pandas'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env=environment)


def test_a_missing_package_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(TaggerError, match=r"needs datasets, not installed.*span-tagger\[train\]"):
        tagger.to_dataset([Sentence(("a",), spans=())])
