"""Settings of data that taggers and classifiers share, with their defaults."""

from __future__ import annotations

from typing import Any

from tagger.config.schema import files, setting
from tagger.text import tokenizers

__all__ = ["hub", "keep_vectors", "language_models", "tokenizer", "unescape", "vectors"]


def vectors() -> Any:
    """Return the setting of the files of word vectors."""
    return files(
        "Files of pretrained word vectors, concatenated per word: text, binary or .npz; may be "
        "compressed."
    )


def keep_vectors() -> Any:
    """Return the setting of the number of word vectors."""
    return setting(
        0,
        "Number of vectors that the model contains, from the first and most frequent; 0 keeps all.",
        low=0,
    )


def language_models() -> Any:
    """Return the setting of the folders of language models."""
    return files("Folders of language models whose hidden states are inputs of the network.")


def hub() -> Any:
    """Return the setting of a dataset of the Hub."""
    return setting(
        "",
        "Dataset in place of train and dev: OWNER/NAME[/CONFIG][@REVISION] on the Hugging Face "
        "Hub, or a saved dataset.",
    )


def tokenizer() -> Any:
    """Return the setting of the tokenizer."""
    return setting(
        tokenizers.DEFAULT,
        "Tokenizer of raw text, in training and in prediction: its name or the code of a language, "
        "for example unicode or fr.",
    )


def unescape() -> Any:
    """Return the setting of Penn Treebank escapes."""
    return setting(
        False,
        "Read Penn Treebank escapes such as -LRB- as the characters that they stand for, in "
        "training and in prediction.",
    )
