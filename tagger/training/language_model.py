"""Training of language models: from a configuration to a bundle."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tagger.bundles import language_model as bundles
from tagger.config import schema
from tagger.config.language_model import LanguageModelConfig, check
from tagger.export import language_model as graph
from tagger.features.text_labels import TextLabels
from tagger.features.vocabulary import Vocabulary
from tagger.language_models import text
from tagger.networks.language_model import LanguageModelNetwork
from tagger.training import data_facts
from tagger.training.build_language_model import architecture
from tagger.training.callbacks import divergence_error
from tagger.training.checkpoints import Progress
from tagger.training.facts import LanguageModelFacts
from tagger.training.inputs.text_sequences import Sequences
from tagger.training.inputs.text_windows import Streams
from tagger.training.loop import Job, run_training
from tagger.training.observer import Observer

__all__ = ["dev_score", "train"]

Windows = Streams | Sequences
"""The windows of a text: streams, or the sequences of a conditional model."""


def train(
    config: LanguageModelConfig | Mapping[str, Any] | str | Path,
    run: str | Path,
    *,
    resume: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    observer: Observer | None = None,
) -> bundles.LanguageModelBundle:
    """Train a language model and write its bundle to the folder `run`.

    Args:
        config: Settings; tables of settings, such as ``{"data": {"train": ["news.txt"]}}``; or the
            path of a TOML file.
        run: Folder of the training, empty unless `resume` is given.
        resume: Whether to continue an interrupted training.
        callbacks: Keras callbacks, which run after the library's own and see its ``logs``. Weights
            that they change are not in the checkpoint of the epoch.
        observer: Receiver of events. Default: the log ``tagger.training``.

    Returns:
        The bundle with the weights of the best epoch and ONNX graphs.

    Raises:
        ConfigError: The settings are invalid.
        TaggerError: Errors of `run_training`.
    """
    settings = schema.resolve(LanguageModelConfig, config)
    check(settings)
    return run_training(
        _prepare, settings, run, resume=resume, callbacks=callbacks, observer=observer
    )


def _prepare(job: Job[LanguageModelConfig]) -> _LanguageModelTask:
    """Encode the texts and return the task; the encoded files are removed by ``job.cleanup``."""
    settings = job.settings
    vocabulary, labels = text.survey(settings)
    texts = job.cleanup.enter_context(_encoded(settings, vocabulary, labels, job.run))
    job.check_data(
        [
            data_facts.of_ids(name, ", ".join(getattr(settings.data, name)), each.ids, labels.names)
            for name, each in texts.items()
        ]
    )
    per_epoch: dict[str, Any] = {
        "epoch_tokens": settings.training.epoch_tokens,
        "epoch": job.epoch,
    }
    data: Windows
    dev: Windows
    if labels:
        size, seed = len(vocabulary), settings.training.seed
        data = _sequences(texts["train"], settings, size, seed=seed, **per_epoch)
        dev = _sequences(texts["dev"], settings, size)
    else:
        data = _streams(texts["train"], settings, restart=True, **per_epoch)
        dev = _streams(texts["dev"], settings)
    return _LanguageModelTask(settings, vocabulary, labels, texts, data, dev)


@dataclass(frozen=True)
class _LanguageModelTask:
    """The task of training a language model."""

    settings: LanguageModelConfig
    vocabulary: Vocabulary
    labels: TextLabels
    texts: dict[str, text.Encoded]
    data: Windows
    dev: Windows

    def build_model(self) -> LanguageModelNetwork:
        """Return the untrained network."""
        settings = self.settings
        return LanguageModelNetwork.create(
            architecture(
                settings.model,
                len(self.vocabulary),
                settings.training.streams,
                len(self.labels),
            )
        )

    def describe(self, model: LanguageModelNetwork) -> LanguageModelFacts:
        """Return the facts for observers."""
        train, dev = self.texts["train"], self.texts["dev"]
        return LanguageModelFacts(
            vocabulary=len(self.vocabulary),
            parameters=sum(math.prod(weight.shape) for weight in model.trainable_variables),
            epochs=self.settings.training.epochs,
            level=self.settings.model.level,
            train_tokens=train.predicted,
            train_unknown=train.unknown / train.predicted,
            dev_tokens=dev.predicted,
            dev_unknown=dev.unknown / dev.predicted,
            conditional_on=self.labels.summary() if self.labels else "",
        )

    def score(self, model: LanguageModelNetwork) -> dict[str, float]:
        """Return the dev scores; see `dev_score`."""
        return dev_score(model, self.dev, self.texts["dev"])

    def finish(
        self, weights: dict[str, np.ndarray], progress: Progress
    ) -> bundles.LanguageModelBundle:
        """Return the bundle with the best weights and their graphs."""
        trained = bundles.LanguageModelBundle(
            self.settings,
            self.vocabulary,
            weights,
            _metrics(progress, self.texts),
            labels=self.labels,
        )
        return graph.with_graphs(trained)

    def save(self, run: Path, bundle: bundles.LanguageModelBundle) -> None:
        """Write the bundle to the run's folder."""
        bundles.save(run, bundle)


