"""Dependencies point one way, and light commands stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "tagger"
HEAVY = (
    "tensorflow", "keras", "jax", "torch", "datasets", "onnx", "seqeval", "sklearn", "scipy", "pandas", "optuna", "matplotlib",
)  # fmt: skip

# part: what of `tagger` it may import at module level
MAY_IMPORT = {
    "errors": (),
    "files": ("errors",),
    "text": ("errors", "files", "text"),
    "features": ("errors", "features", "files"),
    "decoding": (),
    "networks": ("features", "networks"),
    "card": ("text",),
    "bundle": ("card", "errors", "features", "files", "folders", "language_models.bundle", "text", "training.config"),
    "corpora": ("errors", "text", "training.config"),
    "runtime": (
        "bundle",
        "decoding",
        "errors",
        "features",
        "files",
        "graphs",
        "language_models",
        "runtime",
        "text",
        "training.config",
    ),
    "folders": ("errors", "files"),
    "graphs": ("errors", "graphs"),
    "language_models": (
        "errors",
        "features",
        "files",
        "folders",
        "graphs",
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
    "graphs",
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
        "from tagger.cli import convert, distill, evaluate, info, main, predict, search, train, training",
        "from tagger.cli.lm import importing, sample, score, train; import tagger.language_models.states",
        "import tagger.decoding, tagger.bundles.tagger_files, tagger.inference.files, tagger.evaluation.run, tagger.corpora",
        "import tagger.tuning.seeds, tagger.tuning.search, tagger.tuning.subprocess_trainer, tagger.training.inputs.soft_labels",
    ],
    ids=["import", "help", "commands", "language models", "runtime", "series"],
)
def test_nothing_heavy_is_loaded(code):
    check = f"{code}\nimport sys\nloaded = [name for name in {HEAVY!r} if name in sys.modules]\nassert not loaded, loaded"
    subprocess.run([sys.executable, "-c", check], check=True, capture_output=True, timeout=60)


LEAN = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {HEAVY!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
import importlib.util
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name: None if name in {HEAVY!r} else find_spec(name)
from tagger.cli.main import main
sys.argv[1:] = ARGUMENTS
main()
"""


def lean(*arguments):
    """A command where nothing is installed but what a plain installation brings."""
    code = LEAN.replace("ARGUMENTS", repr([str(argument) for argument in arguments]))
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)


def test_a_plain_installation_tags_and_evaluates(trained_run, tmp_path):
    sample = PACKAGE.parent / "data" / "sample"
    commands = [
        ("predict", trained_run, sample / "article.txt", "--output", tmp_path / "out"),
        ("predict", trained_run, trained_run, sample / "article.txt", "--to", "jsonl"),
        ("evaluate", trained_run, sample / "dev.conll"),
        ("info", trained_run),
        ("convert", sample / "dev.conll", tmp_path / "dev.conll", "--to", "IOBES"),
    ]
    for command in commands:
        done = lean(*command)
        assert done.returncode == 0, done.stderr


def test_a_plain_installation_says_what_training_needs(trained_run, tmp_path):
    commands = [
        ("train", "--train", "a", "--dev", "b", tmp_path / "run"),
        ("distill", "--train", "a", "--dev", "b", tmp_path / "run"),
        ("search", "a.toml", tmp_path / "run"),
        ("export", trained_run, "--verify"),
    ]
    for command in commands:
        done = lean(*command)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert "pip install 'span-tagger[train]'" in done.stderr
    done = lean("predict", Path(__file__).parent / "data" / "bundle-1", "-")
    assert "pip install onnx" in done.stderr.replace("\n", " ")


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
