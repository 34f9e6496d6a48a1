"""A teacher of a few sentences, and the text that it labels, for tests of labelling and
distillation.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from support.tiny import BY_HEART, settings_in
from tagger.bundles import tagger_files as bundles
from tagger.config.tagger import Config
from tagger.inference.member import EnsembleMember
from tagger.inference.network import OnnxTagger
from tagger.inference.predictor import Predictor
from tagger.training import trainer

TEXT = (
    "Anna Keller sang in Oslo\nTom lives in New York\n\nNobody is cold\nOslo sang\nYork is "
    "cold\nTom Keller sang\n" * 3
)
SENTENCES, TOKENS = 18, 3 * (5 + 5 + 3 + 2 + 3 + 3)


def train_teacher(folder: Path) -> Path:
    """A model that knows its few sentences by heart, and in which sentences help each other."""
    settings = settings_in(
        folder,
        *BY_HEART,
        "training.epochs=20",
        "training.learning_rate=0.05",
        "training.patience=20",
    )
    trained = trainer.train(settings, folder / "run")
    # In int8 what is computed together would matter a little.
    metrics = {
        **trained.metrics,
        "agreement": {"weight": 0.6, "score": 0, "without": 0},
        "precision": "float32",
    }
    bundles.save(folder / "run", replace(trained, metrics=metrics))
    return folder / "run"


def student_settings(teacher: Path, folder: Path) -> Config:
    """Those of a student's training, whose text is in the folder."""
    (folder / "news.txt").write_text(TEXT, encoding="utf-8")
    return settings_in(
        folder,
        f'distillation.teachers=["{teacher}"]',
        f'distillation.text=["{folder / "news.txt"}"]',
    )


def check_progress(tokens: int, of: int) -> None:
    """Assert that the progress of a labeling is within its limits."""
    assert 0 < tokens <= of


def a_model(*folders: Path, weight: float) -> Predictor:
    """Models in float32, and what weight other occurrences have in them."""
    members = []
    for folder in folders:
        bundle = bundles.load(folder)
        metrics = {**bundle.metrics, "agreement": {"weight": weight, "score": 0, "without": 0}}
        members.append(
            EnsembleMember(replace(bundle, metrics=metrics), OnnxTagger(bundle, "float32"))
        )
    return Predictor(*members)
