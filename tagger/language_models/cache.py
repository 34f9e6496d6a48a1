"""Disk cache of the hidden states of token encoders, computed once per text and model.

A file `<encoder>-<text>.npy` contains the states of one encoder for a chunk of sentences, (tokens
of the chunk, U) float16. Its name consists of the digests of both, so an existing file is never out
of date, any number of trainings share it, and an interrupted one loses at most one chunk. The
cache may be deleted at any time.

Axes: N tokens of a chunk, U units of an encoder.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

import numpy as np

from tagger.features.token_states import TokenEncoder, TokenStates
from tagger.files import atomic_write

__all__ = ["CHUNK_SENTENCES", "folder", "states_on_disk"]

CHUNK_SENTENCES = 256
"""Sentences per file."""

Sentences = Sequence[Sequence[str]]
"""The tokens of each sentence."""


def folder() -> Path:
    """Return the folder of the cache, which may not exist yet.

    It is ``states`` in the folder of the environment variable TAGGER_CACHE, by default ``tagger``
    in XDG_CACHE_HOME or ``~/.cache``.
    """
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("TAGGER_CACHE") or Path(base) / "tagger") / "states"


def states_on_disk(
    encoders: Sequence[TokenEncoder],
    sentences: Sentences,
    progress: Callable[[int, int], None] = lambda done, all_of_them: None,
) -> TokenStates:
    """Return the states of all encoders, computing and writing those that are not in the cache.

    Args:
        encoders: The encoders, each of which runs on a thread of its own.
        sentences: The tokens of each sentence.
        progress: Called with the number of finished tokens and their total, summed over encoders;
            never by two threads at once.

    Returns:
        The states, float16 in memory maps.

    Raises:
        TaggerError: The states cannot be written.
    """
    blocks = [
        sentences[first : first + CHUNK_SENTENCES]
        for first in range(0, len(sentences), CHUNK_SENTENCES)
    ]
    texts = [_digest(block) for block in blocks]
    sizes = [sum(map(len, block)) for block in blocks]
    lock = Lock()  # serializes `progress`, which may write to a pipe
    done, total = [0] * len(encoders), len(encoders) * sum(sizes)

    def of_encoder(number: int) -> list[np.ndarray]:
        states: list[np.ndarray] = []
        encoder = encoders[number]
        for block, text, size in zip(blocks, texts, sizes, strict=True):
            states += _of_block(encoder, block, folder() / f"{encoder.digest}-{text}.npy")
            with lock:
                done[number] += size
                progress(sum(done), total)
        return states

    with ThreadPoolExecutor(max(len(encoders), 1)) as pool:
        return TokenStates.of(encoders, list(pool.map(of_encoder, range(len(encoders)))))


def _of_block(encoder: TokenEncoder, block: Sentences, path: Path) -> list[np.ndarray]:
    """Return the states of each sentence of a chunk from its file, which is written if missing."""
    ends = np.cumsum([len(tokens) for tokens in block])
    table = _read(path, (int(ends[-1]), encoder.width))
    if table is None:
        computed = np.concatenate(encoder.encode(block)).astype(np.float16)
        with atomic_write(path, "wb") as stream:
            np.save(stream, computed, allow_pickle=False)
        table = _read(path, (len(computed), encoder.width))
    return np.split(computed if table is None else table, ends[:-1])


def _read(path: Path, shape: tuple[int, int]) -> np.ndarray | None:
    """Return the states of a file as a memory map; None if it is missing or not of this shape."""
    try:
        table = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception:  # NumPy raises exceptions of many types for a damaged file
        return None
    return (
        table
        if isinstance(table, np.memmap) and table.shape == shape and table.dtype == np.float16
        else None
    )


def _digest(sentences: Sentences) -> str:
    """Return a digest of tokenized sentences, joined by line ends, which no token contains."""
    text = "\n\n".join("\n".join(tokens) for tokens in sentences)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
