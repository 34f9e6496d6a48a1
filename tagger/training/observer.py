"""Observers of trainings. Imports no Keras, so that a command can show progress before that is
loaded.
"""

from __future__ import annotations

from typing import Any

from tagger.training.facts import RunFacts

__all__ = ["Observer"]


class Observer:
    """A receiver of a training's events; the library itself never prints.

    Override the methods of the events that you want, or `receive` for all others.
    """

    def receive(self, event: str, *arguments: Any) -> None:
        """Receive an event whose own method is not overridden.

        Args:
            event: Name of that method.
            arguments: Its arguments; all but `RunFacts` are JSON values.
        """

    def run_started(self, number: int, count: int, name: str) -> None:
        """Receive the start of one of several trainings.

        Args:
            number: Its place among them, from 1.
            count: Number of trainings.
            name: What distinguishes it from the others.
        """
        self.receive("run_started", number, count, name)

    def run_ended(self, number: int, count: int, outcome: str, is_best: bool) -> None:
        """Receive the end of one of several trainings: its outcome in words, and whether it is the
        best so far.
        """
        self.receive("run_ended", number, count, outcome, is_best)

    def text_labeled(self, tokens: int, total: int) -> None:
        """Receive, before the first epoch, how many tokens of a text the teachers have labeled, of
        `total` at most.
        """
        self.receive("text_labeled", tokens, total)

    def states_computed(self, folder: str, done: int, total: int) -> None:
        """Receive, before the first epoch, for how many of `total` tokens language models have
        computed their hidden states, which are kept in `folder`.
        """
        self.receive("states_computed", folder, done, total)

    def training_started(self, facts: RunFacts) -> None:
        """Receive the sizes of data, vocabulary and network before the first epoch."""
        self.receive("training_started", facts)

    def batch_ended(
        self, epoch: int, done: float, loss: float, tokens_per_second: float, seconds_left: float
    ) -> None:
        """Receive progress within an epoch, every few batches.

        Args:
            epoch: Number of the epoch, from 1.
            done: Share of the epoch that has ended, 0 to 1.
            loss: Mean loss of the epoch so far.
            tokens_per_second: Mean speed of the epoch so far.
            seconds_left: Estimate for all remaining epochs, the maximum.
        """
        self.receive("batch_ended", epoch, done, loss, tokens_per_second, seconds_left)

    def epoch_ended(self, row: dict[str, float], is_best: bool) -> None:
        """Receive the figures of an epoch, as in ``history.csv``: ``epoch``, ``loss``,
        ``dev_score`` (higher is better) and whatever else the kind of training measures.
        """
        self.receive("epoch_ended", row, is_best)
