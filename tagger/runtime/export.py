"""Trained weights as ONNX graphs, which run without Keras, and in other languages.

Two graphs make a tagger, as what is known of a word depends on the word alone and need be computed once only, however often the
word occurs:

    words.onnx           words (D,), vectors (D, F), characters (D, C), shapes (D,), those that the model has -> features (D, X)
    sentences.onnx       features (N, X), tokens (B, T), lengths (B,) -> emissions (B, T, K)
    sentences.int8.onnx  the same, the weights of its LSTMs and dense layers in 8 bits; there is no such operator for other cells

``tokens`` are rows of ``features``. A model of one-hot words has no words.onnx; its features are the words' numbers (N,).
Emissions are log-probabilities, or the scores of a conditional random field, whose transitions are in the metadata.

Axes: B batch, T time, D distinct words, C characters, F numbers of a vector, X numbers of a word, N words in all, K tags,
R directions, U units.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

from tagger.bundle import Bundle
from tagger.errors import TaggerError
from tagger.features.vocabulary import PAD, UNK
from tagger.runtime.operators import Graph, Weights, dense, recurrent
from tagger.runtime.weights import check, width_of

__all__ = ["INT8", "SENTENCES", "WORDS", "digest", "graphs"]

WORDS, SENTENCES, INT8 = "words.onnx", "sentences.onnx", "sentences.int8.onnx"
QUANTIZED_CELLS = ("lstm", "lstm-peephole")
_EPSILON = 1e-3  # of Keras' layer normalization


def graphs(bundle: Bundle) -> dict[str, bytes]:
    """The graphs of a model by the names of their files.

    Raises:
        BundleError: the weights are not those of its settings.
        TaggerError: the package onnx is missing.
    """
    try:
        import onnx  # noqa: F401
    except ImportError as error:
        raise TaggerError("this needs the package onnx, which is not installed: pip install 'span-tagger[train]'") from error
    check(bundle)
    facts = _facts(bundle)
    made = {} if bundle.config.model.input == "one-hot" else {WORDS: _words(bundle, facts)}
    made[SENTENCES] = _sentences(bundle, facts, quantized=False)
    if bundle.config.model.cell in QUANTIZED_CELLS:
        made[INT8] = _sentences(bundle, facts, quantized=True)
    return made


def _facts(bundle: Bundle) -> dict[str, str]:
    """What whoever runs a graph must know."""
    features = bundle.features
    digests = {"words": features.words, "characters": features.characters}
    facts = {
        "tags": json.dumps(bundle.tags, ensure_ascii=False),
        "scheme": "plain" if bundle.scheme == "plain" else "IOBES",
        "head": bundle.config.model.head,
        "tokenizer": bundle.config.data.tokenizer,
        "weights": digest(bundle.weights),
    }
    for name, vocabulary in digests.items():
        if vocabulary is not None:
            facts[f"vocabulary/{name}.json"] = hashlib.sha256(vocabulary.to_json().encode()).hexdigest()
    if bundle.config.model.head == "crf":
        tables = {name: bundle.weights[f"head/{name}"].tolist() for name in ("start", "transitions", "end")}
        facts["transitions"] = json.dumps(tables)
    return facts


def digest(weights: Weights) -> str:
    """SHA-256 over names and numbers: by it a graph is known to be of these weights."""
    hashed = hashlib.sha256()
    for name in sorted(weights):
        hashed.update(f"{name} {weights[name].shape}\n".encode())
        hashed.update(np.ascontiguousarray(weights[name]).data)
    return hashed.hexdigest()


def _value(name: str, kind: str, shape: tuple[Any, ...], doc: str) -> Any:
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info(name, getattr(TensorProto, kind), shape, doc_string=doc)


def _below(weights: Weights, place: str) -> Weights:
    """The weights of one layer, by their names in it."""
    return {name.removeprefix(f"{place}/"): array for name, array in weights.items() if name.startswith(f"{place}/")}


# -- words


def _words(bundle: Bundle, facts: dict[str, str]) -> bytes:
    graph, weights, features, model = Graph(), bundle.weights, bundle.features, bundle.config.model
    parts, inputs = [], []
    if "words/embeddings" in weights or "vectors/differences/embeddings" in weights:
        inputs.append(_value("words", "INT32", ("D",), "numbers of vocabulary/words.json: 2 for its first word; 1 is unknown"))
    if "words/embeddings" in weights:
        parts.append(graph("Gather", graph.constant(weights["words/embeddings"]), "words"))
    if features.vectors is not None:
        inputs.append(
            _value("vectors", "FLOAT", ("D", features.vectors.dimension), "pretrained vectors; zeros for none")
        )
        tuned = "vectors/differences/embeddings" in weights
        parts.append(_tuned(graph, weights["vectors/differences/embeddings"]) if tuned else "vectors")
    if features.characters is not None:
        inputs.append(_value("characters", "INT32", ("D", "C"), "numbers of vocabulary/characters.json; 0 behind a word's end"))
        read = _convolution if model.character_encoder == "cnn" else _remembered
        parts += read(graph, _below(weights, "characters"), model.cell)
    if features.shapes:
        inputs.append(_value("shapes", "INT32", ("D",), "capitals and digits: see tagger/features/shapes.py"))
        parts.append(graph("Gather", graph.constant(weights["shapes/embeddings"]), "shapes"))
    graph("Concat", *parts, output="features", axis=-1)
    output = _value("features", "FLOAT", ("D", width_of(model, features)), "what is known of each word")
    about = "Distinct words to numbers: compute these once for each word, and give them to sentences.onnx."
    return graph.model("words", inputs, [output], {**facts, "about": about})


def _tuned(graph: Graph, differences: np.ndarray) -> str:
    """Vectors plus the trained differences of known words."""
    known = graph("Cast", graph("Greater", "words", graph.constant(UNK, np.int32)), to=1)
    known = graph("Unsqueeze", known, graph.constant([1], np.int64))
    return graph("Add", "vectors", graph("Mul", graph("Gather", graph.constant(differences), "words"), known))


def _embedded(graph: Graph, weights: Weights) -> tuple[str, str]:
    """The characters' embeddings (D, C, F), and where there is a character, as floats (D, C)."""
    real = graph("Cast", graph("Greater", "characters", graph.constant(PAD, np.int32)), to=1)
    return graph("Gather", graph.constant(weights["embedding/embeddings"]), "characters"), real


