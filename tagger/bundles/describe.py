"""What a folder of a trained model is, in words."""

from __future__ import annotations

from pathlib import Path

from tagger.bundles import card, language_model, tagger_files

__all__ = ["describe"]


def describe(run: str | Path) -> dict[str, str]:
    """Return facts by topic about the model in a folder, a tagger or a language model, after
    checking every file of it.

    Raises:
        BundleError: the folder is no model, or was damaged.
    """
    if language_model.is_language_model(run):
        return language_model.describe(language_model.load(run))
    return card.describe(tagger_files.load(run))
