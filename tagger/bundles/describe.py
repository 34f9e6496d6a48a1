"""Description of the trained model in a folder, a tagger or a language model."""

from __future__ import annotations

from pathlib import Path

from tagger.bundles import card, language_model, tagger_files

__all__ = ["describe"]


def describe(run: str | Path) -> dict[str, str]:
    """Return facts about the model in a folder, after checking every file of it.

    Args:
        run: The folder of a tagger or a language model.

    Returns:
        Facts in words by topic, in the order in which `tagger info` shows them. Of a tagger:
        "predicts", "inputs", "network", "parameters", "vocabulary", "tokenizer", "trained on",
        "teachers" (of distilled models only), "dev score", "document consistency", "decoding",
        "probabilities" and "reliability" (of models of spans that were measured), and "precision".
        Of a language model: "predicts", "conditional on" (with labels only), "network",
        "parameters", "vocabulary", "tokenizer", "trained on" and "dev score".

    Raises:
        BundleError: The folder is not a model, or was damaged.
    """
    if language_model.is_language_model(run):
        return language_model.describe(language_model.load(run))
    return card.describe(tagger_files.load(run))
