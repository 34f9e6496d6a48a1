"""The source of an open model: all that another process needs to open it again."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Source"]


@dataclass(frozen=True)
class Source:
    """The folders of a model and how it was opened.

    Attributes:
        folders: The folders as passed to `tagger.load`, for messages.
        paths: Their absolute paths.
        manifests: The SHA-256 of their manifests, which list the digests of all other files.
        precision: As passed to `tagger.load`; None for the default.
        threads: As passed to `tagger.load`; None for the default.
    """

    folders: tuple[str, ...]
    paths: tuple[str, ...]
    manifests: tuple[str, ...]
    precision: str | None = None
    threads: int | None = None
