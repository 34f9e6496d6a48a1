"""What an observer learns about a training before its first epoch, and how that travels as JSON
between processes.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

__all__ = [
    "LanguageModelFacts",
    "RunFacts",
    "TaggerFacts",
    "TextFacts",
    "VectorFacts",
    "from_json",
    "to_json",
]


@dataclass(frozen=True)
class RunFacts:
    """Facts about every kind of training.

    Attributes:
        vocabulary: Ids of tokens, padding and the unknown token included.
        parameters: Trained numbers of the model.
        epochs: Epochs at most.
    """

    vocabulary: int
    parameters: int
    epochs: int


@dataclass(frozen=True)
class VectorFacts:
    """A file of pretrained vectors: its number of words, their dimension, and the share (0 to 1) of
    the training tokens that it covers.
    """

    path: str
    words: int
    dimension: int
    coverage: float


@dataclass(frozen=True)
class TextFacts:
    """The text that teachers have labeled, and how many of its tokens an epoch reads."""

    sentences: int
    tokens: int
    tokens_per_epoch: int


@dataclass(frozen=True)
class TaggerFacts(RunFacts):
    """Facts about the training of a tagger.

    Attributes:
        train_sentences, train_tokens, dev_sentences, dev_tokens: Sizes of the corpus.
        scheme: Scheme of the tags in the files, or ``plain``.
        labels: Labels (plain tags) of train, sorted.
        unknown_labels: Labels of dev that train lacks, sorted.
        vectors: Files of pretrained vectors, in the order of the settings.
        text: Text with soft labels, if the training is a distillation.
    """

    train_sentences: int
    train_tokens: int
    dev_sentences: int
    dev_tokens: int
    scheme: str
    labels: tuple[str, ...] = ()
    unknown_labels: tuple[str, ...] = ()
    vectors: tuple[VectorFacts, ...] = ()
    text: TextFacts | None = None


@dataclass(frozen=True)
class LanguageModelFacts(RunFacts):
    """Facts about the training of a language model.

    Attributes:
        level: What one step predicts, ``characters`` or ``words``.
        train_tokens, dev_tokens: Steps of the texts, at that level.
        train_unknown, dev_unknown: Shares (0 to 1) of them that are unknown.
    """

    level: str
    train_tokens: int
    train_unknown: float
    dev_tokens: int
    dev_unknown: float


_KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (RunFacts, TaggerFacts, LanguageModelFacts, VectorFacts, TextFacts)
}


def to_json(facts: Any) -> dict[str, Any]:
    """Return facts as a JSON object that names their class: the ``default`` of `json.dumps`."""
    return {"kind": type(facts).__name__} | {
        field.name: getattr(facts, field.name) for field in fields(facts)
    }


def from_json(value: dict[str, Any]) -> Any:
    """Return the facts in a JSON object of `to_json`, and any other object as it is: the
    ``object_hook`` of `json.loads`.
    """
    kind = _KINDS.get(value.get("kind", ""))
    if kind is None:
        return value
    arguments = {
        name: tuple(part) if isinstance(part, list) else part
        for name, part in value.items()
        if name != "kind"
    }
    return kind(**arguments)
