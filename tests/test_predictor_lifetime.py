"""A model's life: opened, shared by threads, sent to processes, forked, misused and closed."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.inputs import vectors_of
from support.paths import GOLDEN, ROOT

import tagger
from tagger.bundles import tagger_files as bundles
from tagger.errors import BundleError, TaggerError
from tagger.inference import word_cache
from tagger.inference.member import EnsembleMember
from tagger.inference.network import OnnxTagger
from tagger.inference.predictor import Predictor
from tagger.text.spans import Sentence

TEXT = "Mira Okafor works for Nordwind in Quito."
WORDS = ["Mira", "Okafor", "met", "Leila", "in", "Quito", ".", "Borealis", "Labs", "The", "train"]


def facts(sentences: list[Sentence]) -> list[list[tuple[int, int, str, float | None]]]:
    """Spans with their exact probabilities."""
    return [
        [(span.start, span.end, span.label, span.score) for span in one.spans or ()]
        for one in sentences
    ]


@pytest.fixture
def model() -> Iterator[Predictor]:
    with tagger.load(GOLDEN) as opened:
        yield opened


@pytest.fixture
def with_vectors(tmp_path: Path) -> Path:
    """A bundle with a memory-mapped table of vectors, which no other test has opened."""
    shutil.copytree(GOLDEN, tmp_path / "run")
    return tmp_path / "run"


# -- closing


def test_a_closed_model_says_so(model: Predictor) -> None:
    pending = model.predict(Sentence(("Quito",)) for _ in range(3))
    assert "float32>" in repr(model) or "int8>" in repr(model)
    model.close()
    model.close()
    assert repr(model).endswith("; closed>")
    assert model.labels
    for use in (
        lambda: model.tag(TEXT),
        lambda: model.tag_tokens([["Quito"]]),
        lambda: model.predict([]),
        lambda: model.distributions([]),
        lambda: list(pending),
        lambda: model.bundle,
        lambda: model.members,
        lambda: pickle.dumps(model),
        model.__enter__,
    ):
        with pytest.raises(TaggerError, match="the model is closed; open it again"):
            use()


def test_closing_ends_what_other_threads_do(model: Predictor) -> None:
    started = threading.Event()

    def endless() -> Iterator[Sentence]:
        while True:
            started.set()
            yield Sentence(tuple(WORDS))

    def work() -> None:
        for _ in model.predict(endless()):
            pass

    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(work) for _ in range(2)]
        started.wait()
        time.sleep(0.2)
        model.close()
        for each in running:
            with pytest.raises(TaggerError, match="closed"):
                each.result(timeout=30)


def resources(folder: Path) -> tuple[int, int, int]:
    """Count threads, open files, and memory maps of files below a folder, in this process."""
    gc.collect()
    maps = Path("/proc/self/maps").read_text()
    mapped = sum(str(folder.resolve()) in line for line in maps.splitlines())
    return threading.active_count(), len(os.listdir("/proc/self/fd")), mapped


def settled(folder: Path, before: tuple[int, int, int]) -> tuple[int, int, int]:
    """Count resources again and again, until threads that have to end had time for it."""
    for _ in range(100):
        now = resources(folder)
        if all(one <= other for one, other in zip(now, before, strict=True)):
            break
        time.sleep(0.05)
    return now


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux's /proc")
def test_two_hundred_models_leave_nothing_behind(with_vectors: Path) -> None:
    """Every other one is closed, and holds nothing even while somebody holds it; the others are
    only let go.
    """

    def use() -> Predictor:
        opened = tagger.load(with_vectors, threads=2)
        opened.tag(TEXT)
        return opened

    use().close()
    time.sleep(0.5)  # for the threads of this and of earlier models to end
    before = resources(with_vectors)
    kept = []
    for number in range(200):
        opened = use()
        if number % 2:
            opened.close()
            kept.append(opened)
    del opened
    after = settled(with_vectors, before)
    assert before[2] == 0
    assert all(one <= other for one, other in zip(after, before, strict=True)), (before, after)


def test_a_bundle_with_vectors_is_mapped(with_vectors: Path) -> None:
    """Or the test above would see no map to release."""
    vectors = vectors_of(bundles.load(with_vectors).features)
    assert isinstance(vectors.table, np.memmap)


# -- threads


@pytest.mark.slow
@pytest.mark.parametrize("limit", [word_cache.LEXICON, 60], ids=["", "and old words forgotten"])
def test_threads_get_what_one_after_the_other_gets(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """Exactly, in float32, while thousands of new words are encoded."""
    monkeypatch.setattr(word_cache, "LEXICON", limit)
    draw = random.Random(1)
    known = predictor.bundle.features.words.words[:200]

    def word(number: int) -> str:
        return f"W{number}" + "".join(draw.choices("abcdefghi", k=draw.randint(1, 12)))

    documents = [
        [
            [
                draw.choice(known) if draw.random() < 0.7 else word(number)
                for _ in range(draw.randint(1, 25))
            ]
            for _ in range(draw.randint(1, 4))
        ]
        for number in range(2000)
    ]
    assert predictor.source is not None
    with tagger.load(*predictor.source.paths, precision="float32") as alone:
        expected = [facts(alone.tag_tokens(document)) for document in documents]
    assert sum(len(one) for each in expected for one in each) > 1000
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with (
            tagger.load(*predictor.source.paths, precision="float32") as shared,
            ThreadPoolExecutor(8) as pool,
        ):
            found = list(pool.map(lambda document: facts(shared.tag_tokens(document)), documents))
    finally:
        sys.setswitchinterval(usual)
    assert found == expected


def test_the_features_of_a_word_do_not_depend_on_what_else_is_new() -> None:
    bundle = bundles.load(GOLDEN)
    member, draw = EnsembleMember(bundle, OnnxTagger(bundle)), random.Random(2)
    words = ["".join(draw.choices("abcABC1", k=draw.randint(1, 14))) for _ in range(200)]
    encoded = member.encode([words])
    expected = encoded.features[encoded.tokens]
    for count in (1, 1, 2, 3, 5, 13, 70):
        member.clear_cache()
        chosen = draw.sample(range(200), count)
        some = member.encode([[words[number] for number in chosen]])
        np.testing.assert_array_equal(some.features[some.tokens], expected[chosen])


# -- processes


def _tag(model: Predictor) -> list[list[tuple[int, int, str, float | None]]]:
    return facts(model.tag(TEXT))


def test_a_pickled_model_reopens_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(GOLDEN, tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    with tagger.load("run", "run", precision="int8", threads=3) as opened:
        monkeypatch.chdir(ROOT)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            assert pool.submit(_tag, opened).result() == facts(opened.tag(TEXT))
        with pickle.loads(pickle.dumps(opened)) as again, copy.copy(opened) as copied:
            for one in (again, copied):
                assert one.source is not None
                assert (one.source.precision, one.source.threads) == ("int8", 3)
                assert [member.network.precision for member in one.members] == ["int8", "int8"]
                assert one.members[0] is not opened.members[0]
        bundle = bundles.load(tmp_path / "run")
        bundles.save(tmp_path / "run", replace(bundle, metrics={"dev": {}}))
        with pytest.raises(BundleError, match="run: was changed since the model was opened"):
            pickle.loads(pickle.dumps(opened))


def test_a_model_made_in_memory_cannot_be_pickled(model: Predictor) -> None:
    with Predictor(*model.members) as in_memory:
        assert "; in memory; " in repr(in_memory)
        with pytest.raises(TaggerError, match="made in memory cannot be sent to another process"):
            pickle.dumps(in_memory)


FORKED = f"""
import os, sys, tagger
from tagger.text.spans import Sentence

