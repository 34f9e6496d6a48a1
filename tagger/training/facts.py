"""Facts about a training that observers receive before its first epoch, and their JSON form.

The JSON form carries them from the process of a training to the process that watches it.
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
    """Facts about any kind of training.

    Attributes:
        vocabulary: Number of token ids, padding and the unknown token included.
        parameters: Number of trained parameters.
        epochs: Maximum number of epochs.
    """

    vocabulary: int
    parameters: int
    epochs: int


@dataclass(frozen=True)
class VectorFacts:
    """Facts about a file of pretrained vectors.

    Attributes:
        path: Path of the file.
        words: Number of words in it.
        dimension: Dimension of the vectors.
        coverage: Share (0 to 1) of the training tokens that have a vector.
    """

    path: str
    words: int
    dimension: int
    coverage: float


@dataclass(frozen=True)
class TextFacts:
    """Facts about the text that teachers have labeled.

    Attributes:
        sentences, tokens: Size of the text.
        tokens_per_epoch: Number of its tokens that an epoch reads.
    """

    sentences: int
    tokens: int
    tokens_per_epoch: int


@dataclass(frozen=True)
class TaggerFacts(RunFacts):
    """Facts about the training of a tagger.

    Attributes:
        train_sentences, train_tokens, dev_sentences, dev_tokens: Sizes of the corpus.
        scheme: Tagging scheme of the files, or ``plain``.
        labels: Labels (or plain tags) of train, sorted.
        vectors: Files of pretrained vectors, in the order of the settings.
        text: Text with soft labels, if the training is a distillation.
    """

    train_sentences: int
    train_tokens: int
    dev_sentences: int
    dev_tokens: int
    scheme: str
    labels: tuple[str, ...] = ()
    vectors: tuple[VectorFacts, ...] = ()
    text: TextFacts | None = None


@dataclass(frozen=True)
class LanguageModelFacts(RunFacts):
    """Facts about the training of a language model.

    Attributes:
        level: Unit of prediction, ``characters`` or ``words``.
        train_tokens, dev_tokens: Numbers of predicted units in the texts.
        train_unknown, dev_unknown: Shares (0 to 1) of these that are <UNK>.
        conditional_on: The labels of a conditional model, with their numbers of texts in train, in
            words; empty for others.
    """

    level: str
    train_tokens: int
    train_unknown: float
    dev_tokens: int
    dev_unknown: float
    conditional_on: str = ""


_KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (RunFacts, TaggerFacts, LanguageModelFacts, VectorFacts, TextFacts)
}


def to_json(facts: Any) -> dict[str, Any]:
    """Return facts as a JSON object with their class name; for ``json.dumps(default=…)``.

    Args:
        facts: An instance of one of the classes of this module.

    Returns:
        The fields and, under "kind", the name of the class. Nested facts are left unconverted, as
        `json.dumps` calls this function for them too.
    """
    return {"kind": type(facts).__name__} | {
        field.name: getattr(facts, field.name) for field in fields(facts)
    }


def from_json(value: dict[str, Any]) -> Any:
    """Return the facts that `to_json` converted; for ``json.loads(object_hook=…)``.

    Args:
        value: A JSON object, whose nested objects have been converted already.

    Returns:
        The facts, with tuples for lists; or `value` itself if it is another object.
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
