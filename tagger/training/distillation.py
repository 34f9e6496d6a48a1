"""Learning from teachers: a model that is fast inherits what slow ones know, from text that nobody
has annotated.

The teachers say of every token of the text how probable each tag is (`labelling`), and the student
learns these distributions beside the tags of train: the cross-entropy -Σ p log q, whose p is the
teachers' on text and one-hot on train (Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in
a Neural Network", with temperature 1: the teachers' doubts are of use as they are). Of train the
teachers are not asked: they know it by heart.
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
from tagger.training.inputs import soft_labels as labelling
from tagger.training.inputs.soft_labels import SoftLabels
from tagger.training.loop import Job

__all__ = ["check", "teach", "vocabulary_sentences"]


def check(settings: Config) -> None:
    """See that settings can be learnt by.

    Raises: ConfigError: teachers without text, text without teachers, or a head that cannot learn
        distributions.
    """
    distillation = settings.distillation
    if bool(distillation.teachers) != bool(distillation.text):
        given, lacks = ("teachers", "text") if distillation.teachers else ("text", "teachers")
        raise ConfigError(
            f"distillation.{given} needs distillation.{lacks}: expected both, or neither"
        )
    if distillation.teachers and not HEADS[settings.model.head].learns_distributions:
        able = ", ".join(name for name, spec in HEADS.items() if spec.learns_distributions)
        raise ConfigError(
            f"model.head is {settings.model.head!r}, which learns from tags alone, but teachers "
            f"give a distribution for each token; expected {able} (the teachers may have any head)"
        )


def teach(
    job: Job[Config], train_tags: Sequence[str], scheme: str
) -> tuple[tuple[str, ...], SoftLabels]:
    """Return the teachers' tags, which become the student's, and their soft labels of the text.

    The run's folder is claimed before, so that a training that is stopped while its teachers label
    can be resumed.

    Args:
        job: Training of the student.
        train_tags: Tags of the training sentences, in the training scheme or plain.
        scheme: Scheme of these tags in their file.

    Raises: TaggerError: Errors of `labelling.load_or_create_soft_labels`; or train has labels that
        the teachers lack, is
            of another kind, or another tokenizer is set.
    """
    settings = job.settings
    tags = _tags_of(settings, train_tags, scheme)
    job.claim()
    folder = labelling.folder_of(settings, job.run)
    begun = job.epoch > 0
    return tags, labelling.load_or_create_soft_labels(
        settings, folder, job.observer.text_labeled, begun=begun
    )


def _tags_of(settings: Config, train_tags: Sequence[str], scheme: str) -> tuple[str, ...]:
    name, corpus = settings.distillation.teachers[0], settings.data.train or settings.data.hub
    teacher = bundles.load(name)
    if (teacher.scheme == schemes.PLAIN) != (scheme == schemes.PLAIN):
        raise TaggerError(
            f"{corpus}: its scheme is {scheme}, that of the teacher {name} {teacher.scheme}"
        )
    if foreign := sorted(set(train_tags) - set(teacher.tags)):
        labels = (
            foreign
            if scheme == schemes.PLAIN
            else sorted({schemes.split(tag)[1] for tag in foreign})
        )
        raise TaggerError(
            f"{corpus}: the teacher {name} does not know the labels "
            f"{', '.join(labels)}; it knows "
            f"{', '.join(teacher.labels)}. Take teachers of the same labels"
        )
    if teacher.config.data.tokenizer != settings.data.tokenizer:
        raise TaggerError(
            f"{name}: its tokenizer is {teacher.config.data.tokenizer}, that of the student "
            f"{settings.data.tokenizer}; set "
            f"data.tokenizer={teacher.config.data.tokenizer}"
        )
    return teacher.tags


def vocabulary_sentences(train: Sequence[Sentence], labels: SoftLabels) -> list[Sentence]:
    """The sentences whose words and characters the student is to know: those of train, and what of
    the text is no rarity.

    The text is neither dev nor test, so its words may be learnt as those of train are. A word that
    neither train has nor the text twice would be a row of the table that is hardly ever trained,
    and is half of all such words.
    """
    counts = Counter(chain.from_iterable(labels.sentences))
    counts.update(chain.from_iterable(sentence.tokens for sentence in train))
    known = {word for sentence in train for word in sentence.tokens} | {
        word for word, count in counts.items() if count > 1
    }
    text = (
        Sentence(tuple(word for word in tokens if word in known)) for tokens in labels.sentences
    )
    return [*train, *text]
