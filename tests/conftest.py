"""One tiny trained model for all tests: training is the slowest thing that this suite does."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.paths import SAMPLE


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder, as `tagger train` leaves it, of a model that is small but does find spans. Copy
    it, never change it.
    """
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
    folder = tmp_path_factory.mktemp("trained") / "run"
    trainer.train(settings, folder)
    return folder


@pytest.fixture(scope="session")
def predictor(trained_run: Path):
    """The model in `trained_run`, in float32: numbers in int8 depend on the batch."""
    import tagger

    return tagger.load(trained_run, precision="float32")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model that labels text for others. Copy it, never change it."""
    from support.teaching import train_teacher

    return train_teacher(tmp_path_factory.mktemp("teacher"))


@pytest.fixture
def student(teacher: Path, tmp_path: Path):
    """Settings of a training that learns from the teacher."""
    from support.teaching import student_settings

    return student_settings(teacher, tmp_path)
