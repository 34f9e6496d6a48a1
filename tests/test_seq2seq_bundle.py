"""Bundles of sequence-to-sequence models: the golden one loads for ever, damaged ones do not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import small_seq2seq as small
from support.command_line import failed, invoke
from support.damaged_bundles import npz, seal
from support.paths import GOLDEN, GOLDEN_LANGUAGE_MODEL, GOLDEN_SEQ2SEQ

import tagger
from tagger.bundles import seq2seq as bundles
from tagger.errors import BundleError
from tagger.seq2seq.model import Seq2SeqModel, load

FILES = (
    "config.toml", "vocabulary/words.json", "vocabulary/targets.json", "weights.npz",
    "metrics.json", "README.md", bundles.ENCODER, bundles.DECODER,
)  # fmt: skip
WEIGHTS = dict(np.load(GOLDEN_SEQ2SEQ / "weights.npz"))


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the golden bundle, which a test may damage."""
    return Path(shutil.copytree(GOLDEN_SEQ2SEQ, tmp_path / "bundle"))


def test_the_golden_bundle_loads_for_ever() -> None:
    model = load(GOLDEN_SEQ2SEQ)
    manifest = json.loads((GOLDEN_SEQ2SEQ / "manifest.json").read_text())
    assert {*manifest["files"]} == {*FILES}
    assert (manifest["format"], manifest["kind"]) == (1, "sequence to sequence")
    found = model.predict(["abca"], features=[{"d": 1}], beam=3, count=2)[0]
    assert [one.text for one in found] == GOLDEN_TARGETS
    for one in found:
        ids = model.bundle.targets.ids(one.symbols)
        source: Any = ("d=1", *"abca")  # the feature is an unknown symbol
        expected = small.log_probability(model.bundle, source, ids)
        assert one.log_probability == pytest.approx(expected, abs=1e-4)


GOLDEN_TARGETS = ["zz", "z"]


def test_a_bundle_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    bundle = small.bundle_of(decoder={"attention": "none"})
    bundles.save(tmp_path, bundle)
    again = bundles.load(tmp_path)
    assert again.config == bundle.config
    assert again.targets == bundle.targets
    assert again.features.words == bundle.features.words
    assert again.graphs == bundle.graphs
    assert again.weights_digest == bundle.weights_digest
    assert repr(again) == (
        "<Seq2SeqBundle: gru, 1 x 3 units, both directions; decoder gru, 1 x 5 units, 383 "
        "parameters>"
    )


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(path.read_bytes()[:-9]),
        lambda path: (path.unlink(), path.symlink_to(GOLDEN / "README.md")),
    ],
    ids=["missing", "truncated", "link outside"],
)
def test_a_damaged_file_is_refused(
    copied: Path, name: str, spoil: Callable[[Path], object]
) -> None:
    spoil(copied / name)
    with pytest.raises(BundleError, match=name):
        bundles.load(copied)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("vocabulary/targets.json", '{"words": ["x"], "counts": [1]}'),
        ("vocabulary/targets.json", "[]"),
        ("vocabulary/targets.json", '{"words": ["x", "y", 7], "counts": [1, 1, 1]}'),
        ("vocabulary/targets.json", '{"words": ["x", "y", "\\ud800"], "counts": [1, 1, 1]}'),
        ("vocabulary/words.json", '{"words": ["x", "x"], "counts": [1, 1]}'),
        ("config.toml", "[decoder]\nunits = 7\n"),
        ("config.toml", '[decoder]\nattention = "all"\n'),
        ("metrics.json", '{"train_pairs": "many"}'),
        ("weights.npz", npz()),
        ("weights.npz", npz(**{name: array[:-1] for name, array in WEIGHTS.items()})),
        ("weights.npz", npz(**WEIGHTS, more=np.zeros(1, np.float32))),
        (bundles.DECODER, b"no graph"),
        (bundles.ENCODER, b""),
    ],
)
def test_contents_that_make_no_sense_are_refused(
    copied: Path, name: str, content: str | bytes
) -> None:
    seal(copied, name, content)
    with pytest.raises(BundleError) as caught:
        load(copied)
    wrong = "weights.npz" if "units = 7" in str(content) or '["x"]' in str(content) else name
    assert wrong in str(caught.value)
    assert str(copied) in str(caught.value)


def test_graphs_of_other_weights_are_refused() -> None:
    bundle, other = small.bundle_of(1), small.bundle_of(2)
    with pytest.raises(BundleError, match=r"encoder\.onnx: was not created from weights\.npz"):
        Seq2SeqModel(replace(bundle, graphs=other.graphs))
    with pytest.raises(BundleError, match=r"has no encoder\.onnx; create it: tagger export RUN"):
        Seq2SeqModel(replace(bundle, graphs={}))


def test_other_kinds_of_models_are_refused_and_the_right_command_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"a tagger, not a sequence-to-sequence model; use it wi"):
        load(GOLDEN)
    with pytest.raises(BundleError, match=r"a language model, not a sequence-to-sequence model"):
        load(GOLDEN_LANGUAGE_MODEL)
    with pytest.raises(BundleError, match=r"not a tagger; use it with tagger seq2seq"):
        tagger.load(GOLDEN_SEQ2SEQ)
    (tmp_path / "a.tsv").write_text("a\tb\n", encoding="utf-8")
    assert "use it with tagger predict" in failed(
        invoke("seq2seq", "predict", GOLDEN, tmp_path / "a.tsv")
    )
    with pytest.raises(BundleError, match="not a trained model"):
        load(tmp_path)


def test_the_card_and_the_facts_say_what_a_model_does() -> None:
    facts = tagger.describe(GOLDEN_SEQ2SEQ)
    assert facts["predicts"] == "characters of the target from characters of the source, features d"
    assert facts["network"] == (
        "lstm, 2 x 3 units, both directions; decoder lstm-peephole, 2 x 5 units, attention"
    )
    assert facts["dev score"] == "symbol error rate 3.5 %"
    card = (GOLDEN_SEQ2SEQ / "README.md").read_text(encoding="utf-8")
    assert "tagger seq2seq predict" in card
    assert facts["network"] in card
