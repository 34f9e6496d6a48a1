"""The progress of trainings on stderr: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tagger.cli import console
from tagger.training.facts import (
    ClassifierFacts,
    LanguageModelFacts,
    RunFacts,
    Seq2SeqFacts,
    TaggerFacts,
    VectorFacts,
)
from tagger.training.observer import Observer

__all__ = [
    "ClassifierProgress",
    "LanguageModelProgress",
    "SearchProgress",
    "Seq2SeqProgress",
    "TrainingProgress",
    "clock",
]


def clock(seconds: float) -> str:
    """Return seconds as minutes:seconds or hours:minutes:seconds.

    >>> clock(75), clock(3675)
    ('1:15', '1:01:15')
    """
    minutes, rest = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _size(facts: RunFacts) -> str:
    """Describe the network, and what it is trained on."""
    return f"vocabulary {facts.vocabulary:,}, parameters {facts.parameters:,}{_device(facts)}"


def _device(facts: RunFacts) -> str:
    """Name the device, if it is known."""
    return f", on {facts.device}" if facts.device else ""


def _score_name(facts: TaggerFacts) -> str:
    return "dev acc" if facts.scheme == "plain" else "dev F1"


def _vectors(files: Sequence[VectorFacts]) -> list[str]:
    """Return a line about each file of pretrained vectors."""
    return [
        f"vectors {table.path}: {table.words:,} x {table.dimension}, know "
        f"{100 * table.coverage:.1f} % of the training tokens"
        for table in files
    ]


class TrainingProgress(Observer):
    """A bar within an epoch and a line after each."""

    def __init__(self) -> None:
        self.best = 0.0
        self.score = "dev F1"
        self.warnings: list[str] = []
        self.reason = ""
        self.epochs_seen = 0
        self.started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since this observer was created, or its present training began."""
        return time.monotonic() - self.started

    def text_labeled(self, tokens: int, total: int) -> None:
        rate = tokens / max(self.seconds, 0.1)
        left = clock((total - tokens) / max(rate, 1))
        console.show_bar(
            tokens / total,
            f"teachers label {tokens:,} of {total:,} tokens  {rate:,.0f} tokens/s  at most {left} "
            "left",
        )

    def corpus_read(self, summaries: list[str], warnings: list[str]) -> None:
        self.warnings = warnings
        console.note("\n".join(summaries))
        for warning in warnings:
            console.warn(warning)

    def training_started(self, facts: RunFacts) -> None:
        assert isinstance(facts, TaggerFacts)
        lines = []
        if text := facts.text:
            lines.append(
                f"text {text.sentences:,} sentences, {text.tokens:,} tokens with tags of the "
                f"teachers, {text.tokens_per_epoch:,} an epoch"
            )
        self.epochs_seen = 0
        lines.append(_size(facts))
        lines += _vectors(facts.vectors)
        self.best = 0.0
        self.score = _score_name(facts)
        lines.append(f"{'epoch':>5} {'loss':>8} {self.score:>7} {'tokens/s':>9} {'time':>6}")
        console.note("\n".join(lines))

    def states_computed(self, folder: str, done: int, total: int) -> None:
        console.show_bar(
            done / max(total, 1),
            f"the language models read {total:,} tokens, once; kept in {folder}",
        )
        if done == total:
            console.clear_bar()

    def batch_ended(
        self, epoch: int, done: float, loss: float, tokens_per_second: float, seconds_left: float
    ) -> None:
        rate = f"{tokens_per_second:,.0f} tokens/s"
        best = f"{self.score} {self.best:.2f}  " if self.best else ""
        left = self._left(seconds_left)
        console.show_bar(done, f"epoch {epoch}  loss {loss:.4f}  {best}{rate}{left}")

    def _left(self, seconds: float) -> str:
        """Return the estimated time in words; nothing before the speed of an epoch is known."""
        return f"  at most {clock(seconds)} left" if self.epochs_seen else ""

    def training_ended(self, reason: str) -> None:
        self.reason = reason
        console.note(f"Stopped: {reason}. Time: {clock(self.seconds)}.")

    def epoch_ended(self, row: dict[str, float], is_best: bool) -> None:
        self.epochs_seen += 1
        self.best = max(self.best, row.get("dev_score", 0.0))
        score = f"{row['dev_score']:.2f}" if "dev_score" in row else "none"
        figures = (
            f"{row['epoch']:5} {row['loss']:8.4f} {score:>7} {row['tokens_per_second']:9,.0f} "
            f"{clock(row['seconds']):>6}"
        )
        console.note(figures + "  best" * (is_best and "dev_score" in row))

    def run_started(self, number: int, count: int, name: str) -> None:
        self.started = time.monotonic()
        console.note(f"{name}, {number} of {count}")

    def run_ended(self, number: int, count: int, outcome: str, is_best: bool) -> None:
        console.note(f"{outcome}\n")


class ClassifierProgress(TrainingProgress):
    """A bar within an epoch and a line after each, with accuracy and loss."""

    def training_started(self, facts: RunFacts) -> None:
        assert isinstance(facts, ClassifierFacts)
        self.epochs_seen = 0
        self.best = 0.0
        self.score = "dev F1" if facts.multi_label else "dev accuracy"
        lines = [_size(facts)]
        lines += _vectors(facts.vectors)
        lines.append(
            f"{'epoch':>5} {'loss':>8} {self.score:>12} {'dev loss':>8} {'tokens/s':>9} {'time':>6}"
        )
        console.note("\n".join(lines))

    def epoch_ended(self, row: dict[str, float], is_best: bool) -> None:
        self.epochs_seen += 1
        self.best = max(self.best, row["dev_score"])
        figures = (
            f"{row['epoch']:5} {row['loss']:8.4f} {row['dev_score']:12.2f} {row['dev_loss']:8.4f} "
            f"{row['tokens_per_second']:9,.0f}"
        )
        console.note(f"{figures} {clock(row['seconds']):>6}{'  best' if is_best else ''}")


