"""A dataset of three sentences, and a Hub on which it is the only one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import pytest

from tagger.text.spans import Span

STRINGS = datasets.List(datasets.Value("string"))
NAMES = ["O", "B-PER", "I-PER", "B-GPE-CITY", "I-GPE-CITY"]
TOKENS = [["Zo\u00eb\u00a0X", "Lee", "saw", "Rome"], [], ["\u2028", "#"]]
TAG_IDS = [[1, 2, 0, 3], [], [0, 0]]
SPANS = [(Span(0, 2, "PER"), Span(3, 4, "GPE-CITY")), ()]


def split(
    tag_ids: Any = TAG_IDS, tokens: Any = TOKENS, feature: Any = None, name: str = "ner_tags"
) -> datasets.Dataset:
    """Return a split as a dataset, with ids and names of tags unless `feature` is another."""
    feature = feature or datasets.List(datasets.ClassLabel(names=NAMES))
    features = datasets.Features({"id": datasets.Value("int64"), "tokens": STRINGS, name: feature})
    return datasets.Dataset.from_dict(
        {"id": range(len(tokens)), "tokens": tokens, name: tag_ids}, features=features
    )


def hub(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, found: dict[str, datasets.Dataset]
) -> list[tuple[str, str | None, str | None]]:
    """Let the Hub have this one dataset, which has been on a disk as it would have been there.

    Returns the list to which each call adds the name, configuration and revision asked for.
    """
    datasets.DatasetDict(found).save_to_disk(tmp_path / "hub")

    asked: list[tuple[str, str | None, str | None]] = []

    def load_dataset(
        path: str, name: str | None = None, *, revision: str | None = None
    ) -> datasets.DatasetDict:
        asked.append((path, name, revision))
        if path not in ("someone/news", "news"):
            raise FileNotFoundError(f"Dataset '{path}' doesn't exist on the Hub")
        return datasets.DatasetDict.load_from_disk(tmp_path / "hub")

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    return asked


def strings(tag_ids: list[list[int]]) -> list[list[str]]:
    """Return the names of tags by id."""
    return [[NAMES[tag_id] for tag_id in row] for row in tag_ids]
