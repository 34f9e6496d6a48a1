"""Several models as one: the mean of their exact probabilities, decoded under the constraints."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support import reference_decoding as reference
from support.command_line import failed, invoke, worked
from support.paths import GOLDEN, SAMPLE

from tagger.bundles import tagger_files as bundles
from tagger.errors import BundleError
from tagger.export.tagger import with_graphs
from tagger.features.encode import WordFeatures
from tagger.features.inputs.words import WordsInput
from tagger.features.vocabulary import Vocabulary
from tagger.inference import predictor
from tagger.inference.decoder import Decoder
from tagger.inference.member import EnsembleMember
from tagger.inference.predictor import Predictor
from tagger.text import schemes
from tagger.text.spans import Sentence

TEXT = "Mira Okafor works for Nordwind in Quito. The train from Kestrel Rail met Leila in Porto."
SHORT = [["Mira", "Okafor", "left"], ["Quito"], [], ["Nordwind", "Rail"], ["met", "Leila", "in"]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """Three bundles of the same tags: the golden one, one of other weights, one whose head is a
    CRF.
    """
    folder, golden, random = (
        tmp_path_factory.mktemp("runs"),
        bundles.load(GOLDEN),
        np.random.default_rng(1),
    )
    moved = {
        name: array + random.normal(0, 0.15, array.shape).astype("float32")
        for name, array in golden.weights.items()
    }
    bundles.save(folder / "other", with_graphs(replace(golden, weights=moved)))
    tags = len(golden.tags)
    shapes = {"head/start": (tags,), "head/transitions": (tags, tags), "head/end": (tags,)}
    learnt = {name: random.normal(size=shape).astype("float32") for name, shape in shapes.items()}
    config = replace(golden.config, model=replace(golden.config.model, head="crf"))
    crf = replace(golden, weights={**golden.weights, **learnt}, config=config)
    bundles.save(folder / "crf", with_graphs(crf))
    return GOLDEN, folder / "other", folder / "crf"


def facts(sentences: list[Sentence]) -> list[list[tuple[int, int, str]]]:
    return [
        [(span.start, span.end, span.label) for span in sentence.spans or ()]
        for sentence in sentences
    ]


def scores(sentences: list[Sentence]) -> list[float]:
    return [span.score or 0.0 for sentence in sentences for span in sentence.spans or ()]


def mean_marginals(members: Sequence[EnsembleMember], tokens: list[str]) -> np.ndarray:
    """(T, K): of each member by listing every path, then the mean."""
    each = []
    for member in members:
        [(_, _, emissions)] = member.batches([tokens])
        each.append(
            reference.marginals(emissions[0].astype(np.float64), member.decoder.transitions)
        )
    return np.asarray(np.mean(each, axis=0))


@pytest.mark.parametrize("chosen", [(0, 1), (0, 2), (0, 1, 2), (0, 0)], ids=str)
def test_an_average_equals_the_slow_reference(
    runs: tuple[Path, ...], chosen: tuple[int, ...]
) -> None:
    model = predictor.load(*(runs[number] for number in chosen))
    assert len(model.members) == len(chosen)
    tags = model.bundle.tags
    constraints = Decoder(tags, plain_tags=False).transitions
    found = model.tag_tokens(SHORT)
    assert [sentence.tokens for sentence in found] == [tuple(tokens) for tokens in SHORT]
    for sentence, tokens in zip(found, SHORT, strict=True):
        if not tokens:
            assert sentence.spans == ()
            continue
        with np.errstate(divide="ignore"):
            emissions = np.log(mean_marginals(model.members, tokens))
        path = reference.best_path(emissions, constraints)
        assert facts([sentence]) == [
            [
                (span.start, span.end, span.label)
                for span in schemes.decode([tags[number] for number in path], "IOBES")
            ]
        ]
        for span in sentence.spans or ():
            segment = path[span.start : span.end]
            expected = np.exp(
                reference.segment_log_probability(emissions, constraints, span.start, segment)
            )
            assert span.score == pytest.approx(expected, abs=1e-5)


def test_a_model_with_itself_tags_as_it_does_alone(runs: tuple[Path, ...]) -> None:
    for run in runs[:2]:
        alone, twice = predictor.load(run), predictor.load(run, run)
        assert facts(twice.tag(TEXT)) == facts(alone.tag(TEXT))
        assert facts(alone.tag(TEXT))[0]


def test_order_does_not_matter(runs: tuple[Path, ...]) -> None:
    one, other = predictor.load(*runs).tag(TEXT), predictor.load(*reversed(runs)).tag(TEXT)
    assert facts(one) == facts(other)
    assert scores(one) == pytest.approx(scores(other), abs=1e-6)


def test_members_may_differ_in_vocabulary_and_network(
    runs: tuple[Path, ...], predictor_pair: Predictor
) -> None:
    """And what stands in a batch together changes nothing."""
    sentences = [*SHORT, ["Quito"] * 30, ["unheard", "of"]]
    together = predictor_pair.tag_tokens(sentences)
    alone = [predictor_pair.tag_tokens([tokens])[0] for tokens in sentences]
    assert facts(together) == facts(alone)
    assert scores(together) == pytest.approx(scores(alone), abs=1e-4)


@pytest.fixture(scope="module")
def predictor_pair(runs: tuple[Path, ...], tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """The golden model, and one that knows only half of its words."""
    folder, golden = tmp_path_factory.mktemp("half") / "run", bundles.load(GOLDEN)
    words = golden.features.words
    half = len(words.words) // 2
    fewer = WordsInput(Vocabulary(words.words[:half], words.counts[:half]))
    features = WordFeatures({**golden.features.inputs, "words": fewer})
    weights = dict(golden.weights)
    name = "vectors/differences/embeddings"
    weights[name] = weights[name][: half + 2]
    bundles.save(folder, with_graphs(replace(golden, features=features, weights=weights)))
    return predictor.load(GOLDEN, folder)


def test_plain_tags_are_averaged_too(tmp_path: Path, runs: tuple[Path, ...]) -> None:
    for number, run in enumerate(runs[:2]):
        bundle = bundles.load(run)
        tags = tuple(f"T{number:02d}" for number in range(len(bundle.tags)))
        bundles.save(tmp_path / str(number), replace(bundle, scheme="plain", tags=tags))
    model = predictor.load(tmp_path / "0", tmp_path / "1")
    tokens = ["Mira", "met", "Leila"]
    mean = mean_marginals(model.members, tokens)
    [found] = model.tag_tokens([tokens])
    assert found.tags == tuple(model.bundle.tags[number] for number in mean.argmax(axis=1))


@pytest.mark.parametrize("difference", ["tags", "scheme", "tokenizer"])
def test_what_cannot_be_averaged_is_refused(tmp_path: Path, difference: str) -> None:
    golden = bundles.load(GOLDEN)
    data = replace(golden.config.data, tokenizer="whitespace")
    other = {
        "tags": replace(golden, tags=tuple(tag.replace("PER", "PES") for tag in golden.tags)),
        "scheme": replace(golden, scheme="BILOU"),
        "tokenizer": replace(golden, config=replace(golden.config, data=data)),
    }[difference]
    bundles.save(tmp_path / "other", other)
    with pytest.raises(
        BundleError,
        match=f"other: cannot be averaged with .*tagger-1: they differ in their {difference}",
    ):
        predictor.load(GOLDEN, tmp_path / "other")
    for command in ("predict", "evaluate"):
        assert f"they differ in their {difference}" in failed(
            invoke(command, GOLDEN, tmp_path / "other", "-", input=TEXT)
        )


# -- the command line


def test_predict_with_several_models(runs: tuple[Path, ...], here: Path) -> None:
    Path("in.txt").write_text(TEXT + "\n")
    expected = facts(predictor.load(*runs).tag(TEXT))
    for source in ("in.txt", "-"):
        out = worked(
            invoke("predict", *runs, source, "--to", "jsonl", "--format", "text", input=TEXT)
        )
        found = [span["label"] for line in out.splitlines() for span in json.loads(line)["spans"]]
        assert found == [label for sentence in expected for _, _, label in sentence]
    worked(invoke("predict", *runs, "in.txt", "--output", "out"))
    assert [path.name for path in Path("out").iterdir()] == ["in.txt"]


def test_evaluate_several_models(runs: tuple[Path, ...], here: Path) -> None:
    figures = json.loads(worked(invoke("evaluate", *runs[:2], SAMPLE / "dev.conll", "--json")))
    model = predictor.load(*runs[:2])
    worked(invoke("predict", *runs[:2], SAMPLE / "dev.conll", "--output", "out"))
    of_columns = json.loads(worked(invoke("evaluate", "--predictions", "out/dev.conll", "--json")))
    assert of_columns == {name: figures[name] for name in ("conlleval", "strict")}
    assert figures["strict"]["gold"] > 100
    assert len(model.members) == 2


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_models_without_a_file_are_wrong_usage(runs: tuple[Path, ...], command: str) -> None:
    for given in (runs, runs[:2]):
        assert "at least one model, then at least one file" in failed(invoke(command, *given), 2)
    assert "expected RUN... FILE..." in failed(invoke(command, GOLDEN), 2)


def test_the_first_path_is_a_model_whatever_it_looks_like(here: Path) -> None:
    Path("a.txt").write_text(TEXT)
    assert "not a trained model" in failed(invoke("predict", "a.txt", GOLDEN, "a.txt"))
    Path("folder").mkdir()
    Path("folder/b.txt").write_text(TEXT)
    assert "[PER Mira Okafor]" in worked(invoke("predict", GOLDEN, "folder"))