model = tagger.load({str(GOLDEN)!r}, threads=2)
predictions = model.predict(Sentence(("Quito", str(n))) for n in range(100_000))
next(predictions)
child = os.fork()
if child == 0:
    for use in (
        lambda: model.tag("Quito"),
        lambda: model.tag_tokens([["Quito"]]),
        lambda: list(predictions),
        lambda: model.distributions([]),
        lambda: model.bundle,
        model.__reduce__,
    ):
        try:
            use()
        except tagger.TaggerError as error:
            if "before os.fork" not in str(error):
                os._exit(2)
        else:
            os._exit(3)
    model.close()
    with tagger.load({str(GOLDEN)!r}) as own:
        spans = own.tag("Mira met Leila in Quito.")[0].spans
    if len(spans) != 3:
        os._exit(4)
    os._exit(0)  # as multiprocessing does: with ONNX Runtime imported, others wait for ever
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0, status
assert len(list(predictions)) == 99_999  # the parent goes on
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_forked_child_gets_an_error_and_never_hangs() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


# -- wrong arguments


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda model: model.tag(None), "expected a text of type str, got NoneType"),
        (lambda model: model.tag(["a"]), "expected a text of type str, got list"),
        (lambda model: model.tag(b"a"), "expected a text of type str, got bytes"),
        (lambda model: model.tag_tokens("a string"), "tag raw text with tag"),
        (lambda model: model.tag_tokens(None), "expected sentences, each a sequence of tokens"),
        (lambda model: model.tag_tokens([["New", "s"], "ab"]), "each sentence as a sequence of"),
        (lambda model: model.tag_tokens([["New"], 3]), "of type str, got int: 3"),
        (lambda model: model.tag_tokens([["New", 2]]), "expected tokens of type str, got int: 2"),
        (lambda model: model.tag_tokens([[None]]), "tokens of type str, got NoneType: None"),
        (lambda model: model.predict(None), "expected sentences of type tagger.Sentence"),
        (lambda model: list(model.predict(["a"])), "tagger.Sentence, got str: 'a'"),
        (
            lambda model: list(model.predict([Sentence((1,))])),  # type: ignore[arg-type]
            "tokens of type str, got int",
        ),
        (lambda model: list(model.distributions([["a"]])), "tagger.Sentence, got list"),
        (
            lambda model: tagger.load(["a"]),  # type: ignore[arg-type]
            "expected the path of a folder, got list",
        ),
        (
            lambda model: tagger.load(3),  # type: ignore[arg-type]
            "expected the path of a folder, got int",
        ),
    ],
)
def test_wrong_arguments_are_type_errors_and_do_no_harm(
    use: Callable[[Any], object], message: str
) -> None:
    with tagger.load(GOLDEN) as fresh:
        expected = facts(fresh.tag(TEXT))
        words = len(fresh.members[0].words.word_encoder)
        with pytest.raises(TypeError, match=message):
            use(fresh)
        assert len(fresh.members[0].words.word_encoder) == words
        assert facts(fresh.tag(TEXT)) == expected
        assert facts(fresh.tag_tokens([["New", "s", "Mira"]]))


