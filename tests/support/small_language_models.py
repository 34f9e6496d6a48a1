"""Language models with random weights, and what they must say by the lectures' equations,
slowly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from support import reference
from tagger.bundles.language_model import LanguageModelBundle, shapes_of
from tagger.config.language_model import LanguageModelConfig, LanguageModelNetworkConfig, TextConfig
from tagger.export.language_model import with_graphs
from tagger.features.text_labels import TextLabels
from tagger.features.vocabulary import Vocabulary

CHARACTERS = " abcde."
FORWARD: dict[str, Any] = {"seed": 1}
BACKWARD: dict[str, Any] = {"seed": 2, "direction": "backward", "units": 5}
"""Arguments of `bundle_of` for a pair of models, one per direction."""
SENTENCES = [
    ["a", "cab"],
    ["bed", "a"],
    [],
    ["a", "bed", "Zq", "a"],
    ["dad", "a", "cab", "a", "bed"],
]
"""Sentences that such models read, one of them empty and one with an unknown character."""
WORDS = ("the", "apple", "and", "pear", "salad", "<EOS>")


def bundle_of(seed: int = 1, labels: TextLabels | None = None, **model: Any) -> LanguageModelBundle:
    """A model of some settings whose weights are far from their initial values, with graphs."""
    labels = labels or TextLabels()
    settings = LanguageModelNetworkConfig(**{"units": 6, "embedding": 4, **model})
    words = list(CHARACTERS if settings.level == "characters" else WORDS)
    random = np.random.default_rng(seed)
    shapes = shapes_of(settings, len(words) + 2, len(labels))
    weights = {
        name: random.normal(0, 0.7, shape).astype(np.float32) for name, shape in shapes.items()
    }
    vocabulary = Vocabulary(words, [1] * len(words))
    config = LanguageModelConfig(data=TextConfig(tokenizer="whitespace"), model=settings)
    return with_graphs(LanguageModelBundle(config, vocabulary, weights, {}, labels=labels))


def activations(bundle: LanguageModelBundle, inputs: Sequence[int] | np.ndarray) -> np.ndarray:
    """The last layer's activations (T, U) for input ids (T,): number 0 is the zero vector, and
    those behind the vocabulary are labels.
    """
    model, weights = bundle.config.model, bundle.weights
    size = len(bundle.vocabulary) + len(bundle.labels)
    table = weights["embedding/embeddings"] if model.embedding else np.eye(size)
    x = np.array([table[number] * (number != 0) for number in inputs], dtype=np.float64)
    for depth in range(model.layers):
        layer = f"encoder/forward_{depth + 1}"
        kernel, recurrent, bias = (weights[f"{layer}/{n}"] for n in ("kernel", "recurrent", "bias"))
        peepholes = weights.get(f"{layer}/peepholes")
        x = np.array(reference.run(model.cell, x, kernel, recurrent, bias, peepholes))
    return x


def log_probabilities(
    bundle: LanguageModelBundle, ids: Sequence[int] | np.ndarray, label: str = ""
) -> np.ndarray:
    """log p of each number of a sequence and of <EOS> after it: x^<1> is the zero vector, or that
    of the label; x^<t> = y^<t-1>.
    """
    size = len(bundle.vocabulary)
    targets = [*ids, 0]
    a = activations(bundle, [size + bundle.labels.names.index(label) if label else 0, *ids])
    weights = bundle.weights
    kernel = (
        weights["embedding/embeddings"][:size].T
        if bundle.config.model.tied
        else weights["softmax/kernel"]
    )
    found = []
    for step, target in zip(a, targets, strict=True):
        exponentials = np.exp(step @ kernel + weights["softmax/bias"])
        found.append(np.log(exponentials[target] / exponentials.sum()))
    return np.array(found)


LABELED = TextLabels(("business", "sport"), (1, 3))
"""Labels of a conditional model."""


def conditional(**model: Any) -> LanguageModelBundle:
    """Return a language model that is conditional on two labels; see `bundle_of`."""
    return bundle_of(labels=LABELED, **model)
