"""data/<corpus>/prepare.py: from a folder or the Hub, every column and tag kept, and what is not
the corpus said so.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import pytest
from support.paths import shared

from tagger.text import annotation
from tagger.text.formats import ReadOptions
from tagger.text.formats.conll import Columns

DATA = Path(__file__).parent.parent / "data"
CORPORA = ("conll2003", "bc5cdr", "conll2000")
SPLITS = ("train", "dev", "test")

# One sentence a split; counts are (1, 3, 1), and train has one more sentence and entity.
FOUR_COLUMNS = "-DOCSTART- -X- -X- O\n\nOslo NNP I-NP I-LOC\nsmiled VBD I-VP O\n. . O O\n\n"
THREE_COLUMNS = "Prices NNS B-NP\nand CC O\n. . O\n\n"
TWO_COLUMNS = "Aspirin\tB-Chemical\nhelps\tO\n.\tO\n\n"
MORE = {
    "conll2003": "Anna NNP I-NP I-PER\n\n",
    "bc5cdr": "Aspirin\tB-Chemical\n\n",
    "conll2000": "Oil NN B-NP\n\n",
}


def script(corpus: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"prepare_{corpus}", DATA / corpus / "prepare.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    path = list(sys.path)
    spec.loader.exec_module(module)
    sys.path[:] = path
    return module


def run(corpus: str, target: Path, *arguments: str | Path, small: bool = True) -> int:
    """The script's exit status; `small` lets the made-up corpora below pass for the published
    ones.
    """
    module = script(corpus)
    if small:
        one, two = module.Counts(1, 3, 1), module.Counts(2, 4, 2)
        held_out = min(module.CORPUS.held_out, 1)
        module.CORPUS = replace(
            module.CORPUS, published={"train": two, "dev": one, "test": one}, held_out=held_out
        )
    return int(module.main(module.CORPUS, target, [str(argument) for argument in arguments]))


def folder(path: Path, corpus: str, names: tuple[str, ...]) -> Path:
    path.mkdir()
    text = {"conll2003": FOUR_COLUMNS, "bc5cdr": TWO_COLUMNS, "conll2000": THREE_COLUMNS}[corpus]
    for name in names:
        dev = text if len(names) == 2 else ""  # at the end of train
        (path / name).write_text(
            text + (MORE[corpus] + dev if name == names[0] else ""), encoding="utf-8"
        )
    return path


def hub(
    monkeypatch: pytest.MonkeyPatch,
    columns: dict[str, list[Any]],
    features: dict[str, Any] | None = None,
    dev: str = "validation",
) -> list[str]:
    """Let `datasets.load_dataset` give these rows as every split; the names that it is asked
    for.
    """
    asked: list[str] = []

    def load_dataset(name: str) -> datasets.DatasetDict:
        asked.append(name)
        split = datasets.Dataset.from_dict(
            columns, features=datasets.Features(features) if features else None
        )
        return datasets.DatasetDict({"train": split, dev: split, "test": split})

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    return asked


STRINGS = datasets.List(datasets.Value("string"))


def labels(*names: str) -> datasets.List:
    return datasets.List(datasets.ClassLabel(names=list(names)))


@pytest.mark.parametrize(
    ("corpus", "names"),
    [
        ("conll2003", ("eng.train", "eng.testa", "eng.testb")),
        ("conll2003", ("train.txt", "valid.txt", "test.txt")),
        ("bc5cdr", ("train.tsv", "dev.tsv", "test.tsv")),
        ("bc5cdr", ("train.tsv", "devel.tsv", "test.tsv")),
    ],
)
def test_the_files_of_a_folder_are_copied_as_they_are(
    corpus: str, names: tuple[str, str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = folder(tmp_path / "mine", corpus, names)
    assert run(corpus, tmp_path / "unused", "--from", source, "--to", tmp_path / "out") == 0
    for split, name in zip(SPLITS, names, strict=True):
        assert (tmp_path / "out" / f"{split}.conll").read_bytes() == (source / name).read_bytes()
    said = capsys.readouterr()
    assert said.err == ""
    assert re.search(
        r"train\.conll: 2 sentences, 4 tokens, 2 entities, "
        + ("IO" if corpus == "conll2003" else "IOB2"),
        said.out,
    )
    assert not (tmp_path / "unused").exists()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "dev.conll",
        "test.conll",
        "train.conll",
    ]


def test_without_a_dev_file_the_end_of_train_becomes_dev(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = folder(tmp_path / "mine", "conll2000", ("train.txt", "test.txt"))
    assert run("conll2000", tmp_path / "unused", "--from", source, "--to", tmp_path / "out") == 0
    train, dev, test = ((tmp_path / "out" / f"{split}.conll").read_bytes() for split in SPLITS)
    assert train + dev == (source / "train.txt").read_bytes()
    assert dev == test == (source / "test.txt").read_bytes() == THREE_COLUMNS.encode()
    said = capsys.readouterr()
    assert said.err == ""
    assert "train.conll: 2 sentences, 4 tokens, 2 entities, IOB2" in said.out


def test_lines_are_cut_where_the_reader_ends_them(tmp_path: Path) -> None:
    source = folder(tmp_path / "mine", "conll2000", ("train.txt", "test.txt"))
    # odd characters, an empty line too many, no last line end
    text = "a\x85\u2028b NN B-NP\r\n\r\n \r\nc NN B-NP\r\n. . O"
    (source / "train.txt").write_bytes(text.encode())
    assert run("conll2000", tmp_path / "out", "--from", source) == 1  # not the counts expected
    assert (tmp_path / "out" / "dev.conll").read_bytes() == b"c NN B-NP\r\n. . O"
    assert (
        tmp_path / "out" / "train.conll"
    ).read_bytes() == "a\x85\u2028b NN B-NP\r\n\r\n \r\n".encode()


def test_too_few_sentences_to_hold_out_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = folder(tmp_path / "mine", "conll2000", ("train.txt", "test.txt"))
    (source / "train.txt").write_text(THREE_COLUMNS, encoding="utf-8")
    assert run("conll2000", tmp_path / "out", "--from", source) == 1
    assert (
        "train.txt: holds 1 sentences; expected more than the 1 for dev" in capsys.readouterr().err
    )
    assert not (tmp_path / "out").exists()


def test_without_to_it_writes_beside_the_script(tmp_path: Path) -> None:
    source = folder(tmp_path / "mine", "bc5cdr", ("train.tsv", "dev.tsv", "test.tsv"))
    assert run("bc5cdr", tmp_path / "beside", "--from", source) == 0
    assert (tmp_path / "beside" / "dev.conll").is_file()


def test_the_rows_of_the_hub_become_columns_with_the_names_of_their_labels(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    columns: dict[str, list[Any]] = {
        "id": ["0", "1", "2"],
        "tokens": [["-DOCSTART-"], ["EU\u00a0Oslo", "#", "Rome"], []],
        "pos_tags": [[0], [1, 0, 1], []],
        "chunk_tags": [[0], [1, 0, 1], []],
        "ner_tags": [[0], [1, 0, 1], []],
    }
    features = {"id": datasets.Value("string"), "tokens": STRINGS, "pos_tags": labels('"', "NNP")}
    features |= {"chunk_tags": labels("O", "B-NP"), "ner_tags": labels("O", "B-LOC")}
    asked = hub(monkeypatch, columns, features)
    assert (
        run("conll2003", tmp_path, "--hub", "a/copy") == 1
    )  # written, and 2 entities instead of 1 in dev
    text = (tmp_path / "dev.conll").read_text(encoding="utf-8")
    assert (
        text
        == '-DOCSTART- " O O\n\nEU\u00a0Oslo NNP B-NP B-LOC\n# " O O\nRome NNP B-NP B-LOC\n\n\n'
    )
    corpus = annotation.read(tmp_path / "dev.conll", ReadOptions())
    assert ([len(sentence) for sentence in corpus.sentences], corpus.scheme) == ([3], "IOB2")
    assert asked == ["a/copy"]


def test_strings_serve_as_well_and_bc5cdr_has_tabs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    columns = {"tokens": [["Aspirin", "helps"], ["#"]], "tags": [["B-Chemical", "O"], ["O"]]}
    asked = hub(monkeypatch, columns, dev="dev")
    assert run("bc5cdr", tmp_path, "--hub") == 1
    assert (tmp_path / "test.conll").read_text(
        encoding="utf-8"
    ) == "Aspirin\tB-Chemical\nhelps\tO\n\n#\tO\n\n"
    assert asked == [script("bc5cdr").CORPUS.hub]


def test_chunks_of_the_hub_stand_last_and_need_no_dev_split(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    columns: dict[str, list[Any]] = {
        "tokens": [["Oil"], [], ["up"]],
        "pos_tags": [[1], [], [0]],
        "chunk_tags": [[1], [], [0]],
    }
    features = {
        "tokens": STRINGS,
        "pos_tags": labels("RB", "NN"),
        "chunk_tags": labels("O", "B-NP"),
    }
    hub(monkeypatch, columns, features, dev="unused")
    assert run("conll2000", tmp_path, "--hub") == 1
    texts = [(tmp_path / f"{split}.conll").read_text(encoding="utf-8") for split in SPLITS]
    assert texts == ["Oil NN B-NP\n\n\n", "up RB O\n\n", "Oil NN B-NP\n\n\nup RB O\n\n"]
    monkeypatch.setattr(datasets, "load_dataset", lambda name: {"test": None})
    assert run("conll2000", tmp_path, "--hub") == 1
    assert "has the splits test; expected train and test" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("columns", "features", "message"),
    [
        ({"tokens": [["a"]], "ner_tags": [[3]]}, None, "the label 3 has no name"),
        (
            {"tokens": [["a"]], "ner_tags": [[-1]]},
            {"tokens": STRINGS, "ner_tags": labels("O", "B-X")},
            "the label -1 has no name",
        ),
        ({"tokens": [["a b"]], "ner_tags": [["O"]]}, None, "'a b' is empty, or holds a blank"),
        (
            {"tokens": [["a", "b"]], "ner_tags": [["O"]]},
            None,
            "expected as many labels as tokens, found 2 tokens, 1 ner_tags",
        ),
        (
            {"tokens": [["a"]], "entities": [["O"]]},
            None,
            "expected tokens, and ner_tags or tags or chunk_tags",
        ),
        (
            {"words": [["a"]], "ner_tags": [["O"]]},
            None,
            "expected tokens, and ner_tags or tags or chunk_tags",
        ),
        ({"tokens": [["a", "b"]], "ner_tags": [["S-X", "U-X"]]}, None, "no scheme of"),
    ],
)
def test_what_the_hub_must_not_hold_is_named_and_nothing_is_written(
    columns: dict[str, list[Any]],
    features: dict[str, Any] | None,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    hub(monkeypatch, columns, features)
    assert run("conll2003", tmp_path / "out", "--hub") == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_hub_without_a_dev_split_and_one_out_of_reach(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub(monkeypatch, {"tokens": [["a"]], "ner_tags": [["O"]]}, dev="other")
    assert run("bc5cdr", tmp_path / "out", "--hub") == 1
    assert (
        "has the splits train, other, test; expected train, validation and test"
        in capsys.readouterr().err
    )

    def unreachable(name: str) -> None:
        raise ConnectionError("no network")

    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    assert run("bc5cdr", tmp_path / "out", "--hub", "a/b") == 1
    assert re.search(
        r"'a/b' cannot be loaded .*no network. .*--from FOLDER", capsys.readouterr().err
    )


def test_a_wrong_folder_is_reported_with_what_it_should_hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("conll2003", tmp_path / "out", "--from", tmp_path / "nowhere") == 1
    assert "no such folder" in capsys.readouterr().err
    (tmp_path / "train.txt").write_text("a O\n", encoding="utf-8")
    assert run("conll2003", tmp_path / "out", "--from", tmp_path) == 1
    assert (
        "holds no valid.txt and no test.txt; expected the files eng.train, eng.testa, eng.testb or"
        in capsys.readouterr().err
    )
    assert not (tmp_path / "out").exists()


def test_an_ill_formed_split_is_named_with_its_line_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = folder(tmp_path / "mine", "bc5cdr", ("train.tsv", "dev.tsv", "test.tsv"))
    (source / "test.tsv").write_text("a\tO\nb\n", encoding="utf-8")
    assert run("bc5cdr", tmp_path / "out", "--from", source) == 1
    assert "test.tsv:2: expected 2 columns, found 1" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("corpus", CORPORA)
def test_other_counts_than_the_published_are_named(
    corpus: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = script(corpus).CORPUS.layouts[0]
    source = folder(tmp_path / "mine", corpus, names)
    if corpus == "conll2000":
        (source / "train.txt").write_text(THREE_COLUMNS * 1_001, encoding="utf-8")
    assert run(corpus, tmp_path / "out", "--from", source, small=False) == 1
    said = capsys.readouterr().err
    assert "as published" in said
    dev = {
        "conll2003": "dev: 1 sentences instead of 3,250, 3 tokens instead of 51,362, 1 entities "
        "instead of 5,942",
        "bc5cdr": "dev: 1 sentences instead of 4,581, 1 entities instead of 9,593",
        "conll2000": "dev: 3,000 tokens instead of 23,668, 1,000 entities instead of 11,759",
    }
    assert dev[corpus] in said
    assert (tmp_path / "out" / "dev.conll").is_file()


@pytest.mark.parametrize("corpus", CORPORA)
def test_the_scripts_run_from_anywhere_and_want_one_source(corpus: str, tmp_path: Path) -> None:
    command = [sys.executable, "-B", str(DATA / corpus / "prepare.py")]
    environment = {**os.environ, "PYTHONPATH": str(DATA.parent)}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "one of the arguments --from --hub is required" in done.stderr


@pytest.mark.parametrize("corpus", CORPORA)
def test_the_readme_says_what_the_script_does(corpus: str) -> None:
    wanted = script(corpus).CORPUS
    readme = (DATA / corpus / "README.md").read_text(encoding="utf-8")
    for split, counts in wanted.published.items():
        row = next(line for line in readme.splitlines() if line.startswith(f"| {split} |"))
        assert {f"{number:,}" for number in vars(counts).values() if number} <= set(
            re.findall(r"[\d,]+", row)
        )
    assert wanted.hub in readme
    assert all(name in readme for layout in wanted.layouts for name in layout)


@pytest.mark.slow
@pytest.mark.parametrize("corpus", CORPORA)
def test_the_real_corpus_counts_what_is_published(corpus: str, tmp_path: Path) -> None:
    source = shared("corpora", corpus)
    assert run(corpus, tmp_path / "unused", "--from", source, "--to", tmp_path, small=False) == 0
    columns = Columns(delimiter="tab" if corpus == "bc5cdr" else "blank")
    found = annotation.read(tmp_path / "test.conll", ReadOptions(columns=columns))
    expected = {
        "conll2003": (3_453, "IOB1"),
        "bc5cdr": (4_797, "IOB2"),
        "conll2000": (2_012, "IOB2"),
    }
    assert (len(found.sentences), found.scheme) == expected[corpus]
    record = found.sentences[0].record
    assert record is not None
    assert len(record.lines[0].split()) == {"conll2003": 4, "bc5cdr": 2, "conll2000": 3}[corpus]
