"""A new cell, a new head and a new input work everywhere once they are in the tables.

Each is made here, and inserted into the tables alone: then it is trained, saved, loaded, exported
to ONNX, compared with Keras and put to work.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras import ops
from support import small_language_models as small
from support.tiny import settings_in

import tagger
from tagger import cells, heads
from tagger.bundles import tagger_files as bundles
from tagger.bundles.card import describe
from tagger.bundles.tagger import INT8, Bundle
from tagger.bundles.tagger_weights import expected
from tagger.cells import CellSpec, Onnx
from tagger.config.tagger import Config, override
from tagger.errors import ConfigError
from tagger.export import inputs as export_inputs
from tagger.export.inputs.base import ExportInput
from tagger.export.operators import value
from tagger.features import inputs as host_inputs
from tagger.features.inputs.base import Column, Files, Input, Settings, Shapes, Sources
from tagger.features.vocabulary import Vocabulary
from tagger.heads import HeadSpec
from tagger.language_models.model import LanguageModel
from tagger.networks import cells as network_cells
from tagger.networks import inputs as network_inputs
from tagger.networks import sequence_tagger
from tagger.networks.cells import State, Tensor, Weights
from tagger.networks.embedding import embedding
from tagger.networks.heads import SoftmaxHead
from tagger.networks.inputs.base import NetworkInput
from tagger.training import distillation, trainer
from tagger.training.build_language_model import OnKeras
from tagger.training.export import verify

SENTENCES = [["Anna", "sang"], [], ["Nobody", "lives", "in", "Neverland", "or", "Oslo"], ["Oslo"]]


def used(folder: Path, *changes: str) -> Bundle:
    """Train with these settings; check that the bundle, its graphs and its predictions are those
    of the network; return it.
    """
    trained = trainer.train(settings_in(folder, *changes), folder / "run")
    loaded = bundles.load(folder / "run")
    assert loaded.config == trained.config
    shapes = {name: array.shape for name, array in loaded.weights.items()}
    assert shapes == expected(loaded.config.model, loaded.features, len(loaded.tags))
    for name, array in trained.weights.items():
        np.testing.assert_array_equal(loaded.weights[name], array)
    exact = verify.compare(loaded, SENTENCES)[0]  # raises if emissions or tags are not Keras'
    assert exact.tokens == sum(map(len, SENTENCES))
    found = tagger.load(folder / "run").tag_tokens(SENTENCES)
    assert [list(sentence.tokens) for sentence in found] == SENTENCES
    return loaded


# -- a cell


def softsign(z: Tensor, state: State, weights: Weights) -> State:
    """a^<t> = softsign(W_aa a^<t-1> + W_ax x^<t> + b_a)"""
    x = z + ops.matmul(state[0], weights["recurrent"])
    return (x / (1 + ops.abs(x)),)


@pytest.fixture
def new_cell(monkeypatch: pytest.MonkeyPatch) -> str:
    spec = CellSpec(("activation",), Onnx("RNN", ("activation",), activation="Softsign"))
    monkeypatch.setitem(cells.CELLS, "softsign", spec)
    monkeypatch.setitem(network_cells.STEPS, "softsign", softsign)
    return "softsign"


@pytest.mark.slow
def test_a_new_cell(new_cell: str, tmp_path: Path) -> None:
    bundle = used(tmp_path, f"model.cell={new_cell}", "model.character_encoder=rnn")
    assert bundle.weights["characters/forward/kernel"].shape == (30, 2)
    assert INT8 not in bundle.graphs
    assert describe(bundle)["network"].startswith("softsign")


def test_a_new_cell_in_a_language_model(new_cell: str) -> None:
    bundle = small.bundle_of(cell=new_cell, layers=2)
    ids, places = np.array([[0, 0], [3, 4], [5, 2]]), np.arange(6)
    exact = OnKeras(bundle).activations(ids, places)
    found = LanguageModel(bundle).activations(ids, places)
    np.testing.assert_allclose(found, exact, atol=1e-5)


# -- a head


class MarginHead(SoftmaxHead):
    """A head that wants the logit of the tag to be 1 above all others (Crammer and Singer 2001)."""

    @staticmethod
    def emissions(logits: Tensor) -> Tensor:
        return logits

    def loss(self, logits: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        gold = ops.one_hot(tags, self.tags)
        margins = logits + 1 - gold - ops.sum(logits * gold, axis=-1, keepdims=True)
        return ops.sum(ops.max(margins, axis=-1) * ops.cast(mask, logits.dtype)) / ops.sum(mask)


@pytest.fixture
def new_head(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(heads.HEADS, "margin", HeadSpec("a margin", is_normalized=False))
    monkeypatch.setitem(sequence_tagger.HEAD_LAYERS, "margin", MarginHead)
    return "margin"


@pytest.mark.slow
def test_a_new_head(new_head: str, tmp_path: Path) -> None:
    bundle = used(tmp_path, f"model.head={new_head}")
    assert describe(bundle)["network"].endswith(", a margin")
    teaching = ["distillation.teachers=['x']", "distillation.text=['y']"]
    with pytest.raises(ConfigError, match=r"model\.head is 'margin'.* expected softmax"):
        distillation.check(override(bundle.config, teaching))


# -- an input


class LengthInput(Input):
    """The lengths of words, up to nine characters: array ``length`` (D,) int32."""

    name = "length"

    @classmethod
    def build(cls, settings: Settings, words: Vocabulary, sources: Sources) -> LengthInput:
        return cls()

    @classmethod
    def load(cls, settings: Settings, files: Files, sources: Sources) -> LengthInput:
        return cls()

    def store(self) -> Column:
        return Column(lambda words: np.array([min(len(w), 9) for w in words], np.int32), 0)

    def layer(self, model: Mapping[str, Any], inputs: Mapping[str, Input]) -> dict[str, Any]:
        return {"dimension": 3}

    @staticmethod
    def shapes(config: dict[str, Any]) -> Shapes:
        return {"embeddings": (10, config["dimension"])}

    @staticmethod
    def width(config: dict[str, Any]) -> int:
        return int(config["dimension"])


def apply_length(layer: Any, inputs: dict[str, Tensor], training: bool) -> Tensor:
    return layer(inputs["length"])


@pytest.fixture
def new_input(monkeypatch: pytest.MonkeyPatch) -> str:
    keras_side = NetworkInput(
        lambda config: embedding(10, config["dimension"], "length"),
        apply_length,
    )
    onnx_side = ExportInput(
        lambda config: {"length": value("length", "INT32", ("D",), "characters of the word")},
        lambda graph, weights, config, quantized: [
            graph("Gather", graph.constant(weights["embeddings"]), "length")
        ],
    )
    monkeypatch.setitem(host_inputs.INPUTS, "length", LengthInput)
    monkeypatch.setitem(network_inputs.INPUTS, "length", keras_side)
    monkeypatch.setitem(export_inputs.INPUTS, "length", onnx_side)
    return "length"


@pytest.mark.slow
@pytest.mark.parametrize("others", [[], ["model.embedding=0", "model.characters=0"]])
def test_a_new_input(new_input: str, others: list[str], tmp_path: Path) -> None:
    bundle = used(tmp_path, *others)
    assert bundle.weights["length/embeddings"].shape == (10, 3)
    assert describe(bundle)["inputs"].endswith("shape, length")


# -- without any


def test_what_is_in_no_table_is_refused() -> None:
    for key in ("cell", "head"):
        with pytest.raises(ConfigError, match=f"model.{key}: expected one of"):
            override(Config(), [f"model.{key}=unheard-of"])


def test_the_tables_of_inputs_have_the_same_names() -> None:
    names = list(host_inputs.INPUTS)
    assert names == list(network_inputs.INPUTS) == list(export_inputs.INPUTS)
    assert [kind.name for kind in host_inputs.INPUTS.values()] == names
