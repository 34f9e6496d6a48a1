"""Distillation: soft labels, batches of text and train, and the student that results."""

from __future__ import annotations

import inspect
import json
import queue
from io import StringIO
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from support.command_line import failed, invoke, worked
from support.inputs import characters_of
from support.paths import GOLDEN
from support.stand_in import Trainer
from support.teaching import SENTENCES, TEXT, TOKENS, a_model
from support.tiny import BY_HEART, SMALL, TRAIN, Recorder, contents, settings_in

from tagger.bundles import tagger_files as bundles
from tagger.bundles.card import describe
from tagger.config.tagger import Config, override
from tagger.errors import TaggerError
from tagger.networks.heads import SoftmaxHead
from tagger.text.spans import Sentence
from tagger.training import distillation, trainer
from tagger.training.inputs import mixed as mixed_batches
from tagger.training.inputs import soft_labels as labelling
from tagger.training.inputs.batches import Batches
from tagger.training.inputs.soft_labels import SoftLabels
from tagger.training.inputs.word_features import features_of
from tagger.training.observer import Observer
from tagger.tuning import search, seeds
from tagger.tuning import subprocess_trainer as apart

pytestmark = pytest.mark.slow

IN_TEXT = "new words stand twice : Ünal Ünal Ünal new words stand twice : and once"

# -- what the student is taught


def test_the_loss_of_distributions_is_their_cross_entropy_and_of_certain_ones_the_ordinary() -> (
    None
):
    random = np.random.default_rng(3)
    logits = random.normal(size=(3, 5, 4)).astype("float32")
    targets = random.dirichlet(np.ones(4), (3, 5)).astype("float32")
    lengths, each = [5, 2, 1], []
    for row, length in enumerate(lengths):
        for time in range(length):
            logs = logits[row, time] - np.log(np.exp(logits[row, time].astype("float64")).sum())
            each.append(-sum(p * log for p, log in zip(targets[row, time], logs, strict=True)))
    head, mask = SoftmaxHead(4), np.arange(5) < np.array(lengths)[:, None]
    assert float(head.loss(logits, targets, mask)) == pytest.approx(np.mean(each), abs=1e-5)
    targets[~mask] = 7
    assert float(head.loss(logits, targets, mask)) == pytest.approx(np.mean(each), abs=1e-5)
    ids = random.integers(0, 4, (3, 5))
    certain = np.eye(4, dtype="float32")[ids]
    assert float(head.loss(logits, certain, mask)) == pytest.approx(
        float(head.loss(logits, ids, mask)), abs=1e-6
    )


def mixed(ratio: float = 1.0, epoch: int = 0, texts: int = 40) -> mixed_batches.DistillationBatches:
    train = [
        Sentence(("a", "b", "c")[: 1 + number % 3], tags=("X",) * (1 + number % 3))
        for number in range(20)
    ]
    random = np.random.default_rng(1)
    labels = SoftLabels([], [])
    for number in range(texts):
        labels.sentences.append((f"t{number}", *["u"] * (number % 4)))
        labels.probabilities.append(random.dirichlet(np.ones(2), 1 + number % 4).astype("float16"))
    changes = [
        "training.batch_tokens=9",
        "training.epoch_tokens=0",
        "vocabulary.unknown_probability=0",
        "vocabulary.word_dropout=0",
    ]
    settings = override(Config(), [*changes, f"distillation.ratio={ratio}"])
    features, _ = features_of(settings, distillation.vocabulary_sentences(train, labels))
    return mixed_batches.DistillationBatches(
        Batches(train, features, ("X", "Y"), settings, epoch=epoch), labels, settings
    )


