"""A student of teachers: it is told what they believe, exactly, and learns it, whatever was interrupted on the way."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import reference_decoding as reference
from command_line import failed, invoke, worked
from stand_in import Trainer
from tiny import BY_HEART, SMALL, TRAIN, Recorder, contents, settings_in

from tagger import bundle as bundles
from tagger.errors import TaggerError
from tagger.features.encode import key_of
from tagger.networks.heads import SoftmaxHead
from tagger.runtime import predictor
from tagger.runtime.agreement import agreed
from tagger.runtime.member import Member
from tagger.runtime.network import Network
from tagger.runtime.predictor import Predictor
from tagger.text.spans import Sentence
from tagger.training import apart, distillation, labelling, seeds, trainer
from tagger.training.config import Config, override
from tagger.training.data import Batches
from tagger.training.features import features_of
from tagger.training.labelling import Labels

TEXT = "Anna Keller sang in Oslo\nTom lives in New York\n\nNobody is cold\nOslo sang\nYork is cold\nTom Keller sang\n" * 3
SENTENCES, TOKENS = 18, 3 * (5 + 5 + 3 + 2 + 3 + 3)
IN_TEXT = "new words stand twice : Ünal Ünal Ünal new words stand twice : and once"


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that knows its few sentences by heart, and in which sentences help each other."""
    folder = tmp_path_factory.mktemp("teacher")
    settings = settings_in(folder, *BY_HEART, "training.epochs=20", "training.learning_rate=0.05", "training.patience=20")
    trained = trainer.train(settings, folder / "run")
    # In int8 what is computed together would matter a little.
    metrics = {**trained.metrics, "agreement": {"weight": 0.6, "score": 0, "without": 0}, "precision": "float32"}
    bundles.save(folder / "run", replace(trained, metrics=metrics))
    return folder / "run"


@pytest.fixture
def settings(teacher: Path, tmp_path: Path) -> Config:
    """Those of a student's training."""
    (tmp_path / "news.txt").write_text(TEXT, encoding="utf-8")
    return settings_in(tmp_path, f'distillation.teachers=["{teacher}"]', f'distillation.text=["{tmp_path / "news.txt"}"]')


def told(tokens: int, of: int) -> None:
    assert 0 < tokens <= of


# -- what teachers believe


def a_model(*folders: Path, weight: float) -> Predictor:
    members = []
    for folder in folders:
        bundle = bundles.load(folder)
        metrics = {**bundle.metrics, "agreement": {"weight": weight, "score": 0, "without": 0}}
        members.append(Member(replace(bundle, metrics=metrics), Network(bundle, "float32")))
    return Predictor(*members)


@pytest.mark.parametrize("weight", [0.0, 0.6])
@pytest.mark.parametrize("several", [False, True])
def test_distributions_are_those_of_all_allowed_paths(teacher: Path, tmp_path: Path, weight: float, several: bool) -> None:
    document = [["Anna", "sang", "Oslo"], [], ["Oslo", "Anna"], ["Oslo"], ["Keller", "anna"]]
    folders = [teacher]
    if several:
        bundle, random = bundles.load(teacher), np.random.default_rng(1)
        moved = {name: array + random.normal(0, 0.2, array.shape).astype("float32") for name, array in bundle.weights.items()}
        bundles.save(tmp_path / "other", replace(bundle, weights=moved, graphs={}))
        folders.append(tmp_path / "other")
    model = a_model(*folders, weight=weight)
    found = list(model.distributions(Sentence(tuple(words)) for words in document))
    assert [list(sentence.tokens) for sentence, _ in found] == document

    transitions, rows = model.decoder.transitions, []
    for words in filter(None, document):
        each = [next(member.batches([words]))[2][0].astype("float64") for member in model.members]
        means = np.mean([reference.marginals(emissions, transitions) for emissions in each], axis=0)
        rows.append(each[0] if len(each) == 1 else np.log(np.maximum(means, 1e-300)))
    names = sorted({key_of(word) for words in document for word in words} - {""})
    keys = np.array([names.index(key_of(word)) for words in document for word in words])
    row = agreed(np.concatenate(rows), keys, model.agreement.labels, weight)
    for (_, probabilities), words in zip(found, document, strict=True):
        assert probabilities.shape == (len(words), len(model.bundle.tags)) or not words
        if words:
            np.testing.assert_allclose(probabilities, reference.marginals(row[: len(words)], transitions), atol=1e-5)
        row = row[len(words) :]


