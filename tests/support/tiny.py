"""A corpus of a few sentences and a network of a few units, for tests that must train one
themselves.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tagger.config.tagger import Config, override
from tagger.training.facts import RunFacts
from tagger.training.observer import Observer

TRAIN = """\
Anna B-PER
Keller I-PER
sang O

Oslo B-LOC
is O
cold O

Tom B-PER
lives O
in O
New B-LOC
York I-LOC

Nobody O
sang O
"""
SMALL = [
    "model.embedding=8",
    "model.characters=4",
    "model.shape=2",
    "model.units=6",
    "training.epochs=4",
    "training.learning_rate=0.02",
    "training.batch_tokens=16",
    "training.epoch_tokens=0",
]
BY_HEART = [
    "model.dropout=0", "model.input_dropout=0", "model.context_dropout=0",
    "vocabulary.unknown_probability=0", "vocabulary.word_dropout=0",
    "training.epochs=60",
]  # fmt: skip


class Recorder(Observer):
    """Records events; can interrupt a training in the middle of an epoch."""

    def __init__(self, interrupt_in_epoch: int = 0) -> None:
        self.interrupt_in_epoch = interrupt_in_epoch
        self.rows: list[tuple[dict[str, Any], bool]] = []
        self.batches: list[tuple[int, float, float, float, float]] = []
        self.facts: Any = None

    def training_started(self, facts: RunFacts) -> None:
        self.facts = facts

    def batch_ended(
        self, epoch: int, done: float, loss: float, tokens_per_second: float, seconds_left: float
    ) -> None:
        self.batches.append((epoch, done, loss, tokens_per_second, seconds_left))
        if epoch == self.interrupt_in_epoch:
            raise KeyboardInterrupt

    def epoch_ended(self, row: dict[str, Any], is_best: bool) -> None:
        self.rows.append((row, is_best))


def settings_in(folder: Path, *changes: str, train: str = "\n".join([TRAIN] * 3)) -> Config:
    """Settings of a small training on the corpus `train`, which is written to the folder and is its
    dev data too.
    """
    path = folder / "train.conll"
    path.write_text(train, encoding="utf-8")
    return override(Config(), [f"data.train={path}", f"data.dev={path}", *SMALL, *changes])


def contents(run: Path) -> dict[str, bytes]:
    """The bundle's files by name."""
    names = json.loads((run / "manifest.json").read_text())["files"]
    return {name: (run / name).read_bytes() for name in names}