def _convolution(graph: Graph, weights: Weights, cell: str) -> list[str]:
    """A convolution over three neighbours, a ReLU, the maximum."""
    x, real = _embedded(graph, weights)
    x = graph("Transpose", graph("Mul", x, graph("Unsqueeze", real, graph.constant([2], np.int64))), perm=[0, 2, 1])
    kernel = weights["convolution/kernel"]
    filters = kernel.reshape(3, -1, kernel.shape[-1]).transpose(2, 1, 0)
    y = graph("Conv", x, graph.constant(filters), graph.constant(weights["convolution/bias"]), kernel_shape=[3], pads=[1, 1])
    y = graph("Mul", graph("Relu", y), graph("Unsqueeze", real, graph.constant([1], np.int64)))
    return [graph("ReduceMax", y, axes=[2], keepdims=0)]


def _remembered(graph: Graph, weights: Weights, cell: str) -> list[str]:
    """What each direction remembers at its end."""
    x, real = _embedded(graph, weights)
    x = graph("Transpose", x, perm=[1, 0, 2])
    count = graph("ReduceSum", real, graph.constant([1], np.int64), keepdims=0)
    lengths = graph("Cast", graph("Max", count, graph.constant(1, np.float32)), to=6)
    ends = [
        recurrent(graph, x, lengths, cell, {direction: _below(weights, direction)}, last=True)
        for direction in ("forward", "backward")
    ]
    return [graph("Squeeze", end, graph.constant([0], np.int64)) for end in ends]