def test_distributions_are_of_what_predict_says(predictor: Predictor) -> None:
    """A span of one token has the probability of its tag; and the order is that of the input, windows or not."""
    text = (Path(__file__).parent.parent / "data" / "sample" / "article.txt").read_text(encoding="utf-8")
    tagged = predictor.tag(text)
    plain = [replace(sentence, spans=None) for sentence in tagged]
    pairs = list(predictor.distributions(plain))
    assert [sentence.tokens for sentence, _ in pairs] == [sentence.tokens for sentence in tagged]
    alone = 0
    for sentence, (_, probabilities) in zip(tagged, pairs, strict=True):
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-9)
        for span in sentence.spans or ():
            if span.end == span.start + 1:
                alone += 1
                number = predictor.bundle.tags.index(f"S-{span.label}")
                assert probabilities[span.start, number] == pytest.approx(span.score, abs=1e-3)
    assert alone > 3


# -- labels on the disk


def test_labels_are_what_the_teachers_believe_and_are_made_once(settings: Config, tmp_path: Path, monkeypatch) -> None:
    labels = labelling.labelled(settings, tmp_path / "labels", told)
    assert labels.sentences == [tuple(line.split()) for line in TEXT.split("\n") if line]
    assert (len(labels.sentences), labels.tokens) == (SENTENCES, TOKENS)
    sentences = [Sentence(tuple(line.split())) for line in TEXT.split("\n")]
    model = predictor.load(*settings.distillation.teachers)
    expected = [probabilities for sentence, probabilities in model.distributions(sentences) if len(sentence)]
    for found, wanted in zip(labels.probabilities, expected, strict=True):
        assert found.dtype == np.float16
        np.testing.assert_allclose(found, wanted, atol=1e-3)

    monkeypatch.setattr(predictor, "load", None)  # nobody is asked again
    again = labelling.labelled(settings, tmp_path / "labels", told, begun=True)
    assert again.sentences == labels.sentences
    assert all(map(np.array_equal, again.probabilities, labels.probabilities))


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_interrupted_labelling_goes_on_and_gives_the_same_bytes(settings: Config, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(labelling, "BLOCK", 16)
    monkeypatch.setattr("tagger.runtime.agreement.STRETCH", 2)
    labelling.labelled(settings, tmp_path / "whole", told)
    blocks = []

    def interrupted(tokens: int, of: int) -> None:
        blocks.append(tokens)
        if len(blocks) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        labelling.labelled(settings, tmp_path / "stopped", interrupted)
    assert sorted(path.name for path in (tmp_path / "stopped").glob("*/*")) == ["00000.npz", "00001.npz", "00002.npz"]
    asked = []
    believed = labelling._believed
    monkeypatch.setattr(labelling, "_believed", lambda model, block: asked.append(block) or believed(model, block))
    found = labelling.labelled(settings, tmp_path / "stopped", told)
    assert files(tmp_path / "stopped") == files(tmp_path / "whole")
    assert 0 < len(asked) == len(files(tmp_path / "whole")) - 1 - 3
    assert found.tokens == TOKENS


def test_blocks_and_stretches_are_no_matter(settings: Config, tmp_path: Path, monkeypatch) -> None:
    """Sentences that help each other are never parted by the border of a block."""
    monkeypatch.setattr("tagger.runtime.agreement.STRETCH", 4)
    whole = labelling.labelled(settings, tmp_path / "whole", told)
    monkeypatch.setattr(labelling, "BLOCK", 1)
    parted = labelling.labelled(settings, tmp_path / "parted", told)
    assert parted.sentences == whole.sentences
    for one, other in zip(parted.probabilities, whole.probabilities, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)


def test_texts_are_read_in_turn_in_any_format_up_to_a_limit(settings: Config, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("tagger.runtime.agreement.STRETCH", 2)
    with gzip.open(tmp_path / "a.txt.gz", "wt") as stream:
        stream.write("a b\n" * 8)
    (tmp_path / "b.conll").write_text("c B-ODD\nd X\n\n" * 8)
    (tmp_path / "c.jsonl").write_text('{"tokens": ["e", "f"], "spans": "none of our business"}\n' * 2)
    texts = json.dumps([str(tmp_path / name) for name in ("a.txt.gz", "b.conll", "c.jsonl", "a.txt.gz")])
    found = labelling.labelled(override(settings, [f"distillation.text={texts}"]), tmp_path / "all", told)
    order = [sentence[0] for sentence in found.sentences]
    assert order == [*"aacce", *"aacce", *"aacc" * 2]
    limited = override(settings, [f"distillation.text={texts}", "distillation.tokens=11"])
    assert [sentence[0] for sentence in labelling.labelled(limited, tmp_path / "all", told).sentences] == [*"aacceaacc"][:7]
    assert len(list((tmp_path / "all").iterdir())) == 2


def test_what_is_too_long_to_learn_from_is_left_out(settings: Config, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(labelling, "LONGEST", 3)
    found = labelling.labelled(settings, tmp_path / "labels", told)
    assert {len(sentence) for sentence in found.sentences} == {2, 3}


def test_other_teachers_or_texts_are_labelled_anew_but_not_under_a_training(settings: Config, tmp_path: Path) -> None:
    labelling.labelled(settings, tmp_path / "labels", told)
    (tmp_path / "news.txt").write_text("Oslo is cold\n")
    with pytest.raises(TaggerError, match="teachers or texts have changed since"):
        labelling.labelled(settings, tmp_path / "labels", told, begun=True)
    assert labelling.labelled(settings, tmp_path / "labels", told).sentences == [("Oslo", "is", "cold")]


def test_damaged_labels_say_so(settings: Config, tmp_path: Path) -> None:
    labelling.labelled(settings, tmp_path / "labels", told)
    [block] = (tmp_path / "labels").glob("*/*.npz")
    block.write_bytes(block.read_bytes()[:100])
    with pytest.raises(TaggerError, match=r"damaged labels .*; remove the folder"):
        labelling.labelled(settings, tmp_path / "labels", told)


# -- what the student is taught


def test_the_loss_of_distributions_is_their_cross_entropy_and_of_certain_ones_the_ordinary() -> None:
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
    assert float(head.loss(logits, certain, mask)) == pytest.approx(float(head.loss(logits, ids, mask)), abs=1e-6)


def mixed(ratio: float = 1.0, epoch: int = 0, texts: int = 40) -> distillation.Mixed:
    train = [Sentence(("a", "b", "c")[: 1 + number % 3], tags=("X",) * (1 + number % 3)) for number in range(20)]
    random = np.random.default_rng(1)
    labels = Labels([], [])
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
    features, _ = features_of(settings, distillation.vocabulary_of(train, labels))
    return distillation.Mixed(Batches(train, features, ("X", "Y"), settings, epoch=epoch), labels, settings)


def rows(data: distillation.Mixed) -> list[tuple[tuple[tuple[int, ...], ...], np.ndarray]]:
    """All sentences of an epoch: the characters of their words, and their targets."""
    found = []
    for number in range(len(data)):
        inputs, targets = data[number]
        assert targets.shape == (*inputs["tokens"].shape, 2)
        for words, distributions in zip(inputs["tokens"], targets, strict=True):
            length = np.count_nonzero(words)
            present = inputs["characters"][words[:length]]
            found.append((tuple(tuple(word[word > 0].tolist()) for word in present), distributions[:length]))
    return found


def test_an_epoch_holds_all_of_train_and_its_share_of_text_with_the_right_targets() -> None:
    data = mixed()
    labels = data.probabilities
    found = rows(data)
    certain = [targets for _, targets in found if np.array_equal(targets, np.tile([1, 0], (len(targets), 1)))]
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
    assert sorted(index for batch in everything.texts for index in batch.tolist()) == list(range(40))
    assert len(mixed(ratio=0.0).texts) == 1


def test_the_first_two_batches_agree_in_no_size() -> None:
    """Keras would take a size in which they agree for one that never varies."""
    for epoch in range(5):
        data = mixed(epoch=epoch)
        (one, first), (other, second) = data[0], data[1]
        assert first.shape[0] != second.shape[0]
        assert first.shape[1] != second.shape[1]
        assert len(one["words"]) != len(other["words"])
        assert one["characters"].shape[1] > max(data[number][0]["characters"].shape[1] for number in range(1, len(data)))


def test_words_of_the_text_join_the_vocabulary_unless_they_stand_there_once() -> None:
    labels = Labels([tuple(IN_TEXT.split()), ("known",)], [])
    features, _ = features_of(Config(), distillation.vocabulary_of([Sentence(("known", "alone"))], labels))
    assert set(features.words.words) == {"known", "alone", "new", "words", "stand", "twice", ":", "Ünal"}
    assert dict(zip(features.words.words, features.words.counts, strict=True))["known"] == 2
    assert features.characters is not None
    assert "Ü" in features.characters


# -- training


def test_a_student_is_the_same_every_time_also_when_it_was_interrupted(settings: Config, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(labelling, "BLOCK", 16)
    monkeypatch.setattr("tagger.runtime.agreement.STRETCH", 2)
    recorder = Recorder()
    trained = trainer.train(settings, tmp_path / "whole", observer=recorder)
    assert recorder.facts["text"][:2] == (SENTENCES, TOKENS)
    assert trained.tags == bundles.load(settings.distillation.teachers[0]).tags
    assert "taught by" in bundles.describe(trained)
    stopped = tmp_path / "stopped"

    class Impatient(Recorder):
        def labelled(self, tokens: int, of: int) -> None:
            if tokens > 30:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer.train(settings, stopped, observer=Impatient())
    assert not (stopped / "checkpoint").exists()
    with pytest.raises(TaggerError, match=r"not empty.*--resume"):
        trainer.train(settings, stopped)
    with pytest.raises(KeyboardInterrupt):
        trainer.train(settings, stopped, resume=True, observer=Recorder(3))
    trainer.train(settings, stopped, resume=True)
    assert contents(stopped) == contents(tmp_path / "whole")

    (tmp_path / "news.txt").write_text("Oslo is cold\n")
    with pytest.raises(TaggerError, match="teachers or texts have changed since"):
        trainer.train(settings, stopped, resume=True)


def test_a_student_learns_from_text_what_its_train_does_not_show(settings: Config, tmp_path: Path) -> None:
    """Train here knows no name of the text; only its teacher does."""
    (tmp_path / "little.conll").write_text("Nobody O\nsang O\n\nZoe B-PER\nsang O\n", encoding="utf-8")
    little = [f"data.train={tmp_path / 'little.conll'}", *BY_HEART, "training.epochs=40", "training.patience=40"]
    changes = [*little, "distillation.ratio=20", "vocabulary.word_dropout=0"]
    trainer.train(override(settings, changes), tmp_path / "student")
    sentences = [line.split() for line in dict.fromkeys(TEXT.split("\n")) if line]
    taught = a_model(Path(settings.distillation.teachers[0]), weight=0.6).tag_tokens(sentences)
    learnt = a_model(tmp_path / "student", weight=0).tag_tokens(sentences)
    assert sum(len(sentence.spans or ()) for sentence in taught) > 3
    same = [one.spans == other.spans for one, other in zip(taught, learnt, strict=True)]
    assert sum(same) >= len(same) - 1
    trainer.train(override(settings, [*little, "distillation.teachers=[]", "distillation.text=[]"]), tmp_path / "alone")
    alone = a_model(tmp_path / "alone", weight=0).tag_tokens(sentences)
    assert sum(one.spans == other.spans for one, other in zip(taught, alone, strict=True)) < len(same) - 1


def test_plain_tags_are_taught_too(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, "training.epochs=2", train="dogs NNS\nbark VBP\n. .\n\ncats NNS\nmew VBP\n\n" * 4)
    trainer.train(settings, tmp_path / "teacher")
    (tmp_path / "text.txt").write_text("dogs mew .\n" * 4)
    taught = [f'distillation.teachers=["{tmp_path / "teacher"}"]', f'distillation.text=["{tmp_path / "text.txt"}"]']
    assert trainer.train(override(settings, taught), tmp_path / "student").tags == (".", "NNS", "VBP")


def test_seeds_share_their_labels(settings: Config, tmp_path: Path, monkeypatch) -> None:
    stand_in = Trainer(lambda _: [50.0])
    monkeypatch.setattr(apart, "train", stand_in)
    seeds.train(settings, tmp_path / "run", 2)
    assert {plan.distillation.labels for plan, _ in stand_in.calls} == {str(tmp_path / "run" / "labels")}
    elsewhere = override(settings, ["distillation.labels=there"])
    assert labelling.shared(elsewhere, tmp_path) == elsewhere
    assert labelling.shared(Config(), tmp_path) == Config()


def test_a_training_apart_tells_how_far_the_labels_are() -> None:
    events = StringIO()
    apart._Reporter(events).labelled(3, 5)
    assert json.loads(events.getvalue()) == ["labelled", [3, 5]]


# -- the command


@pytest.fixture
def command(teacher: Path, here: Path) -> list[str]:
    Path("train.conll").write_text("\n".join([TRAIN] * 3))
    Path("news.txt").write_text(TEXT)
    options = {"--teacher": str(teacher), "--text": "news.txt", "--train": "train.conll", "--dev": "train.conll"}
    return ["distill", "run", *(part for pair in options.items() for part in pair), *(f"--set={change}" for change in SMALL)]


def test_the_command_makes_a_model_like_any_other(command: list[str]) -> None:
    done = invoke(*command, "--tokens", "40", "--set", "training.epochs=2")
    assert "The model is in run." in worked(done)
    assert "tokens with tags of the teachers" in done.stderr
    assert "taught by" in worked(invoke("info", "run"))
    assert "Oslo" in worked(invoke("predict", "run", "news.txt"))
    config = bundles.load("run").config.distillation
    assert (config.text, config.tokens, config.wrapped) == (("news.txt",), 40, False)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--text", "absent.txt"], "absent.txt: cannot be read: No such file"),
        (["--text", "empty.txt"], "empty.txt: no sentence in it to learn from"),
        (["--text", "latin.txt"], "latin.txt:1: byte 0xe9"),
        (["--teacher", "."], "not a trained model: there is no manifest.json"),
        (["--teacher", "nowhere"], "nowhere: not a trained model"),
        (["--train", "other.conll"], "does not know the labels ORG; it knows LOC, PER"),
        (["--train", "plain.conll"], "plain.conll: its scheme is plain, that of the teacher"),
        (["--set", "model.head=crf"], "model.head is 'crf'"),
        (["--set", "distillation.text=[]"], "distillation.teachers needs distillation.text"),
        (["--set", "distillation.teachers=[]"], "distillation.text needs distillation.teachers"),
        (["--set", "data.tokenizer=whitespace"], "set data.tokenizer="),
        (["--resume"], "there is nothing to resume"),
    ],
)
def test_what_is_wrong_is_one_message_and_leaves_no_model(command: list[str], options: list[str], complaint: str) -> None:
    Path("empty.txt").write_text("\n\n")
    Path("latin.txt").write_bytes(b"caf\xe9\n")
    Path("other.conll").write_text("Acme B-ORG\nsang O\n")
    Path("plain.conll").write_text("dogs NNS\nbark VBP\n")
    if options[0] in ("--text", "--teacher"):
        place = command.index(options[0])
        arguments = [*command[:place], *options, *command[place + 2 :]]
    else:
        arguments = [*command, *options]
    assert complaint in failed(invoke(*arguments)).replace("\n", " ")
    assert not Path("run", "manifest.json").exists()


def test_teachers_that_cannot_be_averaged_are_told_before_anything_is_labelled(command: list[str]) -> None:
    golden = Path(__file__).parent / "data" / "bundle-1"
    assert "cannot be averaged" in failed(invoke(*command, "--teacher", str(golden)))
    assert not list(Path("run").rglob("*.npz"))
