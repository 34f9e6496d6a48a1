"""Knowledge distillation: a fast student is trained on slow teachers' labels of unannotated text.

For every token of the text, the teachers predict a distribution over tags (`inputs.soft_labels`).
The student is trained on these distributions and on the gold tags of train with the cross-entropy
-Σ p log q, where p is the teachers' distribution on text and one-hot on train (Hinton, Vinyals and
Dean 2015, "Distilling the Knowledge in a Neural Network", with temperature 1: the teachers'
uncertainty is useful as it is). Teachers do not label train: they were trained on it and would be
overconfident.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain

from tagger.bundles import tagger_files as bundles
from tagger.config.tagger import Config
from tagger.errors import ConfigError, TaggerError
from tagger.heads import HEADS
from tagger.text import schemes
from tagger.text.spans import Sentence
from tagger.training.inputs import soft_labels
from tagger.training.inputs.soft_labels import SoftLabels
from tagger.training.loop import Job

__all__ = ["check", "teach", "vocabulary_sentences"]


def check(settings: Config) -> None:
    """Check that the distillation settings are consistent.

    Raises:
        ConfigError: There are teachers without text, text without teachers, or a head that cannot
            be trained on distributions.
    """
    distillation = settings.distillation
    if bool(distillation.teachers) != bool(distillation.text):
        given, missing = ("teachers", "text") if distillation.teachers else ("text", "teachers")
        raise ConfigError(
            f"distillation.{given} needs distillation.{missing}; set both, or neither to train "
            "without teachers"
        )
    if distillation.teachers and not HEADS[settings.model.head].learns_distributions:
        able = ", ".join(name for name, spec in HEADS.items() if spec.learns_distributions)
        raise ConfigError(
            f"model.head is {settings.model.head!r}, which can only be trained on tags, but "
            f"teachers provide a distribution per token; expected {able} (the teachers may have "
            "any head)"
        )


def teach(
    job: Job[Config], train_tags: Sequence[str], scheme: str
) -> tuple[tuple[str, ...], SoftLabels]:
    """Label the text with the teachers and return their tags and soft labels.

    The settings are written to the run's folder first, so that a training that is stopped during
    labeling can be resumed.

    Args:
        job: Training of the student.
        train_tags: Tags of the training sentences, in the training scheme or plain.
        scheme: Scheme of these tags in their file.

    Returns:
        The teachers' tags, which become the student's, and the soft labels of the text.

    Raises:
        TaggerError: Errors of `soft_labels.load_or_create_soft_labels`; or train has labels that
            the teachers lack; or train and teachers differ in having plain tags or in their
            tokenizer.
    """
    settings = job.settings
    tags = _tags_of(settings, train_tags, scheme)
    job.claim()
    folder = soft_labels.folder_of(settings, job.run)
    return tags, soft_labels.load_or_create_soft_labels(
        settings, folder, job.observer.text_labeled, has_started=job.epoch > 0
    )


def _tags_of(settings: Config, train_tags: Sequence[str], scheme: str) -> tuple[str, ...]:
    """Return the teachers' tags after checking that train and teachers are compatible."""
    name = settings.distillation.teachers[0]
    corpus = ", ".join(settings.data.train) or settings.data.hub
    teacher = bundles.load(name)
    if (teacher.scheme == schemes.PLAIN) != (scheme == schemes.PLAIN):
        raise TaggerError(
            f"{corpus}: the scheme is {scheme}, but that of the teacher {name} is "
            f"{teacher.scheme}; expected plain tags in both or in neither"
        )
    if unknown := sorted(set(train_tags) - set(teacher.tags)):
        labels = (
            unknown
            if scheme == schemes.PLAIN
            else sorted({schemes.split(tag)[1] for tag in unknown})
        )
        raise TaggerError(
            f"{corpus}: the teacher {name} does not have the labels {', '.join(labels)}; it has "
            f"{', '.join(teacher.labels)}. Use teachers trained on the same labels"
        )
    if teacher.config.data.tokenizer != settings.data.tokenizer:
        raise TaggerError(
            f"{name}: the teacher's tokenizer is {teacher.config.data.tokenizer}, but the "
            f"student's is {settings.data.tokenizer}; set "
            f"data.tokenizer={teacher.config.data.tokenizer}"
        )
    return teacher.tags


def vocabulary_sentences(train: Sequence[Sentence], labels: SoftLabels) -> list[Sentence]:
    """Return the sentences from which the student's vocabularies are built.

    The text is neither dev nor test, so its words may be learned like those of train. Words that do
    not occur in train and occur only once in the text are left out: their embeddings would hardly
    ever be trained, and they are half of the words that are not in train.

    Args:
        train: Training sentences.
        labels: Soft labels of the text.

    Returns:
        The sentences of train, followed by those of the text without their rare words.
    """
    counts = Counter(chain.from_iterable(labels.sentences))
    counts.update(chain.from_iterable(sentence.tokens for sentence in train))
    kept = {word for sentence in train for word in sentence.tokens} | {
        word for word, count in counts.items() if count > 1
    }
    text = (Sentence(tuple(word for word in tokens if word in kept)) for tokens in labels.sentences)
    return [*train, *text]
