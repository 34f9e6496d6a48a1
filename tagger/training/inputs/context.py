"""Language models as feature extractors of a training, and their states at its tokens."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tagger.bundles import language_model as bundle
from tagger.bundles.language_model import LanguageModelBundle
from tagger.config.tagger import Config
from tagger.errors import BundleError, ConfigError
from tagger.features.token_states import TokenEncoder, TokenStates
from tagger.language_models import cache
from tagger.training.observer import Observer

__all__ = ["contexts_of", "language_models_of"]


def language_models_of(settings: Config) -> tuple[LanguageModelBundle, ...]:
    """Load the language models whose states are inputs of a tagger.

    Args:
        settings: All settings; ``data.language_models`` are the folders.

    Returns:
        Their bundles, in the order of the settings.

    Raises:
        BundleError: A folder is not a language model, or is damaged; or the model is conditional.
        ConfigError: Other settings exclude language models.
    """
    folders = settings.data.language_models
    if folders and settings.model.input == "one-hot":
        raise ConfigError(
            "model.input=one-hot cannot be combined with data.language_models; remove "
            "data.language_models, or set model.input=embedding"
        )
    if folders and settings.training.word_prediction:
        raise ConfigError(
            "training.word_prediction cannot be combined with data.language_models, which have "
            "already read the words to be predicted; set training.word_prediction=0, or remove "
            "data.language_models"
        )
    if folders and settings.distillation.teachers:
        raise ConfigError(
            "distillation.teachers cannot be combined with data.language_models: the student "
            "would be as slow as its teachers; remove data.language_models"
        )
    for folder in folders:
        if not Path(folder).is_dir():
            hint = (
                "import the file with tagger lm import"
                if Path(folder).exists()
                else "train one with tagger lm train"
            )
            raise BundleError(f"{folder}: not the folder of a language model; {hint}")
    models = tuple(bundle.load(folder) for folder in folders)
    for folder, model in zip(folders, models, strict=True):
        if model.labels:
            raise BundleError(
                f"{folder}: is conditional on labels, which the sentences of a tagger do not have; "
                "use a model that was trained without labels: tagger lm train --set data.label="
            )
    return models


def contexts_of(
    encoders: Sequence[TokenEncoder], sentences: Sequence[Sequence[str]], observer: Observer
) -> TokenStates | None:
    """Return the states of encoders at the tokens of sentences, computing those not yet cached.

    Args:
        encoders: Language models.
        sentences: Tokens of each sentence.
        observer: Receiver of progress.

    Returns:
        States in memory maps of the cache on disk, or None if there are no encoders.

    Raises:
        TaggerError: The cache cannot be written.
    """
    if not encoders:
        return None
    return cache.states_on_disk(
        encoders, sentences, partial(observer.states_computed, str(cache.folder()))
    )
