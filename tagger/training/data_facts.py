"""Facts about the data of a training, by which a resumed training finds out what has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tagger.bundles.language_model import LanguageModelBundle
from tagger.corpora.texts import TextCorpus
from tagger.errors import TaggerError
from tagger.text.annotation import Corpus

__all__ = [
    "DataFacts",
    "check_same",
    "digest_of",
    "of_corpus",
    "of_file",
    "of_ids",
    "of_pretrained",
    "of_texts",
]


@dataclass(frozen=True)
class DataFacts:
    """Facts about one corpus, text or file that a training reads.

    Attributes:
        role: What it is for, such as train or dev.
        name: Its name in messages, such as the path.
        digest: SHA-256 of its content.
        sizes: Sizes by unit, such as sentences.
        labels: Numbers of spans or texts by label, if it is annotated; 0 for each label of train of
            a conditional language model.
    """

    role: str
    name: str
    digest: str
    sizes: dict[str, int] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)


def of_corpus(role: str, corpus: Corpus) -> DataFacts:
    """Return the facts about annotated sentences.

    The digest depends on tokens and annotation alone, not on comments or the names of files.

    Args:
        role: What the corpus is for.
        corpus: The corpus.
    """
    parts = (
        repr(
            (
                sentence.tokens,
                sentence.tags
                if sentence.spans is None
                else [(span.start, span.end, span.label) for span in sentence.spans],
            )
        )
        for sentence in corpus.sentences
    )
    sizes = {
        "sentences": len(corpus.sentences),
        "tokens": sum(map(len, corpus.sentences)),
    }
    return DataFacts(role, corpus.name, digest_of(parts), sizes, dict(corpus.label_counts()))


def of_texts(role: str, corpus: TextCorpus) -> DataFacts:
    """Return the facts about labeled texts.

    The digest depends on tokens and labels alone.

    Args:
        role: What the texts are for.
        corpus: The texts.
    """
    parts = (repr((text.tokens, text.labels)) for text in corpus.texts)
    sizes = {"texts": len(corpus.texts), "tokens": corpus.tokens}
    return DataFacts(role, corpus.name, digest_of(parts), sizes, dict(corpus.label_counts()))


def of_ids(role: str, name: str, ids: np.ndarray, labels: Sequence[str] = ()) -> DataFacts:
    """Return the facts about an encoded text.

    Args:
        role: What the text is for.
        name: Its name in messages.
        ids: The ids (N,) of its tokens.
        labels: The labels of a conditional language model, in the order of their ids.
    """
    digest = hashlib.sha256(np.ascontiguousarray(ids).data)
    if labels:  # the ids of other labels may be the same
        digest.update("\n".join(labels).encode("utf-8", "surrogatepass"))
    known = dict.fromkeys(labels, 0)
    return DataFacts(role, name, digest.hexdigest(), {"tokens": len(ids)}, known)


def of_file(role: str, path: str | Path) -> DataFacts:
    """Return the facts about a file that is read as a whole.

    Args:
        role: What the file is for.
        path: The file.

    Returns:
        The facts; without a digest if it cannot be read, which its reader will report.
    """
    try:
        with open(path, "rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            size = stream.tell()
    except OSError:
        return DataFacts(role, str(path), "")
    return DataFacts(role, str(path), digest, {"bytes": size})


def of_pretrained(
    vectors: Iterable[str], folders: Iterable[str], models: Iterable[LanguageModelBundle]
) -> list[DataFacts]:
    """Return the facts about pretrained inputs of an encoder.

    Args:
        vectors: Files of word vectors.
        folders: Folders of language models.
        models: The language models in these folders.

    Returns:
        The facts about each of the vectors, then each of the language models.
    """
    return [
        *(of_file("vectors", path) for path in vectors),
        *(
            DataFacts("language model", folder, model.weights_digest)
            for folder, model in zip(folders, models, strict=True)
        ),
    ]


def digest_of(parts: Iterable[str]) -> str:
    """Return the SHA-256 of texts."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode("utf-8", "surrogatepass"))
        digest.update(b"\n")
    return digest.hexdigest()


def check_same(run: Path, before: Sequence[Mapping[str, Any]], now: Sequence[DataFacts]) -> None:
    """Check that the data of a resumed training are those it started from.

    Args:
        run: Folder of the training.
        before: The fields of the `DataFacts` it started from; empty if they were not recorded.
        now: The facts about its data now.

    Raises:
        TaggerError: Something has changed; the message says what.
    """
    if not before:
        return
    old = {(facts["role"], number): DataFacts(**facts) for number, facts in _numbered(before)}
    new = {(facts.role, number): facts for number, facts in _numbered(now)}
    changes = [
        _change(old.get(key), new.get(key))
        for key in dict.fromkeys([*old, *new])
        if key not in old or key not in new or old[key].digest != new[key].digest
    ]
    if changes:
        raise TaggerError(
            f"{run}: cannot be resumed: {'; '.join(changes)}; train in another folder, or restore "
            "the data"
        )


def _numbered(facts: Sequence[Any]) -> Iterable[tuple[int, Any]]:
    """Pair facts with their position among those of the same role."""
    counts: dict[str, int] = {}
    for each in facts:
        role = each["role"] if isinstance(each, Mapping) else each.role
        counts[role] = counts.get(role, -1) + 1
        yield counts[role], each


def _change(old: DataFacts | None, new: DataFacts | None) -> str:
    """Describe how data have changed since a training began."""
    if new is None or old is None:
        facts, what = (old, "is no longer used") if new is None else (new, "was not used before")
        assert facts is not None
        return f"{facts.role} {facts.name} {what}"
    details = [
        f"{count:,} → {new.sizes[unit]:,} {unit}"
        for unit, count in old.sizes.items()
        if new.sizes.get(unit, count) != count
    ][:1]
    added = sorted(set(new.labels) - set(old.labels))
    removed = sorted(set(old.labels) - set(new.labels))
    details += [f"label {label} is new" for label in added[:5]]
    details += [f"label {label} is gone" for label in removed[:5]]
    if not details and old.labels != new.labels:
        details = ["other numbers per label"]
    what = ", ".join(details) or "same size, other content"
    return f"{new.name} ({new.role}) has changed since the training began: {what}"
