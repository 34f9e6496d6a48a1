"""One training of a text classifier, as a task of the training loop.

Axes: N texts, K labels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tagger.bundles import classifier as bundles
from tagger.bundles.classifier import ClassifierBundle
from tagger.bundles.encoder import sources_of
from tagger.bundles.language_model import LanguageModelBundle
from tagger.classification.classifier import Classifier
from tagger.config.classifier import ClassifierConfig
from tagger.corpora import texts as corpora
from tagger.corpora.texts import TextCorpus, TextSplits
from tagger.evaluation.figures import percentages
from tagger.export.classifier import with_graphs
from tagger.features.batches import bucket, collate
from tagger.features.encode import WordEncoder, WordFeatures
from tagger.features.token_states import TokenStates
from tagger.language_models.model import LanguageModel
from tagger.networks.classifier import TextClassifier
from tagger.text.labeled import LabeledText
from tagger.training import data_facts
from tagger.training.build_classifier import architecture
from tagger.training.callbacks import divergence_error
from tagger.training.checkpoints import Progress
from tagger.training.export.text_calibration import decided
from tagger.training.facts import ClassifierFacts, VectorFacts
from tagger.training.inputs.context import contexts_of, language_models_of
from tagger.training.inputs.texts import TextBatches, targets_of
from tagger.training.inputs.word_features import features_of
from tagger.training.loop import Job, Task

__all__ = ["dev_score", "prepare"]

KERAS_BUDGET = 4096  # padded tokens per run of the network on dev


def prepare(splits: TextSplits | None, job: Job[ClassifierConfig]) -> Task[ClassifierBundle]:
    """Read the texts of a training and return its task.

    Args:
        splits: Train and dev, if they have been read before.
        job: The training.

    Returns:
        The task.

    Raises:
        TaggerError: Errors of settings, data or disk.
    """
    settings, data = job.settings, job.settings.data
    splits = splits or corpora.splits(data)
    train, dev = splits
    warnings = corpora.warnings(train, dev)
    job.observer.corpus_read([train.summary(), dev.summary()], warnings)
    models = language_models_of(settings)
    job.check_data(
        [
            data_facts.of_texts("train", train),
            data_facts.of_texts("dev", dev),
            *data_facts.of_pretrained(data.vectors, data.language_models, models),
        ]
    )
    readers = [LanguageModel(model) for model in models]
    train_contexts, dev_contexts = (
        contexts_of(readers, [text.tokens for text in corpus.texts], job.observer)
        for corpus in splits
    )
    features, readings = features_of(settings, train.texts, sources_of(models))
    labels = tuple(sorted(train.label_counts()))
    return _ClassifierTask(
        settings=settings,
        splits=splits,
        labels=labels,
        features=features,
        vectors=tuple(VectorFacts(*reading) for reading in readings),
        data=TextBatches(
            train.texts, features, labels, settings, contexts=train_contexts, epoch=job.epoch
        ),
        word_encoder=WordEncoder(features),
        models=models,
        dev_contexts=dev_contexts,
    )


@dataclass(frozen=True)
class _ClassifierTask:
    """The task of training a text classifier."""

    settings: ClassifierConfig
    splits: TextSplits
    labels: tuple[str, ...]
    features: WordFeatures
    vectors: tuple[VectorFacts, ...]
    data: TextBatches
    word_encoder: WordEncoder
    models: tuple[LanguageModelBundle, ...]
    dev_contexts: TokenStates | None

    def build_model(self) -> TextClassifier:
        """Return the untrained network."""
        settings = self.settings
        return TextClassifier.create(
            architecture(
                settings.model,
                self.features,
                len(self.labels),
                multi_label=settings.data.multi_label,
            )
        )

    def describe(self, model: TextClassifier) -> ClassifierFacts:
        """Return the facts for observers."""
        train, dev = self.splits
        return ClassifierFacts(
            vocabulary=len(self.features.words),
            parameters=sum(math.prod(weight.shape) for weight in model.named_weights().values()),
            epochs=self.settings.training.epochs,
            train_texts=len(train.texts),
            train_tokens=train.tokens,
            dev_texts=len(dev.texts),
            dev_tokens=dev.tokens,
            labels=self.labels,
            multi_label=self.settings.data.multi_label,
            vectors=self.vectors,
        )

    def score(self, model: TextClassifier) -> dict[str, float]:
        """Return the dev scores; see `dev_score`."""
        return dev_score(
            model, self.splits.dev.texts, self.word_encoder, self.labels, self.dev_contexts
        )

    def finish(self, weights: dict[str, np.ndarray], progress: Progress) -> ClassifierBundle:
        """Return the bundle with the best weights, graphs, and what dev decides with them."""
        train, dev = self.splits
        trained = with_graphs(
            ClassifierBundle(
                self.settings,
                self.labels,
                self.features,
                weights,
                _metrics(progress, train),
                language_models=self.models,
            )
        )
        multi_label = self.settings.data.multi_label
        targets = targets_of(dev.texts, self.labels, multi_label=multi_label)
        with Classifier(trained) as model:
            logits = model.logits(text.tokens for text in dev.texts)
        decisions = decided(logits, targets, self.labels, multi_label=multi_label)
        return replace(trained, metrics=trained.metrics | decisions)

    def save(self, run: Path, bundle: ClassifierBundle) -> None:
        """Write the bundle to the run's folder."""
        bundles.save(run, bundle)


