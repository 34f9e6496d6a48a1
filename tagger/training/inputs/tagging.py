"""Data of a tagger's training: corpus, tags, features and batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tagger import corpora
from tagger.bundles.encoder import sources_of
from tagger.bundles.folder import MANIFEST
from tagger.bundles.language_model import LanguageModelBundle
from tagger.config.tagger import Config, TrainingConfig
from tagger.features.encode import WordEncoder, WordFeatures
from tagger.features.token_states import TokenStates
from tagger.inference.decoder import Decoder
from tagger.language_models.model import LanguageModel
from tagger.text import schemes, tokenizers
from tagger.text.spans import Sentence
from tagger.training import data_facts, distillation
from tagger.training.facts import TaggerFacts, TextFacts, VectorFacts
from tagger.training.inputs.augmentation import versions
from tagger.training.inputs.batches import Batches
from tagger.training.inputs.context import check_tagger, contexts_of, language_models_of
from tagger.training.inputs.epochs import repeats_per_epoch
from tagger.training.inputs.mixed import DistillationBatches
from tagger.training.inputs.word_features import features_of
from tagger.training.loop import Job

__all__ = ["Batches", "DistillationBatches", "TaggerData", "check", "read"]

OFTEN = 8
"""Minimum passes over the corpus per epoch for mention replacement with language models.

At 34 passes it helps, at 3 it does not.
"""


@dataclass(frozen=True)
class TaggerData:
    """The data on which a tagger is trained and scored.

    Attributes:
        train, dev: Annotated sentences; `dev` is empty without a dev set.
        scheme: Tagging scheme of the files, or ``plain``.
        tags: Tags of the model, in the training scheme unless they are plain.
        features: Vocabularies and vectors.
        decoder: Decoder of the tags.
        word_encoder: Encoder of the tokens of dev.
        models: Language models whose hidden states are inputs.
        dev_contexts: Hidden states of the language models for dev; None without language models.
        batches: Batches of an epoch.
        vectors: Facts about the files of pretrained vectors.
        text: Facts about the text with soft labels, if any.
    """

    train: list[Sentence]
    dev: list[Sentence]
    scheme: str
    tags: tuple[str, ...]
    features: WordFeatures
    decoder: Decoder
    word_encoder: WordEncoder
    models: tuple[LanguageModelBundle, ...]
    dev_contexts: TokenStates | None
    batches: Batches | DistillationBatches
    vectors: tuple[VectorFacts, ...]
    text: TextFacts | None

    def describe(self, parameters: int, epochs: int) -> TaggerFacts:
        """Return the facts for observers about a training on these data.

        Args:
            parameters: Number of trained parameters of the model.
            epochs: Maximum number of epochs.
        """
        return TaggerFacts(
            vocabulary=len(self.features.words),
            parameters=parameters,
            epochs=epochs,
            train_sentences=len(self.train),
            train_tokens=sum(map(len, self.train)),
            dev_sentences=len(self.dev),
            dev_tokens=sum(map(len, self.dev)),
            scheme=self.scheme,
            labels=tuple(sorted(_labels(self.train))),
            vectors=self.vectors,
            text=self.text,
        )


def check(settings: Config) -> None:
    """Check the consistency of the settings before any data is read.

    Raises:
        ConfigError: The distillation settings are inconsistent with each other or with the head.
        TaggerError: The tokenizer is unknown.
    """
    distillation.check(settings)
    tokenizers.get(settings.data.tokenizer)  # fail now, not when the trained model is used


def read(job: Job[Config], splits: corpora.Splits | None = None) -> TaggerData:
    """Read the corpus of a training and prepare its batches.

    Args:
        job: The training; batches start at its epoch.
        splits: Train and dev, if they have been read before.

    Returns:
        The data. With teachers, the text has been labeled; with language models, their states have
        been computed.

    Raises:
        TaggerError: Errors of settings, data or disk.
    """
    settings = job.settings
    splits = splits or corpora.splits(settings.data)
    train, scheme = splits.train.sentences, splits.train.scheme
    dev = [] if splits.dev is None else splits.dev.sentences
    warnings = corpora.warnings(splits.train, splits.dev)
    if other_tokens := tokenizers.warning(train, settings.data.tokenizer):
        warnings.append(other_tokens)
    summaries = [corpus.summary() for corpus in splits if corpus is not None]
    job.observer.corpus_read(summaries, warnings)
    check_tagger(settings)
    models = language_models_of(settings)
    job.check_data(_facts(settings, splits, models))
    readers = [LanguageModel(model) for model in models]
    augmented = _versions(train, settings.training) if models else train
    train_contexts, dev_contexts = (
        contexts_of(readers, [one.tokens for one in sentences], job.observer)
        for sentences in (augmented, dev)
    )
    tags, labels, vocabulary = _tags(train, scheme), None, train
    if settings.distillation.teachers:
        tags, labels = distillation.teach(job, tags, scheme)
        vocabulary = distillation.vocabulary_sentences(train, labels)
    features, readings = features_of(settings, vocabulary, sources_of(models))
    batches = Batches(augmented, features, tags, settings, contexts=train_contexts, epoch=job.epoch)
    mixed = None if labels is None else DistillationBatches(batches, labels, settings)
    return TaggerData(
        train=train,
        dev=dev,
        scheme=scheme,
        tags=tags,
        features=features,
        decoder=Decoder(tags, plain_tags=scheme == schemes.PLAIN),
        word_encoder=WordEncoder(features),
        models=models,
        dev_contexts=dev_contexts,
        batches=mixed or batches,
        vectors=tuple(VectorFacts(*reading) for reading in readings),
        text=None if mixed is None else TextFacts(*mixed.facts),
    )


def _facts(
    settings: Config, splits: corpora.Splits, models: Sequence[LanguageModelBundle]
) -> list[data_facts.DataFacts]:
    """Return the facts about everything that a training reads."""
    folders = settings.data.language_models
    distilled = settings.distillation
    return [
        data_facts.of_corpus("train", splits.train),
        *([] if splits.dev is None else [data_facts.of_corpus("dev", splits.dev)]),
        *data_facts.of_pretrained(settings.data.vectors, folders, models),
        *(data_facts.of_file("text", path) for path in distilled.text),
        *(data_facts.of_file("teacher", Path(run) / MANIFEST) for run in distilled.teachers),
    ]


def _versions(sentences: list[Sentence], training: TrainingConfig) -> list[Sentence]:
    """Return the sentences of an epoch with language models, replacing mentions if that helps.

    The states depend on the whole sentence, so mentions are replaced before they are computed.
    """
    count = repeats_per_epoch(sum(map(len, sentences)), training.epoch_tokens)
    replaced = (
        count >= OFTEN
        and training.mention_replacement
        and any(sentence.spans for sentence in sentences)
    )
    return versions(sentences, count, training.mention_replacement) if replaced else sentences


def _labels(sentences: list[Sentence]) -> set[str]:
    """Return all labels of spans, or all plain tags if there are no spans."""
    if any(sentence.spans for sentence in sentences):
        return {span.label for sentence in sentences for span in sentence.spans or ()}
    return {tag for sentence in sentences if sentence.spans is None for tag in sentence.tags or ()}


def _tags(sentences: Sequence[Sentence], scheme: str) -> tuple[str, ...]:
    """Return the tags of a model that is trained on these sentences, without teachers."""
    if scheme == schemes.PLAIN:
        return tuple(sorted({tag for sentence in sentences for tag in sentence.tags or ()}))
    return schemes.tag_set(
        (span.label for sentence in sentences for span in sentence.spans or ()),
        schemes.TRAINING_SCHEME,
    )
