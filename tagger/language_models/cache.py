"""States of token encoders at the tokens of many sentences, kept on disk: computed once, then read
as often as a training likes.

A file `<encoder>-<text>.npy` holds the states of one encoder for a block of sentences, (tokens of
the block, U) float16. Its name is made of the digests of both, so a file that exists is right:
nothing is ever out of date, any number of trainings share it, and one that is interrupted loses a
block at most. All of it may be deleted at any time.
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
"""Sentences that share a file."""

Sentences = Sequence[Sequence[str]]


def folder() -> Path:
    """Where the files lie: the environment variable TAGGER_CACHE, or `tagger` in the user's folder
    for such things.
    """
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("TAGGER_CACHE") or Path(base) / "tagger") / "states"


def states_on_disk(
    encoders: Sequence[TokenEncoder],
    sentences: Sentences,
    progress: Callable[[int, int], None] = lambda done, all_of_them: None,
) -> TokenStates:
    """Return the states float16 of all encoders in memory maps, after computing what is missing.

    Args:
        encoders: each computes on a thread of its own.
        sentences: tokenized.
        progress: called with how many tokens of how many are done, counting those of each encoder.

    Raises:
        TaggerError: the states cannot be written.
    """
    blocks = [
        sentences[first : first + CHUNK_SENTENCES]
        for first in range(0, len(sentences), CHUNK_SENTENCES)
    ]
    texts = [_digest(block) for block in blocks]
    sizes = [sum(map(len, block)) for block in blocks]
    told = Lock()  # one after the other: whoever hears it may write it into a pipe
    done, total = [0] * len(encoders), len(encoders) * sum(sizes)

    def of_encoder(number: int) -> list[np.ndarray]:
        states: list[np.ndarray] = []
        encoder = encoders[number]
        for block, text, size in zip(blocks, texts, sizes, strict=True):
            states += _of_block(encoder, block, folder() / f"{encoder.digest}-{text}.npy")
            with told:
                done[number] += size
                progress(sum(done), total)
        return states

    with ThreadPoolExecutor(max(len(encoders), 1)) as pool:
        return TokenStates.of(encoders, list(pool.map(of_encoder, range(len(encoders)))))


def _of_block(encoder: TokenEncoder, block: Sentences, path: Path) -> list[np.ndarray]:
    ends = np.cumsum([len(tokens) for tokens in block])
    table = _read(path, (int(ends[-1]), encoder.width))
    if table is None:
        computed = np.concatenate(encoder.encode(block)).astype(np.float16)
        with atomic_write(path, "wb") as stream:
            np.save(stream, computed, allow_pickle=False)
        table = _read(path, (len(computed), encoder.width))
    return np.split(computed if table is None else table, ends[:-1])


def _read(path: Path, shape: tuple[int, int]) -> np.ndarray | None:
    """The states as a memory map; None if there are none, or none that can be used."""
    try:
        table = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception:  # NumPy raises many kinds for a file that is something else
        return None
    return (
        table
        if isinstance(table, np.memmap) and table.shape == shape and table.dtype == np.float16
        else None
    )


def _digest(sentences: Sentences) -> str:
    """Of the tokens, with what no token holds between them."""
    text = "\n\n".join("\n".join(tokens) for tokens in sentences)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
