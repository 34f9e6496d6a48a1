"""Where a model was opened, which is all that another process needs to open it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Source"]


@dataclass(frozen=True)
class Source:
    """The folders of a model and how it was opened.

    ``folders`` are as they were given, ``paths`` absolute; ``manifests`` are the SHA-256 of their
    manifests, which know all other files; ``precision`` and ``threads`` are those of `tagger.load`,
    None for the default.
    """

    folders: tuple[str, ...]
    paths: tuple[str, ...]
    manifests: tuple[str, ...]
    precision: str | None = None
    threads: int | None = None
