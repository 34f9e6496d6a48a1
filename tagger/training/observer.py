"""Who watches a training. Imports no Keras, so that a command can show progress before that is
loaded.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Observer"]


class Observer:
    """Told how a training goes; the library itself never prints. Override what you want to hear, or
    `hear` for all the rest.
    """

    def hear(self, event: str, *arguments: Any) -> None:
        """What the method of that name was told, unless it is overridden."""

    def started(self, facts: dict[str, Any]) -> None:
        """Before the first epoch: sizes of data, vocabulary and network."""
        self.hear("started", facts)

    def reading(self, folder: str, done: int, tokens: int) -> None:
        """While language models read: so many of all their tokens are done, whose states are kept
        in `folder`.
        """
        self.hear("reading", folder, done, tokens)

    def batch(
        self, epoch: int, done: float, loss: float, tokens_per_second: float, seconds_left: float
    ) -> None:
        """Now and then within an epoch, of which the share `done` is over; `seconds_left` is for
        all epochs, at most.
        """
        self.hear("batch", epoch, done, loss, tokens_per_second, seconds_left)

    def epoch(self, row: dict[str, float], better: bool) -> None:
        """After each epoch: its figures, as in the history."""
        self.hear("epoch", row, better)

    def labelled(self, tokens: int, of: int) -> None:
        """While teachers label a text, before the first epoch: how many of its tokens they have, of
        how many at most.
        """
        self.hear("labelled", tokens, of)

    def training(self, number: int, count: int, name: str) -> None:
        """Where there are several trainings, before each: its number, of how many, and what it
        differs from the others in.
        """
        self.hear("training", number, count, name)

    def over(self, number: int, count: int, outcome: str, better: bool) -> None:
        """Where there are several trainings, after each: how it ended, and whether it is the best
        so far.
        """
        self.hear("over", number, count, outcome, better)