@contextmanager
def _encoded(
    settings: LanguageModelConfig, vocabulary: Vocabulary, labels: TextLabels, run: Path
) -> Iterator[dict[str, text.Encoded]]:
    """Encode the texts to temporary files in the run's folder, removed at the end of the block.

    The folder itself is removed too if it is empty, as after a failure before the first epoch.
    """
    try:
        yield {
            name: text.encode(
                getattr(settings.data, name), settings, vocabulary, run / "text" / name, labels
            )
            for name in ("train", "dev")
        }
    finally:
        shutil.rmtree(run / "text", ignore_errors=True)
        with suppress(OSError):  # it is not empty
            run.rmdir()


def _streams(encoded: text.Encoded, settings: LanguageModelConfig, **options: Any) -> Streams:
    """Return the streams of a text."""
    training = settings.training
    return Streams(_read(encoded, settings), training.streams, training.window, **options)


def _sequences(
    encoded: text.Encoded, settings: LanguageModelConfig, vocabulary_size: int, **options: Any
) -> Sequences:
    """Return the sequences of a text whose ids from `vocabulary_size` on are labels."""
    training = settings.training
    return Sequences(
        _read(encoded, settings),
        training.streams,
        training.window,
        vocabulary_size=vocabulary_size,
        **options,
    )


def _read(encoded: text.Encoded, settings: LanguageModelConfig) -> np.ndarray:
    """Return ids in the order of reading; a backward model starts at the final border."""
    return encoded.ids[::-1] if settings.model.direction == "backward" else encoded.ids


def dev_score(
    model: LanguageModelNetwork, windows: Windows, encoded: text.Encoded
) -> dict[str, float]:
    """Return the perplexity and the bits per character of a text.

    The hidden state is carried over from window to window, in streams from sequence to sequence,
    too. The sequences of a conditional model begin in the zero state, so its perplexity is that of
    `tagger lm score`.

    Args:
        model: Keras network of a language model. Its recurrent state is overwritten.
        windows: Windows of the text.
        encoded: The same text, for its number of targets and characters.

    Returns:
        ``dev_perplexity`` per target, ``dev_bits`` per character, and ``dev_score``, which early
        stopping uses: the geometric mean of the targets' probabilities in percent,
        100 / perplexity.

    Raises:
        TaggerError: A probability is infinite or NaN.
    """
    total = 0.0
    for number in range(len(windows)):
        inputs, real = windows[number]
        total += float(np.sum(model.predict_on_batch(inputs).astype(np.float64) * real))
    if not np.isfinite(total):
        raise divergence_error("the network's probabilities of the dev text became infinite or NaN")
    perplexity = float(np.exp(-total / encoded.predicted))
    bits = -total / np.log(2) / encoded.characters
    return {"dev_score": 100 / perplexity, "dev_perplexity": perplexity, "dev_bits": float(bits)}


def _metrics(progress: Progress, texts: dict[str, text.Encoded]) -> dict[str, Any]:
    """Return the metrics of the bundle: dev scores of the best epoch and sizes."""
    best, dev = progress.history[progress.best_epoch - 1], texts["dev"]
    return {
        "dev": {
            "perplexity": round(best["dev_perplexity"], 4),
            "bits_per_character": round(best["dev_bits"], 4),
            "unknown_percent": round(100 * dev.unknown / dev.predicted, 3),
        },
        "best_epoch": progress.best_epoch,
        "epochs": len(progress.history),
        "train_tokens": texts["train"].predicted,
    }
