"""Language models that a training reads with, and their states at the tokens of its sentences."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tagger.bundles import language_model as bundle
from tagger.bundles.language_model import Bundle
from tagger.config.tagger import Config
from tagger.errors import BundleError, ConfigError
from tagger.features.token_states import TokenEncoder, TokenStates
from tagger.language_models import cache
from tagger.training.observer import Observer

__all__ = ["contexts_of", "language_models_of"]


def language_models_of(settings: Config) -> tuple[Bundle, ...]:
    """The language models that a training is to read with.

    Raises:
        BundleError: a folder is none, or is damaged.
        ConfigError: the network could not read with one.
    """
    folders = settings.data.language_models
    if folders and settings.model.input == "one-hot":
        raise ConfigError(
            "one-hot words stand alone: leave out data.language_models, or set "
            "model.input=embedding"
        )
    if folders and settings.training.word_prediction:
        raise ConfigError(
            "language models have read the words to predict: set training.word_prediction=0, or "
            "leave them out"
        )
    if folders and settings.distillation.teachers:
        raise ConfigError(
            "a student with language models would be as slow as its teachers: leave out "
            "data.language_models"
        )
    for folder in folders:
        if not Path(folder).is_dir():
            hint = (
                "tagger lm import makes one of a file"
                if Path(folder).exists()
                else "tagger lm train makes one"
            )
            raise BundleError(f"{folder}: is no folder of a language model; {hint}")
    return tuple(bundle.load(folder) for folder in folders)


def contexts_of(
    encoders: Sequence[TokenEncoder], sentences: Sequence[Sequence[str]], observer: Observer
) -> TokenStates | None:
    """Return the states of the encoders at the tokens of the sentences, cached on disk, or None
    where there are no encoders.

    Raises:
        TaggerError: the cache cannot be written.
    """
    if not encoders:
        return None
    return cache.states_on_disk(
        encoders, sentences, partial(observer.states_computed, str(cache.folder()))
    )
