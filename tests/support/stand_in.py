"""A stand-in for the trainer, for tests of what happens around trainings: it keeps the trainer's
promises without Keras.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from support.inputs import features_of
from support.paths import GOLDEN
from tagger import corpora
from tagger.bundles import tagger_files as bundle
from tagger.bundles.tagger import Bundle, graph_names
from tagger.bundles.tagger_weights import expected
from tagger.config.tagger import Config, to_toml
from tagger.errors import TaggerError
from tagger.features.vocabulary import Vocabulary
from tagger.files import atomic_write
from tagger.training.facts import TaggerFacts
from tagger.training.observer import Observer


class Trainer:
    """To be called as `trainer.train`. ``scores(settings)`` gives the dev score of each epoch, or
    raises.
    """

    def __init__(self, scores: Callable[[Config], Sequence[float]]) -> None:
        self.scores = scores
        self.calls: list[tuple[Config, bool]] = []

    def __call__(
        self,
        settings: Config,
        run: str | Path,
        *,
        resume: bool = False,
        observer: Observer | None = None,
    ) -> Bundle:
        run, observer = Path(run), observer or Observer()
        self.calls.append((settings, resume))
        corpora.splits(settings.data)
        checkpoint = run / "checkpoint" / "last.npz"
        done = int(checkpoint.read_text()) if resume else 0
        if not resume and run.exists():
            raise TaggerError(f"{run}: exists and is not empty")
        with atomic_write(run / "config.toml") as stream:
            stream.write(to_toml(settings))
        checkpoint.parent.mkdir(exist_ok=True)
        observer.training_started(TaggerFacts(1, 1, 1, 1, 1, 1, 1, "IOB2"))
        scores = [float(score) for score in self.scores(settings)]
        for epoch in range(done + 1, len(scores) + 1):
            observer.batch_ended(epoch, 1.0, 0.5, 100.0, 0.0)
            self._write(run / "history.csv", scores[:epoch])
            checkpoint.write_text(str(epoch))
            row = {
                "epoch": epoch,
                "loss": 0.5,
                "dev_score": scores[epoch - 1],
                "tokens_per_second": 100.0,
                "seconds": 30.0,
            }
            observer.epoch_ended(row, False)
        metrics = {
            "dev": {"score": max(scores)},
            "best_epoch": scores.index(max(scores)) + 1,
            "epochs": len(scores),
        }
        golden = bundle.load(GOLDEN)
        words = golden.features.words
        features = features_of(words, Vocabulary.build(words.words), shapes=True)
        shapes = expected(settings.model, features, len(golden.tags))
        trained = replace(
            golden,
            config=settings,
            features=features,
            weights={name: np.zeros(shape, dtype=np.float32) for name, shape in shapes.items()},
            metrics=metrics,
            # An ONNX model without a graph, which passes the check and is never run.
            graphs=dict.fromkeys(graph_names(settings.model), b"\x08\x08"),
            language_models=(),
        )
        bundle.save(run, trained)
        return trained

    def _write(self, path: Path, scores: Sequence[float]) -> None:
        with open(path, "w", newline="") as stream:
            csv.writer(stream).writerows(
                [
                    ["epoch", "dev_score", "seconds"],
                    *([n, s, 30.0] for n, s in enumerate(scores, 1)),
                ]
            )
