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
from tagger.decoding import Transitions, marginals, segment_log_probabilities, viterbi
from tagger.errors import BundleError
from tagger.features.batches import batch_up, bucket
from tagger.features.encode import Lexicon
from tagger.text import schemes, tokens
from tagger.text.formats import plain
from tagger.text.spans import Sentence, Span

__all__ = ["Decoder", "Emissions", "Member", "Predictor", "emissions_in_batches", "load"]

Emissions = Callable[[dict[str, np.ndarray]], np.ndarray]
"""A batch's inputs by name, (B, T) each, to log-probabilities (B, T, K): the one thing that a runtime must provide."""

WINDOW = 1024  # sentences read ahead, to be sorted by length
TOKEN_BUDGET = 4096  # padded tokens a batch
LEXICON = 100_000  # distinct words remembered: memory must not grow with the input
INNER_SCHEME = "IOBES"


def load(*folders: str | Path) -> Predictor:
    """The model in a bundle, ready to tag; of several bundles, one model that averages them.

    Raises:
        BundleError: a folder is no bundle, was damaged, or its weights do not fit its configuration; or the bundles do not
            have the same tags, scheme and tokenizer.
    """
    # The seam: Keras computes the emissions until the bundle carries a graph that runs without it.
    members = []
    for folder in folders:
        bundle = bundles.load(folder)
        from tagger.training.models import emissions_of

        try:
            members.append(Member(bundle, emissions_of(bundle)))
        except BundleError as error:
            raise BundleError(f"{folder}: {error}") from error
        if (wanted := _kind(members[0].bundle)) != (found := _kind(bundle)):
            differs = next(name for name in wanted if wanted[name] != found[name])
            raise BundleError(f"{folder}: cannot be averaged with {folders[0]}: they differ in their {differs}")
    return Predictor(*members)


def _kind(bundle: Bundle) -> dict[str, object]:
    """What bundles must share to be averaged."""
    return {"tags": bundle.tags, "scheme": bundle.scheme, "tokenizer": bundle.config.data.tokenizer}


class Decoder:
    """Emissions to spans with their probabilities, or to plain tags: what the tags and their scheme allow.

    ``scores``, if given, are what a CRF head has learnt: the three tables of `decoding.Transitions`.
    """

    def __init__(self, tags: Sequence[str], *, plain_tags: bool, scores: Sequence[np.ndarray] | None = None) -> None:
        self.tags = tuple(tags)
        self.plain_tags = plain_tags
        allowed = (
            Transitions.free(len(self.tags))
            if plain_tags
            else Transitions.constrained(*schemes.transition_table(self.tags, INNER_SCHEME))
        )
        self.allowed = (allowed.start, allowed.transitions, allowed.end)
        self.transitions = self._learnt(scores) if scores is not None else allowed

    @classmethod
    def of(cls, bundle: Bundle) -> Decoder:
        """The decoder of a trained model.

        Raises:
            BundleError: the weights lack the scores of its CRF head, or they do not fit the tags.
        """
        scores = None
        if bundle.config.model.head == "crf":
            try:
                scores = [bundle.weights[f"head/{name}"] for name in ("start", "transitions", "end")]
            except KeyError as error:
                raise BundleError(f"weights.npz lacks {error}; copy the whole folder again") from error
        try:
            return cls(bundle.tags, plain_tags=bundle.scheme == schemes.PLAIN, scores=scores)
        except ValueError as error:
            raise BundleError(f"weights.npz does not fit tags.json: {error}; copy the whole folder again") from error

    def _learnt(self, scores: Sequence[np.ndarray]) -> Transitions:
        """The learnt scores of what is allowed."""
        return Transitions(*(allowed + learnt for allowed, learnt in zip(self.allowed, scores, strict=True)))

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


class Member:
    """A bundle at work: its words, its emissions, its decoder."""

    def __init__(self, bundle: Bundle, emissions: Emissions) -> None:
        self.bundle = bundle
        self.emissions = emissions
        self.decoder = Decoder.of(bundle)
        self.lexicon = Lexicon(bundle.features)

    def batches(self, sentences: Sequence[Sequence[str]]) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """As `emissions_in_batches`."""
        if len(self.lexicon) > LEXICON:
            self.lexicon.clear()
        return emissions_in_batches(sentences, self.lexicon, self.emissions)


class Predictor:
    """Tags raw text, tokens or sentences with one model, or with the average of several.

    ``labels`` are what it can find; ``bundle`` holds its configuration and figures, those of the first of several. An average
    gives each token the mean of its members' exact probabilities of tags, and decodes that under the scheme's constraints.
    """

    def __init__(self, *members: Member) -> None:
        self.members = members
        self.bundle = members[0].bundle
        self.labels = self.bundle.labels
        self.plain_tags = self.bundle.scheme == schemes.PLAIN
        # The members' learnt transitions are in their probabilities already.
        self.decoder = members[0].decoder if len(members) == 1 else Decoder(self.bundle.tags, plain_tags=self.plain_tags)

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
        for indices, lengths, emissions in self._batches([sentence.tokens for sentence in window]):
            for index, result in zip(indices, self._decoded(emissions, lengths), strict=True):
                sentence = replace(window[index], spans=None, tags=None)
                if self.plain_tags:
                    predicted[index] = replace(sentence, tags=tuple(self.bundle.tags[number] for number in result))
                else:
                    predicted[index] = sentence.with_spans(result)
        return predicted

    def _batches(self, sentences: Sequence[Sequence[str]]) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        if len(self.members) == 1:
            yield from self.members[0].batches(sentences)
            return
        # Batches depend on lengths alone: they are the same for all members.
        for batches in zip(*(member.batches(sentences) for member in self.members), strict=True):
            indices, lengths, _ = batches[0]
            mean = np.mean(
                [
                    marginals(emissions, lengths, member.decoder.transitions)
                    for member, (_, _, emissions) in zip(self.members, batches, strict=True)
                ],
                axis=0,
            )
            yield indices, lengths, np.log(np.maximum(mean, np.finfo(np.float64).tiny))

    def _decoded(self, emissions: np.ndarray, lengths: np.ndarray) -> list:
        if not self.plain_tags:
            return self.decoder.spans(emissions, lengths)
        return [path[:length] for path, length in zip(self.decoder.paths(emissions, lengths), lengths, strict=True)]


def emissions_in_batches(
    sentences: Sequence[Sequence[str]], lexicon: Lexicon, emissions: Emissions
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Run sentences in batches of like length: indices into `sentences` (B,), lengths (B,), emissions (B, T, K)."""
    numbers = lexicon.numbers(sentences)
    lengths = np.array([len(tokens) for tokens in sentences])
    for indices in bucket(lengths, np.argsort(lengths, kind="stable"), TOKEN_BUDGET):
        batch = batch_up(indices, lexicon, numbers)
        yield indices, batch.lengths, emissions(batch.inputs)
