"""Hidden states of language models on disk: computed once per model and text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import small_language_models as small
from support.small_language_models import BACKWARD, FORWARD, SENTENCES

from tagger.errors import TaggerError
from tagger.language_models import cache
from tagger.language_models.model import LanguageModel


@pytest.mark.parametrize("quantized", [False, True])
def test_states_on_disk_are_the_states_and_are_computed_once(
    cache_folder: Path, monkeypatch: pytest.MonkeyPatch, quantized: bool
) -> None:
    models = [
        LanguageModel(small.bundle_of(**model), quantized=quantized)
        for model in (FORWARD, BACKWARD)
    ]
    monkeypatch.setattr(cache, "CHUNK_SENTENCES", 2)
    expected = [model.encode(SENTENCES) for model in models]
    progress: list[tuple[int, int]] = []
    first = cache.states_on_disk(
        models, SENTENCES, lambda done, total: progress.append((done, total))
    )
    monkeypatch.setattr(LanguageModel, "encode", None)  # nothing is computed any more
    for found in (first, cache.states_on_disk(models, SENTENCES)):
        assert found.digests == tuple(model.digest for model in models)
        for each, wanted in zip(found.arrays, expected, strict=True):
            assert [len(sentence) for sentence in each] == [2, 2, 0, 4, 5]
            for one, other in zip(each, wanted, strict=True):
                np.testing.assert_allclose(
                    one, other, atol=0.05 if quantized else 2e-3
                )  # float16; int8 depends on the batch
    assert sorted(progress)[-1] == (26, 26)
    assert len(list(cache_folder.iterdir())) == 6  # three blocks of two models


def test_other_models_other_texts_and_other_precisions_have_other_files(cache_folder: Path) -> None:
    bundle = small.bundle_of()
    for model in (
        LanguageModel(bundle),
        LanguageModel(bundle, quantized=True),
        LanguageModel(small.bundle_of(seed=3)),
        LanguageModel(small.bundle_of(direction="backward")),
        LanguageModel(small.bundle_of(cell="lstm-peephole")),
    ):
        before = len(list(cache_folder.glob("*")))
        for text in ([["a", "b"]], [["a"], ["b"]], [["a b"]], [["ab"]]):
            cache.states_on_disk([model], text)
        assert len(list(cache_folder.iterdir())) == before + 4


def test_a_damaged_file_is_made_anew_and_an_interruption_keeps_whole_blocks(
    cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = LanguageModel(small.bundle_of())
    monkeypatch.setattr(cache, "CHUNK_SENTENCES", 1)

    encode = LanguageModel.encode

    def interrupted(*arguments: Any) -> list[np.ndarray]:
        if len(list(cache_folder.glob("*"))) == 2:
            raise KeyboardInterrupt
        return encode(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(LanguageModel, "encode", interrupted)
        with pytest.raises(KeyboardInterrupt):
            cache.states_on_disk([model], SENTENCES)
    whole = {path: path.stat().st_ino for path in cache_folder.iterdir()}
    assert len(whole) == 2
    damaged, kept = whole
    damaged.write_bytes(damaged.read_bytes()[:-3])
    [found] = cache.states_on_disk([model], SENTENCES).arrays
    assert kept.stat().st_ino == whole[kept]  # a file that is written is another
    assert len(list(cache_folder.iterdir())) == 5
    for one, other in zip(found, model.encode(SENTENCES), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-3)


def test_a_disk_that_cannot_be_written_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TAGGER_CACHE", str(tmp_path / "file"))
    with pytest.raises(TaggerError, match="cannot be written"):
        cache.states_on_disk([LanguageModel(small.bundle_of())], SENTENCES)
