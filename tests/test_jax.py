"""The same model file on another backend: JAX runs and trains what TensorFlow trained."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support import small_seq2seq
from support.paths import ROOT
from support.processes import PATIENCE
from support.tiny import BY_HEART, settings_in

from tagger.bundles import seq2seq
from tagger.config.tagger import override
from tagger.inference import predictor
from tagger.seq2seq.model import Seq2SeqModel
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


SEQ2SEQ = """
import sys, keras
import numpy as np
from tagger.bundles import seq2seq as bundles
from tagger.seq2seq.decoding import decode
from tagger.training import seq2seq
from tagger.training.build_seq2seq import OnKeras, restore
assert keras.backend.backend() == "jax"
trained, pairs, mine, out = sys.argv[1:]
bundle = bundles.load(trained)
sources = [tuple(text) for text in ("abca", "d", "ba?")]
found = decode(OnKeras(restore(bundle)), bundle.features, sources, beam=3, count=2)
np.save(out, [[one.log_probability for one in targets] for targets in found])
tables = {
    "data": {"train": pairs}, "model": {"units": 4}, "decoder": {"units": 4},
    "training": {"epochs": 1, "epoch_symbols": 0, "batch_symbols": 64},
}
assert 0 <= seq2seq.train(tables, mine).metrics["dev"]["string_error_rate"] <= 100
"""


def test_a_sequence_to_sequence_model_runs_and_trains_on_jax(tmp_path: Path) -> None:
    bundle = small_seq2seq.bundle_of(3, model={"cell": "lstm"})
    seq2seq.save(tmp_path / "run", bundle)
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("".join(f"{'ab' * n}c\t{'x' * n}\n" for n in range(1, 9)), encoding="utf-8")
    arguments = [str(tmp_path / "run"), str(pairs), str(tmp_path / "mine"), str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-c", SEQ2SEQ, *arguments],
        env={**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    predicted = Seq2SeqModel(bundle).predict(["abca", "d", "ba?"], beam=3, count=2)
    expected = [[one.log_probability for one in targets] for targets in predicted]
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), expected, atol=1e-4)
