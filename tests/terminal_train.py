"""`tagger train` and `tagger search` with a stand-in for the trainer, to be recorded."""

from __future__ import annotations

import sys
import time
import types
from pathlib import Path
from typing import Any

from support import stand_in

from tagger.bundles.tagger import Bundle
from tagger.cli import main
from tagger.training.observer import Observer
from tagger.tuning import subprocess_trainer


class Trainer(stand_in.Trainer):
    """Reports the steps of an epoch before it trains."""

    def __call__(
        self,
        settings: Any,
        run: str | Path,
        *,
        resume: bool = False,
        observer: Observer | None = None,
        splits: Any = None,
    ) -> Bundle:
        assert observer is not None
        observer.corpus_read(["train: 4 sentences", "dev: 4 sentences"], ["w" * 150])
        for step in range(1, 6):
            observer.batch_ended(1, step / 5, 0.5, 123_456.0, 4000.0)
            time.sleep(0.03)
        bundle = super().__call__(settings, run, resume=resume, observer=observer)
        observer.training_ended("all 2 epochs are trained")
        return bundle


if __name__ == "__main__":
    score = float(sys.argv.pop(1))
    replaced = Trainer(lambda settings: [0.0, score])
    module = types.ModuleType("tagger.training.trainer")  # which would import Keras
    vars(module)["train"] = replaced
    sys.modules[module.__name__] = module
    subprocess_trainer.train = replaced
    main.main()
