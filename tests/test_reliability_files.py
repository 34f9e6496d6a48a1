"""An interruption destroys nothing: not a kill at any moment, a full disk, or a second process."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.paths import GOLDEN
from support.tiny import settings_in

from tagger import files
from tagger.bundles import tagger_files
from tagger.config.reference import commented_toml
from tagger.config.tagger import Config
from tagger.errors import BundleError, TaggerError
from tagger.files import atomic_write, locked, remove_abandoned, temporary_folder
from tagger.language_models import cache
from tagger.training import runs

TOKEN = "0123456789abcdef"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def old(path: Path) -> Path:
    """Make a path an hour old."""
    os.utime(path, (time.time() - 3600,) * 2)
    return path


# -- temporary names


def test_abandoned_temporary_files_are_removed_by_the_next_write(tmp_path: Path) -> None:
    for name in (f".out.txt.{TOKEN}.tmp", f".other.{TOKEN}.tmp"):
        (tmp_path / name).write_text("half")
    (tmp_path / f".bundle.{TOKEN}.tmp").mkdir()
    (tmp_path / f".bundle.{TOKEN}.tmp" / "weights.npz").write_text("half")
    for name in (".mine.tmp", f"out.{TOKEN}.tmp", ".gitignore"):
        (tmp_path / name).write_text("kept")
    with atomic_write(tmp_path / "out.txt") as stream:
        stream.write("whole")
    assert names(tmp_path) == [".gitignore", ".mine.tmp", f"out.{TOKEN}.tmp", "out.txt"]


def test_a_temporary_file_in_use_is_kept(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "out.txt") as stream, temporary_folder(tmp_path / "out") as folder:
        stream.write("half")
        stream.flush()
        (folder / "file").write_text("half")
        for path in tmp_path.iterdir():
            old(path)
        remove_abandoned(tmp_path)
        assert len(names(tmp_path)) == 2
        stream.write("whole")
    assert (tmp_path / "out.txt").read_text() == "halfwhole"
    assert names(tmp_path) == ["out.txt"]


def test_a_new_empty_file_may_be_one_that_is_about_to_be_locked(tmp_path: Path) -> None:
    path = tmp_path / f".out.{TOKEN}.tmp"
    path.touch()
    remove_abandoned(tmp_path)
    assert path.exists()
    old(path)
    remove_abandoned(tmp_path)
    assert not path.exists()


def test_without_locks_only_the_age_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "fcntl", None)
    path = tmp_path / f".out.{TOKEN}.tmp"
    path.write_text("half")
    remove_abandoned(tmp_path)
    remove_abandoned(old(path).parent)
    assert path.exists()
    os.utime(path, (time.time() - 90_000,) * 2)
    remove_abandoned(tmp_path)
    assert not path.exists()
    with locked(tmp_path, "training"), locked(tmp_path, "training"):
        assert names(tmp_path) == [".training.lock"]
    with atomic_write(tmp_path / "out.txt") as stream:
        stream.write("whole")
    assert names(tmp_path) == ["out.txt"]


def test_a_temporary_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    old(tmp_path / "precious")
    (tmp_path / f".out.{TOKEN}.tmp").symlink_to(tmp_path / "precious")
    remove_abandoned(tmp_path)
    assert len(names(tmp_path)) == 2


def test_containers_with_equal_process_numbers_share_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getpid", lambda: 1)
    failures: list[Exception] = []

    def write(content: str) -> None:
        try:
            for _ in range(100):
                with atomic_write(tmp_path / "out.txt") as stream:
                    stream.write(content)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(letter * 1000,)) for letter in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len({*(tmp_path / "out.txt").read_text()}) == 1
    assert names(tmp_path) == ["out.txt"]


def test_the_same_language_model_twice_computes_its_states(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tagger.bundles import language_model
    from tagger.language_models.model import LanguageModel

    monkeypatch.setenv("TAGGER_CACHE", str(tmp_path))
    bundle = language_model.load(GOLDEN / "language_models" / "1")
    models = [LanguageModel(bundle), LanguageModel(bundle)]
    sentences = [["Mira", "Okafor", str(number)] for number in range(700)]
    states = cache.states_on_disk(models, sentences)
    assert [array.shape for array in states.of_sentence(0)] == [(3, bundle.units)] * 2
    assert len(names(cache.folder())) == 3


# -- locks

HOLD = """\
import sys, time
from pathlib import Path
from tagger.files import locked
with locked(Path(sys.argv[1]), "training"):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_lock_dies_with_its_process(tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-c", HOLD, str(run)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(TaggerError) as caught, locked(run, "training"):
            pass
        process.kill()
    assert str(caught.value) == (
        f"{run}: is in use by another training; wait until it has ended, or choose another folder"
    )
    assert names(run) == [".training.lock"]
    files.require_empty(run)  # a lock that is left is nothing
    with locked(run, "training"):
        pass
    assert names(run) == []


def test_a_folder_made_for_a_lock_alone_is_removed(tmp_path: Path) -> None:
    with locked(tmp_path / "deep" / "run", "training"):
        assert names(tmp_path / "deep" / "run") == [".training.lock"]
    assert names(tmp_path / "deep") == []


def test_waiting_for_a_lock(tmp_path: Path) -> None:
    held, order = threading.Event(), []

    def hold() -> None:
        with locked(tmp_path, "bundle"):
            held.set()
            time.sleep(0.2)
            order.append("first")

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    with locked(tmp_path, "bundle", wait=True):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]


