"""Description of the trained model in a folder, of any kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tagger.bundles import card, classifier, kinds, language_model, seq2seq, tagger_files

__all__ = ["describe"]

_DESCRIPTIONS: dict[str, tuple[Callable[[Path], Any], Callable[[Any], dict[str, str]]]] = {
    kinds.TAGGER: (tagger_files.load, card.describe),
    kinds.CLASSIFIER: (classifier.load, classifier.describe),
    kinds.LANGUAGE_MODEL: (language_model.load, language_model.describe),
    kinds.SEQ2SEQ: (seq2seq.load, seq2seq.describe),
}
"""How to load and to describe each kind of model."""


def describe(run: str | Path) -> dict[str, str]:
    """Return facts about the model in a folder, after checking every file of it.

    Args:
        run: The folder of a model of any kind.

    Returns:
        Facts in words by topic, in the order in which `tagger info` shows them; see the function
        ``describe`` of each kind: `card.describe` for taggers, `classifier.describe`,
        `language_model.describe` and `seq2seq.describe`.

    Raises:
        BundleError: The folder is not a model, or was damaged.
    """
    name = kinds.kind_name_of(run)
    load, facts = _DESCRIPTIONS.get(name, _DESCRIPTIONS[kinds.TAGGER])
    return facts(load(Path(run)))
