"""Hidden states of encoders at the tokens of sentences, for a tagger to read.

A language model's state is taken where it has just read the token: the forward model has read the
sentence up to the token's last character, the backward model from the end down to its first.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tagger.features.token_states import TokenEncoder, TokenStates

__all__ = ["places_of", "states_of"]


def places_of(tokens: Sequence[str], *, level: str, backward: bool) -> np.ndarray:
    """Return the timestep, counted from the border at 0, after which each token (n,) has been read.

    The published code of Akbik et al. (2018) reads one step further, at the blank beside the token,
    where ours found no more.

    >>> places_of(["ab", "c"], level="characters", backward=False)
    array([2, 4])
    >>> places_of(["ab", "c"], level="characters", backward=True)
    array([4, 1])
    """
    lengths = np.array(
        [len(token) if level == "characters" else 1 for token in tokens], dtype=np.int64
    )
    between = 1 if level == "characters" else 0
    ends: np.ndarray = np.cumsum(lengths + between) - between
    if backward:
        ends = int(lengths.sum()) + between * (len(tokens) - 1) - (ends - lengths)
    return ends


def states_of(encoders: Sequence[TokenEncoder], sentences: Sequence[Sequence[str]]) -> TokenStates:
    """Return the states of all encoders, each running on a thread of its own."""
    with ThreadPoolExecutor(max(len(encoders), 1)) as pool:
        arrays = list(pool.map(lambda encoder: encoder.encode(sentences), encoders))
    return TokenStates.of(encoders, arrays)
