"""The file of all issues of reading, as JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from tagger.files import atomic_write
from tagger.text.options import ReadOptions
from tagger.text.report import Issue

__all__ = ["logged"]


@contextmanager
def logged(options: ReadOptions, path: str) -> Iterator[ReadOptions]:
    """Write all issues of the files that are read inside of the block to a file.

    The file is also written if the block raises an error, and without issues it is empty.

    Args:
        options: Reading options.
        path: The file; empty writes none.

    Yields:
        The reading options that the block uses.

    Raises:
        OutputError: The file cannot be written.
    """
    if not path:
        yield options
        return
    found: list[Issue] = []
    try:
        yield replace(options, on_issues=found.extend)
    finally:
        with atomic_write(path) as stream:
            for issue in found:
                stream.write(json.dumps(issue.as_json(), ensure_ascii=False) + "\n")
