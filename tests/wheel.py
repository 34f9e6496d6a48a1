"""Build the wheel, install it alone into a fresh environment, and use it there (`make wheel-test`).

Unlike the tests beside it, this runs nothing of the checkout: what the wheel lacks is missed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from support.paths import GOLDEN, PACKAGE, ROOT, SAMPLE


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        wheel = build(Path(folder))
        check_contents(wheel)
        check_use(wheel, Path(folder))
    print("The wheel contains what it should, and works without the checkout.")


def run(*command: str | Path, folder: Path) -> str:
    """Run a command in a folder and return its standard output, or end with its complaint."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def build(folder: Path) -> Path:
    """Return the wheel, built from a copy: setuptools would take in old files of a build/."""
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(PACKAGE, source / "tagger", ignore=shutil.ignore_patterns("__pycache__"))
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, source, folder=folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


def check_contents(wheel: Path) -> None:
    """The package's modules, the mark of its types, and metadata; no tests, no data."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (metadata,) = (archive.read(n).decode() for n in names if n.endswith("/METADATA"))
    wanted = {path.relative_to(ROOT).as_posix() for path in PACKAGE.rglob("*.py")}
    wanted.add("tagger/py.typed")
    assert {name for name in names if ".dist-info/" not in name} == wanted, names ^ wanted
    assert "Description-Content-Type: text/markdown" in metadata
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def check_use(wheel: Path, folder: Path) -> None:
    run(sys.executable, "-m", "venv", "fresh", folder=folder)
    binaries = folder / "fresh" / "bin"
    pip = (binaries / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    run(*pip, "--constraint", ROOT / "constraints.txt", wheel, folder=folder)
    version = run(binaries / "python", "-m", "tagger", "--version", folder=folder)
    assert version == run(binaries / "tagger", "--version", folder=folder)
    assert f"-{version.split()[-1]}-" in wheel.name
    assert "predict" in run(binaries / "tagger", "--help", folder=folder)
    bundle, text = GOLDEN, SAMPLE / "article.txt"
    for precision in ("float32", "int8"):
        arguments = ("predict", bundle, text, "--precision", precision)
        assert "[" in run(binaries / "tagger", *arguments, folder=folder)
    code = f"import tagger; print(tagger.load({str(bundle)!r}).labels)"
    assert run(binaries / "python", "-c", code, folder=folder).startswith("[")


if __name__ == "__main__":
    main()
