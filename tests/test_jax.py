"""The same model file on another backend: JAX runs and trains what TensorFlow trained."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.paths import ROOT
from support.processes import PATIENCE
from support.tiny import BY_HEART, settings_in

from tagger.config.tagger import override
from tagger.inference import predictor
from tagger.training import trainer

pytestmark = pytest.mark.slow

pytest.importorskip("jax", reason="JAX is not installed")

PREDICTING = "training.word_prediction=0.1"
SENTENCES = [["Anna", "Keller", "sang"], ["Oslo"], []]
JAX = f"""
import sys, numpy as np, keras
from tagger.training import trainer
from tagger.config.tagger import load
from tagger.inference import predictor
assert keras.backend.backend() == "jax"
trained, mine, out = sys.argv[1:]
model = predictor.load(trained)
np.savez(out, *[[span.score for span in s.spans] for s in model.tag_tokens({SENTENCES})])
assert trainer.train(load(trained + "/config.toml"), mine).metrics["dev"]["score"] > 0
"""


@pytest.mark.parametrize(
    "changes",
    [
        ["model.layers=2", "model.cell=lstm-peephole"],
        [
            "model.head=crf",
            "training.averaging=0.5",
            "vocabulary.word_dropout=0.1",
            "model.character_encoder=rnn",
            PREDICTING,
        ],
    ],
    ids=["softmax", "crf, predicting words"],
)
def test_the_same_model_runs_and_trains_on_jax(
    tmp_path: Path, shared_base: Path, changes: list[str]
) -> None:
    run = tmp_path / "run"
    trainer.train(
        override(
            settings_in(tmp_path),
            [*BY_HEART, "training.patience=8", "training.epochs=30", *changes],
        ),
        run,
    )
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "PYTHONPATH": str(ROOT),
        # What the other case has compiled need not be compiled again.
        "JAX_COMPILATION_CACHE_DIR": str(shared_base / "jax"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    arguments = [str(tmp_path / name) for name in ("run", "jax", "scores.npz")]
    done = subprocess.run(
        [sys.executable, "-c", JAX, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    expected = [
        [span.score for span in sentence.spans or ()]
        for sentence in predictor.load(run).tag_tokens(SENTENCES)
    ]
    with np.load(tmp_path / "scores.npz") as found:
        for name, scores in zip(found.files, expected, strict=True):
            np.testing.assert_allclose(found[name], np.array(scores, dtype=float), atol=1e-4)
    assert expected[0]
