"""Trainings with pretrained vectors, and with a CRF head: what the bundle carries of them, and that
it works.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.command_line import failed, invoke
from support.inputs import vectors_of
from support.tiny import BY_HEART, settings_in

from tagger.bundles import tagger_files as bundle
from tagger.config.tagger import Config, override
from tagger.errors import BundleError, TaggerError
from tagger.evaluation.run import score_model
from tagger.features.vectors import Vectors
from tagger.inference import predictor
from tagger.inference.member import EnsembleMember
from tagger.text.spans import Sentence
from tagger.training import trainer

pytestmark = pytest.mark.slow

PERSONS, TOWNS = ["anna", "tom", "ida", "ben"], ["oslo", "york", "rome", "kyiv"]
UNSEEN = ["berta", "bergen"]  # a person and a town that only the vectors know
LATER = ["cleo", "cork"]
CORPUS = "".join(
    f"{name.title()} B-{label}\nsang O\n\n"
    for label, names in (("PER", PERSONS), ("LOC", TOWNS))
    for name in names
)
VECTORS = [
    "model.embedding=0",
    "model.characters=0",
    "model.shape=0",
    "model.fine_tune=true",
    "training.patience=8",
]


def vector_file() -> str:
    """First the unseen two, then who is in train, at last two more: persons point one way, towns
    the other.
    """
    random = np.random.default_rng(1)
    lines = []
    for word in [*UNSEEN, *PERSONS, *TOWNS, *LATER]:
        sign = 1 if word in (*PERSONS, "berta", "cleo") else -1
        lines.append(
            f"{word} {sign + random.normal() / 10:.4f} {-sign + random.normal() / 10:.4f} "
            f"{random.normal() / 10:.4f}"
        )
    return "\n".join(lines) + "\n"


def words_of(model: predictor.Predictor, *words: str) -> list[tuple[str, float]]:
    """Of each word, alone in a sentence with "sang", its label and probability."""
    spans = [
        sentence.spans or () for sentence in model.tag_tokens([[word, "sang"] for word in words])
    ]
    return [(found[0].label, found[0].score or 0.0) if found else ("", 0.0) for found in spans]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "vectors.txt").write_text(vector_file())
    return settings_in(
        folder, *BY_HEART, *VECTORS, f'data.vectors=["{folder / "vectors.txt"}"]', train=CORPUS
    )


@pytest.fixture(scope="module")
def run(settings: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vectors") / "run"
    trainer.train(settings, folder)

    return folder


@pytest.fixture
def copied(run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run, tmp_path / "run"))


def test_the_bundle_carries_the_table_as_a_memory_map(settings: Config, run: Path) -> None:
    loaded = bundle.load(run)
    vectors = vectors_of(loaded.features)
    assert isinstance(vectors.table, np.memmap)
    assert list(vectors.words) == [*UNSEEN, *PERSONS, *TOWNS, *LATER]
    given = [
        line.split(" ")[1:] for line in Path(settings.data.vectors[0]).read_text().splitlines()
    ]
    np.testing.assert_array_equal(
        vectors.table, np.array(given, dtype=np.float32).astype(np.float16)
    )
    assert not any(
        "embeddings" in name
        for name in loaded.weights
        if not name.startswith("vectors/differences")
    )


def test_the_vectors_of_the_train_set_differ_from_the_given_ones(run: Path) -> None:
    loaded = bundle.load(run)
    differences = loaded.weights["vectors/differences/embeddings"]
    known = loaded.features.words.ids([name.title() for name in (*PERSONS, *TOWNS)])
    assert differences[known].any(axis=1).all()
    assert not differences[:2].any()


def test_a_word_that_only_the_vectors_know_is_recognized_by_its_vector(
    settings: Config, run: Path
) -> None:
    model = predictor.load(run)
    assert model.bundle.metrics["dev"]["score"] == 100
    found = words_of(model, "Berta", "Bergen", "Cleo", "Cork", "BERTA")
    assert [label for label, _ in found] == ["PER", "LOC", "PER", "LOC", "PER"]
    assert found[0] == found[4]
    assert words_of(model, "Xyzzy")[0] != found[0]
    scores = score_model(model, settings.data.dev, settings.data.reading)
    assert scores.strict is not None
    assert scores.strict.f1 == 100


def test_a_trimmed_table_predicts_the_same_for_what_it_keeps(
    settings: Config, run: Path, tmp_path: Path
) -> None:
    trainer.train(override(settings, ["data.keep_vectors=2"]), tmp_path / "trimmed")
    full, trimmed = predictor.load(run), predictor.load(tmp_path / "trimmed")
    vectors = vectors_of(trimmed.bundle.features)
    assert list(vectors.words) == [*UNSEEN, *PERSONS, *TOWNS]  # the first two, and those of train
    assert (tmp_path / "trimmed" / "weights.npz").read_bytes() == (run / "weights.npz").read_bytes()
    kept = ["Berta", "bergen", *PERSONS, "Oslo", "ROME", "Xyzzy"]
    assert words_of(trimmed, *kept) == words_of(full, *kept)
    assert words_of(trimmed, "Cleo") == words_of(trimmed, "Xyzzy") != words_of(full, "Cleo")


@pytest.mark.parametrize("name", ["vectors/words.txt", "vectors/table.npy"])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(path.read_bytes()[:-2]),
        lambda path: path.write_bytes(path.read_bytes()[:-1] + b"\x01"),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.unlink(), path.symlink_to("/dev/zero")),
    ],
    ids=["missing", "truncated", "changed", "a folder", "device"],
)
def test_damaged_vectors_are_refused(
    copied: Path, name: str, spoil: Callable[[Path], object]
) -> None:
    spoil(copied / name)
    with pytest.raises(BundleError) as caught:
        bundle.load(copied)
    assert str(caught.value).startswith(str(copied / name))
    assert name in failed(invoke("predict", copied, "-", input="Berta"))


def seal(folder: Path, name: str) -> None:
    data = (folder / name).read_bytes()
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("vectors/table.npy", np.ones((12, 3), dtype=np.float32)),
        ("vectors/table.npy", np.ones((11, 3), dtype=np.float16)),
        ("vectors/table.npy", np.ones(12, dtype=np.float16)),
        ("vectors/table.npy", np.array([{}], dtype=object)),
        ("vectors/table.npy", np.ones((12, 4), dtype=np.float16)),
        ("vectors/words.txt", b"a\nb"),
        ("vectors/words.txt", b"\xff"),
        ("vectors/words.txt", b"a\n" * 11 + b"a"),
    ],
    ids=[
        "float32",
        "too few",
        "one axis",
        "objects",
        "wider",
        "too few words",
        "no UTF-8",
        "a word twice",
    ],
)
def test_vectors_that_make_no_sense_are_refused(
    copied: Path, name: str, content: bytes | np.ndarray
) -> None:
    if isinstance(content, bytes):
        (copied / name).write_bytes(content)
    else:
        np.save(copied / name, content)
    seal(copied, name)
    with pytest.raises(BundleError) as caught:
        predictor.load(copied)
    assert str(caught.value).startswith(str(copied))
    assert "copy the whole folder again" in str(caught.value)


def test_a_manifest_that_lists_no_vectors_is_refused(copied: Path) -> None:
    manifest = json.loads((copied / "manifest.json").read_text())
    del manifest["files"]["vectors/table.npy"]
    (copied / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=r"does not list vectors/table\.npy"):
        bundle.load(copied)


def test_a_vector_file_that_is_not_there_is_reported_before_anything_is_written(
    settings: Config, tmp_path: Path
) -> None:
    missing = override(settings, [f'data.vectors=["{tmp_path / "no.txt"}"]'])
    with pytest.raises(TaggerError, match=r"no\.txt"):
        trainer.train(missing, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_copy_made_by_saving_is_the_same(run: Path, tmp_path: Path) -> None:
    bundle.save(tmp_path / "copy", bundle.load(run))
    assert (tmp_path / "copy" / "manifest.json").read_bytes() == (
        run / "manifest.json"
    ).read_bytes()
    assert isinstance(vectors_of(bundle.load(tmp_path / "copy").features), Vectors)


# -- a CRF as head


@pytest.fixture(scope="module")
def crf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("crf")
    trainer.train(
        settings_in(folder, *BY_HEART, "model.head=crf", "training.patience=8"), folder / "run"
    )
    return folder / "run"


def test_a_crf_head_trains_and_its_scores_decode(crf: Path) -> None:
    model = predictor.load(crf)
    trained = model.bundle
    assert trained.metrics["dev"]["score"] == 100
    learnt = [trained.weights[f"head/{name}"] for name in ("start", "transitions", "end")]
    decoder = model.members[0].decoder
    used = (decoder.transitions.start, decoder.transitions.transitions, decoder.transitions.end)
    for table, weights, possible in zip(used, learnt, decoder.allowed, strict=True):
        np.testing.assert_allclose(table[possible], weights[possible], rtol=1e-6)
        assert weights[possible].any()
        assert np.isneginf(table[~possible]).all()
        assert not weights[~possible].any()  # never read, never changed
    data = trained.config.data
    scores = score_model(model, data.dev, data.reading)
    assert scores.strict is not None
    assert scores.strict.f1 == 100
    [sentence] = model.tag("Anna Keller sang.")
    assert [(span.text, span.label) for span in sentence.spans or ()] == [("Anna Keller", "PER")]


def test_what_the_head_has_learnt_of_sequences_counts(crf: Path) -> None:
    """With a start that forbids, so to say, all but O the first token is no span's."""
    trained = bundle.load(crf)
    start = np.full_like(trained.weights["head/start"], -1000)
    start[trained.tags.index("O")] = 0
    reluctant = replace(trained, weights={**trained.weights, "head/start": start})
    network = predictor.load(crf).members[0].network
    model = predictor.Predictor(EnsembleMember(reluctant, network))
    [found] = model.predict([Sentence(("Anna", "Keller", "sang"))])
    assert all(span.start > 0 for span in found.spans or ())


@pytest.mark.parametrize("change", ["missing", "shape"])
def test_a_crf_without_its_scores_is_refused(crf: Path, tmp_path: Path, change: str) -> None:
    trained = bundle.load(crf)
    weights = dict(trained.weights)
    if change == "missing":
        del weights["head/transitions"]
    else:
        weights["head/transitions"] = weights["head/transitions"][:-1]
    bundle.save(tmp_path / "run", replace(trained, weights=weights))
    assert "weights.npz" in failed(invoke("predict", tmp_path / "run", "-", input="Anna"))
