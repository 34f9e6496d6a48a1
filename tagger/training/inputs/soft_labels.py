"""Soft labels for distillation: teachers' tag probabilities of a text, cached on disk.

    <labels>/<key>/00000.npz     ``sentences``, JSON in UTF-8 bytes, one list of tokens each;
                                 ``probabilities`` of their tags, (N, K) float16
    <labels>/<key>/labels.json   written last: teachers, texts, tags and the number of blocks

The key is a digest of the teachers' and the texts' contents and of all settings on which the labels
depend, so that equal labels are computed only once and outdated ones are never used. A block does
not depend on the blocks before it: complete ones need not be computed again, and an interrupted
labeling, once resumed, writes the same bytes as an uninterrupted one. This module does not import
Keras.

Axes: N tokens of a block, T of a sentence, K tags.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tagger.bundles import folder as folders
from tagger.config import tagger as config
from tagger.config.tagger import Config
from tagger.errors import DataError, TaggerError
from tagger.files import atomic_write
from tagger.inference import predictor
from tagger.inference.document_consistency import chunks
from tagger.inference.predictor import Predictor
from tagger.text import formats
from tagger.text.formats import ReadOptions
from tagger.text.spans import Sentence

__all__ = [
    "LABELS",
    "ProgressCallback",
    "SoftLabels",
    "folder_of",
    "load_or_create_soft_labels",
    "shared",
]

LABELS = "labels"
BLOCK_TOKENS = 1 << 15
"""Tokens per block, which is the most that is lost if labeling is interrupted."""
LONGEST = 256
"""Maximum tokens of a sentence; longer ones are skipped.

They are tables or lists, and would need too much memory in a batch.
"""
_LAST = "labels.json"
_FORMAT = 1

ProgressCallback = Callable[[int, int], None]
"""Progress callback: receives the tokens labeled so far and the maximum, after each block."""


@dataclass(frozen=True)
class SoftLabels:
    """The soft labels of a text.

    Attributes:
        sentences: Tokens of each sentence.
        probabilities: For each sentence, the distribution over tags of each token, (T, K) float16.
    """

    sentences: list[tuple[str, ...]]
    probabilities: list[np.ndarray]

    @property
    def tokens(self) -> int:
        """Number of tokens of all sentences."""
        return sum(map(len, self.sentences))


def folder_of(settings: Config, run: Path) -> Path:
    """Return the folder of a training's soft labels, ``distillation.labels`` or ``run/labels``."""
    return Path(settings.distillation.labels or run / LABELS)


def shared(settings: Config, run: Path) -> Config:
    """Return settings with which several trainings below `run` share their soft labels.

    Args:
        settings: Settings of all trainings.
        run: Folder that contains the folders of the trainings.

    Returns:
        The settings with ``distillation.labels`` set, or unchanged if it is set already or there
        are no teachers.
    """
    if not settings.distillation.teachers or settings.distillation.labels:
        return settings
    return config.assign(settings, {"distillation.labels": str(run / LABELS)})


def load_or_create_soft_labels(
    settings: Config, folder: Path, progress: ProgressCallback, *, has_started: bool = False
) -> SoftLabels:
    """Read the soft labels from a folder, after computing those that are missing, block by block.

    Args:
        settings: Settings of the student: teachers, texts and reading options.
        folder: Folder of soft labels, which may contain those of several settings.
        progress: Called after each block with the tokens labeled so far and the maximum.
        has_started: Whether a training with these labels has already started, so that they must
            exist.

    Returns:
        The soft labels of the texts.

    Raises:
        TaggerError: A teacher or text cannot be read; the texts contain no sentence; or the labels
            are damaged, or missing although a training has started with them.
    """
    options = replace(settings.data.reading, wrapped=settings.distillation.wrapped, annotated=False)
    head = _cache_key(settings)
    target = folder / hashlib.sha256(json.dumps(head).encode()).hexdigest()[:16]
    if not (target / _LAST).exists():
        if has_started:
            raise TaggerError(
                f"{target}: the soft labels with which this training was started are missing: "
                "teachers or texts have changed, or the folder was removed; restore them, or start "
                "a new training in another folder"
            )
        _label(settings, options, target, progress, head)
    return _read(target)


