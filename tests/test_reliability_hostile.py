"""Files made in order to do harm are refused in one line, and nothing outside of them changes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from support.command_line import failed, invoke
from support.paths import GOLDEN, GOLDEN_LANGUAGE_MODEL, ROOT
from support.processes import PATIENCE

from benchmarks.reliability.hostile import CASES, seal
from tagger.bundles import folder as folders
from tagger.bundles import graphs, language_model, tagger_files
from tagger.bundles.paths import member
from tagger.config import toml
from tagger.errors import BundleError, TaggerError
from tagger.features import vector_files
from tagger.inference.network import OnnxTagger
from tagger.training import checkpoints


def listing(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.lstat().st_size for path in folder.rglob("*")}


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_file_is_refused(name: str, tmp_path: Path) -> None:
    arguments = CASES[name].build(tmp_path)
    before = listing(tmp_path)
    message = failed(invoke(*arguments))
    assert CASES[name].message in message
    assert message.startswith("Error: ")
    assert message.count("\n") == 1
    assert len(message) < 1010
    assert listing(tmp_path) == before


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    path = tmp_path / "victim.txt"
    path.write_text("precious")
    return path


@pytest.mark.parametrize("is_absolute", [True, False])
def test_linking_a_language_model_deletes_and_writes_nothing_elsewhere(
    is_absolute: bool, tmp_path: Path, victim: Path
) -> None:
    source = Path(shutil.copytree(GOLDEN_LANGUAGE_MODEL, tmp_path / "evil"))
    (tmp_path / "run").mkdir()
    bundle = language_model.load(source)
    (source / "sub").symlink_to(tmp_path)
    name = str(victim) if is_absolute else "sub/victim.txt"
    manifest = json.loads((source / "manifest.json").read_text())
    manifest["files"][name] = {"bytes": 8, "sha256": "00"}
    (source / "manifest.json").write_text(json.dumps(manifest))
    language_model.save_linked(tmp_path / "run", bundle)
    assert victim.read_text() == "precious"
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == sorted(
        path.name for path in GOLDEN_LANGUAGE_MODEL.iterdir() if path.name != "sub"
    )


@pytest.mark.parametrize("name", ["ABSOLUTE", "../victim.txt", "link/victim.txt", "a/../../x"])
def test_removing_a_trial_deletes_nothing_elsewhere(
    name: str, tmp_path: Path, victim: Path
) -> None:
    trial = Path(shutil.copytree(GOLDEN, tmp_path / "trial"))
    (trial / "link").symlink_to(tmp_path)
    manifest = json.loads((trial / "manifest.json").read_text())
    manifest["files"][str(victim) if name == "ABSOLUTE" else name] = {}
    (trial / "manifest.json").write_text(json.dumps(manifest))
    before = listing(trial)
    with pytest.raises(BundleError):
        folders.remove(trial, keep=[])
    assert victim.read_text() == "precious"
    assert listing(trial) == before


def test_removing_a_trial_keeps_its_settings_and_foreign_files(tmp_path: Path) -> None:
    trial = Path(shutil.copytree(GOLDEN, tmp_path / "trial"))
    (trial / "history.csv").write_text("mine")
    folders.remove(trial, keep=["config.toml"])
    assert {"config.toml", "history.csv"} <= {path.name for path in trial.iterdir()}
    assert not (trial / "weights.npz").exists()
    assert not (trial / "vectors").exists()


def test_a_committed_bundle_of_a_stranger_writes_nothing_elsewhere(
    tmp_path: Path, victim: Path
) -> None:
    """``.bundle.next`` is completed by whoever reads the model, but only within its folder."""
    folder = Path(shutil.copytree(GOLDEN, tmp_path / "model"))
    (folder / ".bundle.next" / "link").mkdir(parents=True)
    (folder / ".bundle.next" / "link" / "victim.txt").write_text("planted")
    (folder / "link").symlink_to(tmp_path)
    with pytest.raises(BundleError, match="not a regular file in this folder"):
        tagger_files.load(folder)
    assert victim.read_text() == "precious"


@pytest.mark.parametrize(
    "name", ["..", ".", "/", "a/..", "~", "a\\b", None, 7, ["a"], "é", "a" * 101]
)
def test_a_name_that_is_none(name: object, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="cannot be part of a model"):
        member(tmp_path, name)


def test_our_own_graphs_pass_the_check() -> None:
    found = [*GOLDEN.rglob("*.onnx"), *GOLDEN_LANGUAGE_MODEL.rglob("*.onnx")]
    assert len(found) == 9
    for path in found:
        graphs.check(path.read_bytes())


def test_a_graph_that_ends_early_is_refused() -> None:
    content = (GOLDEN / "words.onnx").read_bytes()
    with pytest.raises(ValueError, match="ends early"):
        graphs.check(content[:-1])


# -- outputs of graphs that agree with their digests

TOKENS, LENGTHS = np.ones((1, 2), dtype=np.int32), np.array([2], dtype=np.int32)


def zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, dtype=np.float32)


def test_outputs_of_the_wrong_shape_are_refused() -> None:
    bundle = tagger_files.load(GOLDEN)
    network = OnnxTagger(bundle)
    network._tags += 1
    with pytest.raises(BundleError, match=r"computes emissions \(1, 2, 13\) float32, expected"):
        network.emissions(zeros(3, network.words.width), TOKENS, LENGTHS, zeros(1, 2, 12))


def test_outputs_that_are_not_finite_are_refused() -> None:
    network = OnnxTagger(tagger_files.load(GOLDEN))
    wrong = zeros(1, 2, 13) + np.float32("nan")
    network._sentences._session = SimpleNamespace(run=lambda *_: [wrong])
    with pytest.raises(BundleError, match=r"sentences\.onnx: computes infinite numbers or NaN"):
        network.emissions(zeros(3, network.words.width), TOKENS, LENGTHS, zeros(1, 2, 12))


def test_a_graph_that_fails_when_it_runs_is_one_message() -> None:
    network = OnnxTagger(tagger_files.load(GOLDEN))
    with pytest.raises(BundleError, match=r"sentences\.onnx: cannot be run: .*tagger export RUN"):
        network.emissions(zeros(3, 1), TOKENS, LENGTHS, zeros(1, 2, 12))


# -- other readers


@pytest.mark.parametrize(
    "progress",
    ["7", "{}", '{"history": 7}', '{"history": [], "best_epoch": 3, "settings": ""}', "[" * 9999,
     '{"history": [{}], "best_epoch": 1, "settings": ""}', '{"history": [], "settings": 7}'],
)  # fmt: skip
def test_a_checkpoint_without_sense_is_one_message(progress: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "last.npz", progress=np.frombuffer(progress.encode(), dtype=np.uint8))
    if progress == "{}":  # a training that has just begun
        assert checkpoints.load(tmp_path / "last.npz")[0].best_epoch == 0
        return
    with pytest.raises(TaggerError, match="damaged checkpoint"):
        checkpoints.load(tmp_path / "last.npz")


def test_many_files_of_a_training_are_not_too_many_dots() -> None:
    names = ", ".join(f'"data/part.{number}.v1.conll.gz"' for number in range(300))
    assert len(toml.parse(f"[data]\ntrain = [{names}]")["data"]["train"]) == 300


def test_vectors_that_are_no_arrays_are_one_message(tmp_path: Path) -> None:
    path = tmp_path / "vectors.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("words", "no array")
        archive.writestr("vectors", "no array")
    with pytest.raises(
        TaggerError, match=r"vectors\.npz: a zip archive of 2 files: words, vectors; expected"
    ):
        vector_files.read(path)


@pytest.mark.parametrize("data", [b"\0\0\0\2", b"\2\0\0\0"])
def test_words_beyond_unicode_are_one_message(data: bytes, tmp_path: Path) -> None:
    words = np.frombuffer(data, dtype="<U1" if data[3] else ">U1")
    np.savez(tmp_path / "vectors.npz", words=words, vectors=np.ones((1, 3), dtype=np.float32))
    with pytest.raises(TaggerError, match=r"vectors\.npz: contains words that are no Unicode"):
        vector_files.read(tmp_path / "vectors.npz")


def test_a_missing_input_is_one_message(tmp_path: Path) -> None:
    """A model whose graph needs an input that no model has."""
    folder = Path(shutil.copytree(GOLDEN, tmp_path / "model"))
    content = (folder / "words.onnx").read_bytes()
    assert content.count(b"characters") > 1
    seal(folder, "words.onnx", content.replace(b"characters", b"secretive!"))
    with pytest.raises(TaggerError, match=r"words\.onnx: cannot be run"):
        OnnxTagger(tagger_files.load(folder)).words.features(
            {"words": TOKENS[0], "characters": TOKENS}
        )


def test_the_harness_finds_nothing_in_its_quick_form() -> None:
    command = [sys.executable, "-m", "benchmarks.reliability", "--quick"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.stderr == ""
    assert done.returncode == 0
    assert done.stdout.count("| 0 |") == 5
