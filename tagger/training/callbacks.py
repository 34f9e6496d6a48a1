"""What happens around an epoch: the dev score, the checkpoint, the decision to stop, and reports to
whoever watches.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np

from tagger.errors import TaggerError
from tagger.evaluation.scores import span_f1
from tagger.features.encode import Lexicon
from tagger.features.token_states import TokenStates
from tagger.files import written_whole
from tagger.inference.decoder import Decoder
from tagger.inference.member import emissions_in_batches
from tagger.text.spans import Sentence
from tagger.training import checkpoints
from tagger.training.checkpoints import Progress
from tagger.training.observer import Observer
from tagger.training.optimizers import AT_ONCE, WeightAverage
from tagger.training.schedule import Pace

__all__ = [
    "EpochEnd",
    "EpochTensorBoard",
    "State",
    "dev_score",
    "exhausted",
    "exploded",
    "variables_of",
    "write_history",
]


Score = Callable[[], dict[str, float]]


class Data(Protocol):
    """What the reports need to know of an epoch: how many batches and tokens it has."""

    tokens: int

    def __len__(self) -> int: ...


def dev_score(
    model: Any,
    sentences: Sequence[Sentence],
    lexicon: Lexicon,
    decoder: Decoder,
    contexts: TokenStates | None = None,
) -> dict[str, float]:
    """Percentages on annotated sentences: span F1 (decoded under the constraints), for plain tags
    the accuracy.

    The figure that decides has the key ``dev_score``.

    Raises:
        TaggerError: the network gives no numbers.
    """
    predicted: list[Any] = [()] * len(sentences)
    decoder = Decoder(decoder.tags, plain_tags=decoder.plain_tags, scores=model.head.scores())
    batches = emissions_in_batches(
        [sentence.tokens for sentence in sentences], lexicon, model.emissions, contexts
    )
    for indices, lengths, emissions in batches:
        if not np.all(
            emissions < np.inf
        ):  # the last step of an epoch may do what no loss has shown yet
            raise exploded("the network's scores of dev sentences are no numbers any more")
        for index, path, length in zip(
            indices, decoder.paths(emissions, lengths), lengths, strict=True
        ):
            predicted[index] = path[:length]
    if decoder.plain_tags:
        pairs = [
            tag == decoder.tags[number]
            for sentence, path in zip(sentences, predicted, strict=True)
            for tag, number in zip(sentence.tags or (), path, strict=True)
        ]
        return {"dev_score": 100 * float(np.mean(pairs)) if pairs else 0.0}
    gold = [sentence.spans or () for sentence in sentences]
    precision, recall, f1 = span_f1(gold, [tuple(decoder.spans_of(path)) for path in predicted])
    return {"dev_score": 100 * f1, "dev_precision": 100 * precision, "dev_recall": 100 * recall}


def exploded(what: str) -> TaggerError:
    """The error of a training whose numbers have become none."""
    return TaggerError(
        f"{what}: the training exploded; set training.clip_norm (5 is usual), or a smaller "
        "training.learning_rate"
    )


@dataclass
class State:
    """What a training carries from epoch to epoch beside the model: its figures, the best weights,
    the average of all.
    """

    progress: Progress
    best: dict[str, np.ndarray] = field(default_factory=dict)
    average: WeightAverage | None = None


class EpochEnd(keras.callbacks.Callback):
    """Scores dev after each epoch, writes checkpoint and history, and stops after `patience` epochs
    without progress.

    Where an average of the weights is kept, it is what is scored and what is best. Whoever watches
    is told through ``observer``.
    """

    def __init__(self, run: Path, state: State, training: Pace, data: Data, score: Score) -> None:
        """`score` gives the figures of `dev_score`."""
        super().__init__()
        self.run = run
        self.state = state
        self.progress = state.progress
        self.training = training
        self.data = data
        self.score = score
        self.observer = Observer()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.started = time.monotonic()
        self.weights = self.model.named_weights()  # once, not after every batch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        loss, steps = float((logs or {})["loss"]), len(self.data)
        step = min(
            batch + 1, steps
        )  # Keras counts the last steps that run at once as if they were as many as the others
        if not np.isfinite(loss):
            raise exploded(
                f"the loss became {loss} in epoch {len(self.progress.history) + 1}, batch {step}"
            )
        if self.state.average is not None and (step % AT_ONCE == 0 or step == steps):
            # on JAX, asking for it makes Keras write the numbers of the running epoch into the
            # weights
            _ = self.model
            self.state.average.take(self.weights, len(self.progress.history) * steps + step)
        done = step / steps
        elapsed = time.monotonic() - self.started
        epochs_left = self.training.epochs - len(self.progress.history) - done
        per_second = done * self.data.tokens / elapsed
        self.observer.batch(
            len(self.progress.history) + 1, done, loss, per_second, epochs_left * elapsed / done
        )

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        logs = {} if logs is None else logs
        seconds = time.monotonic() - self.started
        average = self.state.average.arrays if self.state.average is not None else {}
        with replaced(self.weights, average):
            figures = self.score()
            scored = {name: np.array(weight) for name, weight in self.weights.items()}
        row = {"epoch": epoch + 1, "loss": float(logs["loss"]), **figures}
        row["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        row |= {
            "tokens_per_second": self.data.tokens / seconds,
            "seconds": time.monotonic() - self.started,
        }
        better = self.progress.add(row)
        if better:
            self.state.best = scored
        logs.update(row)
        write_history(self.run / "history.csv", self.progress.history)
        groups = {"now": variables_of(self.model), "best": self.state.best, "average": average}
        checkpoints.save(self.run / "checkpoint" / "last.npz", self.progress, groups)
        self.observer.epoch(row, better)
        if exhausted(self.progress, self.training.patience):
            self.model.stop_training = True


class EpochTensorBoard(keras.callbacks.TensorBoard):
    """Keras' callback without what it writes after each batch, which took a sixth of a training's
    time.
    """

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        pass

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        pass


@contextmanager
def replaced(weights: dict[str, Any], arrays: dict[str, np.ndarray]) -> Iterator[None]:
    """Inside, the weights have the values of `arrays`, as far as there are such."""
    before = {name: np.array(weights[name]) for name in arrays}
    try:
        for name, array in arrays.items():
            weights[name].assign(array)
        yield
    finally:
        for name, array in before.items():
            weights[name].assign(array)


def exhausted(progress: Progress, patience: int) -> bool:
    """Whether the last `patience` epochs brought nothing better. A model that finds nothing yet has
    not begun to learn.
    """
    return progress.best_score > 0 and len(progress.history) - progress.best_epoch >= patience


def variables_of(model: Any) -> dict[str, np.ndarray]:
    """All that changes while a model trains, in a fixed order: weights, random states, the
    optimizer's moments.
    """
    variables = [*model.variables, *model.optimizer.variables]
    return {
        f"{number:04d}": keras.ops.convert_to_numpy(variable)
        for number, variable in enumerate(variables)
    }


def write_history(path: Path, history: Sequence[dict[str, float]]) -> None:
    """The figures of all epochs as CSV."""
    with written_whole(path) as stream:
        writer = csv.DictWriter(stream, fieldnames=list(history[0]))
        writer.writeheader()
        writer.writerows({name: round(value, 6) for name, value in row.items()} for row in history)
