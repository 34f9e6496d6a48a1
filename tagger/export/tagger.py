"""Trained weights as ONNX graphs, which run without Keras, and in other languages.

Two graphs make a tagger, as what is known of a word depends on the word alone and need be computed
once only, however often the word occurs:

    words.onnx           the inputs that the model has, of distinct words: words (D,), shapes (D,),
                         vectors (D, F), characters (D, C) -> features (D, X)
    sentences.onnx       features (N, X), tokens (B, T), lengths (B,) -> emissions (B, T, K)
    sentences.int8.onnx  the same with weights in 8 bits; for LSTM cells alone

``tokens`` are rows of ``features``. A model of one-hot words has no words.onnx; its features are
the words' numbers (N,). Emissions are log-probabilities, or the scores of a conditional random
field, whose transitions are in the metadata. ``states``, zeros if left out, are those in which the
layers begin, and ``states_after`` (S, B, U) those in which they end: with them a very long sentence
can be run in pieces (`inference.network`).

Axes: B batch, T time, D distinct words, C characters, F numbers of a vector, X numbers of a word, N
words in all, K tags, S states, U units.
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
    """Return the bundle with graphs of its weights, in place of those it had; errors are those of
    `graphs`.
    """
    return replace(bundle, graphs=graphs(bundle))


def graphs(bundle: Bundle) -> dict[str, bytes]:
    """The graphs of a model by the names of their files.

    Raises:
        TaggerError: the package onnx is missing.
    """
    facts = _facts(bundle)
    make = {
        WORDS: lambda: word_graph(bundle, facts),
        SENTENCES: lambda: sentence_graph(bundle, facts, quantized=False),
        INT8: lambda: sentence_graph(bundle, facts, quantized=True),
    }
    return {name: make[name]() for name in graph_names(bundle.config.model)}


def _facts(bundle: Bundle) -> dict[str, str]:
    """What whoever runs a graph must know."""
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