def dev_score(
    model: TextClassifier,
    texts: Sequence[LabeledText],
    word_encoder: WordEncoder,
    labels: Sequence[str],
    contexts: TokenStates | None = None,
) -> dict[str, float]:
    """Return the scores of a network on labeled texts.

    Args:
        model: Keras network of a classifier.
        texts: Labeled texts.
        word_encoder: Encoder of their words.
        labels: Labels of the model.
        contexts: Language-model states of the texts, if the model uses any.

    Returns:
        ``dev_score``, the accuracy in percent or, with several labels per text, the micro F1 at a
        threshold of 0.5; and ``dev_loss``, the negative log-likelihood in nats per text.

    Raises:
        TaggerError: The network's outputs are infinite or NaN.
    """
    multi_label = model.architecture.multi_label
    targets = targets_of(texts, labels, multi_label=multi_label)
    logits = np.empty((len(texts), len(labels)))
    for indices, found in _logits_in_batches(model, texts, word_encoder, contexts):
        logits[indices] = found
    # The last step of an epoch may diverge without any loss having shown it.
    if not np.isfinite(logits).all():
        raise divergence_error("the network's scores of dev texts became infinite or NaN")
    if multi_label:
        chosen = logits >= 0
        gold = sum(len(text.labels) for text in texts)  # those that the model lacks are missed
        score = percentages(gold, int(chosen.sum()), int((chosen * targets).sum()))[2]
        nats = np.logaddexp(0, logits) - logits * targets
        return {"dev_score": score, "dev_loss": float(nats.sum(axis=1).mean())}
    right = logits.argmax(axis=1) == targets
    known = targets >= 0
    highest = logits.max(axis=1, keepdims=True)
    partition = highest[:, 0] + np.log(np.exp(logits - highest).sum(axis=1))
    nats = partition[known] - logits[known, targets[known]]
    loss = float(nats.mean()) if known.any() else 0.0
    return {"dev_score": 100 * float(right.mean()), "dev_loss": loss}


def _logits_in_batches(
    model: TextClassifier,
    texts: Sequence[LabeledText],
    word_encoder: WordEncoder,
    contexts: TokenStates | None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield indices of texts (B,) and their logits (B, K), in batches of similar length."""
    word_ids = word_encoder.word_ids([text.tokens for text in texts])
    lengths = np.array([len(text) for text in texts])
    for indices in bucket(lengths, np.argsort(lengths, kind="stable"), KERAS_BUDGET):
        batch = collate(indices, word_encoder, word_ids, contexts=contexts)
        yield indices, model.logits(batch.inputs)


def _metrics(progress: Progress, train: TextCorpus) -> dict[str, Any]:
    """Return the metrics of the bundle: dev scores of the best epoch and sizes."""
    best = progress.history[progress.best_epoch - 1]
    return {
        "dev": {"score": round(best["dev_score"], 2), "log_loss": round(best["dev_loss"], 4)},
        "best_epoch": progress.best_epoch,
        "epochs": len(progress.history),
        "train_texts": len(train.texts),
    }
