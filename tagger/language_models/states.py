"""Hidden states of language models at the tokens of sentences, as features of a tagger.

A state is taken right after the model has read the token: the forward model has read the sentence
up to the last character of the token, the backward model from the end down to its first.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tagger.features.token_states import TokenEncoder, TokenStates

__all__ = ["places_of", "states_of"]


def places_of(tokens: Sequence[str], *, level: str, backward: bool) -> np.ndarray:
    """Return the timesteps at which the tokens of a sentence have just been read.

    The published code of Akbik et al. (2018) takes the state one step later, at the blank next to
    the token, which did not improve our taggers.

    Args:
        tokens: The tokens of a sentence.
        level: "characters" or "words".
        backward: Whether the model reads from the end of the sentence.

    Returns:
        (tokens,) int64 timesteps, counted from the border at 0.

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
    """Compute the states of all encoders, each on a thread of its own.

    Args:
        encoders: The encoders.
        sentences: The tokens of each sentence.

    Returns:
        The states of each encoder at each token.
    """
    with ThreadPoolExecutor(max(len(encoders), 1)) as pool:
        arrays = list(pool.map(lambda encoder: encoder.encode(sentences), encoders))
    return TokenStates.of(encoders, arrays)
