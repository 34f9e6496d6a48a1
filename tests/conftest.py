"""Fixtures that several test files share, such as trained models, and the order of the tests."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.paths import GOLDEN, SAMPLE
from support.processes import make_once

if TYPE_CHECKING:
    from tagger.classification.classifier import Classifier
    from tagger.config.tagger import Config
    from tagger.inference.predictor import Predictor


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files with slow tests first, so that no worker process ends alone with a training.

    The tests of a file stay together, in their order: they share what the file's fixtures make.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def shared_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The temporary folder that all worker processes of this test run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def trained_run(shared_base: Path) -> Path:
    """A run folder, as `tagger train` leaves it, of a model that is small but does find spans. Copy
    it, never change it.
    """
    return make_once(shared_base, "trained", _train) / "run"


def _train(folder: Path) -> None:
    from tagger.config import tagger as config
    from tagger.training import trainer

    settings = config.override(
        config.Config(),
        [
            f"data.train={SAMPLE / 'train.conll'}",
            f"data.dev={SAMPLE / 'dev.conll'}",
            "model.units=20",
            "model.embedding=30",
            "model.characters=10",
            "model.shape=4",
            "training.batch_tokens=512",
            "training.learning_rate=0.01",
            "training.epochs=3",
        ],
    )
    trainer.train(settings, folder / "run")


@pytest.fixture(scope="session")
def predictor(trained_run: Path) -> Predictor:
    """The model in `trained_run`, in float32."""
    import tagger

    return tagger.load(trained_run, precision="float32")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def teacher(shared_base: Path) -> Path:
    """The folder of a model that labels text for others. Copy it, never change it."""
    from support.teaching import train_teacher

    return make_once(shared_base, "teacher", train_teacher) / "run"


@pytest.fixture
def student(teacher: Path, tmp_path: Path) -> Config:
    """Settings of a training that learns from the teacher."""
    from support.teaching import student_settings

    return student_settings(teacher, tmp_path)


@pytest.fixture
def golden_copy(tmp_path: Path) -> Path:
    """A copy of the golden bundle, which a test may damage."""
    return Path(shutil.copytree(GOLDEN, tmp_path / "bundle"))


@pytest.fixture(scope="session")
def single_label() -> Classifier:
    """A classifier of one label per text, with random weights."""
    from support.texts import made

    from tagger.classification.classifier import Classifier

    return Classifier(made()[0])


@pytest.fixture(scope="session")
def multi_label() -> Classifier:
    """A classifier of any number of labels per text, with random weights."""
    from support.texts import made

    from tagger.classification.classifier import Classifier

    return Classifier(made("data.multi_label=true", "model.pooling=mean")[0])


@pytest.fixture(scope="session")
def single_label_run(tmp_path_factory: pytest.TempPathFactory, single_label: Classifier) -> Path:
    """The folder of `single_label`. Copy it, never change it."""
    from tagger.bundles import classifier as bundles

    folder = tmp_path_factory.mktemp("single_label")
    bundles.save(folder, single_label.bundle)
    return folder


@pytest.fixture(scope="session")
def multi_label_run(tmp_path_factory: pytest.TempPathFactory, multi_label: Classifier) -> Path:
    """The folder of `multi_label`. Copy it, never change it."""
    from tagger.bundles import classifier as bundles

    folder = tmp_path_factory.mktemp("multi_label")
    bundles.save(folder, multi_label.bundle)
    return folder


@pytest.fixture
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the states of language models on disk, empty and apart from the user's."""
    monkeypatch.setenv("TAGGER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "states"


@pytest.fixture
def quiet_datasets(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No progress bars of `datasets`, and no files in the user's cache."""
    import datasets

    datasets.disable_progress_bars()
    cache = tmp_path_factory.getbasetemp() / "datasets"
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", cache)
