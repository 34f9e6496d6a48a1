"""Bundles whose files are damaged, missing or malicious are refused with a message."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.damaged_bundles import FILES, WEIGHTS, npz, seal
from support.paths import GOLDEN

import tagger
from tagger.bundles import tagger_files as bundles
from tagger.errors import BundleError


def zipped(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


# -- damage


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-9]),
        lambda path: path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:]),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.unlink(), path.symlink_to(GOLDEN / "README.md")),
        lambda path: (path.unlink(), path.symlink_to("/dev/zero")),
        lambda path: (path.unlink(), path.symlink_to(path.name)),
        pipe,
    ],
    ids=[
        "missing",
        "empty",
        "truncated",
        "changed",
        "a folder",
        "link outside",
        "device",
        "link to itself",
        "pipe",
    ],
)
def test_a_damaged_file_is_refused(
    golden_copy: Path, name: str, spoil: Callable[[Path], object]
) -> None:
    spoil(golden_copy / name)
    with pytest.raises(BundleError) as caught:
        bundles.load(golden_copy)
    assert str(caught.value).startswith(str(golden_copy))
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("manifest", "complaint"),
    [
        ('{"format": 2, "files": {}}', "upgrade"),
        ('{"format": 0, "files": {}}', "damaged manifest"),
        ('{"format": "1", "files": {}}', "damaged manifest"),
        ('{"format": true, "files": {}}', "damaged manifest"),
        ('{"format": 1, "files": []}', "damaged manifest"),
        ('{"format": 1}', "damaged manifest"),
        ("[]", "damaged manifest"),
        ("null", "damaged manifest"),
        ("[" * 100_000, "damaged manifest"),
        ('{"format": 1, "files": {}}', "does not list config.toml"),
        ('{"format": 1, "files": {"config.toml": 7}}', "does not list config.toml"),
        ('{"format": 1, "files": {"config.toml": {}}}', "config.toml: differs"),
    ],
)
def test_a_strange_manifest_is_refused(golden_copy: Path, manifest: str, complaint: str) -> None:
    (golden_copy / "manifest.json").write_text(manifest)
    with pytest.raises(BundleError, match=complaint):
        bundles.load(golden_copy)


def test_a_training_that_has_not_ended_is_recognized(golden_copy: Path) -> None:
    (golden_copy / "manifest.json").unlink()
    (golden_copy / "checkpoint").mkdir()
    with pytest.raises(BundleError, match="--resume"):
        bundles.load(golden_copy)


def test_a_bundle_without_its_graphs_says_how_they_are_made(golden_copy: Path) -> None:
    manifest = json.loads((golden_copy / "manifest.json").read_text())
    del manifest["files"]["sentences.int8.onnx"]
    (golden_copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(
        BundleError, match=r"not list sentences\.int8\.onnx.*tagger export .*bundle"
    ):
        bundles.load(golden_copy)
    assert not bundles.load(golden_copy, with_graphs=False).graphs


# -- files that agree with the manifest, but not with anything else


class Bomb:
    """Leaves a file behind if anything ever unpickles it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def test_no_pickle_is_ever_loaded(golden_copy: Path, tmp_path: Path) -> None:
    bomb = np.array([Bomb(tmp_path / "exploded")], dtype=object)
    arrays = {**WEIGHTS, next(iter(WEIGHTS)): bomb}
    for content in (
        npz(**arrays),
        pickle.dumps(Bomb(tmp_path / "exploded")),
        zipped(**{"a.npy": pickle.dumps(bomb)}),
    ):
        seal(golden_copy, "weights.npz", content)
        with pytest.raises(BundleError, match=r"weights\.npz: not an \.npz file of plain arrays"):
            tagger.load(golden_copy)
    assert not (tmp_path / "exploded").exists()


def enormous() -> bytes:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": (10**13,)}
    )
    return header.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 500,
        zipped(**{"words/embeddings": b"no array"}),
        zipped(**{"words/embeddings.npy": enormous()}),
        npz(),
        npz(**{name: array[:-1] for name, array in WEIGHTS.items()}),
        npz(**{name: array.astype(np.float64) for name, array in WEIGHTS.items()}),
        npz(**{f"other/{name}": array for name, array in WEIGHTS.items()}),
        npz(**WEIGHTS, more=np.zeros(1, np.float32)),
    ],
    ids=[
        "empty",
        "zeros",
        "no array",
        "enormous",
        "none",
        "shape",
        "float64",
        "names",
        "one too many",
    ],
)
def test_weights_that_do_not_fit_are_refused(golden_copy: Path, content: bytes) -> None:
    seal(golden_copy, "weights.npz", content)
    with pytest.raises(BundleError, match=r"weights\.npz") as caught:
        tagger.load(golden_copy)
    assert str(golden_copy) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *[
            ("tags.json", text)
            for text in (
                "", "[]", "7", "{}", '{"tags": "O", '
                                     '"scheme": 7}', '{"tags": ["O"], "scheme": "IOB3"}',
                '{"tags": [], "scheme": "plain"}', '{"tags": [1, 2], "scheme": "plain"}',
                '{"tags": ["A", "A"], "scheme": "plain"}', '{"tags": [[]], "scheme": "plain"}',
                '{"tags": ["O", "B-X"], "scheme": '
                '"IOB2"}', '{"tags": ["B-X", "I-X", "E-X", "S-X", "O"], "scheme": "IOB2"}',
                "[" * 100_000,
            )
        ],
        *[
            ("vocabulary/words.json", text)
            for text in (
                "", "[]", "{}", '{"words": ["a"], "counts": '
                                '[]}', '{"words": ["a", "a"], "counts": [1, 1]}',
                '{"words": [[]], "counts": [1]}', "[" * 100_000,
            )
        ],
        *[("metrics.json", text) for text in ("", "[]", '{"dev": 7}', '{"train_sentences": '
                                                                      '"many"}', "[" * 100_000)],
        *[
            ("config.toml", text)
            for text in (
                "x", "[data]\nfuture = "
                     "1\n", "[model]\nunits = "
                            "-1\n", "model = 7", "training = 7", "x = " + "[" * 100_000,
            )
        ],
        ("README.md", b"\xff"),
    ],
)  # fmt: skip
def test_contents_that_make_no_sense_are_refused(
    golden_copy: Path, name: str, content: str | bytes
) -> None:
    seal(golden_copy, name, content)
    if name == "README.md":  # a text for people, which nothing reads
        assert bundles.load(golden_copy)
        return
    with pytest.raises(BundleError, match=name):
        bundles.load(golden_copy)


def test_an_unknown_tokenizer_is_reported_when_it_is_needed(golden_copy: Path) -> None:
    config = (golden_copy / "config.toml").read_text().replace("english-conll-1", "klingon-7")
    seal(golden_copy, "config.toml", config)
    model = tagger.load(golden_copy)
    assert model.tag_tokens([["Quito"]])[0].tokens == ("Quito",)
    with pytest.raises(tagger.TaggerError, match="klingon-7"):
        model.tag("Quito")
