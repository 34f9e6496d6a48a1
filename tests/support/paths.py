"""Where the tests' data are. Data from outside the repository come through TAGGER_SHARED alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "tagger"
SAMPLE = ROOT / "data" / "sample"
DATA = ROOT / "tests" / "data"
CONLLEVAL = DATA / "conlleval"
GOLDEN = DATA / "tagger-1"
GOLDEN_LANGUAGE_MODEL = DATA / "language-model-1"
GOLDEN_CLASSIFIER = DATA / "classifier-1"
GOLDEN_SEQ2SEQ = DATA / "seq2seq-1"


def shared(*parts: str) -> Path:
    """Return a path below the folder in TAGGER_SHARED, or skip the test if it is not there.

    That folder contains corpora, vectors and models which may not be redistributed; the suite is
    complete without them.
    """
    folder = os.environ.get("TAGGER_SHARED")
    if not folder:
        pytest.skip("needs the data in $TAGGER_SHARED, which is not set")
    path = Path(folder).joinpath(*parts)
    if not path.exists():
        pytest.skip(f"needs {'/'.join(parts)} in $TAGGER_SHARED")
    return path
