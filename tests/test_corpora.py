"""Corpora: the same sentences from files, from datasets on the disk and from the Hub, and what is
wrong with any of them reported in one message.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import datasets
import pytest
from support.hub import SPANS, STRINGS, TAG_IDS, TOKENS, hub, split, strings
from support.paths import ROOT

import tagger
from tagger import corpora
from tagger.config.tagger import DataConfig
from tagger.errors import ConfigError, DataError, TaggerError
from tagger.text.formats import ReadOptions
from tagger.text.spans import Sentence, Span

pytestmark = pytest.mark.usefixtures("quiet_datasets")


@pytest.mark.parametrize("dev", ["validation", "dev"])
@pytest.mark.parametrize("name", ["ner_tags", "tags", "labels"])
@pytest.mark.parametrize("named", [True, False])
def test_the_hub_and_files_give_the_same_sentences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dev: str, name: str, named: bool
) -> None:
    """Numbers of a ClassLabel and strings, JSON Lines and columns: the same sentences; only a row
    without a token is none.
    """
    feature, tags = (None, TAG_IDS) if named else (STRINGS, strings(TAG_IDS))
    part = split(tags, feature=feature, name=name)
    hub(monkeypatch, tmp_path, {"train": part, dev: part, "test": part})
    given = DataConfig(hub="someone/news", tags=name if name == "labels" else "")
    train, found_dev = corpora.splits(given)
    assert found_dev is not None
    assert train.scheme == found_dev.scheme == "IOB2"
    assert [s.tokens for s in train.sentences] == [tuple(row) for row in TOKENS if row]
    assert [s.spans for s in train.sentences] == SPANS
    assert found_dev.sentences == train.sentences

    rows = zip(TOKENS, strings(TAG_IDS), strict=True)
    columns = "\n".join(
        "".join(f"{token}\t{tag}\n" for token, tag in zip(*row, strict=True)) for row in rows
    )
    (tmp_path / "a.conll").write_text(columns, encoding="utf-8")
    datasets.Dataset.from_dict({"tokens": TOKENS, "tags": strings(TAG_IDS)}).to_json(
        tmp_path / "a.jsonl"
    )
    from_files = corpora.splits(
        DataConfig(train=(str(tmp_path / "a.conll"),), dev=(str(tmp_path / "a.jsonl"),))
    )
    found = [(each.sentences, each.scheme) for each in from_files if each is not None]
    assert found == [(train.sentences, "IOB2")] * 2


def test_a_file_as_a_dataset(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("# c\na NNP B-X\n\n\nb NN O\n")
    found = tagger.to_dataset(tmp_path / "a.txt")
    assert found[:] == {"tokens": [["a"], ["b"]], "ner_tags": [[1], [0]]}
    classes = datasets.List(datasets.ClassLabel(names=["O", "B-X", "I-X"]))
    assert found.features == {"tokens": STRINGS, "ner_tags": classes}
    sentences = corpora.read(tmp_path / "a.txt", ReadOptions()).sentences
    assert [sentence.record.line for sentence in sentences if sentence.record] == [2, 5]


def test_plain_tags_and_a_declared_scheme(tmp_path: Path) -> None:
    (tmp_path / "pos.conll").write_text("a NN\nb VB\n")
    pos = (str(tmp_path / "pos.conll"),)
    train, dev = corpora.splits(DataConfig(train=pos, dev=pos))
    assert dev is not None
    assert train.scheme == dev.scheme == "plain"
    assert (train.sentences[0].tags, dev.sentences[0].spans) == (("NN", "VB"), None)
    (tmp_path / "train.jsonl").write_text(
        '{"tokens": ["a", "b"], "spans": [[0, 1, "X"], [1, 2, "X"]]}\n'
    )
    (tmp_path / "dev.conll").write_text("a S-X\nb S-X\n")
    files: dict[str, Any] = {
        "train": (str(tmp_path / "train.jsonl"),),
        "dev": (str(tmp_path / "dev.conll"),),
    }
    train, dev = corpora.splits(DataConfig(**files, scheme="IOBES"))
    assert dev is not None
    assert train.scheme == "IOBES"
    assert train.sentences[0].spans == dev.sentences[0].spans == (Span(0, 1, "X"), Span(1, 2, "X"))
    train, dev = corpora.splits(DataConfig(**files))
    assert dev is not None
    assert (train.scheme, dev.scheme) == ("IOB2", "IOBES")
    with pytest.raises(DataError, match=r"dev.conll:1: tag 'S-X' is not in the scheme IOB2"):
        corpora.splits(DataConfig(**files, scheme="IOB2"))


def test_sentences_of_files_keep_what_stood_around_them(tmp_path: Path) -> None:
    """Marks of documents decide which sentences help each other, on dev as when a model is used."""
    text = "-DOCSTART- O\n\na B-X\n\n# c\nb O\n"
    (tmp_path / "a.conll").write_text(text)
    lines = '{"text": "a b. c", "spans": [[0, 1, "X"]], "id": 7}\n'
    (tmp_path / "a.jsonl").write_text(lines)
    train, dev = corpora.splits(
        DataConfig(train=(str(tmp_path / "a.conll"),), dev=(str(tmp_path / "a.jsonl"),))
    )
    assert dev is not None
    records = [sentence.record for sentence in train.sentences]
    assert [record and record.leading for record in records] == [("-DOCSTART- O",), ("# c",)]
    assert [span.text for sentence in dev.sentences for span in sentence.spans or ()] == ["a"]
    assert {
        record and (record.data or {})["id"] for record in (s.record for s in dev.sentences)
    } == {7}


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
            DataConfig(
                train=(str(tmp_path / name),), dev=(str(tmp_path / "dev.conll"),), scheme="IOB2"
            )
        )
    assert str(caught.value).startswith(f"{tmp_path}/{says}")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "no train data: give --train FILE, or set data.train; or give --hub NAME"),
        ({"dev": ("x",)}, "no train data"),
        ({"hub": "someone/news", "dev": ("x",)}, "expected one or the other"),
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


# -- files need no `datasets`


def test_files_never_pass_through_datasets(tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text("a B-X\n")
    (tmp_path / "b.jsonl").write_text('{"tokens": ["a"], "spans": [[0, 1, "X"]]}\n')
    code = (
        "import sys\n"
        "from tagger import corpora\n"
        "from tagger.config.tagger import DataConfig\n"
        "train, dev = corpora.splits(DataConfig(train=('a.conll',), dev=('b.jsonl',)))\n"
        "assert train.sentences[0].spans == dev.sentences[0].spans\n"
        "loaded = {'datasets', 'pyarrow', 'pandas'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env=environment)


def test_a_missing_package_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(TaggerError, match=r"needs datasets, not installed.*span-tagger\[train\]"):
        tagger.to_dataset([Sentence(("a",), spans=())])


def test_a_missing_corpus_points_to_the_readme_of_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in (Path("data"), Path()):
        folder.mkdir(exist_ok=True)
        (folder / "README.md").write_text("Run prepare.py.\n")
    missing = "train.conll: cannot be read: No such file or directory"
    for path, end in (("data/train.conll", "; see data/README.md"), ("train.conll", "")):
        with pytest.raises(DataError) as caught:
            corpora.splits(DataConfig(train=(path,), dev=("dev.conll",)))
        assert str(caught.value).endswith(f"{missing}{end}")
