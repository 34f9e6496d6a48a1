"""Train, evaluate and run sequence taggers with your own labels.

>>> import tagger
>>> tagger.Span(0, 2, "PER")
Span(start=0, end=2, label='PER', score=None, text='', start_char=None, end_char=None)

    train         train a model from a `Config` and write it to a folder
    load          open a model folder as a `Predictor`, which tags text with ``tag(text)``
    tag_files     tag files with a model and write the results to a folder
    evaluate      score a model on annotated files; returns `Scores`
    export_model  write and verify ONNX graphs, or write a TensorFlow SavedModel
    describe      return facts about the model in a folder, by topic

Every name is imported on first use; only training needs Keras.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from tagger.bundles.describe import describe as describe
    from tagger.config.tagger import Config as Config
    from tagger.corpora import to_dataset as to_dataset
    from tagger.corpora.conversion import convert as convert
    from tagger.errors import BundleError as BundleError
    from tagger.errors import ConfigError as ConfigError
    from tagger.errors import DataError as DataError
    from tagger.errors import TaggerError as TaggerError
    from tagger.evaluation.run import evaluate as evaluate
    from tagger.evaluation.scores import Scores as Scores
    from tagger.inference.many_files import TaggedFiles as TaggedFiles
    from tagger.inference.many_files import tag_files as tag_files
    from tagger.inference.predictor import Predictor as Predictor
    from tagger.inference.predictor import load as load
    from tagger.inference.progress import FileObserver as FileObserver
    from tagger.text.annotation import Corpus as Corpus
    from tagger.text.conversion import Conversion as Conversion
    from tagger.text.spans import Sentence as Sentence
    from tagger.text.spans import Span as Span
    from tagger.training.export.run import export_model as export_model
    from tagger.training.trainer import train as train

__version__ = "0.1.0"

# The library logs to "tagger" and prints nothing.
logging.getLogger(__name__).addHandler(logging.NullHandler())

_HOMES = {
    "BundleError": "tagger.errors",
    "Config": "tagger.config.tagger",
    "ConfigError": "tagger.errors",
    "Conversion": "tagger.text.conversion",
    "Corpus": "tagger.text.annotation",
    "DataError": "tagger.errors",
    "FileObserver": "tagger.inference.progress",
    "Predictor": "tagger.inference.predictor",
    "Scores": "tagger.evaluation.scores",
    "Sentence": "tagger.text.spans",
    "Span": "tagger.text.spans",
    "TaggedFiles": "tagger.inference.many_files",
    "TaggerError": "tagger.errors",
    "convert": "tagger.corpora.conversion",
    "describe": "tagger.bundles.describe",
    "evaluate": "tagger.evaluation.run",
    "export_model": "tagger.training.export.run",
    "load": "tagger.inference.predictor",
    "tag_files": "tagger.inference.many_files",
    "to_dataset": "tagger.corpora",
    "train": "tagger.training.trainer",
}
# Names whose modules import Keras.
_NEED_KERAS = ("train",)

__all__ = [
    "BundleError",
    "Config",
    "ConfigError",
    "Conversion",
    "Corpus",
    "DataError",
    "FileObserver",
    "Predictor",
    "Scores",
    "Sentence",
    "Span",
    "TaggedFiles",
    "TaggerError",
    "__version__",
    "convert",
    "describe",
    "evaluate",
    "export_model",
    "load",
    "tag_files",
    "to_dataset",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'tagger' has no attribute {name!r}")
    if name in _NEED_KERAS and (missing := _missing(name)):
        return missing
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def _missing(name: str) -> Callable[..., NoReturn] | None:
    """Return None if the packages for training are installed, else a stand-in for `name`.

    The stand-in raises `TaggerError` only when it is called, so that `help` and completion work.
    """
    from tagger.errors import TaggerError
    from tagger.training import require_packages

    try:
        require_packages()
    except TaggerError as error:
        message = str(error)
    else:
        return None

    def missing(*arguments: Any, **settings: Any) -> NoReturn:
        raise TaggerError(message)

    missing.__name__ = missing.__qualname__ = name
    missing.__module__ = __name__
    missing.__doc__ = f"Not available: {message}."
    return missing


def __dir__() -> list[str]:
    return sorted(__all__)
