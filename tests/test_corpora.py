"""Splits as datasets: the same sentences from files and from the Hub, and what is wrong with either
told in one message.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import pytest

from tagger import corpora
from tagger.config.tagger import DataConfig
from tagger.errors import ConfigError, DataError, TaggerError
from tagger.text.formats import ReadOptions
from tagger.text.spans import Span

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
) -> None:
    """Let the Hub have this one dataset, which has been on a disk as it would have been there."""
    datasets.DatasetDict(found).save_to_disk(tmp_path / "hub")

    def load_dataset(name: str) -> datasets.DatasetDict:
        if name != "someone/news":
            raise FileNotFoundError(f"Dataset '{name}' doesn't exist on the Hub")
        return datasets.DatasetDict.load_from_disk(tmp_path / "hub")

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)


def strings(numbers: list[list[int]]) -> list[list[str]]:
    return [[NAMES[number] for number in row] for row in numbers]


@pytest.fixture(autouse=True)
def _quiet() -> None:
    datasets.disable_progress_bars()


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
    found = corpora.load_file(tmp_path / "a.txt", ReadOptions())
    assert found[:] == {"tokens": [["a"], ["b"]], "tags": [["B-X"], ["O"]], "line": [2, 5]}
    assert found.features == {"tokens": STRINGS, "tags": STRINGS, "line": datasets.Value("int64")}


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
    files = {"train": str(tmp_path / "train.jsonl"), "dev": str(tmp_path / "dev.conll")}
    train, dev, scheme = corpora.splits(DataConfig(**files, scheme="IOBES"))
    assert scheme == "IOBES"
    assert train[0].spans == dev[0].spans == (Span(0, 1, "X"), Span(1, 2, "X"))
    with pytest.raises(DataError, match=r"dev.conll:1: tag 'S-X' is not of the scheme IOB2"):
        corpora.splits(DataConfig(**files))


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("t.conll", "a O\nb O\nc E-X\n", "t.conll:3: tag 'E-X'"),
        (
            "t.jsonl",
            '\n{"tokens": ["a", "b", "c"], "tags": ["O", "O", "E-X"]}\n',
            "t.jsonl:2: tag 'E-X'",
        ),
        ("t.conll", "a O\nb O\n", "t.conll: every tag is O, there is nothing to learn"),
        ("t.conll", "a O\nb\n", "t.conll:2: expected 2 columns"),
        ("t.conll", "", "t.conll: holds no sentence"),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_line(
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
    ("settings", "says"),
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
def test_what_is_not_there_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], says: str
) -> None:
    hub(monkeypatch, tmp_path, {"train": split(), "validation": split()})
    with pytest.raises(ConfigError) as caught:
        corpora.load(DataConfig(**settings))
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
        (split([[], [], []], [[], [], []]), "someone/news[train]: holds no sentence"),
        (split([[0, 0, 0, 0], [], [0, 0]]), "someone/news[train]: every tag is O"),
    ],
)  # fmt: skip
def test_rows_that_are_no_annotated_sentences_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, train: datasets.Dataset, says: str
) -> None:
    hub(monkeypatch, tmp_path, {"train": train, "validation": split()})
    with pytest.raises(TaggerError) as caught:
        corpora.splits(DataConfig(hub="someone/news", scheme="IOB2"))
    assert says in str(caught.value)


def test_a_dataset_without_a_dev_split_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub(monkeypatch, tmp_path, {"train": split(), "test": split()})
    with pytest.raises(
        ConfigError, match="has the splits train, test; expected train and validation"
    ):
        corpora.load(DataConfig(hub="someone/news"))
