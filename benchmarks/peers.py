"""Other libraries, in an environment of their own (benchmarks/.venv), of which nothing is ever
imported by ours.

    python benchmarks/peers.py

installs what requirements.txt pins, one by one; what cannot be installed is named, and the
benchmarks leave it out.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDER = HERE / ".venv"
PYTHON = FOLDER / "bin" / "python"
# As training/hardware.py does for ours: without it PyTorch gets its buffers page by page, and is
# far slower.
KEPT = [
    "MALLOC_MMAP_THRESHOLD_=1073741824",
    "MALLOC_TRIM_THRESHOLD_=1073741824",
    "MALLOC_ARENA_MAX=1",
]
MODULES = {"python-crfsuite": "pycrfsuite", "spacy": "spacy", "torch": "torch", "flair": "flair"}


def requirements() -> dict[str, str]:
    """The pinned requirement of each peer by its name."""
    lines = (HERE / "requirements.txt").read_text(encoding="utf-8").split()
    return {line.partition("==")[0]: line for line in lines}


def installed(name: str) -> bool:
    """Whether a peer can be imported in its environment."""
    code = f"import {MODULES[name]}"
    return (
        PYTHON.exists()
        and not subprocess.run([PYTHON, "-c", code], capture_output=True, check=False).returncode
    )


def command(name: str, script: str, *arguments: object) -> list[str]:
    """The command of a worker of a peer, or nothing, with a line that says so, where it is not
    installed.
    """
    if not installed(name):
        print(f"Skipped {name}: not installed; run python benchmarks/peers.py", file=sys.stderr)
        return []
    return ["env", *KEPT, str(PYTHON), str(HERE / script), *map(str, arguments)]


def main() -> None:
    if not PYTHON.exists():
        venv.create(FOLDER, with_pip=True)
    for name, requirement in requirements().items():
        if installed(name):
            continue
        done = subprocess.run(
            [PYTHON, "-m", "pip", "install", "--quiet", requirement],
            capture_output=True,
            text=True,
            check=False,
        )
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        print(
            f"Skipped {requirement}: {reason}" if done.returncode else f"Installed {requirement}",
            flush=True,
        )


if __name__ == "__main__":
    main()
