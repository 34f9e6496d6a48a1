"""A trained model that tags: raw text, tokens or sentences in; as many tokens out, with spans.

Axes: T time, K tags.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from tagger.bundles import folder as files
from tagger.bundles import tagger_files as bundles
from tagger.bundles.tagger import Bundle
from tagger.cpu import cores
from tagger.decoding import marginals
from tagger.errors import BundleError, TaggerError
from tagger.features.token_states import TokenStates
from tagger.inference.arguments import checked, sentence_of, shown
from tagger.inference.decoder import Decoded, Decoder
from tagger.inference.member import EnsembleMember
from tagger.inference.network import PRECISIONS, OnnxTagger, precision_of
from tagger.inference.pipeline import Pipeline, Window
from tagger.inference.source import Source
from tagger.text import schemes, tokens
from tagger.text.spans import Record, Sentence, Span

__all__ = ["Predictor", "load", "reopen"]

THREADS = 4  # beyond, Python is the bottleneck, and processes help
_LABELS = 8  # that `repr` lists


def load(
    *folders: str | Path, precision: str | None = None, threads: int | None = None
) -> Predictor:
    """Open the model in a folder, or several as one model that averages them.

    Args:
        folders: bundles, as `tagger train` writes them.
        precision: float32, or int8: 8-bit weights, which are faster and may cost some accuracy. By
            default int8 where it was measured, after training, to lose nothing.
        threads: how many batches run at once; by default one per core, `THREADS` at most.

    Returns:
        The model, which may be closed, or used as a context manager, when it is no longer needed.

    Raises:
        BundleError: a folder is no bundle, was damaged, or its weights do not fit its
            configuration; or the bundles do not have the same tags, scheme and tokenizer.
        TaggerError: no folder, or an unknown precision.
        TypeError, ValueError: an argument is of another type, or `threads` is not positive.
    """
    if precision not in (None, *PRECISIONS):
        raise TaggerError(
            f"unknown precision {precision!r}; expected one of {', '.join(PRECISIONS)}"
        )
    if not folders:
        raise TaggerError("expected the folder of a trained model, or several")
    members: list[EnsembleMember] = []
    manifests = []
    for folder in folders:
        if not isinstance(folder, str | os.PathLike):
            raise TypeError(f"expected the path of a folder, got {shown(folder)}")
        bundle = bundles.load(folder)
        manifests.append(str(files.manifest_entry(Path(folder) / files.MANIFEST)["sha256"]))
        try:
            members.append(
                EnsembleMember(bundle, OnnxTagger(bundle, precision or precision_of(bundle)))
            )
        except BundleError as error:
            raise BundleError(f"{folder}: {error}") from error
        if (wanted := _kind(members[0].bundle)) != (found := _kind(bundle)):
            differs = next(name for name in wanted if wanted[name] != found[name])
            raise BundleError(
                f"{folder}: cannot be averaged with {folders[0]}: they differ in their {differs}"
            )
    names, paths = tuple(str(folder) for folder in folders), tuple(map(os.path.abspath, folders))
    source = Source(names, paths, tuple(manifests), precision, threads)
    return Predictor(*members, threads=threads, source=source)


def reopen(source: Source) -> Predictor:
    """Open the model of another process, or of this one, again.

    Raises:
        BundleError: as for `load`, or a folder was changed since.
    """
    model = load(*source.paths, precision=source.precision, threads=source.threads)
    assert model.source is not None
    if model.source.manifests != source.manifests:
        model.close()
        raise BundleError(
            f"{', '.join(source.folders)}: was changed since the model was opened; open it anew"
        )
    return model


def _kind(bundle: Bundle) -> dict[str, object]:
    """Return what bundles must share to be averaged."""
    return {"tags": bundle.tags, "scheme": bundle.scheme, "tokenizer": bundle.config.data.tokenizer}


class Predictor:
    """A model, or the average of several, that tags raw text, tokens or sentences.

    ``labels`` are those that it can predict; ``bundle`` has its configuration and figures, those of
    the first of several. An average gives each token the mean of its members' exact probabilities
    of tags, and decodes that under the scheme's constraints.

    **Closing.** A model holds threads, memory and memory-mapped files until `close`, the end of its
    ``with`` block, or its last reference. A closed model raises `TaggerError` when it is used.

    **Threads.** Any number of threads may use one model at once, with the results that they would
    have one after the other. Only the words encoded so far change from call to call; each member
    encodes a window of sentences under one lock and returns arrays that nobody changes afterwards.
    In int8, as always there, a probability depends a little on which sentences are tagged together.

    **Processes.** Pickled, a model is its folders, precision and threads: another process opens it
    anew. A child of `os.fork` has none of the threads that run batches, so there it raises
    `TaggerError`: open it in the child, or start processes by ``spawn``. (A child of a process that
    has imported ONNX Runtime must end by `os._exit`, as multiprocessing lets it.)

    Args:
        members: the models to average.
        threads: as for `load`.
        source: the folders that they were opened from.
    """

    def __init__(
        self, *members: EnsembleMember, threads: int | None = None, source: Source | None = None
    ) -> None:
        if threads is not None and (type(threads) is not int or threads < 1):
            raise ValueError(f"expected a positive number of threads, got {threads!r}")
        bundle = members[0].bundle
        self.labels = bundle.labels
        self.plain_tags = bundle.scheme == schemes.PLAIN
        self.source = source
        self._pipeline = Pipeline(members, threads or min(cores(), THREADS))

    def __repr__(self) -> str:
        labels = ", ".join(self.labels[:_LABELS])
        more = f", … ({len(self.labels)})" if len(self.labels) > _LABELS else ""
        folders = ", ".join(self.source.folders) if self.source else "in memory"
        members = self._pipeline.members
        precisions = ", ".join(sorted({member.network.precision for member in members}))
        return f"<Predictor: {labels}{more}; {folders}; {precisions or 'closed'}>"

    def __enter__(self) -> Predictor:
        self._pipeline.check()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the threads and release the model; sentences that are not finished are dropped.

        It may be called more than once, and in a child of `os.fork`.
        """
        self._pipeline.close()

    def __reduce__(self) -> tuple[Callable[[Source], Predictor], tuple[Source]]:
        self._pipeline.check()
        if self.source is None:
            raise TaggerError(
                "a model made in memory cannot be sent to another process; save its bundle and "
                "open that with tagger.load"
            )
        return reopen, (self.source,)

    @property
    def members(self) -> tuple[EnsembleMember, ...]:
        """Return the models that are averaged, often one."""
        self._pipeline.check()
        return self._pipeline.members

    @property
    def bundle(self) -> Bundle:
        """Return the configuration, weights and figures of the first model."""
        return self.members[0].bundle

    @property
    def decoder(self) -> Decoder:
        """Return what turns emissions into tags and spans."""
        return self._pipeline.decoder

    def tag(self, text: str) -> list[Sentence]:
        """Return the sentences of a raw text, tokenized as in training, with their spans.

        ``text[span.start_char:span.end_char]`` is the surface of each span.

        Raises:
            TypeError: it is no string.
        """
        if not isinstance(text, str):
            raise TypeError(f"expected a text of type str, got {shown(text)}")
        tokenizer = tokens.get(self.bundle.config.data.tokenizer)
        record = Record("text", 1, text=text)
        sentences = (
            Sentence(
                tuple(text[start:end] for start, end in offsets),
                offsets=tuple(offsets),
                record=record,
            )
            for offsets in tokenizer(text)
        )
        return list(self.predict(sentences))

    def tag_tokens(self, sentences: Iterable[Sequence[str]]) -> list[Sentence]:
        """Return sentences that are split into tokens already, with their spans: as many tokens out
        as in. They are one document.

        Raises:
            TypeError: they are not sequences of strings.
        """
        if isinstance(sentences, str) or not isinstance(sentences, Iterable):
            raise TypeError(
                "expected sentences, each a sequence of tokens of type str, got "
                f"{shown(sentences)}; raw text is for tag"
            )
        return list(self.predict(map(sentence_of, sentences)))

    def predict(
        self,
        sentences: Iterable[Sentence],
        *,
        scores: bool = True,
        states: TokenStates | None = None,
    ) -> Iterator[Sentence]:
        """Yield each sentence with the model's spans (or tags) instead of its own, in order, while
        the input is being read.

        Sentences of one document (see `document_consistency.chunks`) help each other.

        Args:
            sentences: of any length, in any number.
            scores: whether spans have probabilities, which takes more time.
            states: those of the model's encoders for exactly these sentences, if they have been
                computed before.

        Raises:
            TypeError: they are no `tagger.Sentence`s of strings.
            TaggerError: the model is closed, or was opened before a fork.
        """
        finish = partial(self.decoder.decode, scores=scores)
        windows = self._pipeline.run(checked(sentences), finish, states)
        return itertools.chain.from_iterable(map(self._annotated, windows))

    def distributions(self, sentences: Iterable[Sentence]) -> Iterator[tuple[Sentence, np.ndarray]]:
        """Yield each sentence with the exact probability of every tag at every token.

        They are of the very distribution whose best sequence `predict` returns, the other sentences
        of the document included. In order, while the input is being read; errors are those of
        `predict`.

        Returns:
            Pairs of a sentence and (T, K) float64, the tags in the order of ``bundle.tags``.
        """
        finish = partial(marginals, transitions=self.decoder.transitions)
        windows = self._pipeline.run(checked(sentences), finish)
        return itertools.chain.from_iterable(map(_distributed, windows))

    def _annotated(self, window: Window[Decoded]) -> Iterator[Sentence]:
        """Yield the window's sentences with the spans or tags that its batches have."""
        spans: list[list[Span]] = [[] for _ in window.sentences]
        tags: list[tuple[str, ...] | None] = [None] * len(window.sentences)
        names, labels = self.decoder.tags, self.decoder.labels
        for batch, decoded in zip(window.batches, window.results(), strict=True):
            indices = batch.indices.tolist()
            if self.plain_tags:
                for index, path, length in zip(
                    indices, decoded.paths, batch.lengths.tolist(), strict=True
                ):
                    tags[index] = tuple(names[number] for number in path[:length].tolist())
            for row, start, end, label, score in decoded.spans:
                index = indices[row]
                spans[index].append(window.sentences[index].span(start, end, labels[label], score))
        for sentence, its_spans, its_tags in zip(window.sentences, spans, tags, strict=True):
            yield sentence.with_annotation(None if self.plain_tags else tuple(its_spans), its_tags)


def _distributed(window: Window[np.ndarray]) -> Iterator[tuple[Sentence, np.ndarray]]:
    """Yield the window's sentences with the probabilities (T, K) that its batches have."""
    rows: list[np.ndarray] = [np.empty(0)] * len(window.sentences)
    for batch, probabilities in zip(window.batches, window.results(), strict=True):
        for index, length, each in zip(batch.indices, batch.lengths, probabilities, strict=True):
            rows[index] = each[:length]
    yield from zip(window.sentences, rows, strict=True)
