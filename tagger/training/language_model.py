"""The training of a language model: from a configuration to a bundle."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tagger.bundles import language_model as bundle
from tagger.bundles.language_model import Bundle
from tagger.config import language_model as config
from tagger.config.language_model import Config, ModelConfig
from tagger.export import language_model as graph
from tagger.features.vocabulary import Vocabulary
from tagger.language_models import text
from tagger.language_models.model import LanguageModel as Runtime
from tagger.language_models.text import Encoded
from tagger.networks.language_model import Architecture, LanguageModel
from tagger.training import runs
from tagger.training.callbacks import EpochEnd, EpochTensorBoard, State, exhausted, exploded
from tagger.training.checkpoints import Progress
from tagger.training.hardware import keep_freed_memory, share_cores
from tagger.training.inputs.text_windows import Streams
from tagger.training.observer import Observer
from tagger.training.optimizers import average_of, compile_model

__all__ = ["OnKeras", "architecture", "dev_score", "restore", "train"]


def train(
    settings: Config | str | Path,
    run: str | Path,
    *,
    resume: bool = False,
    observer: Observer | None = None,
) -> Bundle:
    """Train a language model and write it to the folder `run`, which is a bundle afterwards.

    As a tagger's training, it writes ``history.csv``, TensorBoard logs and, after each epoch, a
    checkpoint; the same settings, text and backend give the same bundle, byte for byte, also when
    the training was stopped and resumed in between.

    Raises: TaggerError: of configuration, data or disk; also when the loss is no number any more,
        or `run` is in use.
    """
    keep_freed_memory()
    share_cores(1)
    settings = settings if isinstance(settings, Config) else config.load(settings)
    config.check(settings)
    run, observer = Path(run), observer or Observer()
    progress, arrays = runs.begun(run, settings, resume)
    runs.seed(settings.training.seed)

    vocabulary = text.vocabulary_of(settings)
    with _encoded(settings, vocabulary, run) as texts:
        if not resume:
            runs.claim(run, config.to_toml(settings))
        data = _streams(
            texts["train"], settings, epoch_tokens=settings.training.epoch_tokens, restart=True
        )
        data.epoch = len(progress.history)
        model = LanguageModel.create(
            architecture(settings.model, len(vocabulary), settings.training.streams)
        )
        compile_model(model, settings.training, len(data))
        state = State(progress, arrays.get("best", {}), average_of(settings.training, len(data)))
        if resume:
            runs.restore(model, state, arrays)
        observer.started(_facts(settings, texts, vocabulary, model))
        score = partial(dev_score, model, _streams(texts["dev"], settings), texts["dev"])
        end = EpochEnd(run, state, settings.training, data, score)
        end.observer = observer
        _fit(model, data, end, settings.training.epochs, run)
        trained = graph.with_graphs(
            Bundle(settings, vocabulary, state.best, _metrics(progress, texts))
        )
    bundle.save(run, trained)
    return trained


@contextmanager
def _encoded(settings: Config, vocabulary: Vocabulary, run: Path) -> Iterator[dict[str, Encoded]]:
    """The text as numbers in files of the run's folder, as long as the block lasts; nothing is left
    of a run that never began.
    """
    try:
        yield {
            name: text.encode(
                getattr(settings.data, name), settings, vocabulary, run / "text" / name
            )
            for name in ("train", "dev")
        }
    finally:
        shutil.rmtree(run / "text", ignore_errors=True)
        with suppress(OSError):  # it is not empty
            run.rmdir()


def _streams(encoded: Encoded, settings: Config, **options: Any) -> Streams:
    """The text's streams in the order of reading: backwards it begins with the border that is its
    end.
    """
    numbers = encoded.numbers[::-1] if settings.model.direction == "backward" else encoded.numbers
    return Streams(numbers, settings.training.streams, settings.training.window, **options)


def _fit(model: LanguageModel, data: Streams, end: EpochEnd, epochs: int, run: Path) -> None:
    if exhausted(end.progress, end.training.patience):
        return
    callbacks = [end, EpochTensorBoard(str(run / "tensorboard"), write_graph=False)]
    model.fit(
        data, epochs=epochs, initial_epoch=data.epoch, callbacks=callbacks, verbose=0, shuffle=False
    )


def dev_score(model: LanguageModel, streams: Streams, encoded: Encoded) -> dict[str, float]:
    """Perplexity and bits per character of a text that is read as streams whose state is carried
    on.

    The figure that decides is ``dev_score``, the geometric mean of the targets' probabilities in
    percent: 100 / perplexity.

    Raises:
        TaggerError: the network gives no numbers.
    """
    total = 0.0
    for number in range(len(streams)):
        inputs, real = streams[number]
        total += float(np.sum(model.predict_on_batch(inputs).astype(np.float64) * real))
    if not np.isfinite(total):
        raise exploded("the network's probabilities of the dev text are no numbers any more")
    perplexity = float(np.exp(-total / encoded.predicted))
    bits = -total / np.log(2) / encoded.characters
    return {"dev_score": 100 / perplexity, "dev_perplexity": perplexity, "dev_bits": float(bits)}


def architecture(model: ModelConfig, vocabulary_size: int, streams: int = 0) -> Architecture:
    """The network that these settings describe."""
    return Architecture(
        vocabulary_size=vocabulary_size,
        embedding=model.embedding,
        cell=model.cell,
        units=model.units,
        layers=model.layers,
        tied=model.tied,
        input_dropout=model.input_dropout,
        dropout=model.dropout,
        recurrent_dropout=model.recurrent_dropout,
        streams=streams,
    )


def restore(trained: Bundle, streams: int = 0) -> LanguageModel:
    """The Keras network of a bundle."""
    model = LanguageModel.create(
        architecture(trained.config.model, len(trained.vocabulary), streams)
    )
    for name, weight in model.named_weights().items():
        weight.assign(trained.weights[name])
    return model


class OnKeras(Runtime):
    """The runtime's model whose activations Keras computes: for where ONNX Runtime is not, and on a
    GPU.
    """

    def __init__(self, trained: Bundle) -> None:
        super().__init__(trained)
        self.network = restore(trained)

    def activations(self, numbers: np.ndarray, places: np.ndarray) -> np.ndarray:
        a, _ = self.network.activations(np.ascontiguousarray(numbers.T, dtype=np.int32))
        by_time = keras.ops.convert_to_numpy(a).transpose(1, 0, 2)
        return np.asarray(by_time.reshape(-1, self.units)[places])


def _facts(
    settings: Config, texts: dict[str, Encoded], vocabulary: Vocabulary, model: LanguageModel
) -> dict[str, Any]:
    return {
        **{name: encoded.predicted for name, encoded in texts.items()},
        "unknown": {name: encoded.unknown / encoded.predicted for name, encoded in texts.items()},
        "level": settings.model.level,
        "vocabulary": len(vocabulary),
        "parameters": sum(int(np.prod(weight.shape)) for weight in model.trainable_variables),
        "epochs": settings.training.epochs,
    }


def _metrics(progress: Progress, texts: dict[str, Encoded]) -> dict[str, Any]:
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
