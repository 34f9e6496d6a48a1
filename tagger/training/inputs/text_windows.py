"""Batches of a language model's training: windows of parallel contiguous streams of one text.

Axes: B streams, T timesteps of a window, N targets of the text.
"""

from __future__ import annotations

import numpy as np

from tagger.training.inputs.epochs import EpochBatches

__all__ = ["Streams"]


class Streams(EpochBatches):
    """The windows of a text that is cut into B equal parts, which are read in parallel.

    Row b of a batch continues row b of the batch before, so that a model can carry its state from
    window to window. An epoch reads a chunk of each part, the next epoch the following chunk.
    Positions beyond the end of a part are marked as not real.
    """

    def __init__(
        self,
        ids: np.ndarray,
        streams: int,
        window: int,
        *,
        epoch_tokens: int = 0,
        restart: bool = False,
        epoch: int = 0,
    ) -> None:
        """Cut a text into streams.

        Args:
            ids: (N + 1,) ids of `language_models.text.encode`, in reading order. They are not
                copied and may be a memory map.
            streams: B.
            window: T.
            epoch_tokens: Approximate number of targets per epoch; 0 for the whole text.
            restart: Whether the state is reset where a window happens to start with a new sequence,
                so that the model learns both to continue and to start from zero.
            epoch: Number of the first epoch, from 0.
        """
        super().__init__()
        self.ids = ids
        self.streams = streams
        self.window = window
        self.restart = restart
        self.epoch = epoch
        self.part = -(-(len(ids) - 1) // streams)
        self.chunks = -(-self.part * streams // epoch_tokens) if epoch_tokens else 1
        self.chunk = -(-self.part // self.chunks)
        self.tokens = -(-(len(ids) - 1) // self.chunks)

    def __len__(self) -> int:
        """Return the number of windows per epoch."""
        return -(-self.chunk // self.window)

    def __getitem__(self, number: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Return a window.

        Returns:
            The inputs of `networks.language_model.LanguageModelNetwork`: "ids" and "targets" (B, T)
            int32, "keep" (B,) float32; and a mask (B, T) float32, 1 for real targets.
        """
        inside = number * self.window + np.arange(self.window)  # (T,), within the chunk
        place = (self.epoch % self.chunks) * self.chunk + inside
        position = self.part * np.arange(self.streams)[:, None] + place
        # (B, T), from here on
        real = (inside < self.chunk) & (place < self.part) & (position < len(self.ids) - 1)
        position = np.where(real, position, 0)
        ids = self.ids[position].astype(np.int32)
        first = ids[:, 0] == 0
        keep = np.zeros(self.streams) if not number else np.where(first & self.restart, 0, 1)
        inputs = {
            "ids": ids,
            "targets": self.ids[position + 1].astype(np.int32),
            "keep": keep.astype(np.float32),
        }
        return inputs, real.astype(np.float32)
