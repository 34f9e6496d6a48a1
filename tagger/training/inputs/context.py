"""What language models know of the sentences of a training: found on disk, or computed once and
kept there.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from tagger.bundles import language_model as bundle
from tagger.bundles.language_model import Bundle
from tagger.config.tagger import Config
from tagger.errors import BundleError, ConfigError
from tagger.features.batches import Contexts
from tagger.inference.context import Known, Read
from tagger.inference.member import Member
from tagger.language_models import cache
from tagger.language_models.model import LanguageModel
from tagger.training.observer import Observer

__all__ = ["contexts_of", "language_models_of", "remembered"]


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
    models: Sequence[LanguageModel], sentences: Sequence[Sequence[str]], observer: Observer
) -> Contexts | None:
    """For each sentence what each model knows at its tokens; None where there are no models.

    Raises:
        TaggerError: the disk does not let it be kept.
    """
    if not models:
        return None
    by_model = cache.states_on_disk(
        models, sentences, partial(observer.states_computed, str(cache.folder()))
    )
    return list(zip(*by_model, strict=True))


def remembered(member: Member, sentences: Sequence[Sequence[str]], observer: Observer) -> Read:
    """For a predictor of these sentences: what the member's language models know of them, as
    `contexts_of` finds it.
    """
    contexts = contexts_of(list(member.models.values()), sentences, observer)
    known = dict(zip(sentences, contexts or [()] * len(sentences), strict=True))

    def read(some: Sequence[Sequence[str]]) -> Known:
        by_model = zip(*(known[tuple(one)] for one in some), strict=True)
        return {
            key: np.concatenate(row).astype(np.float32)
            for key, row in zip(member.models, by_model, strict=True)
        }

    return read
