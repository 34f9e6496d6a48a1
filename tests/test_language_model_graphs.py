"""The graphs in a language model's bundle: what they hold, that pieces give the whole, and that
they need nothing else.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.extra import numpy as arrays
from support import small_language_models as small
from support.command_line import failed, invoke, worked
from support.paths import GOLDEN_LANGUAGE_MODEL
from support.processes import PATIENCE

from tagger.bundles import language_model as bundles
from tagger.bundles.language_model import GRAPH_FLOAT32, GRAPH_INT8
from tagger.cells import CELLS
from tagger.errors import BundleError
from tagger.export import language_model as graph
from tagger.export.operators import Graph, dense, int8_scales, value
from tagger.features.vocabulary import Vocabulary
from tagger.language_models import model
from tagger.language_models.model import LanguageModel, load

DIGEST = "d658110fa9ffd701a9a364f2495a3d224528a3a40c859875c1bcf317d2a30cf3"
SENTENCES = [["ab", "c"], [], ["e"], ["abc", "Zd", "."], ["d", "a", "b"] * 3]


def test_the_golden_bundle_loads_for_ever() -> None:
    golden = load(GOLDEN_LANGUAGE_MODEL)
    bundle = golden.bundle
    assert {*bundle.graphs} == {GRAPH_FLOAT32, GRAPH_INT8}
    assert (bundle.digest, bundle.folder) == (DIGEST, GOLDEN_LANGUAGE_MODEL)
    near = load(GOLDEN_LANGUAGE_MODEL, quantized=True).encode(SENTENCES)
    for tokens, found, rough in zip(SENTENCES, golden.encode(SENTENCES), near, strict=True):
        for number, row in enumerate(found):
            read = " ".join(tokens[number:])[::-1]
            expected = small.activations(bundle, [0, *bundle.vocabulary.ids(read)])[-1]
            np.testing.assert_allclose(row, expected, atol=1e-5)
            np.testing.assert_allclose(rough[number], expected, atol=0.2)
    text = golden.ids(["ab", "c"])
    np.testing.assert_allclose(
        golden.log_probabilities([text])[0], small.log_probabilities(bundle, text), atol=1e-5
    )


def test_the_digest_tells_models_apart_by_what_they_say() -> None:
    bundle = small.bundle_of()
    words, changed = bundle.vocabulary.words, dict(bundle.weights)
    changed["softmax/bias"] = changed["softmax/bias"] + 1
    same = [
        graph.with_graphs(bundle),
        replace(bundle, metrics={"dev": {}}, folder=Path("elsewhere")),
        replace(bundle, vocabulary=Vocabulary(words, [9] * len(words))),
    ]
    assert {other.digest for other in same} == {bundle.digest}
    assert bundle == replace(bundle, folder=Path("elsewhere"))
    model = bundle.config.model
    settings = [
        replace(model, level="words"),
        replace(model, direction="backward"),
        replace(model, cell="lstm-peephole"),
    ]
    others = [replace(bundle, config=replace(bundle.config, model=other)) for other in settings]
    others += [
        replace(bundle, weights=changed),
        replace(bundle, vocabulary=Vocabulary(words[::-1], [1] * len(words))),
    ]
    assert len({bundle.digest, *(other.digest for other in others)}) == 6


@pytest.mark.parametrize("quantized", [False, True])
@pytest.mark.parametrize(
    "settings", [{"layers": 2}, {"level": "words", "embedding": 0}], ids=["characters", "words"]
)
def test_pieces_give_what_one_run_gives(
    settings: dict[str, Any], quantized: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = LanguageModel(small.bundle_of(cell="lstm", **settings), quantized=quantized)
    sequences = [runtime.ids(tokens) for tokens in SENTENCES]
    whole = (
        runtime.encode(SENTENCES),
        runtime.log_probabilities(sequences),
        runtime.score_continuation(sequences[-1], None),
    )
    for piece in (1, 4, 7, 20):
        monkeypatch.setattr(model, "CHUNK_TIMESTEPS", piece)
        monkeypatch.setattr(model, "_SOFTMAX", 20)
        for mine, its in zip(runtime.encode(SENTENCES), whole[0], strict=True):
            np.testing.assert_array_equal(mine, its)
        for mine, its in zip(runtime.log_probabilities(sequences), whole[1], strict=True):
            np.testing.assert_allclose(mine, its, rtol=1e-6)
        values, after = runtime.score_continuation(sequences[-1], None)
        np.testing.assert_allclose(values, whole[2][0], rtol=1e-6)
        np.testing.assert_array_equal(after, whole[2][1])


def test_a_long_sentence_does_not_lengthen_the_short_ones() -> None:
    sequences = [np.ones(length, dtype=np.int32) for length in (5000, 3, 40, 4, 90, 0)]
    batches = list(model.bucketed_batches(sequences))
    assert sorted(np.concatenate([indices for indices, _, _ in batches]).tolist()) == [
        0,
        1,
        2,
        3,
        4,
        5,
    ]
    for indices, ids, lengths in batches:
        assert lengths.max() <= 2 * lengths.min() + model.BATCH
        assert ids.shape == (lengths.max() + 1, len(indices))
        np.testing.assert_array_equal((ids != 0).sum(axis=0), lengths)


# -- what a graph is


@pytest.mark.parametrize("cell", CELLS)
def test_a_graph_holds_its_documentation(cell: str) -> None:
    bundle = small.bundle_of(cell=cell, layers=2, direction="backward")
    made = graph.with_graphs(bundle).graphs
    assert {*made} == ({GRAPH_FLOAT32, GRAPH_INT8} if cell.startswith("lstm") else {GRAPH_FLOAT32})
    assert made == graph.with_graphs(bundle).graphs
    for name, content in made.items():
        found = onnx.load_from_string(content)
        facts = {entry.key: entry.value for entry in found.metadata_props}
        assert (facts["level"], facts["direction"]) == ("characters", "backward")
        assert len(facts["weights"]) == len(facts["vocabulary.json"]) == 64
        assert facts["about"] == found.graph.doc_string
        assert all(item.doc_string for item in (*found.graph.input, *found.graph.output))
        if name == GRAPH_FLOAT32:  # standard operators alone: any runtime will do
            onnx.checker.check_model(found, full_check=True)


@pytest.mark.parametrize("cell", ["lstm", "lstm-peephole"])
def test_a_text_begins_with_the_states_after_the_border_in_int8(cell: str) -> None:
    bundle = small.bundle_of(cell=cell, layers=2)
    constants = onnx.load_from_string(
        graph.with_graphs(bundle).graphs[GRAPH_INT8]
    ).graph.initializer
    (begin,) = [
        onnx.numpy_helper.to_array(constant) for constant in constants if constant.name == "states"
    ]
    _, expected = LanguageModel(bundle).logits(np.array([0]))
    np.testing.assert_allclose(begin, expected, atol=1e-6)


@settings(deadline=None, max_examples=50)
@given(
    arrays.arrays(
        np.float32,
        some.tuples(some.integers(1, 5), some.integers(1, 3)),
        elements=some.floats(-9, 9, width=32),
    )
)
def test_no_sum_of_two_products_overflows_16_bits(matrix: np.ndarray) -> None:
    quantized = np.rint(matrix / int8_scales(matrix)).astype(int)
    assert np.abs(quantized).max() <= 127
    for row in range(0, len(quantized) - 1, 2):
        for sign in (1, -1):
            assert (255 * np.maximum(sign * quantized[row : row + 2], 0).sum(axis=0) < 2**15).all()


def test_large_weights_side_by_side_lose_nothing_in_int8() -> None:
    """What saturates where products are added in 16 bits: two rows at their largest, inputs at
    theirs.
    """
    import onnxruntime

    x, kernel = np.ones((1, 64), dtype=np.float32), np.ones((64, 3), dtype=np.float32)
    made = Graph()
    found = dense(made, "x", kernel, np.zeros(3, dtype=np.float32), quantized=True)
    made("Relu", found, output="y")
    content = made.model(
        "product",
        [value("x", "FLOAT", (1, 64), "x")],
        [value("y", "FLOAT", (1, 3), "y")],
        {"about": "a product"},
    )
    (y,) = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"]).run(
        None, {"x": x}
    )
    np.testing.assert_allclose(y, x @ kernel, rtol=0.02)


# -- in a bundle


def test_graphs_are_written_and_those_of_other_weights_refused(tmp_path: Path) -> None:
    run, bundle = tmp_path / "run", graph.with_graphs(small.bundle_of(cell="lstm"))
    bundles.save(run, bundle)
    listed = json.loads((run / "manifest.json").read_text())
    assert listed["format"] == bundles.KIND.format == 1
    assert {GRAPH_FLOAT32, GRAPH_INT8} < {*listed["files"]}
    assert bundles.load(run).graphs == bundle.graphs
    bundles.save(run, replace(small.bundle_of(cell="lstm", seed=2), graphs=bundle.graphs))
    with pytest.raises(
        BundleError,
        match=r"activations\.onnx: was not created from weights\.npz.*tagger export RUN",
    ):
        load(run).encode(SENTENCES)
    bundles.save(run, replace(bundle, graphs={**bundle.graphs, GRAPH_INT8: b"no graph"}))
    with pytest.raises(
        BundleError, match=r"activations\.int8\.onnx: is not a graph of this library"
    ):
        load(run, quantized=True).encode(SENTENCES)
    bundles.save(run, replace(bundle, graphs={}))
    assert not list(run.glob("*.onnx"))
    with pytest.raises(BundleError, match=r"does not list activations\.onnx or .*: tagger export"):
        load(run)
    worked(invoke("export", run))
    assert bundles.load(run).graphs == bundle.graphs


def test_older_formats_are_migrated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, bundle = tmp_path / "run", small.bundle_of()
    bundles.save(run, bundle)

    def from_1(contents: dict[str, Any]) -> dict[str, Any]:
        return {**contents, "metrics.json": {"dev": {}, "source": "migrated"}}

    monkeypatch.setattr(bundles, "KIND", replace(bundles.KIND, format=2, migrations={1: from_1}))
    assert bundles.load(run).metrics == {"dev": {}, "source": "migrated"}
    bundles.save(run, bundle)
    assert bundles.load(run).metrics == {}


def test_export_and_info_know_language_models(tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(GOLDEN_LANGUAGE_MODEL, run)
    worked(invoke("export", run))
    assert {
        name: (run / name).read_bytes() for name in (GRAPH_FLOAT32, GRAPH_INT8)
    } == bundles.load(run).graphs
    assert bundles.load(run).digest == DIGEST
    assert "only ONNX graphs" in failed(invoke("export", run, "--verify"), status=2)
    output = worked(invoke("info", run))
    assert "characters, from the end of a text backward" in output
    assert "perplexity 3.5" in output
    (run / GRAPH_FLOAT32).write_bytes(b"")
    assert "activations.onnx: differs" in failed(invoke("info", run))


def test_nothing_but_onnx_runtime_is_needed(tmp_path: Path) -> None:
    """Neither Keras nor TensorFlow, nor the package onnx, once a bundle has its graphs."""
    (tmp_path / "a.txt").write_text("ab c\n")
    code = f"""
import sys
from tagger.language_models import states
from tagger.language_models.model import load
for quantized in (False, True):
    model = load({str(GOLDEN_LANGUAGE_MODEL)!r}, quantized=quantized)
    found = states.states_of([model], [["ab", "c"]]).arrays
    assert found[0][0].shape == (2, 5)
sys.argv[1:] = ["lm", "score", {str(GOLDEN_LANGUAGE_MODEL)!r}, {str(tmp_path / "a.txt")!r}]
from tagger.cli.main import group
group(standalone_mode=False)
loaded = [name for name in ("onnx", "keras", "tensorflow", "jax", "torch") if name in sys.modules]
assert not loaded, loaded
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "1 sentence, 5 steps" in done.stdout
