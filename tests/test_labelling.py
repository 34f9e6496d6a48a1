"""What teachers believe of a text, exactly, and its labels on the disk, whatever was interrupted on
the way.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support import reference_decoding as reference
from support.paths import SAMPLE
from support.teaching import SENTENCES, TEXT, TOKENS, a_model, check_progress

from tagger.bundles import tagger_files as bundles
from tagger.config.tagger import Config, override
from tagger.errors import TaggerError
from tagger.export.tagger import with_graphs
from tagger.features.encode import consistency_key
from tagger.inference import predictor
from tagger.inference.document_consistency import DocumentConsistency, apply_consistency
from tagger.inference.predictor import Predictor
from tagger.text.spans import Sentence
from tagger.training.inputs import soft_labels as labelling

pytestmark = pytest.mark.slow  # its teacher is trained

# -- what teachers believe


@pytest.mark.parametrize("weight", [0.0, 0.6])
@pytest.mark.parametrize("several", [False, True])
def test_distributions_are_those_of_all_allowed_paths(
    teacher: Path, tmp_path: Path, weight: float, several: bool
) -> None:
    document = [["Anna", "sang", "Oslo"], [], ["Oslo", "Anna"], ["Oslo"], ["Keller", "anna"]]
    folders = [teacher]
    if several:
        bundle, random = bundles.load(teacher), np.random.default_rng(1)
        moved = {
            name: array + random.normal(0, 0.2, array.shape).astype("float32")
            for name, array in bundle.weights.items()
        }
        bundles.save(tmp_path / "other", with_graphs(replace(bundle, weights=moved)))
        folders.append(tmp_path / "other")
    model = a_model(*folders, weight=weight)
    found = list(model.distributions(Sentence(tuple(words)) for words in document))
    assert [list(sentence.tokens) for sentence, _ in found] == document

    transitions, rows = model.decoder.transitions, []
    for words in filter(None, document):
        each = [next(member.batches([words]))[2][0].astype("float64") for member in model.members]
        means = np.mean([reference.marginals(emissions, transitions) for emissions in each], axis=0)
        rows.append(each[0] if len(each) == 1 else np.log(np.maximum(means, 1e-300)))
    names = sorted({consistency_key(word) for words in document for word in words} - {""})
    keys = np.array([names.index(consistency_key(word)) for words in document for word in words])
    row = apply_consistency(
        np.concatenate(rows), keys, DocumentConsistency.of(model.bundle).labels, weight
    )
    for (_, probabilities), words in zip(found, document, strict=True):
        assert probabilities.shape == (len(words), len(model.bundle.tags)) or not words
        if words:
            np.testing.assert_allclose(
                probabilities, reference.marginals(row[: len(words)], transitions), atol=1e-5
            )
        row = row[len(words) :]


def test_distributions_are_of_what_predict_says(predictor: Predictor) -> None:
    """A span of one token has the probability of its tag; and the order is that of the input,
    windows or not.
    """
    text = (SAMPLE / "article.txt").read_text(encoding="utf-8")
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


def test_labels_are_what_the_teachers_believe_and_are_made_once(
    student: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = labelling.load_or_create_soft_labels(student, tmp_path / "labels", check_progress)
    assert labels.sentences == [tuple(line.split()) for line in TEXT.split("\n") if line]
    assert (len(labels.sentences), labels.tokens) == (SENTENCES, TOKENS)
    sentences = [Sentence(tuple(line.split())) for line in TEXT.split("\n")]
    model = predictor.load(*student.distillation.teachers)
    expected = [
        probabilities for sentence, probabilities in model.distributions(sentences) if len(sentence)
    ]
    for found, wanted in zip(labels.probabilities, expected, strict=True):
        assert found.dtype == np.float16
        np.testing.assert_allclose(found, wanted, atol=1e-3)

    monkeypatch.setattr(predictor, "load", None)  # nobody is asked again
    again = labelling.load_or_create_soft_labels(
        student, tmp_path / "labels", check_progress, has_started=True
    )
    assert again.sentences == labels.sentences
    assert all(map(np.array_equal, again.probabilities, labels.probabilities))


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_an_interrupted_labelling_goes_on_and_gives_the_same_bytes(
    student: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labelling, "BLOCK_TOKENS", 16)
    monkeypatch.setattr("tagger.inference.document_consistency.CHUNK_SENTENCES", 2)
    labelling.load_or_create_soft_labels(student, tmp_path / "whole", check_progress)
    blocks = []

    def interrupted(tokens: int, of: int) -> None:
        blocks.append(tokens)
        if len(blocks) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        labelling.load_or_create_soft_labels(student, tmp_path / "stopped", interrupted)
    assert sorted(path.name for path in (tmp_path / "stopped").glob("*/*")) == [
        "00000.npz",
        "00001.npz",
        "00002.npz",
    ]
    asked = []
    soft_labels = labelling._soft_labels

    def counted(
        model: Predictor, block: list[Sentence]
    ) -> tuple[list[tuple[str, ...]], np.ndarray]:
        asked.append(block)
        return soft_labels(model, block)

    monkeypatch.setattr(labelling, "_soft_labels", counted)
    found = labelling.load_or_create_soft_labels(student, tmp_path / "stopped", check_progress)
    assert files(tmp_path / "stopped") == files(tmp_path / "whole")
    assert 0 < len(asked) == len(files(tmp_path / "whole")) - 1 - 3
    assert found.tokens == TOKENS


def test_blocks_and_chunks_are_no_matter(
    student: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sentences that help each other are never parted by the border of a block."""
    monkeypatch.setattr("tagger.inference.document_consistency.CHUNK_SENTENCES", 4)
    whole = labelling.load_or_create_soft_labels(student, tmp_path / "whole", check_progress)
    monkeypatch.setattr(labelling, "BLOCK_TOKENS", 1)
    parted = labelling.load_or_create_soft_labels(student, tmp_path / "parted", check_progress)
    assert parted.sentences == whole.sentences
    for one, other in zip(parted.probabilities, whole.probabilities, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)


