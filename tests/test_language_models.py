"""The runtime of language models against the lectures' equations; scores, folders, and states at
tokens.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import small_language_models as small
from support.command_line import failed, invoke, worked

from tagger.bundles import language_model as bundles
from tagger.cells import CELLS
from tagger.config import language_model as config
from tagger.errors import BundleError, ConfigError, DataError, TaggerError
from tagger.export.language_model import with_graphs
from tagger.language_models import scoring, states, text
from tagger.language_models.model import LanguageModel, load

MODELS = [
    {"cell": cell, "embedding": embedding, "layers": layers}
    for cell in CELLS
    for embedding, layers in [(4, 2), (0, 1)]
]
MODELS += [
    {"tied": True, "embedding": 6},
    {"embedding": 0, "units": 2, "cell": "rnn"},
    {"level": "words"},
]
SENTENCES = [["ab", "c"], ["e"], ["abc", "Zd", "."], ["d", "a", "b"]]


@pytest.mark.parametrize("model", MODELS)
def test_log_probabilities_equal_the_equations_padded_or_not(model: dict[str, Any]) -> None:
    bundle = small.bundle_of(**model)
    runtime = LanguageModel(bundle)
    sequences = [
        np.array(ids, dtype=np.int32) for ids in ([2, 3, 4], [5], [1, 2, 2, 6, 3, 7], [], [4, 1])
    ]
    together = runtime.log_probabilities(sequences)
    for ids, found in zip(sequences, together, strict=True):
        np.testing.assert_allclose(found, small.log_probabilities(bundle, ids), atol=1e-4)
        np.testing.assert_allclose(found, runtime.log_probabilities([ids])[0], atol=1e-5)


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_a_sentence_scores_the_sum_of_its_steps(direction: str) -> None:
    model = LanguageModel(small.bundle_of(direction=direction))
    scores = list(scoring.score(model, SENTENCES))
    total = scoring.CorpusScore()
    for tokens, scored in zip(SENTENCES, scores, strict=True):
        expected = small.log_probabilities(model.bundle, model.ids(tokens))
        assert scored.log_probability == pytest.approx(expected.sum(), rel=1e-4)
        assert scored.perplexity == pytest.approx(np.exp(-expected.mean()), rel=1e-4)
        assert scored.text == " ".join(tokens)
        assert scored.names[-1] == "<EOS>"
        assert len(scored.names) == len(scored.values) == len(scored.text) + 1
        total.add(scored)
    assert (total.sentences, total.unknown, total.steps) == (4, 1, total.characters)
    assert total.perplexity == pytest.approx(2 ** (total.bits_per_character), rel=1e-6)
    assert total.log_probability == pytest.approx(sum(scored.log_probability for scored in scores))


def test_a_backward_model_is_a_forward_one_on_the_reversed_string() -> None:
    forward, backward = (
        LanguageModel(small.bundle_of(direction=direction)) for direction in ("forward", "backward")
    )
    (found,), (expected,) = (
        scoring.score(backward, [["ab", "c"]]),
        scoring.score(forward, [["c", "ba"]]),
    )
    assert found.names == expected.names == ("c", " ", "b", "a", "<EOS>")
    np.testing.assert_array_equal(found.values, expected.values)


def test_carried_scores_are_those_of_one_long_text() -> None:
    model = LanguageModel(small.bundle_of(cell="lstm", layers=2))
    found = np.concatenate(
        [scored.values for scored in scoring.score(model, SENTENCES, carry=True)]
    )
    ids = np.concatenate([np.append(model.ids(tokens), 0) for tokens in SENTENCES])[:-1]
    np.testing.assert_allclose(found, small.log_probabilities(model.bundle, ids), atol=1e-4)


@pytest.mark.parametrize(
    "model", [{"cell": "lstm", "layers": 2}, {"cell": "lstm-peephole", "embedding": 0}]
)
def test_int8_is_near(model: dict[str, Any]) -> None:
    bundle = small.bundle_of(units=64, seed=2, **model)
    # As small as in a trained model: a gate is seldom shut.
    weights = {name: array / 4 for name, array in bundle.weights.items()}
    if "embedding" not in model:  # as in a model whose border is far from all else
        weights["embedding/embeddings"][1:] += 2
    bundle = with_graphs(replace(bundle, weights=weights))
    exact, near = LanguageModel(bundle), LanguageModel(bundle, quantized=True)
    for mine, its in zip(exact.encode(SENTENCES), near.encode(SENTENCES), strict=True):
        assert np.linalg.norm(mine - its) < 0.1 * np.linalg.norm(mine)
    with pytest.raises(TaggerError, match="no int8 operator for the cell gru"):
        LanguageModel(small.bundle_of(cell="gru"), quantized=True).encode(SENTENCES)


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("level", ["characters", "words"])
def test_states_are_those_after_each_token(level: str, direction: str) -> None:
    sentences = [["the", "pear"], [], ["and"], ["salad", "the", "ab", "c", "."]]
    model = LanguageModel(small.bundle_of(level=level, direction=direction))
    for tokens, arrays in zip(sentences, model.encode(sentences), strict=True):
        assert arrays.shape == (len(tokens), 6)
        assert arrays.dtype == np.float32
        order = tokens[::-1] if direction == "backward" else tokens
        for number, token_states in enumerate(arrays):
            read = order[: len(tokens) - number if direction == "backward" else number + 1]
            if level == "words":
                ids = model.bundle.vocabulary.ids(read)
            else:
                string = " ".join(read[::-1])[::-1] if direction == "backward" else " ".join(read)
                ids = model.bundle.vocabulary.ids(string)
            expected = small.activations(model.bundle, [0, *ids])[-1]
            np.testing.assert_allclose(token_states, expected, atol=1e-5)


def test_several_models_read_side_by_side() -> None:
    models = [
        LanguageModel(small.bundle_of(seed=seed, direction=direction))
        for seed, direction in ((1, "forward"), (2, "backward"))
    ]
    sentences = [["ab", "c"], [], ["d"]] * 30
    for found, model in zip(states.states_of(models, sentences).arrays, models, strict=True):
        for mine, its in zip(found, model.encode(sentences), strict=True):
            np.testing.assert_allclose(mine, its, atol=1e-6)


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_keras_has_the_same_states(direction: str) -> None:
    from tagger.training.build_language_model import OnKeras

    bundle = small.bundle_of(direction=direction, layers=2)
    for mine, its in zip(
        OnKeras(bundle).encode(SENTENCES),
        LanguageModel(bundle).encode(SENTENCES),
        strict=True,
    ):
        np.testing.assert_allclose(mine, its, atol=1e-5)


def test_a_model_is_read_as_it_was_written(tmp_path: Path) -> None:
    bundle = small.bundle_of(level="words")
    bundles.save(tmp_path / "run", bundle)
    again = bundles.load(tmp_path / "run")
    assert (again.config, again.vocabulary, again.metrics) == (bundle.config, bundle.vocabulary, {})
    assert {name: array.tolist() for name, array in again.weights.items()} == {
        name: array.tolist() for name, array in bundle.weights.items()
    }


def test_a_damaged_or_foreign_folder_is_refused(tmp_path: Path) -> None:
    run = tmp_path / "run"
    bundles.save(run, small.bundle_of())
    with pytest.raises(BundleError, match="not a trained model"):
        bundles.load(tmp_path)
    weights = (run / "weights.npz").read_bytes()
    (run / "weights.npz").write_bytes(weights[:-1] + b"x")
    with pytest.raises(BundleError, match="differs from the manifest"):
        load(run)
    (run / "weights.npz").unlink()
    with pytest.raises(BundleError, match="cannot be read"):
        load(run)
    manifest = json.loads((run / "manifest.json").read_text())
    changes: list[tuple[dict[str, Any], str]] = [
        ({"format": 99}, "bundle format 99"),
        ({"kind": None}, "not a language model"),
        ({"files": []}, "damaged"),
    ]
    for change, message in changes:
        (run / "manifest.json").write_text(json.dumps({**manifest, **change}))
        with pytest.raises(BundleError, match=message):
            bundles.load(run)
    other = small.bundle_of(units=5)
    bundles.save(
        run,
        bundles.LanguageModelBundle(small.bundle_of().config, other.vocabulary, other.weights, {}),
    )
    with pytest.raises(BundleError, match=r"does not fit config\.toml"):
        bundles.load(run)


def test_text_becomes_numbers_with_borders(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("ab  c\n\nba\n", encoding="utf-8")
    settings = config.override(
        config.LanguageModelConfig(),
        [f'data.train=["{tmp_path / "a.txt"}"]', "data.tokenizer=whitespace"],
    )
    settings = config.override(settings, ["vocabulary.minimum_count=2"])
    vocabulary, _ = text.survey(settings)
    assert vocabulary.words == ["a", "b"]
    encoded = text.encode(settings.data.train, settings, vocabulary, tmp_path / "ids")
    assert encoded.ids.tolist() == [0, 2, 3, 1, 1, 0, 3, 2, 0]
    assert (encoded.predicted, encoded.characters, encoded.unknown) == (8, 8, 2)
    (tmp_path / "empty.txt").write_text("\n", encoding="utf-8")
    with pytest.raises(DataError, match="no text in it"):
        text.encode([str(tmp_path / "empty.txt")], settings, vocabulary, tmp_path / "ids")


def test_settings_that_cannot_be_say_so() -> None:
    with pytest.raises(ConfigError, match=r"did you mean model\.direction"):
        config.override(config.LanguageModelConfig(), ["model.diretion=backward"])
    with pytest.raises(ConfigError, match=r"needs model\.embedding = model\.units"):
        config.check(config.override(config.LanguageModelConfig(), ["model.tied=true"]))
    with pytest.raises(ConfigError, match=r"data\.train is missing"):
        config.check(config.LanguageModelConfig())


def test_score_on_the_command_line(tmp_path: Path) -> None:
    bundles.save(tmp_path / "run", small.bundle_of())
    lines = worked(invoke("lm", "score", tmp_path / "run", "-", input="ab c\nZ\n")).splitlines()
    assert [line.split("\t")[-1] for line in lines[:2]] == ["ab c", "Z"]
    assert lines[2].startswith("2 sentences, 7 steps, 14.29 % unknown: log-probability ")
    *objects, total = map(
        json.loads,
        worked(
            invoke("lm", "score", tmp_path / "run", "-", "--json", input="ab c\nZ\n")
        ).splitlines(),
    )
    assert [name for name, _ in objects[0]["tokens"]] == ["a", "b", " ", "c", "<EOS>"]
    assert sum(value for _, value in objects[0]["tokens"]) == pytest.approx(
        objects[0]["log_probability"]
    )
    assert total["log_probability"] == pytest.approx(
        sum(scored["log_probability"] for scored in objects)
    )
    assert worked(invoke("lm", "score", tmp_path / "run", "-", input="\n")) == "no sentences\n"
    assert (
        json.loads(worked(invoke("lm", "score", tmp_path / "run", "-", "--json", input="")))[
            "sentences"
        ]
        == 0
    )
    assert "cannot be read" in failed(
        invoke("lm", "score", tmp_path / "run", tmp_path / "nothing.txt")
    )
    assert "not a trained model" in failed(invoke("lm", "score", tmp_path, "-"))
