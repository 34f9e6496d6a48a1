"""Dependencies point one way, and light commands stay light."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.paths import GOLDEN_LANGUAGE_MODEL, PACKAGE
from support.processes import PATIENCE

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
    "signals",
    "cells",
    "heads",
    "decoding",
    "scheme_decoding",
    "span_decoding",
    "best_sequences",
    "text",
    "features",
    "networks",
    "config",
    "corpora",
    "bundles",
    "export",
    "language_models",
    "seq2seq",
    "inference",
    "evaluation",
    "classification",
    "training",
    "tuning",
    "cli",
)
KERAS = ("networks", "training")  # all other parts import nothing heavy at module level


def part_of(module: str) -> str:
    """The layer of a module such as `tagger.text.spans`; the package itself, whose API is imported
    when used, has none.
    """
    _, _, inside = module.partition(".")
    return inside.partition(".")[0]


def imports(tree: ast.AST, file: Path) -> Iterator[str]:
    """The modules and names that are imported anywhere in a tree: in functions and for type
    checking too.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def modules() -> Iterator[tuple[str, Path, ast.Module]]:
    for file in sorted(PACKAGE.rglob("*.py")):
        part = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if part not in ("__init__", "__main__"):
            yield part, file, ast.parse(file.read_text(encoding="utf-8"))


def test_every_part_has_its_layer() -> None:
    assert {part for part, _, _ in modules()} == {*LAYERS}


def test_nothing_imports_upwards() -> None:
    upwards = [
        f"{file.relative_to(PACKAGE)} imports {module}"
        for part, file, tree in modules()
        for module in imports(tree, file)
        if module.startswith("tagger.")
        and part_of(module) in LAYERS
        and LAYERS.index(part_of(module)) > LAYERS.index(part)
    ]
    assert not upwards


def test_packages_import_each_other_in_no_circle() -> None:
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
def test_heavy_packages_are_not_imported_at_module_level(part: str) -> None:
    for where, file, tree in modules():
        top = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
        for module in imports(ast.Module([*top], []), file) if where == part else ():
            assert module.split(".")[0] not in HEAVY, f"{file}: {module}"


@pytest.mark.parametrize("command", ["predict", "evaluate", "info", "convert"])
def test_using_a_model_imports_nothing_of_training_and_of_other_models(
    command: str, trained_run: Path, tmp_path: Path
) -> None:
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
        "'tagger.tuning', 'tagger.seq2seq', 'keras', 'tensorflow'))]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=PATIENCE)


@pytest.mark.slow
def test_importing_changes_no_environment_variable() -> None:
    code = (
        "import importlib, os, pkgutil\n"
        "import keras, tensorflow\n"  # what they set when imported is theirs
        "before = dict(os.environ)\n"
        "import tagger\n"
        "for module in pkgutil.walk_packages(tagger.__path__, 'tagger.'):\n"
        "    if not module.name.endswith('__main__'): importlib.import_module(module.name)\n"
        "assert os.environ == before"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=PATIENCE)


@pytest.mark.parametrize(
    "code",
    [
        "import tagger; tagger.Span; tagger.Sentence",
        "import sys; sys.argv = ['tagger', '--help']; from tagger.cli.main import group; "
        "group(standalone_mode=False)",
        "from tagger.cli import convert, distill, evaluate, info, main, predict, search, train, "
        "training",
        "from tagger.cli.classify import evaluate, info, predict, train; import "
        "tagger.classification.files, tagger.classification.report, tagger.corpora.texts",
        "from tagger.cli.lm import importing, sample, score, train; import "
        "tagger.language_models.states",
        "from tagger.cli.seq2seq import evaluate, info, predict, train; from tagger.seq2seq import "
        "Evaluation, Prediction, Seq2SeqConfig, Seq2SeqModel, evaluate, load, predict_file",
        "import tagger.decoding, tagger.bundles.tagger_files, tagger.inference.files, "
        "tagger.evaluation.run, tagger.corpora, tagger.inference.many_files",
        "import tagger.bundles.describe, tagger.training.export.run",
        "import tagger.tuning.seeds, tagger.tuning.search, tagger.tuning.subprocess_trainer, "
        "tagger.training.inputs.soft_labels",
    ],
    ids=[
        "import",
        "help",
        "commands",
        "classification",
        "language models",
        "seq2seq",
        "runtime",
        "export",
        "series",
    ],
)
def test_nothing_heavy_is_loaded(code: str) -> None:
    check = (
        f"{code}\nimport sys\nloaded = [name for name in {HEAVY!r} if name in "
        "sys.modules]\nassert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", check], check=True, capture_output=True, timeout=PATIENCE)


