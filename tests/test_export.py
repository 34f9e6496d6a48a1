"""Graphs: whatever can be trained runs without Keras, gives the same numbers, and says what it
is.
"""

from __future__ import annotations

import itertools
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from support.command_line import failed, invoke, worked
from support.inputs import features_of
from support.paths import SAMPLE

import tagger
from tagger.bundles import tagger_files as bundles
from tagger.bundles import tagger_weights as weights
from tagger.bundles.card import describe
from tagger.bundles.tagger import INT8, Bundle
from tagger.bundles.tagger import SENTENCES as SENTENCES_GRAPH
from tagger.bundles.weights import digest
from tagger.cells import CELLS
from tagger.config.tagger import Config, override
from tagger.errors import BundleError, TaggerError
from tagger.export import tagger as export
from tagger.features.batches import collate
from tagger.features.encode import WordEncoder
from tagger.features.vectors import Vectors
from tagger.features.vocabulary import Vocabulary
from tagger.inference import chunks, network
from tagger.inference.decoder import Decoder
from tagger.inference.member import EnsembleMember
from tagger.inference.network import OnnxTagger
from tagger.inference.predictor import Predictor
from tagger.networks.sequence_tagger import SequenceTagger
from tagger.text import schemes
from tagger.training.build import architecture
from tagger.training.export import precision as exporting

TAGS = schemes.tag_set(["LOC", "PER"], "IOBES")
WORDS = Vocabulary.build([["Anna", "sang", "in", "Oslo", ".", "the", "of", "Anna"]])
CHARACTERS = Vocabulary.build(WORDS.words)
TABLE = np.random.default_rng(0).normal(size=(3, 6)).astype(np.float16)
LONG = "an-extraordinarily-long-word"
SENTENCES = [
    ["Anna", "sang", "zebra"],
    [],
    ["Oslo"],
    ["unseen", "Anna", "in", "Oslo", "."] * 2,
    [LONG, "sang"],
]
INPUTS = {
    "words, characters, shapes": [],
    "one-hot": ["model.input=one-hot"],
    "recurrent characters": ["model.character_encoder=rnn", "model.embedding=0", "model.shape=0"],
    "vectors, tuned": ["data.vectors=['a']", "model.fine_tune=true", "model.characters=0"],
    "vectors alone": ["data.vectors=['a']", "model.characters=0", "model.shape=0"],
}
STACKS = {
    "one direction": ["model.bidirectional=false", "model.layers=2"],
    "two": ["model.layers=1"],
    "deep": ["model.layers=3", "model.hidden=[5,4]", "model.head=crf"],
}
# What can interact. sentences.onnx depends on the cell, on the stack, and on whether words are
# one-hot; words.onnx on its inputs, and on the cell only where characters are recurrent.
CASES = [
    *itertools.product(CELLS, ["words, characters, shapes", "one-hot"], STACKS),
    *((cell, "recurrent characters", "two") for cell in CELLS),
    *(("lstm", inputs, "two") for inputs in INPUTS if inputs.startswith("vectors")),
]


def made(*changes: str) -> tuple[Bundle, SequenceTagger]:
    """A model of random weights, and its Keras network."""
    config = override(
        Config(),
        ["model.embedding=5", "model.characters=7", "model.shape=3", "model.units=4", *changes],
    )
    model, vectors = (
        config.model,
        Vectors(["anna", "oslo", "zebra"], TABLE) if config.data.vectors else None,
    )
    features = features_of(
        WORDS, CHARACTERS if model.characters else None, bool(model.shape), vectors
    )
    features = features_of(WORDS) if model.input == "one-hot" else features
    keras = SequenceTagger.create(architecture(model, features, Decoder(TAGS, plain_tags=False)))
    random = np.random.default_rng(1)
    for weight in keras.named_weights().values():
        weight.assign(random.normal(0, 0.5, weight.shape))
    arrays = {name: np.asarray(weight.numpy()) for name, weight in keras.named_weights().items()}
    return Bundle(config, TAGS, "IOB2", features, arrays, {}), keras


def by_sentence(member: EnsembleMember) -> dict[int, np.ndarray]:
    return {
        int(index): rows[:length]
        for indices, lengths, emissions in member.batches(SENTENCES)
        for index, length, rows in zip(indices, lengths, emissions, strict=True)
    }


