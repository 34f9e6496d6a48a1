"""Export of a tagger as ONNX graphs, which run without Keras and from other languages.

A tagger is two graphs, because the features of a word do not depend on its context and are computed
once per distinct word:

    words.onnx           the inputs of the model for distinct words: words (D,), shapes (D,),
                         vectors (D, F), characters (D, C) -> features (D, X)
    sentences.onnx       features (N, X), tokens (B, T), lengths (B,) -> emissions (B, T, K)
    sentences.int8.onnx  the same with weights in 8 bits; for LSTM cells only

``tokens`` are row indices into ``features``. A model of one-hot words has no words.onnx; its
features are word ids (N,). Emissions are log-probabilities, or the scores of a conditional random
field, whose transitions are in the metadata. ``states`` (S, B, U) are the initial states of the
layers, zeros by default, and ``states_after`` the final ones: with them a very long sentence can be
run in chunks (`tagger.inference.network`).

Axes: B batch, T time, D distinct words, C characters, F dimensions of a vector, X features of a
word, N rows of features, K tags, S states, U units.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from tagger.bundles.tagger import INT8, SENTENCES, WORDS, Bundle, graph_names
from tagger.export.sentences import sentence_graph
from tagger.export.words import word_graph
from tagger.heads import HEADS

__all__ = ["graphs", "with_graphs"]


def with_graphs(bundle: Bundle) -> Bundle:
    """Return a copy of a bundle with graphs created from its weights.

    Args:
        bundle: The bundle; its own graphs are ignored.

    Returns:
        A shallow copy with new graphs.

    Raises:
        TaggerError: The package onnx is not installed.
    """
    return replace(bundle, graphs=graphs(bundle))


def graphs(bundle: Bundle) -> dict[str, bytes]:
    """Create the graphs of a tagger.

    Args:
        bundle: The bundle; its own graphs are ignored.

    Returns:
        The serialized graphs by file name. Equal bundles yield equal bytes.

    Raises:
        TaggerError: The package onnx is not installed.
    """
    facts = _facts(bundle)
    make = {
        WORDS: lambda: word_graph(bundle, facts),
        SENTENCES: lambda: sentence_graph(bundle, facts, quantized=False),
        INT8: lambda: sentence_graph(bundle, facts, quantized=True),
    }
    return {name: make[name]() for name in graph_names(bundle.config.model)}


def _facts(bundle: Bundle) -> dict[str, str]:
    """Return the metadata of the graphs, which contain all that is needed to run them."""
    facts = {
        "tags": json.dumps(bundle.tags, ensure_ascii=False),
        "scheme": "plain" if bundle.scheme == "plain" else "IOBES",
        "head": bundle.config.model.head,
        "tokenizer": bundle.config.data.tokenizer,
        "weights": bundle.weights_digest,
    }
    for one in bundle.features.inputs.values():
        for name, content in one.files().items():
            facts[name] = hashlib.sha256(content).hexdigest()
    if transitions := HEADS[bundle.config.model.head].transitions:
        tables = {name: bundle.weights[f"head/{name}"].tolist() for name in transitions}
        facts["transitions"] = json.dumps(tables)
    return facts