def test_a_folder_that_may_only_be_read_is_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: object, *_: object, **__: object) -> int:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(os, "open", refuse)
    with (
        pytest.raises(TaggerError, match="run: cannot be written: Read-only file system"),
        locked(tmp_path / "run", "training"),
    ):
        pass


# -- bundles


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The folder of a model of which ``score`` is 1.0."""
    folder = tmp_path / "model"
    tagger_files.save(folder, scored(1.0))
    return folder


def scored(score: float) -> Any:
    return replace(tagger_files.load(GOLDEN), metrics={"dev": {"score": score}})


def score_of(folder: Path) -> float:
    return float(tagger_files.load(folder).metrics["dev"]["score"])


STEPS = ("os.replace", "os.fsync", "os.rename", "os.unlink", "os.link", "os.mkdir", "os.rmdir")


def counted(action: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Call `action` before each system call that changes a folder or flushes a file."""
    for step in STEPS:
        name = step.partition(".")[2]
        real = getattr(os, name)

        def call(*arguments: Any, real: Any = real, **options: Any) -> Any:
            action()
            return real(*arguments, **options)

        monkeypatch.setattr(os, name, call)


def saved_with_a_kill_before(step: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Save a model of score 2.0 in a process that is killed before a system call; return whether
    it ended before.
    """
    bundle, left = scored(2.0), [step]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a fork with threads
        process = os.fork()
    if process == 0:

        def kill() -> None:
            left[0] -= 1
            if left[0] < 0:
                os._exit(9)

        with monkeypatch.context() as patches:
            counted(kill, patches)
            tagger_files.save(folder, bundle)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0


def test_a_kill_at_any_moment_leaves_the_model_or_the_new_one(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores, is_done, step = [], False, 0
    while not is_done:
        folder = Path(shutil.copytree(model, tmp_path / "copy"))
        is_done = saved_with_a_kill_before(step, folder, monkeypatch)
        scores.append(score_of(folder))
        for path in folder.glob(".bundle.*.tmp"):
            old(path)  # an empty one could be new
        tagger_files.save(folder, scored(3.0))
        assert score_of(folder) == 3.0
        assert names(folder) == names(model), "remains"
        shutil.rmtree(folder)
        step += 9  # benchmarks.reliability tries them all
    assert scores == sorted(scores)
    assert {*scores} == {1.0, 2.0}


def test_a_first_bundle_is_there_as_a_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, is_done, step = [], False, 0
    while not is_done:
        is_done = saved_with_a_kill_before(step, tmp_path / "new", monkeypatch)
        try:
            found.append(score_of(tmp_path / "new"))
        except BundleError:
            found.append(0.0)
            with pytest.raises(BundleError, match="not a trained model: there is no"):
                score_of(tmp_path / "new")
        shutil.rmtree(tmp_path / "new", ignore_errors=True)
        step += 9
    assert found == sorted(found)
    assert {*found} == {0.0, 2.0}


def test_a_full_disk_at_any_moment_leaves_the_model(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.read_bytes() for path in model.rglob("*") if path.is_file()}
    bundle = scored(2.0)
    for step in range(8):
        left = [step]

        def fill(_: int, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patches:
            patches.setattr(os, "fsync", fill)
            with pytest.raises(TaggerError, match="cannot be written: No space left on device"):
                tagger_files.save(model, bundle)
        assert {path: path.read_bytes() for path in model.rglob("*") if path.is_file()} == before


def test_bundles_saved_into_one_folder_at_once_never_mix(tmp_path: Path) -> None:
    bundles = [scored(float(score)) for score in range(4)]
    failures: list[Exception] = []

    def save(bundle: Any) -> None:
        try:
            for _ in range(5):
                tagger_files.save(tmp_path / "model", bundle)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=save, args=(bundle,)) for bundle in bundles]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert score_of(tmp_path / "model") in range(4)


def test_a_model_that_cannot_be_completed_says_so(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (model / ".bundle.next").mkdir()
    (model / "README.md").rename(model / ".bundle.next" / "README.md")

    def refuse(*_: object, **__: object) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as patches:
        patches.setattr(os, "open", refuse)
        with pytest.raises(BundleError, match="writing this model was interrupted, and cannot be"):
            tagger_files.load(model)
    assert score_of(model) == 1.0
    assert ".bundle.next" not in names(model)


# -- trainings


@pytest.fixture
def settings(tmp_path: Path) -> Config:
    return settings_in(tmp_path)


def test_a_training_without_a_checkpoint_starts_over(settings: Config, tmp_path: Path) -> None:
    run = tmp_path / "run"
    runs.write_settings(run, commented_toml(settings))
    for remains in ("tensorboard", "checkpoint", "labels"):
        (run / remains).mkdir()
    (run / "history.csv").touch()
    (run / ".training.lock").touch()
    (run / "checkpoint" / f".last.npz.{TOKEN}.tmp").touch()
    for resume in (True, False):
        progress, arrays = runs.start_or_resume(run, settings, resume)
        assert (progress.history, arrays) == ([], {})


@pytest.mark.parametrize("mine", ["notes.txt", "manifest.json", "checkpoint/last.npz"])
def test_a_folder_with_anything_else_is_not_started_over(
    mine: str, settings: Config, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    runs.write_settings(run, commented_toml(settings))
    (run / mine).parent.mkdir(exist_ok=True)
    (run / mine).touch()
    with pytest.raises(TaggerError, match="exists and is not empty"):
        runs.start_or_resume(run, settings, False)


def test_settings_of_the_user_are_never_overwritten(settings: Config, tmp_path: Path) -> None:
    run = tmp_path / "run"
    runs.write_settings(run, "# mine\n" + commented_toml(settings))
    with pytest.raises(TaggerError, match="exists and is not empty"):
        runs.start_or_resume(run, settings, False)


@pytest.mark.slow
def test_two_trainings_in_one_folder_exclude_each_other(tmp_path: Path) -> None:
    from tagger.training import trainer

    run = tmp_path / "run"
    with locked(run, "training"), pytest.raises(TaggerError, match="in use by another training"):
        trainer.train(settings_in(tmp_path), run)
    assert not (run / "config.toml").exists()
