"""Dependencies point one way, and light commands stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "tagger"
HEAVY = ("tensorflow", "keras", "jax", "torch", "datasets", "seqeval", "sklearn", "pandas", "optuna", "matplotlib")

# part: what of `tagger` it may import at module level
MAY_IMPORT = {
    "errors": (),
    "files": ("errors",),
    "text": ("errors", "files", "text"),
    "features": ("errors", "features", "files"),
    "decoding": (),
    "networks": ("features", "networks"),
    "bundle": ("errors", "features", "files", "text", "training.config"),
    "corpora": ("errors", "text", "training.config"),
    "runtime": ("bundle", "decoding", "errors", "features", "files", "runtime", "text"),
    "folders": ("errors", "files"),
    "language_models": (
        "errors",
        "features",
        "files",
        "folders",
        "language_models",
        "text",
        "training.config",
        "training.series",
        "training.settings",
    ),
    "evaluation": ("errors", "evaluation", "runtime", "text"),
}
WITHOUT_HEAVY = (
    "errors",
    "files",
    "text",
    "features",
    "decoding",
    "bundle",
    "corpora",
    "runtime",
    "evaluation",
    "cli",
    "folders",
    "language_models",
)


def imports(part):
    """(file, imported module) for every import at module level of a part of the package; type-checking ones left out."""
    files = sorted((PACKAGE / part).rglob("*.py")) if (PACKAGE / part).is_dir() else [PACKAGE / f"{part}.py"]
    assert files
    for file in files:
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{file}: relative import"
                for alias in node.names:
                    yield file, f"{node.module}.{alias.name}"
            elif isinstance(node, ast.Import):
                yield from ((file, alias.name) for alias in node.names)


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_dependencies_point_one_way(part):
    for file, module in imports(part):
        if module.startswith("tagger."):
            inside = module.removeprefix("tagger.")
            assert any(inside == may or inside.startswith(f"{may}.") for may in MAY_IMPORT[part]), f"{file}: {module}"


@pytest.mark.parametrize("part", WITHOUT_HEAVY)
def test_heavy_packages_are_not_imported_at_module_level(part):
    for file, module in imports(part):
        assert module.split(".")[0] not in HEAVY, f"{file}: {module}"


@pytest.mark.parametrize(
    "code",
    [
        "import tagger; tagger.Span; tagger.Sentence",
        "import sys; sys.argv = ['tagger', '--help']; from tagger.cli.main import group; group(standalone_mode=False)",
        "from tagger.cli import convert, evaluate, info, main, predict, search, train",
        "from tagger.cli.lm import importing, sample, score, train; import tagger.language_models.states",
        "import tagger.decoding, tagger.bundle, tagger.runtime.stream, tagger.evaluation.run, tagger.corpora",
        "import tagger.training.seeds, tagger.training.search, tagger.training.apart",
    ],
    ids=["import", "help", "commands", "language models", "runtime", "series"],
)
def test_nothing_heavy_is_loaded(code):
    check = f"{code}\nimport sys\nloaded = [name for name in {HEAVY!r} if name in sys.modules]\nassert not loaded, loaded"
    subprocess.run([sys.executable, "-c", check], check=True, capture_output=True, timeout=60)


def test_help_does_not_even_load_numpy():
    code = (
        "import sys; sys.argv = ['tagger', '--help']; from tagger.cli.main import group; group(standalone_mode=False);"
        "assert 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


def test_only_corpora_imports_datasets():
    for file in PACKAGE.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        names = {alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        assert "datasets" not in names or file.name == "corpora.py", file
