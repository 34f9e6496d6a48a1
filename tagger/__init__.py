"""tagger: train, trust and run sequence taggers with labels of your own.

>>> import tagger
>>> tagger.Span(0, 2, "PER")
Span(start=0, end=2, label='PER', score=None, text='', start_char=None, end_char=None)

``tagger.train(config, run)`` makes a model, ``tagger.load(run)`` reads one, and its ``tag(text)``
uses it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tagger.corpora import to_dataset as to_dataset
    from tagger.inference.predictor import load as load
    from tagger.text.annotation import convert as convert
    from tagger.text.spans import Sentence as Sentence
    from tagger.text.spans import Span as Span
    from tagger.training.trainer import train as train

__all__ = [
    "Sentence",
    "Span",
    "TaggerError",
    "__version__",
    "convert",
    "load",
    "to_dataset",
    "train",
]
__version__ = "0.1.0"

# Imported when first used: `import tagger` costs next to nothing, and only training needs Keras.
_HOMES = {
    "Sentence": "tagger.text.spans",
    "Span": "tagger.text.spans",
    "TaggerError": "tagger.errors",
    "convert": "tagger.text.annotation",
    "load": "tagger.inference.predictor",
    "to_dataset": "tagger.corpora",
    "train": "tagger.training.trainer",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'tagger' has no attribute {name!r}")
    if name == "train":
        importlib.import_module("tagger.training").see_installed()
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