@pytest.mark.parametrize("threads", [0, -1, 1.5, True, "2"])
def test_a_number_of_threads_is_positive(threads: Any) -> None:
    with pytest.raises(ValueError, match="expected a positive number of threads"):
        tagger.load(GOLDEN, threads=threads)


def test_an_error_within_encoding_leaves_nothing_half_encoded(
    model: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = facts(model.tag("Ugo met Leila in Brandnew."))
    model.members[0].clear_cache()
    with monkeypatch.context() as patch:
        patch.setattr("tagger.features.inputs.shapes.shape_of", None)
        patch.setattr("tagger.features.encode.consistency_key", None)
        with pytest.raises(TypeError):
            model.tag("Ugo met Leila in Brandnew.")
    assert facts(model.tag("Ugo met Leila in Brandnew.")) == expected


def test_strings_of_other_classes_are_strings(model: Predictor) -> None:
    tokens = ["Mira", "met", "Leila"]
    assert facts(model.tag_tokens(np.array([tokens]))) == facts(model.tag_tokens([tokens]))


def test_repr_is_short(model: Predictor) -> None:
    assert repr(model) == f"<Predictor: LOC, ORG, PER; {GOLDEN}; float32>"
    model.labels = [f"L{number}" for number in range(20)]
    assert "L7, … (20); " in repr(model)
