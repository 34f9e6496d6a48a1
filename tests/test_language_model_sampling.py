"""Samples come from the distribution that is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support import small_language_models as small
from support.command_line import failed, invoke, worked

from tagger.bundles import language_model as bundles
from tagger.language_models import sampling
from tagger.language_models.model import LanguageModel
from tagger.language_models.sampling import SamplingConfig

LOGITS = np.log([0.1, 0.5, 0.2, 0.15, 0.05])


def test_unknown_is_never_drawn_and_the_others_keep_their_proportions() -> None:
    np.testing.assert_allclose(
        sampling.distribution(LOGITS, SamplingConfig()), [0.2, 0, 0.4, 0.3, 0.1]
    )


def test_temperature_takes_powers() -> None:
    powers = np.array([0.1, 0, 0.2, 0.15, 0.05]) ** 2
    np.testing.assert_allclose(
        sampling.distribution(LOGITS, SamplingConfig(temperature=0.5)), powers / powers.sum()
    )
    assert sampling.distribution(LOGITS, SamplingConfig(temperature=1e-6))[2] == 1


def test_top_k_leaves_the_k_most_probable() -> None:
    np.testing.assert_allclose(
        sampling.distribution(LOGITS, SamplingConfig(top_k=2)), [0, 0, 4 / 7, 3 / 7, 0], atol=1e-12
    )
    np.testing.assert_allclose(
        sampling.distribution(LOGITS, SamplingConfig(top_k=1, temperature=9)), [0, 0, 1, 0, 0]
    )
    np.testing.assert_array_equal(
        sampling.distribution(LOGITS, SamplingConfig(top_k=99)),
        sampling.distribution(LOGITS, SamplingConfig()),
    )


def test_first_tokens_are_as_frequent_as_they_are_probable() -> None:
    bundle = small.bundle_of(level="words")
    model, random, count = LanguageModel(bundle), np.random.default_rng(1), 2000
    drawn = [
        sampling.sample(model, SamplingConfig(max_length=1), random).text for _ in range(count)
    ]
    logits, _ = model.logits(np.array([0]))
    p = sampling.distribution(logits, SamplingConfig())
    for number, probability in enumerate(p):
        word = (
            "" if number == 0 else "never" if number == 1 else bundle.vocabulary.words[number - 2]
        )
        assert drawn.count(word) / count == pytest.approx(
            probability, abs=4 * np.sqrt(probability / count) + 1e-9
        )


def test_a_sample_goes_on_with_what_it_drew() -> None:
    """With k = 1 every token is the most probable after all before it."""
    bundle = small.bundle_of(cell="gru", seed=3)
    model = LanguageModel(bundle)
    text = sampling.sample(
        model, SamplingConfig(top_k=1, max_length=5), np.random.default_rng(1), ["ab"]
    ).text
    assert text.startswith("ab")
    ids = bundle.vocabulary.ids(text).tolist()
    for length in range(2, len(ids) + (len(text) < 7)):
        a = small.activations(bundle, [0, *ids[:length]])[-1]
        logits = a @ bundle.weights["softmax/kernel"] + bundle.weights["softmax/bias"]
        logits[1] = -np.inf
        assert logits.argmax() == (ids[length] if length < len(ids) else 0)


def test_a_backward_model_ends_with_the_prefix() -> None:
    forward, backward = (
        LanguageModel(small.bundle_of(direction=direction)) for direction in ("forward", "backward")
    )
    drawing = SamplingConfig(max_length=8)
    mine = sampling.sample(backward, drawing, np.random.default_rng(1), ["ab", "c"]).text
    its = sampling.sample(forward, drawing, np.random.default_rng(1), ["c", "ba"]).text
    assert mine == its[::-1]
    assert mine.endswith("ab c")


def test_sample_on_the_command_line(tmp_path: Path) -> None:
    bundles.save(tmp_path / "run", small.bundle_of(level="words"))
    arguments = (
        "lm",
        "sample",
        tmp_path / "run",
        "--prefix",
        "the pear",
        "--max-length",
        "3",
        "--count",
        "4",
    )
    lines = worked(invoke(*arguments, "--seed", "1")).splitlines()
    assert len(lines) == 4
    assert all(
        line.startswith("the pear") and len(line.split()) <= 5 and "<UNK>" not in line
        for line in lines
    )
    assert worked(invoke(*arguments, "--seed", "1")).splitlines() == lines
    assert "not a trained model" in failed(invoke("lm", "sample", tmp_path))
    assert "temperature" in failed(invoke(*arguments, "--temperature", "0"), status=2)
