"""Training of sequence-to-sequence models: from a configuration to a bundle."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tagger.bundles import seq2seq as bundles
from tagger.bundles.seq2seq import Seq2SeqBundle
from tagger.config import schema
from tagger.config.seq2seq import Seq2SeqConfig, SymbolsConfig, check
from tagger.export import seq2seq as graphs
from tagger.features.encode import WordFeatures
from tagger.features.vocabulary import UNK, Vocabulary
from tagger.networks.seq2seq import Seq2SeqNetwork
from tagger.seq2seq import splits as pair_splits
from tagger.seq2seq.decoding import decode
from tagger.seq2seq.error_rates import ErrorRates
from tagger.seq2seq.pairs import Pair
from tagger.seq2seq.splits import PairSplits, References, references_of
from tagger.training.build_seq2seq import OnKeras, architecture
from tagger.training.checkpoints import Progress
from tagger.training.data_facts import DataFacts, digest_of
from tagger.training.facts import Seq2SeqFacts
from tagger.training.inputs.pairs import PairBatches
from tagger.training.inputs.word_features import inputs_of
from tagger.training.loop import Job, run_training
from tagger.training.observer import Observer

__all__ = ["train"]


def train(
    config: Seq2SeqConfig | Mapping[str, Any] | str | Path,
    run: str | Path,
    *,
    resume: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    observer: Observer | None = None,
    splits: PairSplits | None = None,
) -> Seq2SeqBundle:
    """Train a sequence-to-sequence model and write its bundle to the folder `run`.

    Args:
        config: Settings; tables of settings, such as ``{"data": {"train": ["pairs.tsv"]}}``; or the
            path of a TOML file.
        run: Folder of the training, empty unless `resume` is given.
        resume: Whether to continue an interrupted training.
        callbacks: Keras callbacks, which run after the library's own and see its ``logs``. Weights
            that they change are not in the checkpoint of the epoch.
        observer: Receiver of events. Default: the log ``tagger.training``.
        splits: Train and dev, if they have been read already.

    Returns:
        The bundle with the weights of the best epoch and ONNX graphs.

    Raises:
        ConfigError: The settings are invalid.
        TaggerError: Errors of `run_training`.
    """
    settings = schema.resolve(Seq2SeqConfig, config)
    check(settings)
    return run_training(
        partial(_prepare, splits),
        settings,
        run,
        chains=1 + settings.model.bidirectional,
        resume=resume,
        callbacks=callbacks,
        observer=observer,
    )


def _prepare(splits: PairSplits | None, job: Job[Seq2SeqConfig]) -> _Seq2SeqTask:
    """Read the pairs of a training, unless they were read, and return its task."""
    settings = job.settings
    read = splits or pair_splits.splits(settings.data)
    job.observer.corpus_read(read.summaries(), read.warnings())
    job.check_data(
        [_facts("train", read.train_name, read.train), _facts("dev", read.dev_name, read.dev)]
    )
    symbols = _vocabulary([pair.source for pair in read.train], settings.vocabulary)
    targets = _vocabulary([pair.target or () for pair in read.train], settings.vocabulary)
    features = inputs_of(settings, symbols)
    data = PairBatches(read.train, features, targets, settings, epoch=job.epoch)
    return _Seq2SeqTask(settings, features, targets, data, references_of(read.dev))


def _facts(role: str, name: str, pairs: Sequence[Pair]) -> DataFacts:
    """Return the facts about pairs."""
    content = (repr((pair.source, pair.target)) for pair in pairs)
    return DataFacts(role, name, digest_of(content), {"pairs": len(pairs)})


def _vocabulary(sequences: Sequence[Sequence[str]], settings: SymbolsConfig) -> Vocabulary:
    """Return the vocabulary of the sources or the targets of train."""
    return Vocabulary.build(
        sequences, minimum_count=settings.minimum_count, maximum_size=settings.maximum_size
    )


class _Seq2SeqTask:
    """The task of training a sequence-to-sequence model."""

    def __init__(
        self,
        settings: Seq2SeqConfig,
        features: WordFeatures,
        targets: Vocabulary,
        data: PairBatches,
        dev: References,
    ) -> None:
        self.settings = settings
        self.features = features
        self.targets = targets
        self.data = data
        self.dev = dev
        self._engine: OnKeras | None = None

    def build_model(self) -> Seq2SeqNetwork:
        """Return the untrained network."""
        sizes = architecture(self.settings, self.features, len(self.targets))
        return Seq2SeqNetwork.create(sizes)

    def describe(self, model: Seq2SeqNetwork) -> Seq2SeqFacts:
        """Return the facts for observers."""
        weights = model.named_weights().values()
        references = [target for targets in self.dev.values() for target in targets]
        unknown = sum(int((self.targets.ids(target) == UNK).sum()) for target in references)
        return Seq2SeqFacts(
            vocabulary=len(self.features.words),
            parameters=sum(math.prod(weight.shape) for weight in weights),
            epochs=self.settings.training.epochs,
            target_vocabulary=len(self.targets),
            train_pairs=len(self.data.lengths),
            dev_sources=len(self.dev),
            dev_unknown=unknown,
        )

    def score(self, model: Seq2SeqNetwork) -> dict[str, float]:
        """Return the error rates of greedy search on dev.

        Returns:
            ``dev_symbol_error`` and ``dev_string_error`` in percent, and ``dev_score``, which early
            stopping uses: 100 - the former, not below 0. It moves long before the first target is
            right as a whole, unlike the share of right targets.
        """
        if self._engine is None:  # once, since its functions are compiled
            self._engine = OnKeras(model)
        rates = ErrorRates()
        found = decode(self._engine, self.features, list(self.dev))
        for (best,), references in zip(found, self.dev.values(), strict=True):
            rates.add([self.targets.words[number - 2] for number in best.ids], references)
        symbols, strings = 100 * rates.symbol_error_rate, 100 * rates.string_error_rate
        return {
            "dev_score": max(100 - symbols, 0.0),
            "dev_symbol_error": symbols,
            "dev_string_error": strings,
        }

    def finish(self, weights: dict[str, np.ndarray], progress: Progress) -> Seq2SeqBundle:
        """Return the bundle with the best weights and their graphs."""
        best = progress.history[progress.best_epoch - 1]
        metrics = {
            "dev": {
                "symbol_error_rate": round(best["dev_symbol_error"], 3),
                "string_error_rate": round(best["dev_string_error"], 3),
            },
            "best_epoch": progress.best_epoch,
            "epochs": len(progress.history),
            "train_pairs": len(self.data.lengths),
        }
        trained = Seq2SeqBundle(self.settings, self.features, self.targets, weights, metrics)
        return graphs.with_graphs(trained)

    def save(self, run: Path, bundle: Seq2SeqBundle) -> None:
        """Write the bundle to the run's folder."""
        bundles.save(run, bundle)