def test_texts_are_read_in_turn_in_any_format_up_to_a_limit(
    student: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tagger.inference.document_consistency.CHUNK_SENTENCES", 2)
    with gzip.open(tmp_path / "a.txt.gz", "wt") as stream:
        stream.write("a b\n" * 8)
    (tmp_path / "b.conll").write_text("c B-ODD\nd X\n\n" * 8)
    (tmp_path / "c.jsonl").write_text(
        '{"tokens": ["e", "f"], "spans": "none of our business"}\n' * 2
    )
    texts = json.dumps(
        [str(tmp_path / name) for name in ("a.txt.gz", "b.conll", "c.jsonl", "a.txt.gz")]
    )
    found = labelling.load_or_create_soft_labels(
        override(student, [f"distillation.text={texts}"]), tmp_path / "all", check_progress
    )
    order = [sentence[0] for sentence in found.sentences]
    assert order == [*"aacce", *"aacce", *"aacc" * 2]
    limited = override(student, [f"distillation.text={texts}", "distillation.tokens=11"])
    assert [
        sentence[0]
        for sentence in labelling.load_or_create_soft_labels(
            limited, tmp_path / "all", check_progress
        ).sentences
    ] == [*"aacceaacc"][:7]
    assert len(list((tmp_path / "all").iterdir())) == 2


def test_what_is_too_long_to_learn_from_is_left_out(
    student: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labelling, "LONGEST", 3)
    found = labelling.load_or_create_soft_labels(student, tmp_path / "labels", check_progress)
    assert {len(sentence) for sentence in found.sentences} == {2, 3}


def test_other_teachers_or_texts_are_labelled_anew_but_not_under_a_training(
    student: Config, tmp_path: Path
) -> None:
    labelling.load_or_create_soft_labels(student, tmp_path / "labels", check_progress)
    (tmp_path / "news.txt").write_text("Oslo is cold\n")
    with pytest.raises(TaggerError, match="teachers or texts have changed, or"):
        labelling.load_or_create_soft_labels(
            student, tmp_path / "labels", check_progress, has_started=True
        )
    assert labelling.load_or_create_soft_labels(
        student, tmp_path / "labels", check_progress
    ).sentences == [("Oslo", "is", "cold")]


def test_damaged_labels_say_so(student: Config, tmp_path: Path) -> None:
    labelling.load_or_create_soft_labels(student, tmp_path / "labels", check_progress)
    [block] = (tmp_path / "labels").glob("*/*.npz")
    block.write_bytes(block.read_bytes()[:100])
    with pytest.raises(TaggerError, match=r"damaged labels .*; remove the folder"):
        labelling.load_or_create_soft_labels(student, tmp_path / "labels", check_progress)