def rows(
    data: mixed_batches.DistillationBatches,
) -> list[tuple[tuple[tuple[int, ...], ...], np.ndarray]]:
    """All sentences of an epoch: the characters of their words, and their targets."""
    found = []
    for number in range(len(data)):
        inputs, targets = data[number]
        assert targets.shape == (*inputs["tokens"].shape, 2)
        for words, distributions in zip(inputs["tokens"], targets, strict=True):
            length = np.count_nonzero(words)
            present = inputs["characters"][words[:length]]
            found.append(
                (tuple(tuple(word[word > 0].tolist()) for word in present), distributions[:length])
            )
    return found


def test_an_epoch_holds_all_of_train_and_its_share_of_text_with_the_right_targets() -> None:
    data = mixed()
    labels = data.probabilities
    found = rows(data)
    certain = [
        targets
        for _, targets in found
        if np.array_equal(targets, np.tile([1, 0], (len(targets), 1)))
    ]
    assert len(certain) == 20
    assert sum(map(len, certain)) == data.train.tokens == 39
    soft = [targets for _, targets in found if not any(targets is one for one in certain)]
    assert sum(map(len, soft)) == pytest.approx(39, abs=9)
    for targets in soft:
        assert any(np.array_equal(targets, wanted.astype("float32")) for wanted in labels)
    assert data.tokens == pytest.approx(sum(len(targets) for _, targets in found), abs=9)


