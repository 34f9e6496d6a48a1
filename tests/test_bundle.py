"""The bundle: what was written is read again, for ever, and whatever else lies there is refused in
words.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.inputs import characters_of, features_of, vectors_of
from support.paths import GOLDEN

import tagger
from tagger.bundles import language_model as language_models
from tagger.bundles import migrations
from tagger.bundles import tagger_files as bundles
from tagger.bundles.card import describe
from tagger.bundles.tagger import Bundle
from tagger.bundles.tagger_weights import expected
from tagger.config.tagger import Config, DataConfig
from tagger.errors import BundleError
from tagger.export.tagger import with_graphs
from tagger.features.vectors import Vectors
from tagger.features.vocabulary import Vocabulary

FILES = (
    "config.toml",
    "tags.json",
    "vocabulary/words.json",
    "weights.npz",
    "metrics.json",
    "README.md",
)
WEIGHTS = dict(np.load(GOLDEN / "weights.npz"))
GOLDEN_TEXT = (
    "Mira Okafor works for Nordwind in Quito. The train from Kestrel Rail met Leila in Porto."
)
EXPECTED = [
    ("Mira Okafor", "PER", 0.9996),
    ("Nordwind", "ORG", 0.6840),
    ("Quito", "LOC", 0.9805),
    ("Kestrel Rail", "ORG", 0.9732),
    ("Leila", "PER", 0.9056),
    ("Porto", "LOC", 0.9810),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the golden bundle, to be spoilt."""
    return Path(shutil.copytree(GOLDEN, tmp_path / "bundle"))


def seal(folder: Path, name: str, content: str | bytes) -> None:
    """Replace a file and make the manifest agree with it, as whoever means harm would."""
    data = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(data)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def npz(**arrays: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)  # type: ignore[arg-type]
    return stream.getvalue()


def zipped(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


# -- what is written is read again


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-3), ("int8", 0.03)])
def test_the_golden_bundle_loads_for_ever(precision: str, tolerance: float) -> None:
    """Format 1 with every input: words, vectors with an index, characters, shapes, two language
    models, one in each direction; graphs in both precisions.
    """
    model = tagger.load(GOLDEN, precision=precision)
    assert model.labels == ["LOC", "ORG", "PER"]
    assert set(model.bundle.graphs) == set(bundles.GRAPHS)
    assert [one.config.model.direction for one in model.bundle.language_models] == [
        "forward",
        "backward",
    ]
    spans = [span for sentence in model.tag(GOLDEN_TEXT) for span in sentence.spans or ()]
    assert [(span.text, span.label) for span in spans] == [
        (text, label) for text, label, _ in EXPECTED
    ]
    assert [span.score for span in spans] == pytest.approx(
        [score for *_, score in EXPECTED], abs=tolerance
    )


