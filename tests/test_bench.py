"""`tagger bench` measures something, whatever it is: no test asserts a time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.command_line import failed, invoke, worked
from support.inputs import features_of
from support.paths import SAMPLE

from tagger.bundles import tagger_files as bundles
from tagger.cpu import cores
from tagger.errors import TaggerError
from tagger.features.vocabulary import Vocabulary
from tagger.inference import bench


def test_every_precision_on_one_thread_and_on_all_cores(trained_run: Path) -> None:
    text = bench.text_of(bundles.load(trained_run), str(SAMPLE / "dev.conll"), tokens=300)
    speeds = bench.measure(trained_run, text, rounds=1)
    threads = sorted({1, cores()})
    assert [(speed.precision, speed.threads) for speed in speeds] == [
        (p, t) for p in ("float32", "int8") for t in threads
    ]
    assert all(speed.kernel > 0 and speed.whole > 0 for speed in speeds)


def test_a_short_file_is_repeated_and_a_long_one_cut(trained_run: Path, tmp_path: Path) -> None:
    model = bundles.load(trained_run)
    short = tmp_path / "short.txt"
    short.write_text("Anna sang.\n\nOslo slept.\n", encoding="utf-8")
    assert 100 <= bench.text_of(model, str(short), tokens=100).tokens < 110
    assert bench.text_of(model, str(SAMPLE / "train.conll"), tokens=100).tokens < 300


def test_without_a_file_words_of_the_vocabulary_are_tagged(trained_run: Path) -> None:
    model = bundles.load(trained_run)
    text = bench.text_of(model, tokens=100)
    assert text.tokens == 100
    assert {word for sentence in text.sentences for word in sentence.tokens} <= {
        *model.features.words.words
    }


def test_a_model_without_known_words_needs_a_file(trained_run: Path) -> None:
    model = bundles.load(trained_run)
    empty = replace(model, features=features_of(Vocabulary([], [])))
    with pytest.raises(TaggerError, match="name a FILE"):
        bench.text_of(empty, tokens=100)


def test_the_command_prints_a_table(trained_run: Path) -> None:
    out = worked(
        invoke("bench", trained_run, SAMPLE / "dev.conll", "--tokens", "100", "--rounds", "1")
    )
    assert "float32" in out
    assert "int8" in out
    assert out.rstrip().endswith(" s")


def test_a_file_without_a_token_is_refused(trained_run: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("\n\n", encoding="utf-8")
    assert "has no token to tag" in failed(invoke("bench", trained_run, tmp_path / "empty.txt"))
