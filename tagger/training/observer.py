"""Observers, which receive the events of a training, and one that logs them.

This module does not import Keras, so that a command can show progress before Keras is loaded.
"""

from __future__ import annotations

import logging
from typing import Any

from tagger.training.facts import RunFacts

__all__ = ["LoggingObserver", "Observer"]

_logger = logging.getLogger(__name__)


class Observer:
    """A receiver of a training's events; the library itself never prints.

    Override the methods of the events of interest, and `receive` for all others. Methods are called
    in the thread that trains, `states_computed` also in other threads, one call at a time. An
    exception that they raise ends the training.
    """

    def receive(self, event: str, *arguments: Any) -> None:
        """Receive an event whose own method is not overridden.

        Args:
            event: Name of that method.
            arguments: Arguments of that method, JSON values or `RunFacts`.
        """

    def corpus_read(self, summaries: list[str], warnings: list[str]) -> None:
        """Receive how train and dev were understood, before anything is computed.

        Args:
            summaries: Format, columns, scheme, labels and notes of train and, if used, of dev.
            warnings: What in the data makes a good model or an honest score unlikely.
        """
        self.receive("corpus_read", summaries, warnings)

    def run_started(self, number: int, count: int, name: str) -> None:
        """Receive the start of one of several trainings.

        Args:
            number: Position of the training, from 1.
            count: Number of trainings.
            name: What distinguishes it from the others, such as its seed.
        """
        self.receive("run_started", number, count, name)

    def run_ended(self, number: int, count: int, outcome: str, is_best: bool) -> None:
        """Receive the end of one of several trainings.

        Args:
            number: Position of the training, from 1.
            count: Number of trainings.
            outcome: Description of the result, such as the dev score.
            is_best: Whether its dev score is the highest so far.
        """
        self.receive("run_ended", number, count, outcome, is_best)

    def text_labeled(self, tokens: int, total: int) -> None:
        """Receive the progress of the teachers' labeling, before the first epoch.

        Args:
            tokens: Tokens labeled so far.
            total: Maximum number of tokens to label; the text may be shorter.
        """
        self.receive("text_labeled", tokens, total)

    def states_computed(self, folder: str, done: int, total: int) -> None:
        """Receive the progress of computing language-model states, before the first epoch.

        Args:
            folder: Folder in which the states are cached.
            done: Tokens whose states have been computed.
            total: Number of tokens.
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
            done: Completed share of the epoch, 0 to 1.
            loss: Mean loss of the epoch so far.
            tokens_per_second: Mean speed of the epoch so far.
            seconds_left: Estimated time for all remaining epochs, if the training does not stop
                early.
        """
        self.receive("batch_ended", epoch, done, loss, tokens_per_second, seconds_left)

    def epoch_ended(self, row: dict[str, float], is_best: bool) -> None:
        """Receive the scores of an epoch, after its checkpoint has been written.

        Args:
            row: The epoch's row in ``history.csv``: ``epoch``, ``loss``, with a dev set
                ``dev_score`` (higher is better), and whatever else the kind of training measures.
            is_best: Whether its dev score is the highest so far; True without a dev set.
        """
        self.receive("epoch_ended", row, is_best)

    def training_ended(self, reason: str) -> None:
        """Receive the end of the last epoch, before the bundle is written.

        Args:
            reason: Why the training ended, such as "all 30 epochs are trained".
        """
        self.receive("training_ended", reason)


class LoggingObserver(Observer):
    """An observer that writes to the log ``tagger.training``; the default of a training."""

    def corpus_read(self, summaries: list[str], warnings: list[str]) -> None:
        """Log how train and dev were understood."""
        for summary in summaries:
            _logger.info("%s", summary)
        for warning in warnings:
            _logger.warning("%s", warning)

    def training_started(self, facts: RunFacts) -> None:
        """Log the sizes of vocabulary and network."""
        _logger.info("vocabulary %s, parameters %s", facts.vocabulary, facts.parameters)

    def epoch_ended(self, row: dict[str, float], is_best: bool) -> None:
        """Log the scores of an epoch."""
        scores = ", ".join(f"{name} {value:g}" for name, value in row.items())
        _logger.info("%s%s", scores, ", the best so far" if is_best else "")

    def training_ended(self, reason: str) -> None:
        """Log why the training ended."""
        _logger.info("stopped: %s", reason)