class LanguageModelProgress(TrainingProgress):
    """A bar within an epoch and a line after each, with perplexity instead of F1."""

    def training_started(self, facts: RunFacts) -> None:
        assert isinstance(facts, LanguageModelFacts)
        level = facts.level
        console.note(
            f"train {facts.train_tokens:,} {level} ({100 * facts.train_unknown:.2f} % unknown); "
            f"dev {facts.dev_tokens:,} {level} ({100 * facts.dev_unknown:.2f} % unknown)\n"
            f"{_size(facts)}"
        )
        if facts.conditional_on:
            console.note(f"conditional on {facts.conditional_on}")
        console.note(
            f"{'epoch':>5} {'loss':>8} {'perplexity':>10} {'bits/character':>14} "
            f"{level + '/s':>12} {'time':>6}"
        )
        self.best = float("inf")

    def batch_ended(
        self, epoch: int, done: float, loss: float, tokens_per_second: float, seconds_left: float
    ) -> None:
        best = f"dev perplexity {self.best:.2f}  " if self.best < float("inf") else ""
        rate = f"{tokens_per_second:,.0f}/s"
        left = self._left(seconds_left)
        console.show_bar(done, f"epoch {epoch}  loss {loss:.4f}  {best}{rate}{left}")

    def epoch_ended(self, row: dict[str, float], is_best: bool) -> None:
        self.epochs_seen += 1
        self.best = min(self.best, row["dev_perplexity"])
        figures = (
            f"{row['epoch']:5} {row['loss']:8.4f} {row['dev_perplexity']:10.2f} "
            f"{row['dev_bits']:14.3f}"
        )
        rate = f"{row['tokens_per_second']:12,.0f} {clock(row['seconds']):>6}"
        console.note(f"{figures} {rate}{'  best' if is_best else ''}")


class Seq2SeqProgress(TrainingProgress):
    """A bar within an epoch and a line after each, with error rates instead of F1."""

    def training_started(self, facts: RunFacts) -> None:
        assert isinstance(facts, Seq2SeqFacts)
        if facts.dev_unknown:
            console.warn(
                f"dev has {facts.dev_unknown:,} target symbols that train does not contain, so "
                "they are never predicted"
            )
        console.note(
            f"vocabulary {facts.vocabulary:,} symbols of sources, {facts.target_vocabulary:,} of "
            f"targets; parameters {facts.parameters:,}{_device(facts)}"
        )
        console.note(
            f"{'epoch':>5} {'loss':>8} {'symbol errors':>13} {'string errors':>13} "
            f"{'symbols/s':>9} {'time':>6}"
        )
        self.epochs_seen = 0
        self.best = 100.0

    def batch_ended(
        self, epoch: int, done: float, loss: float, tokens_per_second: float, seconds_left: float
    ) -> None:
        best = f"dev errors {self.best:.2f} %  " if self.epochs_seen else ""
        rate = f"{tokens_per_second:,.0f} symbols/s"
        left = self._left(seconds_left)
        console.show_bar(done, f"epoch {epoch}  loss {loss:.4f}  {best}{rate}{left}")

    def epoch_ended(self, row: dict[str, float], is_best: bool) -> None:
        self.epochs_seen += 1
        self.best = min(self.best, row["dev_symbol_error"])
        figures = (
            f"{row['epoch']:5} {row['loss']:8.4f} {row['dev_symbol_error']:11.2f} % "
            f"{row['dev_string_error']:11.2f} %"
        )
        rate = f"{row['tokens_per_second']:9,.0f} {clock(row['seconds']):>6}"
        console.note(f"{figures} {rate}{'  best' if is_best else ''}")


class SearchProgress(TrainingProgress):
    """A bar while a trial trains and a line after each: thirty trials with a line an epoch nobody
    would read.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trial = ""

    def corpus_read(self, summaries: list[str], warnings: list[str]) -> None:
        if not self.trial or self.trial.startswith("trial 1 "):
            super().corpus_read(summaries, warnings)

    def training_started(self, facts: RunFacts) -> None:
        assert isinstance(facts, TaggerFacts)
        self.epochs_seen = 0
        self.best = 0.0
        self.score = _score_name(facts)

    def training_ended(self, reason: str) -> None:
        """Do nothing: the line of the trial follows."""

    def run_started(self, number: int, count: int, name: str) -> None:
        self.trial = f"trial {number} of {count}"
        self.name = name

    def batch_ended(
        self, epoch: int, done: float, loss: float, tokens_per_second: float, seconds_left: float
    ) -> None:
        best = f"  {self.score} {self.best:.2f}" if self.best else ""
        left = self._left(seconds_left)
        console.show_bar(done, f"{self.trial}  epoch {epoch}  loss {loss:.4f}{best}{left}")

    def epoch_ended(self, row: dict[str, float], is_best: bool) -> None:
        self.epochs_seen += 1
        self.best = max(self.best, row["dev_score"])

    def run_ended(self, number: int, count: int, outcome: str, is_best: bool) -> None:
        console.note(f"{self.trial}: {outcome}  {self.name}{'  best' if is_best else ''}")
