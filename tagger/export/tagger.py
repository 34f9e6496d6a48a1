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

import numpy as np

from tagger.bundles.encoder import width_of
from tagger.bundles.tagger import INT8, SENTENCES, WORDS, Bundle, graph_names
from tagger.bundles.weights import layer_weights
from tagger.export.sentences import sentence_graph
from tagger.export.session import Session
from tagger.export.words import word_graph
from tagger.features.encode import WordEncoder
from tagger.heads import HEADS

__all__ = ["with_graphs"]

_WORDS = 4096  # words whose features are computed at once


def with_graphs(bundle: Bundle) -> Bundle:
    """Return a copy of a bundle with graphs created from its weights.

    Args:
        bundle: The bundle; its own graphs are ignored.

    Returns:
        A shallow copy with new graphs by file name. Equal bundles yield equal bytes.

    Raises:
        TaggerError: The package onnx is not installed.
    """
    facts, names = _facts(bundle), graph_names(bundle.config.model)
    found = {WORDS: word_graph(bundle, facts)} if WORDS in names else {}
    found[SENTENCES] = sentence_graph(bundle, facts, quantized=False)
    if INT8 in names:
        bounds = _feature_range(bundle, found[WORDS]) if WORDS in names else (-1.0, 1.0)
        found[INT8] = sentence_graph(bundle, facts, quantized=True, feature_range=bounds)
    return replace(bundle, graphs=found)


def _feature_range(bundle: Bundle, words: bytes) -> tuple[float, float]:
    """Return the lowest and the highest value among the inputs of the first recurrent layer.

    These are the features of the words of the vocabulary and, with language models, 3 standard
    deviations of their projection, if the activations of language models have one of 2/3.
    """
    session = Session(words, WORDS, bundle.weights_digest)
    encoder = WordEncoder(bundle.features)
    vocabulary = bundle.features.words.words
    low, high, width = 0.0, 0.0, width_of(bundle.config.model, bundle.features)
    for first in range(0, len(vocabulary), _WORDS):
        encoder.clear()
        encoder.word_ids([vocabulary[first : first + _WORDS]])
        inputs = encoder.words(np.arange(len(encoder)))
        feed = {name: array for name, array in inputs.items() if name in session.inputs}
        [features] = session.run({"features": (len(encoder), width)}, feed)
        low, high = min(low, float(features.min())), max(high, float(features.max()))
    if bundle.language_models:
        projection = layer_weights(bundle.weights, "context")
        bound = 1.0
        if projection:
            norms = np.sqrt((projection["kernel"] ** 2).sum(axis=0))
            bound = float((np.abs(projection["bias"]) + 2 * norms).max())
        low, high = min(low, -bound), max(high, bound)
    return low, high


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