# -- sentences


def _sentences(bundle: Bundle, facts: dict[str, str], *, quantized: bool) -> bytes:
    graph, model, weights = Graph(), bundle.config.model, bundle.weights
    one_hot = model.input == "one-hot"
    lengths = graph("Max", "lengths", graph.constant(1, np.int32))  # the operators know no empty sequences
    x = graph("Gather", "features", graph("Transpose", "tokens", perm=[1, 0]))
    for depth in range(1, model.layers + 1):
        layers = {name: _below(weights, f"encoder/{name}_{depth}") for name in ("forward", "backward")}
        layers = {name: layer for name, layer in layers.items() if layer}
        if one_hot and depth == 1:
            y = _of_rows(graph, x, lengths, model.cell, layers)
        else:
            y = _joined(graph, recurrent(graph, x, lengths, model.cell, layers, quantized=quantized), len(layers) * model.units)
        if model.normalize:
            norm = [graph.constant(weights[f"encoder/norm_{depth}/{name}"]) for name in ("gamma", "beta")]
            y = graph("LayerNormalization", y, *norm, axis=-1, epsilon=_EPSILON)
        x = graph("Add", x, y) if model.residual and depth > 1 else y
    for number in range(1, len(model.hidden) + 1):
        layer = _below(weights, f"head/hidden_{number}")
        x = graph("Tanh", dense(graph, x, layer["kernel"], layer["bias"], quantized=quantized))
    logits = dense(graph, x, weights["head/tags/kernel"], weights["head/tags/bias"], quantized=quantized)
    scores = logits if model.head == "crf" else graph("LogSoftmax", logits, axis=-1)
    graph("Transpose", scores, output="emissions", perm=[1, 0, 2])
    return graph.model("sentences", *_borders(bundle), {**facts, "about": _about(quantized)})


def _joined(graph: Graph, y: str, width: int) -> str:
    """Activations (T, R, B, U) side by side: (T, B, R·U)."""
    return graph("Reshape", graph("Transpose", y, perm=[0, 2, 1, 3]), graph.constant([0, 0, width], np.int64))


def _of_rows(graph: Graph, words: str, lengths: str, cell: str, layers: dict[str, Weights]) -> str:
    """The first layer over one-hot words (T, B): rows of each direction's kernel, gathered.

    The operator has no way around its own product with the input, so that it gets the identity as its kernel.
    """
    sides = []
    for name, layer in layers.items():
        rows = graph("Gather", graph.constant(layer["kernel"]), words)
        identity = np.eye(layer["kernel"].shape[1], dtype=np.float32)
        sides.append(recurrent(graph, rows, lengths, cell, {name: {**layer, "kernel": identity}}))
    sides = [graph("Squeeze", side, graph.constant([1], np.int64)) for side in sides]
    return graph("Concat", *sides, axis=-1)


def _borders(bundle: Bundle) -> tuple[list[Any], list[Any]]:
    """Inputs and outputs."""
    model = bundle.config.model
    if model.input == "one-hot":
        features = _value("features", "INT32", ("N",), "numbers of vocabulary/words.json: 2 for its first word; 1 is unknown")
    else:
        features = _value("features", "FLOAT", ("N", width_of(model, bundle.features)), "words as words.onnx gives them")
    tokens = _value("tokens", "INT32", ("B", "T"), "rows of features; anything behind a sentence's end")
    lengths = _value("lengths", "INT32", ("B",), "of the sentences, in tokens")
    what = "scores of a conditional random field" if model.head == "crf" else "log-probabilities"
    shape = ("B", "T", len(bundle.tags))
    return [features, tokens, lengths], [_value("emissions", "FLOAT", shape, f"{what} of the tags; of no meaning behind an end")]


def _about(quantized: bool) -> str:
    kind = "8-bit weights; needs ONNX Runtime" if quantized else "float32, standard operators"
    return f"Words as words.onnx gives them, or the numbers of one-hot words, to scores of tags ({kind})."
