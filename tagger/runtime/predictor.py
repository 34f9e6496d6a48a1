"""A trained model that tags: sentences are batched, run and decoded; they come back in order, none lost.

Axes: B batch, T time, K tags.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tagger import bundle as bundles
from tagger.bundle import Bundle
from tagger.decoding import Transitions, segment_log_probabilities, viterbi
from tagger.errors import BundleError
from tagger.features.batches import batch_up, bucket
from tagger.features.encode import encode
from tagger.features.vocabulary import Vocabulary
from tagger.text import schemes, tokens
from tagger.text.formats import plain
from tagger.text.spans import Sentence, Span

__all__ = ["Decoder", "Emissions", "Predictor", "load"]

Emissions = Callable[[dict[str, np.ndarray]], np.ndarray]
"""A batch's inputs by name, (B, T) each, to log-probabilities (B, T, K): the one thing that a runtime must provide."""

WINDOW = 1024  # sentences read ahead, to be sorted by length
TOKEN_BUDGET = 4096  # padded tokens a batch
INNER_SCHEME = "IOBES"


def load(folder: str | Path) -> Predictor:
    """The model in a bundle, ready to tag.

    Raises:
        BundleError: the folder is no bundle, was damaged, or its weights do not fit its configuration.
    """
    bundle = bundles.load(folder)
    # The seam: Keras computes the emissions until the bundle carries a graph that runs without it.
    from tagger.training.models import emissions_of

    try:
        return Predictor(bundle, emissions_of(bundle))
    except BundleError as error:
        raise BundleError(f"{folder}: {error}") from error


class Decoder:
    """Emissions to spans with their probabilities, or to plain tags: what the tags and their scheme allow."""

    def __init__(self, tags: Sequence[str], *, plain_tags: bool) -> None:
        self.tags = tuple(tags)
        self.plain_tags = plain_tags
        self.transitions = (
            Transitions.free(len(self.tags))
            if plain_tags
            else Transitions.constrained(*schemes.transition_table(self.tags, INNER_SCHEME))
        )

    def paths(self, emissions: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """The best tag ids (B, T), -1 where padded."""
        return viterbi(emissions, lengths, self.transitions)

    def spans(self, emissions: np.ndarray, lengths: np.ndarray) -> list[list[Span]]:
        """For each sentence the spans of the best path, ``score`` being each one's exact probability.

        That is the summed probability, under the constrained distribution, of all tag sequences that hold this span.
        """
        paths = self.paths(emissions, lengths)
        found = [self.spans_of(path[:length]) for path, length in zip(paths, lengths, strict=True)]
        segments = [(row, span.start, paths[row, span.start : span.end]) for row, spans in enumerate(found) for span in spans]
        logs = segment_log_probabilities(emissions, lengths, self.transitions, segments)
        scores = iter(np.exp(np.minimum(logs, 0)).tolist())  # 1 + 1e-7 is no probability
        return [[replace(span, score=next(scores)) for span in spans] for spans in found]

    def spans_of(self, path: np.ndarray) -> list[Span]:
        """The spans of one valid path of tag ids."""
        return schemes.decode([self.tags[number] for number in path], INNER_SCHEME) if path.any() else []


class Predictor:
    """Tags raw text, tokens or sentences with one model.

    ``labels`` are what it can find; ``bundle`` holds its configuration and figures.
    """

    def __init__(self, bundle: Bundle, emissions: Emissions) -> None:
        self.bundle = bundle
        self.labels = bundle.labels
        self.plain_tags = bundle.scheme == schemes.PLAIN
        self.decoder = Decoder(bundle.tags, plain_tags=self.plain_tags)
        self._emissions = emissions

    def tag(self, text: str) -> list[Sentence]:
        """The sentences of a raw text, tokenized as in training, with their spans; ``text[span.start_char:span.end_char]``
        is each span's surface."""
        tokenizer = tokens.get(self.bundle.config.data.tokenizer)
        # One record with all its line breaks, so that offsets count from the beginning of the text.
        sentences = plain.read([(1, text)], "text", tokenizer, wrapped=False)
        return [sentence for sentence in self.predict(sentences) if len(sentence)]

    def tag_tokens(self, sentences: Iterable[Sequence[str]]) -> list[Sentence]:
        """Sentences that are split into tokens already, with their spans: as many tokens out as in."""
        return list(self.predict(Sentence(tuple(tokens)) for tokens in sentences))

    def predict(self, sentences: Iterable[Sentence]) -> Iterator[Sentence]:
        """Each sentence with the model's spans (or tags) instead of its own, in order, while the input is being read."""
        sentences = iter(sentences)
        while window := list(itertools.islice(sentences, WINDOW)):
            yield from self._window(window)

    def _window(self, window: list[Sentence]) -> list[Sentence]:
        predicted = list(window)
        for indices, lengths, emissions in emissions_in_batches(
            [sentence.tokens for sentence in window], self.bundle.vocabulary, self._emissions
        ):
            for index, result in zip(indices, self._decoded(emissions, lengths), strict=True):
                sentence = replace(window[index], spans=None, tags=None)
                if self.plain_tags:
                    predicted[index] = replace(sentence, tags=tuple(self.bundle.tags[number] for number in result))
                else:
                    predicted[index] = sentence.with_spans(result)
        return predicted

    def _decoded(self, emissions: np.ndarray, lengths: np.ndarray) -> list:
        if not self.plain_tags:
            return self.decoder.spans(emissions, lengths)
        return [path[:length] for path, length in zip(self.decoder.paths(emissions, lengths), lengths, strict=True)]


def emissions_in_batches(
    sentences: Sequence[Sequence[str]], vocabulary: Vocabulary, emissions: Emissions
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Run sentences in batches of like length: indices into `sentences` (B,), lengths (B,), emissions (B, T, K)."""
    features = encode(sentences, vocabulary)
    lengths = np.array([len(tokens) for tokens in sentences])
    for indices in bucket(lengths, np.argsort(lengths, kind="stable"), TOKEN_BUDGET):
        batch = batch_up(indices, features)
        yield indices, batch.lengths, emissions(batch.inputs)
