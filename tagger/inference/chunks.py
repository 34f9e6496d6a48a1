"""Runs of a graph over one very long sequence in chunks, whose memory hardly depends on its length.

Axes: B batch (1), T time, S states of all layers, U units.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from tagger.config.encoder import EncoderConfig
from tagger.export.encoder import backward_state_mask
from tagger.export.session import Session

__all__ = ["CHUNK_TOKENS", "ChunkedRuns"]

CHUNK_TOKENS = 4096
"""Tokens per chunk of a very long sequence."""

Shapes = Callable[[int], Mapping[str, tuple[int, ...]]]
"""A function from the number of tokens of a chunk to the wanted outputs and their shapes."""


class ChunkedRuns:
    """The runs of a graph with an encoder over chunks, with the states carried between them.

    Args:
        session: The graph, with the inputs of `tagger.export.encoder.encoder_values` and the output
            ``states_after``.
        model: The settings of the network.
    """

    def __init__(self, session: Session, model: EncoderConfig) -> None:
        self._session = session
        self._units = model.units
        self._backwards = backward_state_mask(model)
        self._sweeps = model.layers + 1 if self._backwards.any() else 1

    def run(
        self, features: np.ndarray, sequence: Mapping[str, np.ndarray], shapes: Shapes
    ) -> list[list[np.ndarray]]:
        """Run the graph over one sequence.

        A sweep runs over all chunks and passes the states from each to the next; states of the
        other direction are those of the previous sweep. The first sweep, forward, makes the forward
        states of the first layer exact. Each later sweep runs in the other direction, and makes the
        states of its direction exact in the next layer, whose inputs of both directions now are
        exact. After one sweep more than there are layers, all states are exact.

        Args:
            features: (N, X) float32 features of words, or ids (N,) int32 of one-hot words.
            sequence: The other inputs (1, T, ...) by name, "tokens" among them.
            shapes: The wanted outputs.

        Returns:
            The exact outputs of each chunk, in order.
        """
        starts = range(0, sequence["tokens"].shape[1], CHUNK_TOKENS)
        pieces = [
            {name: array[:, first : first + CHUNK_TOKENS] for name, array in sequence.items()}
            for first in starts
        ]
        # into[p + 1]: the initial states (S, 1, U) of chunk p, S states of all layers and U units.
        into = np.zeros((len(pieces) + 2, len(self._backwards), 1, self._units), dtype=np.float32)
        outputs: list[list[np.ndarray]] = [[]] * len(pieces)
        for sweep in range(self._sweeps):
            order = range(len(pieces)) if sweep % 2 == 0 else reversed(range(len(pieces)))
            for number in order:
                piece = pieces[number]
                length = piece["tokens"].shape[1]
                inputs = {
                    "features": features,
                    "lengths": np.array([length], dtype=np.int32),
                    "states": into[number + 1],
                    **piece,
                }
                wanted = {**shapes(length), "states_after": into.shape[1:]}
                *outputs[number], after = self._session.run(wanted, inputs)
                into[number + 2, ~self._backwards] = after[~self._backwards]
                into[number, self._backwards] = after[self._backwards]
        return outputs
