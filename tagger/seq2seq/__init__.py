"""Sequence-to-sequence models: from sources to targets of another length.

    train         train a model from a `Seq2SeqConfig` and write it to a folder
    load          open a model folder as a `Seq2SeqModel`, which predicts with ``predict(sources)``
    evaluate      score a model on files of pairs; returns an `Evaluation`
    predict_file  predict the targets of a file and write them

    symbols.py     characters and tokens of sources and targets
    pairs.py       reading of pairs
    splits.py      train and dev, references
    search.py      greedy and beam search
    decoding.py    batches of sources
    error_rates.py edit distance, error rates of symbols and strings
    model.py       a trained model in ONNX Runtime
    evaluation.py  scores of a model on files
    files.py       predictions for files

Every name is imported on first use; only training needs Keras.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "Evaluation": "tagger.seq2seq.evaluation",
    "Prediction": "tagger.seq2seq.model",
    "Seq2SeqConfig": "tagger.config.seq2seq",
    "Seq2SeqModel": "tagger.seq2seq.model",
    "evaluate": "tagger.seq2seq.evaluation",
    "load": "tagger.seq2seq.model",
    "predict_file": "tagger.seq2seq.files",
    "train": "tagger.training.seq2seq",
}

__all__ = [
    "Evaluation",
    "Prediction",
    "Seq2SeqConfig",
    "Seq2SeqModel",
    "evaluate",
    "load",
    "predict_file",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'tagger.seq2seq' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
