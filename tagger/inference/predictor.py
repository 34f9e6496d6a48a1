"""The public interface of trained taggers: `load` opens a model, and `Predictor` tags text with it.

Axes: T time, K tags.
"""

from __future__ import annotations

import itertools
import logging
import os
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Unpack

import numpy as np

from tagger.bundles import folder as files
from tagger.bundles import tagger_files as bundles
from tagger.bundles.tagger import Bundle
from tagger.cpu import cores
from tagger.errors import BundleError, TaggerError
from tagger.features.token_states import TokenStates
from tagger.inference.annotating import annotated, distributed
from tagger.inference.arguments import checked, sentence_of, shown
from tagger.inference.decoder import Decoder
from tagger.inference.member import EnsembleMember
from tagger.inference.network import PRECISIONS, OnnxTagger, precision_of
from tagger.inference.operating_points import DecodingOptions
from tagger.inference.pipeline import Pipeline
from tagger.inference.selection import Selection, select, selection_of
from tagger.inference.source import Source
from tagger.inference.texts import in_documents, tagged_texts
from tagger.text import schemes
from tagger.text.spans import Sentence

__all__ = ["Predictor", "load", "reopen"]

_logger = logging.getLogger(__name__)

THREADS = 4  # default maximum; with more, Python is the bottleneck, and processes help instead
_LABELS = 8  # labels that `repr` lists