def _cache_key(settings: Config) -> dict[str, Any]:
    """Return everything on which the labels depend, as a JSON object."""
    distillation, data = settings.distillation, settings.data
    texts = [
        {"format": formats.format_of(path), "sha256": _digest(path)} for path in distillation.text
    ]
    for folder in distillation.teachers:
        # Fails if there is no valid manifest. It contains the digests of all files of the teacher.
        folders.manifest(Path(folder))
    return {
        "version": _FORMAT,
        "teachers": [
            folders.manifest_entry(Path(folder) / folders.MANIFEST)["sha256"]
            for folder in distillation.teachers
        ],
        "texts": texts,
        "tokens": distillation.tokens,
        "reading": [data.tokenizer, data.token_column, data.delimiter, distillation.wrapped],
    }


def _digest(path: str) -> str:
    """Return the SHA-256 of a text file."""
    try:
        return str(folders.manifest_entry(Path(path))["sha256"])
    except OSError as error:
        raise DataError(path, None, f"cannot be read: {error.strerror or error}") from error


def _label(
    settings: Config,
    options: ReadOptions,
    target: Path,
    progress: ProgressCallback,
    head: dict[str, Any],
) -> None:
    """Write all missing blocks, and finally ``labels.json``."""
    distillation = settings.distillation
    model = predictor.load(*distillation.teachers)
    count = tokens = 0
    for count, block in enumerate(
        _blocks(_in_turn(distillation.text, options), distillation.tokens), 1
    ):
        path = target / f"{count - 1:05}.npz"
        if not path.exists():
            _write(path, *_soft_labels(model, block))
        tokens += sum(map(len, block))
        progress(min(tokens, distillation.tokens), distillation.tokens)
    if not tokens:
        raise TaggerError(f"{', '.join(distillation.text)}: no sentence to label; expected text")
    names = {"by": distillation.teachers, "of": distillation.text, "tags": model.bundle.tags}
    with atomic_write(target / _LAST) as stream:
        stream.write(
            json.dumps(
                {**head, **names, "blocks": count, "labeled": tokens}, indent=1, ensure_ascii=False
            )
            + "\n"
        )


def _in_turn(paths: Sequence[str], options: ReadOptions) -> Iterator[list[Sentence]]:
    """Yield chunks of documents, one per text in turn, so that a token limit samples all texts."""
    readers = [chunks(formats.read(path, options=options)) for path in dict.fromkeys(paths)]
    while readers:
        for reader in tuple(readers):
            if (chunk := next(reader, None)) is None:
                readers.remove(reader)
            else:
                yield chunk


def _blocks(parts: Iterator[list[Sentence]], limit: int) -> Iterator[list[Sentence]]:
    """Group whole chunks, within which document consistency applies, into blocks.

    No further block starts after `limit` tokens.
    """
    block: list[Sentence] = []
    tokens = 0
    for chunk in parts:
        block += chunk
        tokens += sum(map(len, chunk))
        if tokens >= min(BLOCK_TOKENS, limit):
            yield block
            block, tokens, limit = [], 0, limit - tokens
        if limit <= 0:
            return
    if block:
        yield block


def _soft_labels(
    model: Predictor, block: list[Sentence]
) -> tuple[list[tuple[str, ...]], np.ndarray]:
    """Label a block; return its sentences and the probabilities (N, K) float16 of their tags."""
    for member in model.members:
        # The last bits of results depend on which words are computed together.
        member.clear_cache()
    pairs = [
        (one.tokens, each)
        for one, each in model.distributions(block, calibrated=False)
        if 0 < len(one) <= LONGEST
    ]
    rows = np.concatenate([np.empty((0, len(model.bundle.tags))), *(each for _, each in pairs)])
    return [tokens for tokens, _ in pairs], rows.astype(np.float16)


def _write(path: Path, sentences: list[tuple[str, ...]], probabilities: np.ndarray) -> None:
    """Write a block atomically."""
    text = np.frombuffer(json.dumps(sentences, ensure_ascii=False).encode(), dtype=np.uint8)
    with atomic_write(path, "wb") as stream:
        np.savez(stream, sentences=text, probabilities=probabilities)


def _read(target: Path) -> SoftLabels:
    """Read all blocks of a folder."""
    labels = SoftLabels([], [])
    try:
        for number in range(json.loads((target / _LAST).read_bytes())["blocks"]):
            path = target / f"{number:05}.npz"
            with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
                sentences, rows = json.loads(file["sentences"].tobytes()), file["probabilities"]
            labels.sentences.extend(map(tuple, sentences))
            ends = np.cumsum([len(tokens) for tokens in sentences])
            labels.probabilities.extend(np.split(rows, ends[:-1]) if len(sentences) else [])
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise TaggerError(
            f"{target}: damaged labels ({error}); remove the folder to compute them again"
        ) from error
    return labels
