"""Progress on stderr: a line that is drawn anew on a terminal, and plain lines where nobody watches
it move.
"""

from __future__ import annotations

import time
from typing import Any

import click

from tagger.cli.meter import Meter
from tagger.training.observer import Observer

__all__ = ["LanguageModelProgress", "SearchProgress", "TrainingProgress", "clock"]


def clock(seconds: float) -> str:
    """Seconds as minutes:seconds or hours:minutes:seconds.

    >>> clock(75), clock(3675)
    ('1:15', '1:01:15')
    """
    minutes, rest = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class TrainingProgress(Observer):
    """A bar within an epoch and a line after each."""

    def __init__(self) -> None:
        self.meter = Meter()
        self.best = 0.0
        self.score = "dev F1"
        self.begun = time.monotonic()

    def labelled(self, tokens: int, of: int) -> None:
        rate = tokens / max(time.monotonic() - self.begun, 0.1)
        left = clock((of - tokens) / max(rate, 1))
        self.meter.show(
            tokens / of,
            f"teachers label {tokens:,} of {of:,} tokens  {rate:,.0f} tokens/s  at most {left} "
            "left",
        )

    def started(self, facts: dict[str, Any]) -> None:
        self.meter.clear()
        train, dev = (
            f"{name} {facts[name][0]:,} sentences, {facts[name][1]:,} tokens"
            for name in ("train", "dev")
        )
        click.echo(f"{train}; {dev}; scheme {facts['scheme']}", err=True)
        if facts.get("text"):
            sentences, tokens, each = facts["text"]
            click.echo(
                f"text {sentences:,} sentences, {tokens:,} tokens with tags of the teachers, "
                f"{each:,} an epoch",
                err=True,
            )
        click.echo(
            f"vocabulary {facts['vocabulary']:,}, parameters {facts['parameters']:,}", err=True
        )
        for path, words, dimension, found in facts["vectors"]:
            click.echo(
                f"vectors {path}: {words:,} x {dimension}, know {100 * found:.1f} % of the "
                "training tokens",
                err=True,
            )
        if facts["unknown_labels"]:
            click.echo(
                "Warning: labels in dev that train lacks cannot be learnt: "
                f"{', '.join(facts['unknown_labels'])}",
                err=True,
            )
        self.best = 0.0
        self.score = "dev acc" if facts["scheme"] == "plain" else "dev F1"
        click.echo(
            f"{'epoch':>5} {'loss':>8} {self.score:>7} {'tokens/s':>9} {'time':>6}", err=True
        )

    def reading(self, folder: str, done: int, tokens: int) -> None:
        self.meter.show(
            done / max(tokens, 1),
            f"the language models read {tokens:,} tokens, once; kept in {folder}",
        )
        if done == tokens:
            self.meter.clear()

    def batch(
        self, epoch: int, done: float, loss: float, tokens_per_second: float, seconds_left: float
    ) -> None:
        rate = f"{tokens_per_second:,.0f} tokens/s"
        best = f"{self.score} {self.best:.2f}  " if self.best else ""
        self.meter.show(
            done,
            f"epoch {epoch}  loss {loss:.4f}  {best}{rate}  at most {clock(seconds_left)} left",
        )

    def epoch(self, row: dict[str, float], better: bool) -> None:
        self.meter.clear()
        self.best = max(self.best, row["dev_score"])
        figures = (
            f"{row['epoch']:5} {row['loss']:8.4f} {row['dev_score']:7.2f} "
            f"{row['tokens_per_second']:9,.0f}"
        )
        click.echo(f"{figures} {clock(row['seconds']):>6}{'  best' if better else ''}", err=True)

    def training(self, number: int, count: int, name: str) -> None:
        click.echo(f"{name}, {number} of {count}", err=True)

    def over(self, number: int, count: int, outcome: str, better: bool) -> None:
        self.meter.clear()
        click.echo(f"{outcome}\n", err=True)


class LanguageModelProgress(TrainingProgress):
    """A bar within an epoch and a line after each, with perplexity instead of F1."""

    def started(self, facts: dict[str, Any]) -> None:
        level, unknown = facts["level"], facts["unknown"]
        texts = (
            f"{name} {facts[name]:,} {level} ({100 * unknown[name]:.2f} % unknown)"
            for name in ("train", "dev")
        )
        click.echo("; ".join(texts), err=True)
        click.echo(
            f"vocabulary {facts['vocabulary']:,}, parameters {facts['parameters']:,}", err=True
        )
        click.echo(
            f"{'epoch':>5} {'loss':>8} {'perplexity':>10} {'bits/character':>14} "
            f"{level + '/s':>12} {'time':>6}",
            err=True,
        )
        self.best = float("inf")

    def batch(
        self, epoch: int, done: float, loss: float, tokens_per_second: float, seconds_left: float
    ) -> None:
        best = f"dev perplexity {self.best:.2f}  " if self.best < float("inf") else ""
        rate = f"{tokens_per_second:,.0f}/s"
        self.meter.show(
            done,
            f"epoch {epoch}  loss {loss:.4f}  {best}{rate}  at most {clock(seconds_left)} left",
        )

    def epoch(self, row: dict[str, float], better: bool) -> None:
        self.meter.clear()
        self.best = min(self.best, row["dev_perplexity"])
        figures = (
            f"{row['epoch']:5} {row['loss']:8.4f} {row['dev_perplexity']:10.2f} "
            f"{row['dev_bits']:14.3f}"
        )
        rate = f"{row['tokens_per_second']:12,.0f} {clock(row['seconds']):>6}"
        click.echo(f"{figures} {rate}{'  best' if better else ''}", err=True)


class SearchProgress(TrainingProgress):
    """A bar while a trial trains and a line after each: thirty trials with a line an epoch nobody
    would read.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trial = ""

    def started(self, facts: dict[str, Any]) -> None:
        self.best = 0.0
        self.score = "dev acc" if facts["scheme"] == "plain" else "dev F1"

    def training(self, number: int, count: int, name: str) -> None:
        self.trial = f"trial {number} of {count}"
        self.name = name

    def batch(
        self, epoch: int, done: float, loss: float, tokens_per_second: float, seconds_left: float
    ) -> None:
        best = f"  {self.score} {self.best:.2f}" if self.best else ""
        self.meter.show(
            done,
            f"{self.trial}  epoch {epoch}  loss {loss:.4f}{best}  at most {clock(seconds_left)} "
            "left",
        )

    def epoch(self, row: dict[str, float], better: bool) -> None:
        self.best = max(self.best, row["dev_score"])

    def over(self, number: int, count: int, outcome: str, better: bool) -> None:
        self.meter.clear()
        click.echo(f"{self.trial}: {outcome}  {self.name}{'  best' if better else ''}", err=True)