def load(
    *folders: str | Path, precision: str | None = None, threads: int | None = None
) -> Predictor:
    """Open the model in a folder, or several models as one that averages them.

    Args:
        *folders: One or several bundles, as `tagger train` writes them.
        precision: float32, or int8: 8-bit weights, which are faster and can cost some accuracy.
            Default: what training recorded, which is int8 only if it cost next to nothing on dev.
        threads: Number of windows of sentences that run at once. Default: one per core, at most
            `THREADS`.

    Returns:
        The model. Close it, or use it as a context manager, to release its threads early.

    Raises:
        BundleError: A folder is not a bundle, was damaged, or its weights do not fit its settings;
            or the bundles differ in tags, scheme or tokenizer.
        TaggerError: There is no folder, or the precision is unknown.
        TypeError: A folder is not a path.
        ValueError: `threads` is not a positive integer.
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
            network = OnnxTagger(bundle, precision or precision_of(bundle))
            members.append(EnsembleMember(bundle, network))
        except BundleError as error:
            raise BundleError(f"{folder}: {error}") from error
        if (first := _kind(members[0].bundle)) != (other := _kind(bundle)):
            differs = next(name for name in first if first[name] != other[name])
            raise BundleError(
                f"{folder}: cannot be averaged with {folders[0]}: they differ in their {differs}"
            )
        _logger.info("opened %s: %s", folder, network.precision)
    names, paths = tuple(str(folder) for folder in folders), tuple(map(os.path.abspath, folders))
    source = Source(names, paths, tuple(manifests), precision, threads)
    return Predictor(*members, threads=threads, source=source)


def reopen(source: Source) -> Predictor:
    """Open a model again, in this or another process.

    Args:
        source: The source of the model.

    Returns:
        A new model with the same folders, precision and threads.

    Raises:
        BundleError: As `load`, or a folder has changed since the model was first opened.
    """
    model = load(*source.paths, precision=source.precision, threads=source.threads)
    assert model.source is not None
    if model.source.manifests != source.manifests:
        model.close()
        raise BundleError(
            f"{', '.join(source.folders)}: was changed since the model was opened; open it again"
        )
    return model


def _kind(bundle: Bundle) -> dict[str, object]:
    """Return the properties that bundles must share to be averaged, by name."""
    return {"tags": bundle.tags, "scheme": bundle.scheme, "tokenizer": bundle.config.data.tokenizer}


class Predictor:
    """A trained tagger, or an average of several, that tags raw text, tokens or sentences.

    An average computes the mean of its members' exact tag probabilities at each token, and decodes
    them under the constraints of the scheme.

    **Closing.** A model owns threads, memory and memory-mapped files until `close`, the end of its
    ``with`` block, or the end of its last reference. Using a closed model raises `TaggerError`.

    **Threads.** Any number of threads may use one model at once, with the same results as one after
    another. The cache of encoded words is the only state that changes between calls; each member
    encodes a window of sentences under one lock and returns arrays that are never changed.
    A probability does not depend on the other sentences of its batch, in either precision.

    **Processes.** A pickled model consists of its folders, precision and threads; another process
    opens it again. A child of `os.fork` does not have the threads that run batches, so using the
    model there raises `TaggerError`: open it in the child, or start processes by ``spawn``. (A
    child of a process that has imported ONNX Runtime must end by `os._exit`, as multiprocessing
    does.)

    Attributes:
        labels: The labels that the model predicts, or its plain tags.
        plain_tags: Whether it predicts plain tags instead of spans.
        source: The folders that it was opened from; None for a model in memory.

    Args:
        *members: The models to average, at least one.
        threads: As for `load`.
        source: The folders that they were opened from.

    Raises:
        ValueError: `threads` is not a positive integer.
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
        """End the threads and release the model; unfinished sentences are dropped.

        It can be called more than once, and in a child of `os.fork`.
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
        """Return the models that are averaged, usually one."""
        self._pipeline.check()
        return self._pipeline.members

    @property
    def bundle(self) -> Bundle:
        """Return the settings, weights and metrics of the first model."""
        return self.members[0].bundle

    @property
    def decoder(self) -> Decoder:
        """Return the decoder of emissions into tags and spans."""
        return self._pipeline.decoder

    def selection(self, *, scores: bool = True, **options: Unpack[DecodingOptions]) -> Selection:
        """Return what `predict` selects with these options, and what dev promises for it.

        Args:
            scores: As for `predict`.
            **options: As for `predict`.

        Returns:
            The thresholds, and in ``promises`` the precision and recall on dev at each threshold
            that was chosen for a target.

        Raises:
            TaggerError: As for `predict`.
            ValueError: As for `predict`.
        """
        bundles = [member.bundle for member in self.members]
        return selection_of(bundles, self.decoder, scores=scores, **options)

    def tag(self, text: str, **options: Unpack[DecodingOptions]) -> list[Sentence]:
        """Tag a raw text, tokenized with the tokenizer of the training.

        ``text[span.start_char:span.end_char]`` is the surface of each span.

        Args:
            text: The text, which is one document.
            **options: As for `predict`.

        Returns:
            Its sentences with spans and character offsets.

        Raises:
            TypeError: `text` is not a string.
            TaggerError: The model is closed, or was opened before a fork.
        """
        if not isinstance(text, str):
            raise TypeError(f"expected a text of type str, got {shown(text)}")
        return next(self.tag_many([text], **options))

    def tag_many(
        self, texts: Iterable[str], **options: Unpack[DecodingOptions]
    ) -> Iterator[list[Sentence]]:
        """Tag raw texts lazily and in bounded memory, many at once; see `tag`.

        If the texts are short, this is several times as fast as `tag`.

        Args:
            texts: The texts, each of which is one document.
            **options: As for `predict`.

        Returns:
            An iterator over the sentences of each text, in order.

        Raises:
            TypeError: `texts` is a string, or one of them is not a string.
            TaggerError: The model is closed, or was opened before a fork.
        """
        if isinstance(texts, str) or not isinstance(texts, Iterable):
            raise TypeError(f"expected texts of type str, got {shown(texts)}")
        tokenizer = self.bundle.config.data.tokenizer
        return tagged_texts(texts, tokenizer, partial(self.predict, **options))

    def tag_tokens(
        self,
        sentences: Iterable[Sequence[str]],
        *,
        independent: bool = False,
        documents: Iterable[Hashable] | None = None,
        **options: Unpack[DecodingOptions],
    ) -> list[Sentence]:
        """Tag tokenized sentences, by default those of one document.

        If document consistency is on (see ``tagger info``), the sentences of a document inform each
        other, so a sentence may be tagged differently together with others than alone.

        Args:
            sentences: The tokens of each sentence.
            independent: Whether each sentence is a document of its own.
            documents: For each sentence, what identifies its document; consecutive sentences with
                equal values belong together. Default: all sentences are one document.
            **options: As for `predict`.

        Returns:
            A sentence with the same tokens, and with spans, for each sentence.

        Raises:
            TypeError: `sentences` are not sequences of strings.
            ValueError: Both `independent` and `documents` were passed, or `documents` does not have
                one value per sentence.
            TaggerError: The model is closed, or was opened before a fork.
        """
        if isinstance(sentences, str) or not isinstance(sentences, Iterable):
            raise TypeError(
                "expected sentences, each a sequence of tokens of type str, got "
                f"{shown(sentences)}; tag raw text with tag"
            )
        if independent and documents is not None:
            raise ValueError("expected independent or documents, not both")
        made = list(map(sentence_of, sentences))
        if independent:
            documents = range(len(made))
        if documents is None:
            return list(self.predict(made, **options))
        tagged = self.predict(in_documents(made, documents), **options)
        return [replace(sentence, record=None) for sentence in tagged]

    def predict(
        self,
        sentences: Iterable[Sentence],
        *,
        scores: bool = True,
        states: TokenStates | None = None,
        **options: Unpack[DecodingOptions],
    ) -> Iterator[Sentence]:
        """Tag sentences lazily and in bounded memory, replacing their annotation.

        Sentences of one document (see `document_consistency.chunks`) inform each other if document
        consistency is on.

        Args:
            sentences: The sentences, of any length and number.
            scores: Whether to compute the probabilities of spans, which takes more time.
            states: Hidden states of the model's encoders for exactly these sentences. Default:
                computed.
            **options: ``decode="best-sequence"`` for the spans of the most probable tag sequence;
                ``min_score`` and ``target`` for other thresholds than that of the model;
                ``candidates`` and ``best`` for more than its answer: see
                `tagger.inference.operating_points.DecodingOptions`.

        Returns:
            An iterator over copies of the sentences, in order, with the spans (or tags) of the
            model.

        Raises:
            TypeError: `sentences` are not `tagger.Sentence`s of strings.
            TaggerError: The model is closed, or was opened before a fork; or a target cannot be
                reached on dev, or a label is unknown.
            ValueError: An option is impossible.
        """
        selection = self.selection(scores=scores, **options)
        finish = partial(select, decoder=self.decoder, selection=selection)
        windows = self._pipeline.run(checked(sentences), finish, states)
        return itertools.chain.from_iterable(annotated(window, self.decoder) for window in windows)

    def distributions(
        self, sentences: Iterable[Sentence], *, calibrated: bool = True
    ) -> Iterator[tuple[Sentence, np.ndarray]]:
        """Compute the exact probability of every tag at every token, lazily.

        The distribution is that from which `predict` computes the probabilities of spans, document
        consistency included.

        Args:
            sentences: The sentences, of any length and number.
            calibrated: Whether the temperature that dev decided applies; else it is 1.

        Returns:
            An iterator over pairs of a sentence and its probabilities (T, K) float64, in order,
            with the tags in the order of ``bundle.tags``.

        Raises:
            TypeError: As `predict`.
            TaggerError: As `predict`.
        """
        decoder = self.decoder if calibrated else self.decoder.at(1.0)
        windows = self._pipeline.run(checked(sentences), decoder.marginals)
        return itertools.chain.from_iterable(map(distributed, windows))

    def emissions(
        self, sentences: Iterable[Sentence], *, states: TokenStates | None = None
    ) -> Iterator[tuple[Sentence, np.ndarray]]:
        """Compute the scores that are decoded, document consistency included, lazily.

        Args:
            sentences: The sentences, of any length and number.
            states: As for `predict`.

        Returns:
            An iterator over pairs of a sentence and its scores (T, K), in order, with the tags in
            the order of ``bundle.tags``.

        Raises:
            TypeError: As `predict`.
            TaggerError: As `predict`.
        """
        windows = self._pipeline.run(checked(sentences), lambda scores, _: scores, states)
        return itertools.chain.from_iterable(map(distributed, windows))
