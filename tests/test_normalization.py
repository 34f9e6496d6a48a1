"""Words that look the same have the same features."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support import small_language_models
from support.inputs import features_of

from tagger.config.tagger import Config, DataConfig, VocabularyConfig
from tagger.features import vector_files
from tagger.features.encode import WordEncoder
from tagger.features.normalization import normalize, unescape
from tagger.features.vocabulary import Vocabulary
from tagger.language_models.model import LanguageModel
from tagger.text.spans import Sentence
from tagger.training.inputs.word_features import features_of as build


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("Zu\u0308rich", "Z\u00fcrich"),
        ("Ha\u0300 No\u0323\u0302i", "H\u00e0 N\u1ed9i"),
        ("co\xadop", "coop"),
        ("\ufeffMark", "Mark"),
        ("zero\u200bwidth\u2060", "zerowidth"),
        ("a\u200db", "ab"),
        ("\u200eabc\u202c", "abc"),
        ("10\xa0000", "10 000"),
        ("10\u202f000", "10 000"),
        # Nothing else is left
        ("\u200b", "\u200b"),
        ("\xad\xad", "\xad\xad"),
        # Joiners that are visible: Persian, Hindi, Malayalam, emoji
        ("\u0645\u06cc\u200c\u0634\u0648\u062f", "\u0645\u06cc\u200c\u0634\u0648\u062f"),
        ("\u0915\u094d\u200d\u0937", "\u0915\u094d\u200d\u0937"),
        ("\u0d28\u0d4d\u200d", "\u0d28\u0d4d\u200d"),
        ("\U0001f469\u200d\U0001f680", "\U0001f469\u200d\U0001f680"),
        ("\u2764\ufe0f\u200d\U0001f525", "\u2764\ufe0f\u200d\U0001f525"),
        # Joiners at the edge of a word are not
        ("\u0645\u06cc\u200c", "\u0645\u06cc"),
        ("\u200d\u0915", "\u0915"),
        # Compatibility forms and typographic marks are other characters
        ("\uff21\u2019\ufb01", "\uff21\u2019\ufb01"),
    ],
)
def test_normalized_words(word: str, expected: str) -> None:
    assert normalize(word) == expected


@given(st.text(st.characters(codec=None)))
@example("\u061c\u200c\u0645")
@example("\u0645\u200c\u200b\u0645")
@example("\ud800e\u0301")
def test_normalization_is_idempotent_and_loses_no_word(word: str) -> None:
    form = normalize(word)
    assert normalize(form) == form
    assert bool(form) == bool(word)
    assert normalize(unicodedata.normalize("NFC", word)) == form


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_is_left_as_it_is(word: str) -> None:
    assert normalize(word) is word


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        *(("-LRB-", "("), ("-rrb-", ")"), ("-LSB-", "["), ("-RCB-", "}")),
        *(("``", '"'), ("''", '"'), ("1\\/2", "1/2"), ("\\*", "*"), ("-", "-"), ("LRB", "LRB")),
    ],
)
def test_escapes_of_the_penn_treebank(word: str, expected: str) -> None:
    assert unescape(word) == expected


def test_the_setting_holds_for_the_vocabulary_and_for_features() -> None:
    sentences = [Sentence(("-LRB-", "Zu\u0308rich", "-RRB-"))]
    settings = Config(data=DataConfig(unescape=True), vocabulary=VocabularyConfig(minimum_count=1))
    features, _ = build(settings, sentences)
    assert features.words.words == ["(", "Z\u00fcrich", ")"]
    word_encoder = WordEncoder(features)
    ids = word_encoder.word_ids([["(", "Z\u00fcrich", ")"], ["-LRB-", "Zu\u0308rich", "-RRB-"]])
    assert word_encoder.words(ids[0])["words"].tolist() == [2, 3, 4]
    assert word_encoder.words(ids[1])["words"].tolist() == [2, 3, 4]
    features, _ = build(replace(settings, data=DataConfig()), sentences)
    assert features.words.words == ["-LRB-", "Z\u00fcrich", "-RRB-"]


def test_words_that_look_the_same_inform_each_other() -> None:
    word_encoder = WordEncoder(features_of(Vocabulary([], [])))
    (ids,) = word_encoder.word_ids([["Zu\u0308rich", "Z\u00fcrich", "Z\u00fc\xadrich", "Bern"]])
    keys = word_encoder.consistency_keys(ids).tolist()
    assert keys[0] == keys[1] == keys[2] != keys[3]


def test_words_of_vector_files_are_normalized_unless_both_are_there(tmp_path: object) -> None:
    from pathlib import Path

    path = Path(str(tmp_path)) / "vectors.txt"
    lines = ["e\u0301te\u0301 1 0", "co\xadop 2 0", "coop 3 0", "a\u0301\xad 4 0", "\u00e1 5 0"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    vectors = vector_files.read(path)
    assert list(vectors.words) == ["\u00e9t\u00e9", "co\xadop", "coop", "a\u0301\xad", "\u00e1"]
    assert vectors.rows(["\u00e9t\u00e9", "coop", "\u00e1"]).tolist() == [0, 2, 4]


@pytest.mark.parametrize("level", ["characters", "words"])
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_language_models_read_the_normalized_words(level: str, direction: str) -> None:
    bundle = small_language_models.bundle_of(level=level, direction=direction)
    model = LanguageModel(bundle)
    (plain,) = model.encode([["the", "apple", "salad"]])
    (marked,) = model.encode([["t\xadhe", "app\u200ble", "\ufeffsalad\u2060"]])
    np.testing.assert_array_equal(plain, marked)
