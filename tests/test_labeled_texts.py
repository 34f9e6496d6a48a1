"""Labeled texts are read from every format, completely or with an error that names every place."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import datasets
import pytest
from support.json_lines import write_lines

from tagger.config.classifier import ClassifierConfig, TextDataConfig, check, override
from tagger.corpora import texts
from tagger.corpora.holding import fraction_of
from tagger.corpora.texts import TextCorpus, from_dataset, read_all, splits
from tagger.errors import ConfigError, DataError
from tagger.text.labeled import LabeledText, TextOptions, labeled_texts
from tagger.text.report import ReadReport
from tagger.text.rows import Row, opened

TWO = [(("Anna", "sang", "."), ("a",)), (("It", "rained"), ("b",))]
MANY = TextOptions(multi_label=True)


def read(path: Path, options: TextOptions | None = None) -> list[tuple[Any, Any]]:
    corpus = read_all([path], options or TextOptions())
    return [(text.tokens, text.labels) for text in corpus.texts]


def written(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_bytes(content.encode())
    return path


def error_of(path: Path, options: TextOptions | None = None) -> str:
    with pytest.raises(DataError) as caught:
        read_all([path], options or TextOptions())
    return str(caught.value).replace(str(path), "FILE")


# -- formats


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", '{"text": "Anna sang.", "label": "a"}\n{"text": "It rained", "label": "b"}\n'),
        ("a.json", '[{"text": "Anna sang.", "label": "a"},\n{"text": "It rained", "label": "b"}]'),
        ("a.jsonl", '{"tokens": ["Anna", "sang", "."], "label": "a"}\n'
                    '{"tokens": ["It", "rained"], "labels": ["b"]}\n'),
        ("a.csv", "text,label\nAnna sang.,a\nIt rained,b\n"),
        ("a.tsv", "Label\tnumber\tText\na\t1\tAnna sang.\nb\t2\tIt rained\n"),
        ("a.txt", "review;sentiment\r\nAnna sang.;a\r\n\r\nIt rained;b\r\n"),
        ("a.csv", 'label,text\na,"Anna\nsang."\n b ,It rained\n'),
    ],
    ids=["lines", "array", "tokens", "comma", "tab", "semicolon", "cell of two lines"],
)  # fmt: skip
def test_formats_are_recognized_by_their_content(tmp_path: Path, name: str, content: str) -> None:
    assert read(written(tmp_path, name, content)) == TWO
    packed = tmp_path / "a.gz"
    packed.write_bytes(gzip.compress(content.encode("utf-16")))
    assert read(packed) == TWO


def test_all_sentences_and_lines_of_a_text_are_one_sequence(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", [{"text": "Anna sang. It rained.\n\nOh!", "label": 3}])
    assert read(path) == [(("Anna", "sang", ".", "It", "rained", ".", "Oh", "!"), ("3",))]


def test_tokens_prevail_over_the_text_that_they_were_made_from(tmp_path: Path) -> None:
    row = {"text": "Anna sang.", "tokens": ["Anna", "sang."], "label": "a"}
    assert read(write_lines(tmp_path / "a.jsonl", [row])) == [(("Anna", "sang."), ("a",))]


def test_several_labels(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"text": "x", "labels": ["b", "a"]},
        {"text": "y", "labels": []},
        {"text": "z", "label": "a"},
    ]
    expected = [(("x",), ("b", "a")), (("y",), ()), (("z",), ("a",))]
    assert read(write_lines(tmp_path / "a.jsonl", rows), MANY) == expected
    table = written(tmp_path, "a.csv", 'text,labels\nx,"b, a"\ny,\nz,a\n')
    assert read(table, MANY) == expected
    other = written(tmp_path, "b.csv", "text,labels\nx,b|a\ny,\nz,a\n")
    assert read(other, TextOptions(multi_label=True, separator="|")) == expected


def test_columns_are_named(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "id,text,body,team\n1,no,Anna sang.,a\n2,no,It rained,b\n")
    assert read(path, TextOptions(text="body", label="team")) == TWO


# -- errors


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"label": "a", "body": "x"},
         'has no text: expected "text" or "tokens", found "label", "body"; name it with '
         "--text-column"),
        ({"text": " \n", "label": "a"}, "the text is empty; write one, or remove the record"),
        ({"text": 3, "label": "a"},
         "expected a string or a list of tokens as \"text\", found '3'"),
        ({"tokens": ["a", ""], "label": "a"},
         "expected a string or a list of tokens as \"tokens\", found '['a', '']'"),
        ({"text": "x"},
         'has no label: expected "label", found "text"; name it with --label-column'),
        ({"text": "x", "label": None}, 'the label is missing: "label" is empty'),
        ({"text": "x", "label": " "}, 'the label is missing: "label" is empty'),
        ({"text": "x", "label": 0.5}, "expected a label as \"label\", found '0.5'"),
        ({"text": "x", "labels": []},
         'expected one label as "labels", found 0; --multi-label learns any number of labels per '
         "text"),
        ({"text": "x", "labels": ["a", "b"]},
         'expected one label as "labels", found 2; --multi-label learns any number of labels per '
         "text"),
    ],
)  # fmt: skip
def test_records_that_cannot_be_used(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    path = write_lines(tmp_path / "a.jsonl", [{"text": "fine", "label": "a"}, row])
    assert error_of(path) == f"FILE:2: {message}"


def test_a_label_twice_is_an_error(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", [{"text": "x", "labels": ["a", "b", "a"]}])
    assert error_of(path, MANY) == "FILE:1: the label 'a' is there twice; remove one"


def test_the_error_lists_all_cases(tmp_path: Path) -> None:
    rows = [{"text": "x"}, {"text": "x", "label": "a"}, {"label": "a"}, {"text": "", "label": "b"}]
    path = write_lines(tmp_path / "a.jsonl", rows)
    path.write_text(path.read_text() + "nonsense\n[1]\n", encoding="utf-8")
    message = error_of(path)
    assert message.startswith('FILE:1: has no label: expected "label", found "text"')
    assert message.endswith("(4 more errors in this file, in lines 3, 4, 5, 6)")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", "Anna sang.\nIt rained.\n",
         'FILE: expected JSON Lines with "text" and "label", or a table whose header row names the '
         "columns of the text and the label; found plain text"),
        ("a.csv", "body,label\nx,a\n",
         "FILE:1: there is no column such as text for the text among body, label; name it with "
         "--text-column"),
        ("a.csv", "text,team\nx,a\n",
         "FILE:1: there is no column such as label for the label among text, team; name it with "
         "--label-column"),
        ("a.csv", "text,label\nx,a,b\n", "FILE:2: expected 2 columns, found 3: 'x | a | b'"),
        ("a.csv", "text,label,text\nx,a,y\n",
         "FILE:1: two columns are named 'text'; rename one of them"),
        ("a.csv", 'text,label\nx,"a\n',
         "FILE:2: a quote does not end; expected quotes around values that contain the delimiter, "
         "and doubled quotes inside them"),
        ("a.csv", "text,label\n", "FILE: contains no texts; expected one record per text"),
        ("a.jsonl", "", 'FILE: expected JSON Lines with "text" and "label", or a table whose '
         "header row names the columns of the text and the label; found plain text"),
        ("a.jsonl", '{"text": "\\ud800", "label": "a"}\n',
         "FILE:1: '\\ud800' is an unpaired surrogate, not a character; correct or remove it"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_used(tmp_path: Path, name: str, content: str, message: str) -> None:
    assert error_of(written(tmp_path, name, content)) == message


def test_a_declared_column_that_is_missing(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "text,label\nx,a\n")
    assert error_of(path, TextOptions(text="body")) == (
        "FILE:1: there is no column 'body' for the text among text, label; name it with "
        "--text-column"
    )


def test_lines_of_text_are_records(tmp_path: Path) -> None:
    path = written(tmp_path, "a.txt", "\n one, two\r\n\n\nthree\n")
    report = ReadReport(str(path))
    with opened(path, report) as file:
        assert [(row.line, row.values) for row in file.rows] == [
            (2, {"text": " one, two"}),
            (5, {"text": "three"}),
        ]
    assert report.notes == (
        "a blank line contains no text and is skipped (2 times; first in line 3)",
    )


# -- datasets


def dataset(label: Any, values: list[Any], **columns: Any) -> datasets.Dataset:
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": label, "id": datasets.Value("int64")}
    )
    texts = ["Anna sang.", "It rained"]
    rows = {"text": texts, "label": values, "id": [1, 2]} | columns
    return datasets.Dataset.from_dict(rows, features=features)


@pytest.mark.usefixtures("quiet_datasets")
def test_datasets_with_names_of_labels(tmp_path: Path) -> None:
    names = datasets.ClassLabel(names=["a", "b"])
    for one in (dataset(names, [0, 1]), dataset(datasets.Value("string"), ["a", "b"])):
        corpus = from_dataset(one, TextOptions())
        assert [(text.tokens, text.labels) for text in corpus.texts] == TWO
        assert "a dataset with the features text and label" in corpus.summary()
    many = dataset(datasets.List(names), [[1, 0], []])
    assert [text.labels for text in from_dataset(many, MANY).texts] == [("b", "a"), ()]
    dataset(names, [0, 1]).to_parquet(str(tmp_path / "a.parquet"))
    assert read(tmp_path / "a.parquet") == TWO
    with pytest.raises(DataError, match=r'^dataset:2: the label is missing: "label" is empty$'):
        from_dataset(dataset(names, [0, -1]), TextOptions())
    with pytest.raises(ConfigError, match=r"data\.text_column: 'dataset' has the features text, "):
        from_dataset(dataset(names, [0, 1]), TextOptions(text="body"))


@pytest.mark.usefixtures("quiet_datasets")
def test_a_dataset_on_the_hub_without_dev_is_divided(tmp_path: Path) -> None:
    names = datasets.ClassLabel(names=["a", "b"])
    found = datasets.DatasetDict({"train": dataset(names, [0, 1]), "test": dataset(names, [0, 1])})
    found.save_to_disk(tmp_path / "saved")
    train, dev = splits(TextDataConfig(hub=str(tmp_path / "saved"), multi_label=True))
    assert (len(train.texts), len(dev.texts)) == (1, 1)
    assert dev.name.startswith("dev, 1 of 2 texts held out of ")


# -- train and dev


def corpus(*rows: tuple[str, str], name: str = "train") -> TextCorpus:
    return TextCorpus(
        name,
        [
            LabeledText(tuple(text.split()), tuple(label.split()), f"{name}.jsonl", number)
            for number, (text, label) in enumerate(rows, 1)
        ],
    )


def test_a_tenth_is_held_out_by_the_text_alone(tmp_path: Path) -> None:
    rows = [{"text": f"text {number % 150}", "label": "ab"[number % 2]} for number in range(300)]
    path = write_lines(tmp_path / "a.jsonl", rows)
    train, dev = splits(TextDataConfig(train=(str(path),)))
    assert len(train.texts) + len(dev.texts) == 300
    assert not {text.tokens for text in train.texts} & {text.tokens for text in dev.texts}
    assert {text.tokens for text in dev.texts} == {
        ("text", str(number)) for number in range(150) if fraction_of(f"text {number}") <= 0.1
    }
    write_lines(path, reversed(rows))
    again = splits(TextDataConfig(train=(str(path),)))
    assert {text.tokens for text in again.dev.texts} == {text.tokens for text in dev.texts}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "no train data: give --train FILE, or set data.train; or give --hub NAME"),
        ({"train": ("a",), "hub": "b"},
         "data.hub is 'b', but data.train or data.dev names a file: expected one or the other"),
    ],
)  # fmt: skip
def test_settings_without_or_with_too_much_data(data: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        splits(TextDataConfig(**data))
    assert str(caught.value) == message


def test_texts_of_one_label_teach_nothing(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", [{"text": f"t {n}", "label": "a"} for n in range(9)])
    with pytest.raises(DataError, match="every text has the label a, so there is nothing to learn"):
        splits(TextDataConfig(train=(str(path),)))
    none = write_lines(tmp_path / "b.jsonl", [{"text": f"t {n}", "labels": []} for n in range(9)])
    with pytest.raises(DataError, match="no text has a label, so there is nothing to learn"):
        splits(TextDataConfig(train=(str(none),), multi_label=True))


def test_warnings() -> None:
    rows = [(f"text {number}", "positive") for number in range(30)]
    train = corpus(*rows, ("text 3", "negative"), ("odd one", "postive"))
    dev = corpus(("text 1", "positive"), ("new text", "neutral"), name="dev")
    assert texts.warnings(train, dev) == [
        "1 of 2 texts of dev also occur in train, so the dev score is too high and the wrong epoch "
        "may be kept",
        "1 of 32 texts of train repeat an earlier text with another label, the first in "
        "train.jsonl:31, as in train.jsonl:4",
        "labels of dev that do not occur in train cannot be learned: neutral",
        "the label postive (1) resembles positive (30); if it is a slip, correct it",
        "labels with fewer than 10 texts in train are hard to learn: negative 1, postive 1",
    ]
    clean = corpus(*[(f"new {n}", "positive") for n in range(30)], ("text 1", "positive"), name="d")
    assert texts.warnings(corpus(*rows), clean) == ["1 of 31 texts of d also occur in train"]


def test_the_summary_says_how_a_corpus_was_understood(tmp_path: Path) -> None:
    rows = [{"text": "one two three", "labels": ["a"]}, {"text": "four", "labels": []}]
    path = write_lines(tmp_path / "a.jsonl", rows)
    assert read_all([path], MANY).summary().splitlines() == [
        f"{path}: JSON Lines",
        "  2 texts, 4 tokens, the longest 3",
        "  labels: a 1; 1 texts without a label",
        "  first: one two three",
    ]


def test_a_file_named_twice_is_an_error(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", [{"text": "x", "label": "a"}])
    with pytest.raises(DataError, match="is the same file as"):
        read_all([path, path], TextOptions())


def test_settings_are_checked_before_data_are_read() -> None:
    with pytest.raises(ConfigError, match=r"data\.label_separator is empty; expected a character"):
        check(override(ClassifierConfig(), ["data.label_separator="]))


def test_records_are_consumed_lazily() -> None:
    def rows() -> Any:
        yield Row("x", 1, {"text": "a", "label": "b"})
        raise AssertionError

    assert next(labeled_texts(rows(), TextOptions(), ReadReport())).labels == ("b",)


def test_integers_and_booleans_are_labels(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps({"text": "x", "label": one}) for one in (5, True)))
    assert [labels for _, labels in read(path)] == [("5",), ("true",)]
