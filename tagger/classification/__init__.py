"""Text classification with trained models, and its public interface.

>>> from tagger import classification
>>> with classification.load("runs/reviews") as model:                # doctest: +SKIP
...     print(model.classify("A quiet, lovely film.").label)

    train           train a classifier and write it to a folder; needs Keras
    load            open the folder of a classifier as a `Classifier`
    classify_files  classify the texts of files
    evaluate        score a classifier on files of labeled texts

Every name is imported on first use.

Axes in this package: N texts, B batch, T time, K labels, F features of the encoder's output.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tagger.classification.classifier import Classifier as Classifier
    from tagger.classification.classifier import load as load
    from tagger.classification.evaluation import evaluate as evaluate
    from tagger.classification.files import ClassifiedFiles as ClassifiedFiles
    from tagger.classification.files import classify_files as classify_files
    from tagger.classification.prediction import Prediction as Prediction
    from tagger.classification.scores import TextScores as TextScores
    from tagger.config.classifier import ClassifierConfig as ClassifierConfig

__all__ = [
    "ClassifiedFiles",
    "Classifier",
    "ClassifierConfig",
    "Prediction",
    "TextScores",
    "classify_files",
    "evaluate",
    "load",
    "train",
]

_HOMES = {
    "ClassifiedFiles": "tagger.classification.files",
    "Classifier": "tagger.classification.classifier",
    "ClassifierConfig": "tagger.config.classifier",
    "Prediction": "tagger.classification.prediction",
    "TextScores": "tagger.classification.scores",
    "classify_files": "tagger.classification.files",
    "evaluate": "tagger.classification.evaluation",
    "load": "tagger.classification.classifier",
    "train": "tagger.training.classifier",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "train":
        importlib.import_module("tagger.training").require_packages()
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