@pytest.mark.parametrize(("cell", "inputs", "stack"), CASES)
def test_exported_equals_keras(
    cell: str, inputs: str, stack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Padded and unpadded, whole and in pieces; and int8 is near."""
    bundle, keras = made(f"model.cell={cell}", *INPUTS[inputs], *STACKS[stack])
    shapes = {name: array.shape for name, array in bundle.weights.items()}
    assert weights.expected(bundle.config.model, bundle.features, len(TAGS)) == shapes
    bundle = export.with_graphs(bundle)
    assert (INT8 in bundle.graphs) == cell.startswith("lstm")
    word_encoder = WordEncoder(bundle.features)
    batch = collate(np.arange(len(SENTENCES)), word_encoder, word_encoder.word_ids(SENTENCES))
    expected = np.asarray(keras.head.emissions(keras(batch.inputs)))  # eagerly: nothing to compile
    member = EnsembleMember(bundle, OnnxTagger(bundle))
    together = by_sentence(member)
    monkeypatch.setattr(chunks, "CHUNK_TOKENS", 3)
    features, word_ids, _ = member.encode(SENTENCES)
    starts = [0, *itertools.accumulate(map(len, SENTENCES))]
    for number, tokens in enumerate(SENTENCES):
        length = np.array([len(tokens)], dtype=np.int32)
        row = (
            word_ids[starts[number] : starts[number + 1]][None]
            if tokens
            else np.zeros((1, 1), np.int32)
        )
        alone = member.network.emissions(features, row, length)[0, : len(tokens)]
        for found in (alone, together[number]):
            np.testing.assert_allclose(found, expected[number, : len(tokens)], atol=1e-4)
    if INT8 in bundle.graphs:
        near = by_sentence(EnsembleMember(bundle, OnnxTagger(bundle, "int8")))
        assert (
            max(float(np.abs(near[number] - together[number]).max(initial=0)) for number in near)
            < 0.5
        )


def test_the_same_weights_give_the_same_bytes_and_others_do_not() -> None:
    one, other = made()[0], made()[0]
    assert export.with_graphs(one).graphs == export.with_graphs(other).graphs
    moved = replace(one, weights={name: array + 1 for name, array in one.weights.items()})
    assert (
        export.with_graphs(moved).graphs[SENTENCES_GRAPH]
        != export.with_graphs(one).graphs[SENTENCES_GRAPH]
    )


@pytest.mark.parametrize("head", ["softmax", "crf"])
def test_a_graph_holds_its_documentation(head: str) -> None:
    bundle, _ = made(f"model.head={head}")
    for name, content in export.with_graphs(bundle).graphs.items():
        model = onnx.load_from_string(content)
        facts = {entry.key: entry.value for entry in model.metadata_props}
        assert tuple(json.loads(facts["tags"])) == TAGS
        assert (
            len(facts["vocabulary/words.json"])
            == len(facts["vocabulary/characters.json"])
            == len(facts["weights"])
            == 64
        )
        assert (facts["scheme"], facts["head"]) == ("IOBES", head)
        assert ("transitions" in facts) == (head == "crf")
        assert all(value.doc_string for value in (*model.graph.input, *model.graph.output))
        assert all(opset.version == 17 for opset in model.opset_import if not opset.domain)
        if name != INT8:  # standard operators alone: any runtime will do
            onnx.checker.check_model(model, full_check=True)


# -- in a bundle


def test_training_writes_graphs_and_measures_int8(trained_run: Path) -> None:
    bundle = bundles.load(trained_run)
    assert set(bundle.graphs) == set(bundles.KIND.graphs)
    figures, rule = bundle.metrics["int8"], bundle.metrics["decoding"]
    assert rule["without"] == pytest.approx(bundle.metrics["dev"]["score"], abs=0.011)
    assert rule["threshold"] > 0
    assert figures["float32"] > rule["without"]  # both precisions are scored with the threshold
    kept = figures["score"] >= figures["float32"] - exporting.MAX_INT8_LOSS
    assert bundle.metrics["precision"] == ("int8" if kept else "float32")
    assert describe(bundle)["precision"].startswith(bundle.metrics["precision"])


@pytest.mark.slow
def test_export_adds_graphs_to_a_bundle_without_any_and_verifies_them(
    tmp_path: Path, trained_run: Path
) -> None:
    bundles.save(tmp_path / "old", replace(bundles.load(trained_run), graphs={}))
    assert not list((tmp_path / "old").glob("*.onnx"))
    output = worked(invoke("export", tmp_path / "old", SAMPLE / "test.conll", "--verify"))
    assert "other tags: none" in next(
        line for line in output.splitlines() if line.startswith("float32: ")
    )
    found, trained = bundles.load(tmp_path / "old"), bundles.load(trained_run)
    assert found.graphs == trained.graphs
    assert not list((tmp_path / "old").rglob("*.tmp"))
    missing = invoke("export", tmp_path / "old", "none.conll", "--verify")
    assert "file not found" in failed(missing)


def test_verify_finds_what_is_wrong(
    tmp_path: Path, trained_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tagger.training.export import verify as verification

    bundle = bundles.load(trained_run)
    other = bundle.weights["head/tags/bias"] + np.linspace(0, 1, len(bundle.tags), dtype=np.float32)
    spoilt = replace(bundle, weights={**bundle.weights, "head/tags/bias": other})
    monkeypatch.setattr(Bundle, "weights_digest", digest(bundle.weights))
    with pytest.raises(TaggerError, match="differ from the network"):
        verification.compare(spoilt, [["Mira", "met", "Leila"]])


@pytest.mark.slow
def test_saved_model(tmp_path: Path, trained_run: Path) -> None:
    import tensorflow

    folder = tmp_path / "saved"
    for _ in range(2):  # what is there is replaced
        worked(invoke("export", trained_run, "--to", "saved-model", "--output", folder))
    bundle = bundles.load(trained_run)
    word_encoder, sentences = WordEncoder(bundle.features), [["Mira", "Okafor", "met"], ["Leila"]]
    inputs = collate(np.arange(2), word_encoder, word_encoder.word_ids(sentences)).inputs
    loaded = tensorflow.saved_model.load(str(folder))
    found = loaded.serve(inputs).numpy()
    member = EnsembleMember(bundle, OnnxTagger(bundle))
    for indices, lengths, emissions in member.batches(sentences):
        for index, length, rows in zip(indices, lengths, emissions, strict=True):
            np.testing.assert_allclose(found[index, :length], rows[:length], atol=1e-4)
    (tmp_path / "mine").mkdir()
    assert "is not a SavedModel" in failed(
        invoke("export", trained_run, "--to", "saved-model", "--output", tmp_path / "mine")
    )


def test_graphs_of_other_weights_are_refused(trained_run: Path) -> None:
    bundle = bundles.load(trained_run)
    moved = replace(bundle, weights={name: array * 2 for name, array in bundle.weights.items()})
    with pytest.raises(BundleError, match="was not created from weights"):
        OnnxTagger(moved)
    assert Predictor(EnsembleMember(moved, OnnxTagger(export.with_graphs(moved)))).tag_tokens(
        [["a"]]
    )
    with pytest.raises(BundleError, match=r"has no sentences\.onnx; create it: tagger export RUN"):
        OnnxTagger(replace(moved, graphs={}))


@pytest.mark.parametrize("content", [b"", b"no graph", b"\x08\x08\x12"])
def test_a_graph_that_is_none_is_refused(tmp_path: Path, trained_run: Path, content: bytes) -> None:
    bundle = bundles.load(trained_run)
    graphs = {**bundle.graphs, SENTENCES_GRAPH: content}
    bundles.save(tmp_path / "run", replace(bundle, graphs=graphs))
    with pytest.raises(BundleError, match=r"sentences\.onnx: "):
        tagger.load(tmp_path / "run", precision="float32")


def test_precision(trained_run: Path, tmp_path: Path) -> None:
    exact, quick = (tagger.load(trained_run, precision=name) for name in network.PRECISIONS)
    text = (SAMPLE / "article.txt").read_text()
    pairs = list(zip(exact.tag(text), quick.tag(text), strict=True))
    same = sum(set(one.spans or ()) == set(other.spans or ()) for one, other in pairs)
    assert same >= 0.8 * len(pairs)  # processors without VNNI round differently
    with pytest.raises(TaggerError, match="unknown precision 'int4'"):
        tagger.load(trained_run, precision="int4")
    bundle, _ = made("model.cell=gru")
    with pytest.raises(BundleError, match="only models with LSTM cells"):
        OnnxTagger(bundle, "int8")
    shutil.copytree(trained_run, tmp_path / "run")
    worked(invoke("predict", tmp_path / "run", SAMPLE / "article.txt", "--precision", "int8"))


def test_int8_probabilities_do_not_depend_on_the_batch(trained_run: Path) -> None:
    bundle = bundles.load(trained_run)
    member = EnsembleMember(bundle, OnnxTagger(bundle, "int8"))
    texts = [("Mr.", "Solberg", "left", "Oslo", "."), ("Quito",), ("A", "BIG", "x7", "naïve") * 9]

    def emissions(groups: list[list[int]]) -> dict[int, np.ndarray]:
        found = {}
        for group in groups:
            for indices, lengths, rows in member.batches([texts[number] for number in group]):
                for index, length, each in zip(indices, lengths, rows, strict=True):
                    found[group[index]] = each[:length]
        return found

    together, alone = emissions([[0, 1, 2]]), emissions([[0], [1], [2]])
    for number in range(len(texts)):
        np.testing.assert_allclose(together[number], alone[number], atol=1e-4)
