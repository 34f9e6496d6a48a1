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
can be run in pieces (`runtime.network`).

Axes: B batch, T time, D distinct words, C characters, F numbers of a vector, X numbers of a word, N
words in all, K tags, S states, U units.
"""

from __future__ import annotations

import hashlib
import json

from tagger.bundles.tagger import Bundle
from tagger.bundles.tagger_weights import check
from tagger.bundles.weights import digest
from tagger.cells import CELLS
from tagger.errors import TaggerError
from tagger.export.sentences import sentence_graph
from tagger.export.words import word_graph
from tagger.heads import HEADS

__all__ = ["INT8", "SENTENCES", "WORDS", "graphs"]

WORDS, SENTENCES, INT8 = "words.onnx", "sentences.onnx", "sentences.int8.onnx"


def graphs(bundle: Bundle) -> dict[str, bytes]:
    """The graphs of a model by the names of their files.

    Raises:
        BundleError: the weights are not those of its settings.
        TaggerError: the package onnx is missing.
    """
    try:
        import onnx  # noqa: F401
    except ImportError as error:
        raise TaggerError(
            "a model of an older version has no graphs, and to make them the package onnx is "
            "needed, which is not installed: pip "
            "install onnx; then, once for all: tagger export RUN"
        ) from error
    check(bundle)
    facts = _facts(bundle)
    made = {} if bundle.config.model.input == "one-hot" else {WORDS: word_graph(bundle, facts)}
    made[SENTENCES] = sentence_graph(bundle, facts, quantized=False)
    if CELLS[bundle.config.model.cell].has_int8:
        made[INT8] = sentence_graph(bundle, facts, quantized=True)
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
            facts[f"vocabulary/{name}.json"] = hashlib.sha256(
                vocabulary.to_json().encode()
            ).hexdigest()
    if transitions := HEADS[bundle.config.model.head].transitions:
        tables = {name: bundle.weights[f"head/{name}"].tolist() for name in transitions}
        facts["transitions"] = json.dumps(tables)
    return facts
