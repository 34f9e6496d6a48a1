"""What teachers believe of a text, written down: the labelling that a distillation learns from.
Imports no Keras.

    <labels>/<key>/00000.npz     sentences, and their tags' probabilities, (N, K) float16
    <labels>/<key>/labels.json   comes last: what was labelled, by whom, in how many blocks

The key follows from the bytes of teachers and texts and from how they are read. So nothing is
labelled twice, and nothing that was labelled otherwise is taken for it. A block is as it is
whatever was labelled before it in the same process: one that is complete need not be made again,
and a labelling that was interrupted gives the same bytes as one that ran through.

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

__all__ = ["LABELS", "SoftLabels", "Told", "folder_of", "load_or_create_soft_labels", "shared"]

LABELS = "labels"
BLOCK = 1 << 15
"""Tokens per block: at most so many are lost when labelling is interrupted."""
LONGEST = 256
"""Tokens of the longest sentence to learn from: longer ones are tables or lists, and would exhaust
the memory of a batch."""
_LAST = "labels.json"
_FORMAT = 1

Told = Callable[[int, int], None]
"""Told after each block: tokens labelled, and how many there will be at most."""


@dataclass(frozen=True)
class SoftLabels:
    """Sentences of a text, and for each the probabilities of its tokens' tags, (T, K) float16."""

    sentences: list[tuple[str, ...]]
    probabilities: list[np.ndarray]

    @property
    def tokens(self) -> int:
        return sum(map(len, self.sentences))


def folder_of(settings: Config, run: Path) -> Path:
    """Where the labels of a training in `run` are kept."""
    return Path(settings.distillation.labels or run / LABELS)


def shared(settings: Config, run: Path) -> Config:
    """Settings for several trainings below `run`, which keep their labels in one place."""
    taught = settings.distillation.teachers and not settings.distillation.labels
    return (
        config.assign(settings, {"distillation.labels": str(run / LABELS)}) if taught else settings
    )


def load_or_create_soft_labels(
    settings: Config, folder: Path, told: Told, *, begun: bool = False
) -> SoftLabels:
    """The labels that `settings` ask for: those in `folder`, else made and put there, block by
    block.

    Args:
        begun: a training with these labels has begun, so that they must be there.

    Raises: TaggerError: a teacher or text cannot be read, or the texts hold no sentence; or the
        labels are damaged, or missing where
            a training has begun.
    """
    options = replace(settings.data.reading, wrapped=settings.distillation.wrapped, annotated=False)
    head = _cache_key(settings)
    target = folder / hashlib.sha256(json.dumps(head).encode()).hexdigest()[:16]
    if not (target / _LAST).exists():
        if begun:
            raise TaggerError(
                f"{target}: the labels with which this training began are missing: teachers or "
                "texts have changed since, or the "
                "folder was removed; put them back, or train anew in another folder"
            )
        _label(settings, options, target, told, head)
    return _read(target)


def _cache_key(settings: Config) -> dict[str, Any]:
    """All that the labels depend on."""
    distillation, data = settings.distillation, settings.data
    texts = [
        {"format": formats.format_of(path), "sha256": _digest(path)} for path in distillation.text
    ]
    for folder in distillation.teachers:
        folders.manifest(Path(folder))  # which knows all files by their digests
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
    try:
        return str(folders.manifest_entry(Path(path))["sha256"])
    except OSError as error:
        raise DataError(path, None, f"cannot be read: {error.strerror or error}") from error


def _label(
    settings: Config, options: ReadOptions, target: Path, told: Told, head: dict[str, Any]
) -> None:
    """Write all blocks that are not there yet, and at last what they are."""
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
        told(min(tokens, distillation.tokens), distillation.tokens)
    if not tokens:
        raise TaggerError(
            f"{', '.join(distillation.text)}: no sentence in it to learn from; expected text"
        )
    names = {"by": distillation.teachers, "of": distillation.text, "tags": model.bundle.tags}
    with atomic_write(target / _LAST) as stream:
        stream.write(
            json.dumps(
                {**head, **names, "blocks": count, "labelled": tokens}, indent=1, ensure_ascii=False
            )
            + "\n"
        )


def _in_turn(paths: Sequence[str], options: ReadOptions) -> Iterator[list[Sentence]]:
    """Stretches of documents, one of each text in turn until it ends, so that a limit takes
    something of all.
    """
    readers = [
        chunks(formats.read(path, formats.format_of(path), options))
        for path in dict.fromkeys(paths)
    ]
    while readers:
        for reader in tuple(readers):
            if (stretch := next(reader, None)) is None:
                readers.remove(reader)
            else:
                yield stretch


def _blocks(stretches: Iterator[list[Sentence]], limit: int) -> Iterator[list[Sentence]]:
    """Whole stretches, in which sentences may help each other, together; none once there are
    `limit` tokens.
    """
    block: list[Sentence] = []
    have = 0
    for stretch in stretches:
        block += stretch
        have += sum(map(len, stretch))
        if have >= min(BLOCK, limit):
            yield block
            block, have, limit = [], 0, limit - have
        if limit <= 0:
            return
    if block:
        yield block


def _soft_labels(
    model: Predictor, block: list[Sentence]
) -> tuple[list[tuple[str, ...]], np.ndarray]:
    """The sentences to learn from, and the probabilities (N, K) of their tokens' tags."""
    for member in model.members:
        member.clear_cache()  # numbers depend, in their last bits, on what is computed together
    pairs = [
        (one.tokens, each) for one, each in model.distributions(block) if 0 < len(one) <= LONGEST
    ]
    rows = np.concatenate([np.empty((0, len(model.bundle.tags))), *(each for _, each in pairs)])
    return [tokens for tokens, _ in pairs], rows.astype(np.float16)


def _write(path: Path, sentences: list[tuple[str, ...]], probabilities: np.ndarray) -> None:
    text = np.frombuffer(json.dumps(sentences, ensure_ascii=False).encode(), dtype=np.uint8)
    with atomic_write(path, "wb") as stream:
        np.savez(stream, sentences=text, probabilities=probabilities)


def _read(target: Path) -> SoftLabels:
    found = SoftLabels([], [])
    try:
        for number in range(json.loads((target / _LAST).read_bytes())["blocks"]):
            path = target / f"{number:05}.npz"
            with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
                sentences, rows = json.loads(file["sentences"].tobytes()), file["probabilities"]
            found.sentences.extend(map(tuple, sentences))
            ends = np.cumsum([len(tokens) for tokens in sentences])
            found.probabilities.extend(np.split(rows, ends[:-1]) if len(sentences) else [])
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise TaggerError(
            f"{target}: damaged labels ({error}); remove the folder, and they are made anew"
        ) from error
    return found
