"""Bundles: what was written is read again, by every later version."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.damaged_bundles import FILES, WEIGHTS, npz, seal
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


# -- what is written is read again


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-3), ("int8", 0.03)])
def test_the_golden_bundle_loads_for_ever(precision: str, tolerance: float) -> None:
    """Format 1 with every input: words, vectors with an index, characters, shapes, two language
    models, one in each direction; graphs in both precisions.
    """
    model = tagger.load(GOLDEN, precision=precision)
    assert model.labels == ["LOC", "ORG", "PER"]
    assert set(model.bundle.graphs) == set(bundles.KIND.graphs)
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
    assert manifest["format"] == bundles.KIND.format == 1
    assert sorted(manifest["files"]) == sorted(
        [*FILES, *bundles.KIND.graphs, "vocabulary/characters.json"]
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


def test_other_files_beside_are_no_part_of_it(golden_copy: Path) -> None:
    (golden_copy / "notes.txt").write_text("mine")
    manifest = json.loads((golden_copy / "manifest.json").read_text())
    manifest["files"]["of_a_later_version.json"] = {"bytes": 1, "sha256": "00"}
    (golden_copy / "manifest.json").write_text(json.dumps(manifest))
    assert bundles.load(golden_copy).labels == ["LOC", "ORG", "PER"]


def test_a_link_to_the_whole_folder_is_followed(golden_copy: Path, tmp_path: Path) -> None:
    (tmp_path / "latest").symlink_to(golden_copy)
    assert bundles.load(tmp_path / "latest").labels == ["LOC", "ORG", "PER"]


# -- migrations


def test_older_formats_are_migrated(golden_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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

    config = (golden_copy / "config.toml").read_text().replace("\nunits = 6", "\nhalf_units = 3")
    seal(golden_copy, "config.toml", config)
    seal(
        golden_copy, "weights.npz", npz(**{f"old/{name}": array for name, array in WEIGHTS.items()})
    )
    with pytest.raises(BundleError, match="half_units"):
        bundles.load(golden_copy)
    unchanged = tagger.load(GOLDEN).tag(GOLDEN_TEXT)
    monkeypatch.setattr(bundles, "KIND", replace(bundles.KIND, format=2, migrations={1: from_1}))
    found = tagger.load(golden_copy)
    assert found.bundle.config.model.units == 6
    assert found.tag(GOLDEN_TEXT) == unchanged
    bundles.save(golden_copy, found.bundle)
    assert json.loads((golden_copy / "manifest.json").read_text())["format"] == 2
    seal(golden_copy, "config.toml", "[data]\n")
    manifest = json.loads((golden_copy / "manifest.json").read_text())
    (golden_copy / "manifest.json").write_text(json.dumps({**manifest, "format": 1}))
    with pytest.raises(BundleError, match="invalid content"):  # the migration does not
        bundles.load(golden_copy)


def test_every_older_format_has_its_migration() -> None:
    for kind in (bundles.KIND, language_models.KIND):
        assert list(kind.migrations) == list(range(1, kind.format))
