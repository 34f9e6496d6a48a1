"""Verification of exported ONNX graphs against the Keras network, on real sentences.

Axes: T time, K tags.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tagger.bundles.tagger import INT8, Bundle
from tagger.errors import TaggerError
from tagger.features.encode import WordEncoder
from tagger.inference.member import EnsembleMember, emissions_in_batches, encoders_of
from tagger.inference.network import FLOAT32, PRECISIONS, OnnxTagger
from tagger.language_models.states import states_of
from tagger.training.build import emissions_of

__all__ = ["CLOSE", "Comparison", "compare"]

CLOSE = 1e-4
"""Maximum absolute difference between the emissions of float32 graphs and of Keras."""
_CHUNK_SENTENCES = 1024

Words = Sequence[Sequence[str]]
Batches = Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]


@dataclass
class Comparison:
    """The comparison of a graph with the Keras network.

    Attributes:
        precision: Precision of the graph.
        tokens: Number of tokens compared.
        difference: Maximum absolute difference of emissions.
        other_tags: Number of tokens that receive another tag.
    """

    precision: str
    tokens: int = 0
    difference: float = 0.0
    other_tags: int = 0

    def __str__(self) -> str:
        """Return the comparison as one line of text."""
        share = (
            f"{100 * self.other_tags / max(self.tokens, 1):.3f} %" if self.other_tags else "none"
        )
        return (
            f"{self.precision}: {self.tokens:,} tokens, emissions within {self.difference:.1e} of "
            f"Keras', other tags: {share}"
        )


def compare(
    bundle: Bundle,
    sentences: Words,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Comparison]:
    """Compare a bundle's graphs with its Keras network.

    Args:
        bundle: Bundle with graphs.
        sentences: Tokens of each sentence.
        on_progress: Called with the number of compared tokens and of all tokens.

    Returns:
        One comparison per precision, float32 first.

    Raises:
        TaggerError: In float32, emissions differ by more than `CLOSE`, or a tag differs.
    """
    keras, word_encoder = emissions_of(bundle), WordEncoder(bundle.features)
    precisions = [name for name in PRECISIONS if name != "int8" or INT8 in bundle.graphs]
    members = {name: EnsembleMember(bundle, OnnxTagger(bundle, name)) for name in precisions}
    encoders = encoders_of(bundle, FLOAT32)
    comparisons = {name: Comparison(name) for name in precisions}
    tokens = sum(map(len, sentences))
    for first in range(0, len(sentences), _CHUNK_SENTENCES):
        part = sentences[first : first + _CHUNK_SENTENCES]
        word_encoder.clear()
        contexts = states_of(encoders, part) if encoders else None
        batches = emissions_in_batches(part, word_encoder, keras, len(bundle.tags), contexts)
        expected = _by_sentence(batches)
        for name, member in members.items():
            for index, emissions in _by_sentence(member.batches(part)).items():
                _count(comparisons[name], member, expected[index], emissions)
        if on_progress is not None:
            on_progress(comparisons[FLOAT32].tokens, tokens)
    exact = comparisons[PRECISIONS[0]]
    if exact.difference > CLOSE or exact.other_tags:
        raise TaggerError(
            f"the graphs differ from the network: {exact}; expected emissions within {CLOSE} and "
            "the same tags"
        )
    return list(comparisons.values())


def _by_sentence(batches: Batches) -> dict[int, np.ndarray]:
    """Return the emissions (T, K) of each sentence, without padding, by its index."""
    return {
        int(index): rows[:length]
        for indices, lengths, emissions in batches
        for index, length, rows in zip(indices, lengths, emissions, strict=True)
    }


def _count(
    comparison: Comparison, member: EnsembleMember, expected: np.ndarray, actual: np.ndarray
) -> None:
    """Add one sentence's emissions (T, K) to a comparison."""
    length = np.array([len(expected)])
    one, other = (member.decoder.paths(emissions[None], length) for emissions in (expected, actual))
    comparison.tokens += len(expected)
    comparison.difference = max(
        comparison.difference, float(np.abs(expected - actual).max(initial=0))
    )
    comparison.other_tags += int((one != other).sum())