ABSENT = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {HEAVY!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
import importlib.util
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name: None if name in {HEAVY!r} else find_spec(name)
"""
LEAN = f"""{ABSENT}
from tagger.cli.main import main
sys.argv[1:] = ARGUMENTS
main()
"""


def lean(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """A command where nothing is installed but what a plain installation brings."""
    code = LEAN.replace("ARGUMENTS", repr([str(argument) for argument in arguments]))
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=PATIENCE
    )


@pytest.mark.slow
def test_a_plain_installation_tags_and_evaluates(trained_run: Path, tmp_path: Path) -> None:
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


def test_a_plain_installation_says_what_training_needs(trained_run: Path, tmp_path: Path) -> None:
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
    assert (
        "needs onnx, not installed here: pip install 'span-tagger[train]'"
        in done.stderr.replace("\n", " ")
    )


@pytest.mark.slow
def test_the_api_of_a_plain_installation_can_be_looked_at_and_used(
    trained_run: Path, tmp_path: Path
) -> None:
    """`help` documents all of it; what needs training says so when it is called."""
    (tmp_path / "a.txt").write_text("Mira met Leila.\n")
    code = f"""{ABSENT}
import pydoc
import tagger
text = pydoc.render_doc(tagger, renderer=pydoc.plaintext)
for name in tagger.__all__:
    getattr(tagger, name)
    assert name in text or name == "__version__", name
assert "Not available: this needs datasets, keras, onnx, tensorflow" in text
assert "Tag files and folders; each output is written atomically." in text
for use in (lambda: tagger.train("a.toml", "b"), lambda: tagger.export_model({str(trained_run)!r})):
    try:
        use()
    except tagger.TaggerError as error:
        assert "pip install 'span-tagger[train]'" in str(error)
    else:
        raise AssertionError
with tagger.load({str(trained_run)!r}) as model:
    done = tagger.tag_files(model, {str(tmp_path / "a.txt")!r}, {str(tmp_path / "out")!r})
assert (done.files, done.failures) == (1, ())
dev = {str(PACKAGE.parent / "data" / "sample" / "dev.conll")!r}
assert tagger.evaluate({str(trained_run)!r}, dev).strict.f1 > 0
assert tagger.describe({str(trained_run)!r})["predicts"]
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_help_works_where_training_is_installed() -> None:
    code = (
        "import pydoc, tagger; text = pydoc.render_doc(tagger, renderer=pydoc.plaintext); "
        "assert all(name in text for name in tagger.__all__ if name != '__version__')"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=120)


def test_every_public_name_has_its_home() -> None:
    import tagger

    assert {*tagger.__all__} == {*tagger._HOMES, "__version__"}
    assert dir(tagger) == sorted(tagger.__all__)


def test_help_does_not_even_load_numpy() -> None:
    code = (
        "import sys; sys.argv = ['tagger', '--help']; from tagger.cli.main import group; "
        "group(standalone_mode=False);"
        "import tagger.cli.predict, tagger.cli.convert, tagger.cli.train\n"
        "assert 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=PATIENCE)


def test_only_corpora_imports_datasets() -> None:
    for file in PACKAGE.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        names = {
            alias.name.split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        assert "datasets" not in names or file.parent.name == "corpora", file
