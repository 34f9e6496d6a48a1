"""Dependencies point one way, and light commands stay light."""

import ast
import graphlib
import subprocess
import sys

import pytest
from support.paths import GOLDEN_LANGUAGE_MODEL, PACKAGE

HEAVY = (
    "tensorflow",
    "keras",
    "jax",
    "torch",
    "datasets",
    "onnx",
    "seqeval",
    "sklearn",
    "scipy",
    "pandas",
    "optuna",
    "matplotlib",
)

# A part may import those above it, and itself; nothing may import upwards, for type checking
# neither.
LAYERS = (
    "errors",
    "files",
    "cpu",
    "cells",
    "heads",
    "decoding",
    "text",
    "features",
    "networks",
    "config",
    "corpora",
    "bundles",
    "export",
    "language_models",
    "inference",
    "evaluation",
    "training",
    "tuning",
    "cli",
)
KERAS = ("networks", "training")  # all other parts import nothing heavy at module level


def part_of(module):
    """The layer of a module such as `tagger.text.spans`; the package itself, whose API is imported
    when used, has none.
    """
    _, _, inside = module.partition(".")
    return inside.partition(".")[0]


def imports(tree, file):
    """The modules and names that are imported anywhere in a tree: in functions and for type
    checking too.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def modules():
    for file in sorted(PACKAGE.rglob("*.py")):
        part = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if part not in ("__init__", "__main__"):
            yield part, file, ast.parse(file.read_text(encoding="utf-8"))


def test_every_part_has_its_layer():
    assert {part for part, _, _ in modules()} == {*LAYERS}


def test_nothing_imports_upwards():
    upwards = [
        f"{file.relative_to(PACKAGE)} imports {module}"
        for part, file, tree in modules()
        for module in imports(tree, file)
        if module.startswith("tagger.")
        and part_of(module) in LAYERS
        and LAYERS.index(part_of(module)) > LAYERS.index(part)
    ]
    assert not upwards


def test_packages_import_each_other_in_no_circle():
    """Within a package too: no two of its modules import each other, even through others, when they
    are loaded.
    """
    graph = {}
    for _, file, tree in modules():
        name = ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(
            ".__init__"
        )
        body = ast.Module([*tree.body], [])
        graph[name] = {
            module
            for found in imports(body, file)
            for module in (found, found.rpartition(".")[0])
            if module.startswith("tagger.")
        }
    graph = {
        name: {module for module in found if module in graph and module != name}
        for name, found in graph.items()
    }
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


@pytest.mark.parametrize("part", [part for part in LAYERS if part not in KERAS])
def test_heavy_packages_are_not_imported_at_module_level(part):
    for where, file, tree in modules():
        top = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
        for module in imports(ast.Module(top, []), file) if where == part else ():
            assert module.split(".")[0] not in HEAVY, f"{file}: {module}"


@pytest.mark.parametrize("command", ["predict", "evaluate", "info", "convert"])
def test_using_a_model_imports_nothing_of_training(command, trained_run, tmp_path):
    sample = PACKAGE.parent / "data" / "sample"
    arguments = {
        "predict": (trained_run, sample / "article.txt"),
        "evaluate": (trained_run, sample / "dev.conll"),
        "info": (trained_run,),
        "convert": (sample / "dev.conll", tmp_path / "dev.jsonl"),
    }[command]
    code = (
        f"import sys; sys.argv = ['tagger', {command!r}, "
        f"*{[str(argument) for argument in arguments]!r}]\n"
        "import os; before = dict(os.environ)\n"
        "from tagger.cli.main import group\n"
        "try:\n    group(standalone_mode=False)\nexcept SystemExit as end:\n    assert not "
        "end.code\n"
        "assert os.environ == before\n"
        "assert not [name for name in sys.modules if name.startswith(('tagger.training', "
        "'tagger.tuning'))]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=120)


def test_importing_changes_no_environment_variable():
    code = (
        "import importlib, os, pkgutil\n"
        "import keras, tensorflow\n"  # what they set when imported is theirs
        "before = dict(os.environ)\n"
        "import tagger\n"
        "for module in pkgutil.walk_packages(tagger.__path__, 'tagger.'):\n"
        "    if not module.name.endswith('__main__'): importlib.import_module(module.name)\n"
        "assert os.environ == before"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=120)


@pytest.mark.parametrize(
    "code",
    [
        "import tagger; tagger.Span; tagger.Sentence",
        "import sys; sys.argv = ['tagger', '--help']; from tagger.cli.main import group; "
        "group(standalone_mode=False)",
        "from tagger.cli import convert, distill, evaluate, info, main, predict, search, train, "
        "training",
        "from tagger.cli.lm import importing, sample, score, train; import "
        "tagger.language_models.states",
        "import tagger.decoding, tagger.bundles.tagger_files, tagger.inference.files, "
        "tagger.evaluation.run, tagger.corpora",
        "import tagger.tuning.seeds, tagger.tuning.search, tagger.tuning.subprocess_trainer, "
        "tagger.training.inputs.soft_labels",
    ],
    ids=["import", "help", "commands", "language models", "runtime", "series"],
)
def test_nothing_heavy_is_loaded(code):
    check = (
        f"{code}\nimport sys\nloaded = [name for name in {HEAVY!r} if name in "
        "sys.modules]\nassert not loaded, loaded"
    )
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
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )


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
    done = lean("export", GOLDEN_LANGUAGE_MODEL)
    assert "pip install onnx" in done.stderr.replace("\n", " ")


def test_help_does_not_even_load_numpy():
    code = (
        "import sys; sys.argv = ['tagger', '--help']; from tagger.cli.main import group; "
        "group(standalone_mode=False);"
        "assert 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


def test_only_corpora_imports_datasets():
    for file in PACKAGE.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        names = {
            alias.name.split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        assert "datasets" not in names or file.name == "corpora.py", file