def test_epochs_go_through_the_whole_text_and_are_a_matter_of_seed_and_number() -> None:
    data = mixed()
    seen: list[int] = []
    for epoch in range(8):
        assert data.epoch == data.train.epoch == epoch
        assert len(data) == len(mixed(epoch=epoch))
        for (one, targets), (other, same) in zip(rows(data), rows(mixed(epoch=epoch)), strict=True):
            assert one == other
            assert np.array_equal(targets, same)
        seen += [index for batch in data.texts for index in batch.tolist()]
        data.on_epoch_end()
    assert set(seen[: len(seen) // 2 + 20]) == set(range(40))
    counts = np.bincount(seen)
    assert counts.max() - counts.min() <= 1
    everything = mixed(ratio=1000.0)
    assert sorted(index for batch in everything.texts for index in batch.tolist()) == list(
        range(40)
    )
    assert len(mixed(ratio=0.0).texts) == 1


def test_the_first_two_batches_agree_in_no_size() -> None:
    """Keras would take a size in which they agree for one that never varies."""
    for epoch in range(5):
        data = mixed(epoch=epoch)
        (one, first), (other, second) = data[0], data[1]
        assert first.shape[0] != second.shape[0]
        assert first.shape[1] != second.shape[1]
        assert len(one["words"]) != len(other["words"])
        assert one["characters"].shape[1] > max(
            data[number][0]["characters"].shape[1] for number in range(1, len(data))
        )


def test_words_of_the_text_join_the_vocabulary_unless_they_stand_there_once() -> None:
    labels = SoftLabels([tuple(IN_TEXT.split()), ("known",)], [])
    features, _ = features_of(
        Config(), distillation.vocabulary_sentences([Sentence(("known", "alone"))], labels)
    )
    assert set(features.words.words) == {
        "known",
        "alone",
        "new",
        "words",
        "stand",
        "twice",
        ":",
        "Ünal",
    }
    assert dict(zip(features.words.words, features.words.counts, strict=True))["known"] == 2
    assert "Ü" in characters_of(features)


# -- training


def test_a_student_is_the_same_every_time_also_when_it_was_interrupted(
    student: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labelling, "BLOCK_TOKENS", 16)
    monkeypatch.setattr("tagger.inference.document_consistency.CHUNK_SENTENCES", 2)
    recorder = Recorder()
    trained = trainer.train(student, tmp_path / "whole", observer=recorder)
    assert (recorder.facts.text.sentences, recorder.facts.text.tokens) == (SENTENCES, TOKENS)
    assert trained.tags == bundles.load(student.distillation.teachers[0]).tags
    assert "teachers" in describe(trained)
    stopped = tmp_path / "stopped"

    class Impatient(Recorder):
        def text_labeled(self, tokens: int, total: int) -> None:
            if tokens > 30:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer.train(student, stopped, observer=Impatient())
    assert not (stopped / "checkpoint").exists()
    with pytest.raises(KeyboardInterrupt):  # it starts over, without --resume too
        trainer.train(student, stopped, observer=Recorder(1))
    with pytest.raises(KeyboardInterrupt):
        trainer.train(student, stopped, resume=True, observer=Recorder(3))
    trainer.train(student, stopped, resume=True)
    assert contents(stopped) == contents(tmp_path / "whole")

    (tmp_path / "news.txt").write_text("Oslo is cold\n")
    with pytest.raises(TaggerError, match=r"news.txt \(text\) has changed since the training"):
        trainer.train(student, stopped, resume=True)


def test_a_student_learns_from_text_what_its_train_does_not_show(
    student: Config, tmp_path: Path
) -> None:
    """Train here knows no name of the text; only its teacher does."""
    (tmp_path / "little.conll").write_text(
        "Nobody O\nsang O\n\nZoe B-PER\nsang O\n", encoding="utf-8"
    )
    little = [
        f"data.train={tmp_path / 'little.conll'}",
        *BY_HEART,
        "training.epochs=40",
        "training.patience=40",
    ]
    changes = [*little, "distillation.ratio=20", "vocabulary.word_dropout=0"]
    trainer.train(override(student, changes), tmp_path / "student")
    sentences = [line.split() for line in dict.fromkeys(TEXT.split("\n")) if line]
    taught = a_model(Path(student.distillation.teachers[0]), weight=0.6).tag_tokens(sentences)
    learnt = a_model(tmp_path / "student", weight=0).tag_tokens(sentences)
    assert sum(len(sentence.spans or ()) for sentence in taught) > 3
    same = [one.spans == other.spans for one, other in zip(taught, learnt, strict=True)]
    assert sum(same) >= len(same) - 1
    trainer.train(
        override(student, [*little, "distillation.teachers=[]", "distillation.text=[]"]),
        tmp_path / "alone",
    )
    alone = a_model(tmp_path / "alone", weight=0).tag_tokens(sentences)
    assert (
        sum(one.spans == other.spans for one, other in zip(taught, alone, strict=True))
        < len(same) - 1
    )


def test_plain_tags_are_taught_too(tmp_path: Path) -> None:
    settings = settings_in(
        tmp_path, "training.epochs=2", train="dogs NNS\nbark VBP\n. .\n\ncats NNS\nmew VBP\n\n" * 4
    )
    trainer.train(settings, tmp_path / "teacher")
    (tmp_path / "text.txt").write_text("dogs mew .\n" * 4)
    taught = [
        f'distillation.teachers=["{tmp_path / "teacher"}"]',
        f'distillation.text=["{tmp_path / "text.txt"}"]',
    ]
    assert trainer.train(override(settings, taught), tmp_path / "student").tags == (
        ".",
        "NNS",
        "VBP",
    )


def test_seeds_share_their_labels(
    student: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in = Trainer(lambda _: [50.0])
    monkeypatch.setattr(apart, "train", stand_in)
    seeds.train(student, tmp_path / "run", 2)
    assert {plan.distillation.labels for plan, _ in stand_in.calls} == {
        str(tmp_path / "run" / "labels")
    }
    elsewhere = override(student, ["distillation.labels=there"])
    assert labelling.shared(elsewhere, tmp_path) == elsewhere
    assert labelling.shared(Config(), tmp_path) == Config()


def test_whatever_a_training_tells_is_passed_on_to_who_watches_it_apart() -> None:
    names = [name for name in vars(Observer) if not name.startswith("_") and name != "receive"]
    essential = (
        "training_started",
        "states_computed",
        "text_labeled",
        "batch_ended",
        "epoch_ended",
    )
    assert {*essential} <= {*names}
    for name in {*names} - {"epoch_ended"}:  # which waits for an answer
        events, watching = StringIO(), mock.Mock()
        arguments = list(range(len(inspect.signature(getattr(Observer, name)).parameters) - 1))
        getattr(apart._Reporter(events, queue.SimpleQueue()), name)(*arguments)
        assert json.loads(events.getvalue()) == [name, arguments]
        getattr(search._Watcher(mock.Mock(spec=[]), watching), name)(*arguments)
        getattr(watching, name).assert_called_once_with(*arguments)


def test_a_training_apart_tells_how_far_the_labels_are() -> None:
    events = StringIO()
    apart._Reporter(events, queue.SimpleQueue()).text_labeled(3, 5)
    assert json.loads(events.getvalue()) == ["text_labeled", [3, 5]]


# -- the command


@pytest.fixture
def command(teacher: Path, here: Path) -> list[str]:
    Path("train.conll").write_text("\n".join([TRAIN] * 3))
    Path("news.txt").write_text(TEXT)
    options = {
        "--teacher": str(teacher),
        "--text": "news.txt",
        "--train": "train.conll",
        "--dev": "train.conll",
    }
    return [
        "distill",
        "run",
        *(part for pair in options.items() for part in pair),
        *(f"--set={change}" for change in SMALL),
    ]


def test_the_command_makes_a_model_like_any_other(command: list[str]) -> None:
    done = invoke(*command, "--tokens", "40", "--set", "training.epochs=2")
    assert "The model is in run." in worked(done)
    assert "tokens with tags of the teachers" in done.stderr
    assert "teachers" in worked(invoke("info", "run"))
    assert "Oslo" in worked(invoke("predict", "run", "news.txt"))
    config = bundles.load("run").config.distillation
    assert (config.text, config.tokens, config.wrapped) == (("news.txt",), 40, False)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--text", "absent.txt"], "absent.txt: cannot be read: No such file"),
        (["--text", "empty.txt"], "empty.txt: no sentence to label"),
        (["--text", "latin.txt"], "latin.txt:1: byte 0xe9"),
        (["--teacher", "."], "not a trained model: there is no manifest.json"),
        (["--teacher", "nowhere"], "nowhere: not a trained model"),
        (["--train", "other.conll"], "does not have the labels ORG; it has LOC, PER"),
        (
            ["--train", "plain.conll", "--set", "data.dev=plain.conll"],
            "plain.conll: the scheme is plain, but that of the teacher",
        ),
        (["--set", "model.head=crf"], "model.head is 'crf'"),
        (["--set", "data.tokenizer=whitespace"], "set data.tokenizer="),
        (["--resume"], "there is nothing to resume"),
    ],
)
def test_what_is_wrong_is_one_message_and_leaves_no_model(
    command: list[str], options: list[str], complaint: str
) -> None:
    Path("empty.txt").write_text("\n\n")
    Path("latin.txt").write_bytes(b"caf\xe9\n")
    Path("other.conll").write_text("Acme B-ORG\nsang O\n")
    Path("plain.conll").write_text("dogs NNS\nbark VBP\n")
    if options[0] in ("--text", "--teacher", "--train"):  # each value of these is added
        place = command.index(options[0])
        arguments = [*command[:place], *options, *command[place + 2 :]]
    else:
        arguments = [*command, *options]
    assert complaint in failed(invoke(*arguments)).replace("\n", " ")
    assert not Path("run", "manifest.json").exists()


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        ("text", "there is no text for the teachers to label; give --text FILE"),
        ("teachers", "there is no teacher; give --teacher DIR"),
    ],
)
def test_a_distillation_needs_teachers_and_text(
    command: list[str], setting: str, complaint: str
) -> None:
    assert complaint in failed(invoke(*command, "--set", f"distillation.{setting}=[]"), 2)


def test_teachers_that_cannot_be_averaged_are_reported_before_anything_is_labelled(
    command: list[str],
) -> None:
    golden = GOLDEN
    assert "cannot be averaged" in failed(invoke(*command, "--teacher", str(golden)))
    assert not list(Path("run").rglob("*.npz"))
