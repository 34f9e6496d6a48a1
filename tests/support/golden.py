"""Makes the golden bundles in tests/data; see the README there.

From the root of the repository: PYTHONPATH=.:tests python -m support.golden
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from support import small_language_models as small
from support import small_seq2seq, texts
from support.paths import GOLDEN, GOLDEN_CLASSIFIER, GOLDEN_LANGUAGE_MODEL, GOLDEN_SEQ2SEQ
from tagger.bundles import classifier as classifiers
from tagger.bundles import language_model as language_models
from tagger.bundles import seq2seq
from tagger.bundles import tagger_files as bundles
from tagger.config.tagger import Config, override
from tagger.training import trainer

PEOPLE = (
    "Rosa", "Amara", "Mira Okafor", "Jonas Lindqvist", "Pieter Voss", "Tomasz", "Leila Haddad",
    "Leila", "Ines Duarte",
)  # fmt: skip
PLACES = ("Quito", "Porto", "Hanoi", "Lagos", "Valletta", "Kraków", "Tromsø")
COMPANIES = ("Nordwind", "Kestrel Rail", "Borealis Labs", "Harbour Trust")
TEMPLATES = (
    "It rained all day .", "The train from LOC to LOC was late .", "Yesterday PER left LOC .",
    "Nobody at ORG answered .", "PER visited LOC .", "ORG opened an office in LOC .",
    "PER and PER met in LOC .", "PER works for ORG in LOC .", "The train from ORG met PER in LOC .",
    "Nobody met PER .", "LOC", "PER left when she met PER in LOC .",
)  # fmt: skip
SETTINGS = [
    "data.train=train.conll", "data.dev=train.conll", "data.vectors=['vectors.txt']",
    "data.language_models=['forward', 'backward']",
    "model.fine_tune=true", "model.characters=6", "model.shape=3", "model.projection=4",
    "model.units=6", "training.epoch_tokens=0", "training.batch_tokens=64",
    "training.learning_rate=0.03", "training.epochs=40", "vocabulary.word_dropout=0.1",
    "vocabulary.unknown_probability=0.1", "training.seed=4",
]  # fmt: skip


def corpus(count: int) -> str:
    """Return sentences made of the templates, in CoNLL columns."""
    draw, lines = random.Random(1), []
    names = {"PER": PEOPLE, "LOC": PLACES, "ORG": COMPANIES}
    for _ in range(count):
        for part in draw.choice(TEMPLATES).split():
            words = draw.choice(names[part]).split() if part in names else [part]
            for number, word in enumerate(words):
                tag = f"{'I' if number else 'B'}-{part}" if part in names else "O"
                lines.append(f"{word} {tag}")
        lines.append("")
    return "\n".join(lines) + "\n"


def vectors() -> str:
    """Return random vectors of most words of the corpus, as text."""
    draw = np.random.default_rng(2)
    words = {word.lower() for text in (*TEMPLATES, *PLACES, *COMPANIES) for word in text.split()}
    return "".join(
        f"{word} {' '.join(f'{number:.2f}' for number in draw.normal(size=5))}\n"
        for word in sorted(words)
    )


def make_classifier() -> None:
    """Write the golden classifier in place of the one that is there."""
    classifier, _ = texts.made(
        "data.multi_label=true", "model.pooling=maximum", "model.hidden=[3]", "model.cell=gru"
    )
    metrics = {
        "dev": {"score": 75.5, "log_loss": 0.25},
        "calibration": {"texts": 200, "ece": 0.02, "ece_before": 0.08, "brier": 0.1,
                        "brier_before": 0.2},
        "temperatures": {"bad": 0.5, "good": 2.0, "mixed": 1.0},
        "decoding": {"threshold": 0.4, "score": 76.0, "without": 75.5},
    }  # fmt: skip
    shutil.rmtree(GOLDEN_CLASSIFIER, ignore_errors=True)
    classifiers.save(GOLDEN_CLASSIFIER, replace(classifier, metrics=metrics))


def make_seq2seq() -> None:
    """Write the golden sequence-to-sequence model in place of the one that is there."""
    model = small_seq2seq.bundle_of(
        seed=3,
        model={"cell": "lstm", "layers": 2},
        decoder={"cell": "lstm-peephole", "layers": 2},
        data={"features": "d"},
    )
    shutil.rmtree(GOLDEN_SEQ2SEQ, ignore_errors=True)
    seq2seq.save(GOLDEN_SEQ2SEQ, replace(model, metrics={"dev": {"symbol_error_rate": 3.5}}))


def make() -> None:
    """Write all golden bundles in place of those that are there."""
    make_classifier()
    make_seq2seq()
    model = small.bundle_of(
        seed=7, cell="lstm", units=5, layers=2, embedding=3, direction="backward"
    )
    shutil.rmtree(GOLDEN_LANGUAGE_MODEL, ignore_errors=True)
    language_models.save(
        GOLDEN_LANGUAGE_MODEL, replace(model, metrics={"dev": {"perplexity": 3.5}})
    )
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["TAGGER_CACHE"] = "cache"
        Path("train.conll").write_text(corpus(300), encoding="utf-8")
        Path("vectors.txt").write_text(vectors(), encoding="utf-8")
        for seed, direction in enumerate(("forward", "backward")):
            language_models.save(direction, small.bundle_of(seed=seed, direction=direction))
        trained = trainer.train(override(Config(), SETTINGS), "run")
        # Sentences alone and exact numbers: then what is tagged together changes nothing.
        metrics = {
            name: value
            for name, value in trained.metrics.items()
            if name not in ("agreement", "int8", "precision")
        }
        shutil.rmtree(GOLDEN, ignore_errors=True)
        bundles.save(GOLDEN, replace(trained, metrics=metrics))
        os.chdir(before)


if __name__ == "__main__":
    make()
