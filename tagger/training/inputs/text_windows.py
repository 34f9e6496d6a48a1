"""The batches of a language model's training: contiguous streams of one long text, window by
window.

Axes: B streams, T timesteps of a window.
"""

from __future__ import annotations

import keras
import numpy as np

__all__ = ["Streams"]


class Streams(keras.utils.PyDataset):
    """Windows of a text cut into B equal parts that are read side by side: a row goes on where it
    was in the batch before.

    The state is kept from window to window. With ``restart`` it is not where a window happens to
    begin with a sequence: so a model learns both to go on and to begin with nothing. An epoch reads
    a chunk of each part, the next epoch the next one. Where a part is shorter than its windows, the
    rest is marked as not real.
    """

    def __init__(
        self,
        numbers: np.ndarray,
        streams: int,
        window: int,
        *,
        epoch_tokens: int = 0,
        restart: bool = False,
        epoch: int = 0,
    ) -> None:
        """`numbers` (N + 1,) are those of `language_models.text.encode`, in the order of
        reading.
        """
        super().__init__()
        self.numbers = numbers
        self.streams = streams
        self.window = window
        self.restart = restart
        self.epoch = epoch
        self.part = -(-(len(numbers) - 1) // streams)
        self.chunks = -(-self.part * streams // epoch_tokens) if epoch_tokens else 1
        self.chunk = -(-self.part // self.chunks)
        self.tokens = -(-(len(numbers) - 1) // self.chunks)

    def __len__(self) -> int:
        return -(-self.chunk // self.window)

    def __getitem__(self, number: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """The inputs of `networks.LanguageModel`, and which targets are real, (B, T) float32."""
        inside = number * self.window + np.arange(self.window)
        place = (self.epoch % self.chunks) * self.chunk + inside
        position = self.part * np.arange(self.streams)[:, None] + place
        real = (inside < self.chunk) & (place < self.part) & (position < len(self.numbers) - 1)
        position = np.where(real, position, 0)
        numbers = self.numbers[position].astype(np.int32)
        first = numbers[:, 0] == 0
        keep = np.zeros(self.streams) if not number else np.where(first & self.restart, 0, 1)
        inputs = {
            "numbers": numbers,
            "targets": self.numbers[position + 1].astype(np.int32),
            "keep": keep.astype(np.float32),
        }
        return inputs, real.astype(np.float32)

    def on_epoch_end(self) -> None:
        self.epoch += 1