def test_round_trip(tmp_path: Path) -> None:
    words = Vocabulary(["Zoë", "<UNK>", "\N{LINE SEPARATOR}", '"'], [3, 2, 1, 1])
    characters = Vocabulary.build(words.words)
    vectors = Vectors(
        ["Zoë", "\N{LINE SEPARATOR}"], np.array([[1, 2, 3], [-0.5, 0, 60_000]], dtype=np.float16)
    )
    config = Config(data=DataConfig(vectors=("elsewhere.txt",)))
    tags = ("O", "B-Ort, groß", "I-Ort, groß", "E-Ort, groß", "S-Ort, groß")
    features = features_of(words, characters, True, vectors)
    random = np.random.default_rng(1)
    shapes = expected(config.model, features, len(tags))
    weights = {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    metrics = {"dev": {"score": 1.5}, "train_sentences": 2}
    written = with_graphs(Bundle(config, tags, "IOB1", features, weights, metrics))
    bundles.save(tmp_path / "deep" / "down", written)
    read = bundles.load(tmp_path / "deep" / "down")
    assert (read.config, read.tags, read.scheme, read.metrics) == (
        config,
        tags,
        "IOB1",
        written.metrics,
    )
    assert list(read.features.inputs) == ["words", "vectors", "characters", "shapes"]
    assert (read.features.words, characters_of(read.features)) == (
        words,
        characters,
    )
    found = vectors_of(read.features)
    assert list(found.words) == vectors.words
    assert isinstance(found.table, np.memmap)
    np.testing.assert_array_equal(found.table, vectors.table)
    assert read.labels == ["Ort, groß"]
    assert read.weights.keys() == weights.keys()
    assert all(np.array_equal(read.weights[name], weights[name]) for name in weights)
    assert read.graphs == written.graphs
    assert read.weights_digest == written.weights_digest
    assert not list(tmp_path.rglob("*.tmp"))


def test_saving_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        bundles.save(tmp_path / name, bundles.load(GOLDEN))
    for name in (*FILES, "manifest.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert bundles.load(tmp_path / "one").config == bundles.load(GOLDEN).config


def test_the_manifest_lists_every_file_with_its_hash(trained_run: Path) -> None:
    manifest = json.loads((trained_run / "manifest.json").read_text())
    assert manifest["format"] == bundles.FORMAT == 1
    assert sorted(manifest["files"]) == sorted(
        [*FILES, *bundles.GRAPHS, "vocabulary/characters.json"]
    )
    for name, entry in manifest["files"].items():
        data = (trained_run / name).read_bytes()
        assert entry == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def test_describe_tells_what_the_model_is() -> None:
    facts = describe(bundles.load(GOLDEN))
    assert facts["predicts"] == "spans: LOC, ORG, PER"
    assert facts["tokenizer"] == "english-conll-1"
    assert "6 units" in facts["network"]
    assert facts["inputs"] == (
        "pretrained vectors of 5, 44 words, fine-tuned, characters (cnn, 6 units), shape, "
        "language models (forward characters and backward characters, 12 numbers)"
    )


def test_other_files_beside_are_no_part_of_it(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["of_a_later_version.json"] = {"bytes": 1, "sha256": "00"}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert bundles.load(folder).labels == ["LOC", "ORG", "PER"]


def test_a_link_to_the_whole_folder_is_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "latest").symlink_to(folder)
    assert bundles.load(tmp_path / "latest").labels == ["LOC", "ORG", "PER"]


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
    folder: Path, name: str, spoil: Callable[[Path], object]
) -> None:
    spoil(folder / name)
    with pytest.raises(BundleError) as caught:
        bundles.load(folder)
    assert str(caught.value).startswith(str(folder))
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
def test_a_strange_manifest_is_refused(folder: Path, manifest: str, complaint: str) -> None:
    (folder / "manifest.json").write_text(manifest)
    with pytest.raises(BundleError, match=complaint):
        bundles.load(folder)


def test_a_training_that_has_not_ended_is_told_apart(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    (folder / "checkpoint").mkdir()
    with pytest.raises(BundleError, match="--resume"):
        bundles.load(folder)


def test_a_bundle_without_its_graphs_says_how_they_are_made(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["files"]["sentences.int8.onnx"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(
        BundleError, match=r"not list sentences\.int8\.onnx.*tagger export .*bundle"
    ):
        bundles.load(folder)
    assert not bundles.load(folder, with_graphs=False).graphs


# -- migrations


def test_older_formats_are_migrated(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here from a format 1 in which layers have half of their units, and weights other names."""

    def from_1(contents: migrations.Contents) -> migrations.Contents:
        config = contents["config.toml"]
        settings = {**config["model"], "units": config["model"]["half_units"] * 2}
        del settings["half_units"]
        weights = {name.removeprefix("old/"): a for name, a in contents["weights.npz"].items()}
        return {
            **contents,
            "config.toml": {**config, "model": settings},
            "weights.npz": weights,
        }

    config = (folder / "config.toml").read_text().replace("\nunits = 6", "\nhalf_units = 3")
    seal(folder, "config.toml", config)
    seal(folder, "weights.npz", npz(**{f"old/{name}": array for name, array in WEIGHTS.items()}))
    with pytest.raises(BundleError, match="half_units"):
        bundles.load(folder)
    unchanged = tagger.load(GOLDEN).tag(GOLDEN_TEXT)
    monkeypatch.setattr(bundles, "FORMAT", 2)
    monkeypatch.setitem(migrations.TAGGER, 1, from_1)
    found = tagger.load(folder)
    assert found.bundle.config.model.units == 6
    assert found.tag(GOLDEN_TEXT) == unchanged
    bundles.save(folder, found.bundle)
    assert json.loads((folder / "manifest.json").read_text())["format"] == 2
    seal(folder, "config.toml", "[data]\n")
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "format": 1}))
    with pytest.raises(BundleError, match="invalid content"):  # the migration does not
        bundles.load(folder)


def test_every_older_format_has_its_migration() -> None:
    assert list(migrations.TAGGER) == list(range(1, bundles.FORMAT))
    assert list(migrations.LANGUAGE_MODEL) == list(range(1, language_models.FORMAT))


# -- files that agree with the manifest, but not with anything else


class Bomb:
    """Leaves a file behind if anything ever unpickles it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def test_no_pickle_is_ever_loaded(folder: Path, tmp_path: Path) -> None:
    bomb = np.array([Bomb(tmp_path / "exploded")], dtype=object)
    arrays = {**WEIGHTS, next(iter(WEIGHTS)): bomb}
    for content in (
        npz(**arrays),
        pickle.dumps(Bomb(tmp_path / "exploded")),
        zipped(**{"a.npy": pickle.dumps(bomb)}),
    ):
        seal(folder, "weights.npz", content)
        with pytest.raises(BundleError, match=r"weights\.npz: not an \.npz file of plain arrays"):
            tagger.load(folder)
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
def test_weights_that_do_not_fit_are_refused(folder: Path, content: bytes) -> None:
    seal(folder, "weights.npz", content)
    with pytest.raises(BundleError, match=r"weights\.npz") as caught:
        tagger.load(folder)
    assert str(folder) in str(caught.value)


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
    folder: Path, name: str, content: str | bytes
) -> None:
    seal(folder, name, content)
    if name == "README.md":  # a text for people, which nothing reads
        assert bundles.load(folder)
        return
    with pytest.raises(BundleError, match=name):
        bundles.load(folder)


def test_an_unknown_tokenizer_is_told_when_it_is_needed(folder: Path) -> None:
    config = (folder / "config.toml").read_text().replace("english-conll-1", "klingon-7")
    seal(folder, "config.toml", config)
    model = tagger.load(folder)
    assert model.tag_tokens([["Quito"]])[0].tokens == ("Quito",)
    with pytest.raises(tagger.TaggerError, match="klingon-7"):
        model.tag("Quito")
