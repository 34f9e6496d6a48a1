"""Files of the golden bundle, and how to replace one so that the manifest agrees with it."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import numpy as np

from support.paths import GOLDEN

FILES = (
    "config.toml",
    "tags.json",
    "vocabulary/words.json",
    "weights.npz",
    "metrics.json",
    "README.md",
)
WEIGHTS = dict(np.load(GOLDEN / "weights.npz"))


def seal(folder: Path, name: str, content: str | bytes) -> None:
    """Replace a file and make the manifest agree with it, as an attacker would."""
    data = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(data)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def npz(**arrays: np.ndarray) -> bytes:
    """Return the bytes of an .npz file of arrays."""
    stream = io.BytesIO()
    np.savez(stream, **arrays)  # type: ignore[arg-type]
    return stream.getvalue()
