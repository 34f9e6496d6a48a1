"""Text as people have it: other scripts, accents, invisible characters, posts and markup."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
from support.command_line import invoke
from support.paths import GOLDEN

import tagger
from tagger.errors import DataError
from tagger.features.encode import WordEncoder
from tagger.text import formats, tokenizers
from tagger.text.formats import ReadOptions
from tagger.text.spans import Sentence


def words(text: str, name: str = tokenizers.DEFAULT) -> list[str]:
    """Return the tokens of each sentence, joined by blanks."""
    return [
        " ".join(text[start:end] for start, end in sentence)
        for sentence in tokenizers.get(name)(text)
    ]


def read(folder: Path, text: str, spans: list[list[object]], tokenizer: str) -> list[Sentence]:
    """Read one JSON object of a text and its spans."""
    path = folder / "a.jsonl"
    path.write_text(json.dumps({"text": text, "spans": spans}) + "\n")
    return list(formats.read(str(path), "jsonl", ReadOptions(tokenizer=tokenizer)))


# -- text without blanks

CHINESE = "王芳住在广州。刘洋去了成都！"


def test_chinese_is_read_character_by_character(tmp_path: Path) -> None:
    first, second = read(tmp_path, CHINESE, [[0, 2, "PER"], [4, 6, "LOC"], [11, 13, "LOC"]], "zh")
    assert first.tokens == tuple("王芳住在广州。")
    assert [(span.start, span.end, span.text) for span in first.spans or ()] == [
        (0, 2, "王芳"),
        (4, 6, "广州"),
    ]
    assert second.tokens == tuple("刘洋去了成都！")
    assert [(span.start_char, span.end_char) for span in second.spans or ()] == [(11, 13)]


def test_a_span_within_a_token_is_an_error_that_names_tokenizers_that_fit(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, CHINESE, [[0, 2, "PER"]], tokenizers.DEFAULT)
    assert str(caught.value) == (
        f"{tmp_path}/a.jsonl:1: the span 0-2 ('王芳', PER) does not begin and end with a token; "
        "the tokens there are '王芳住在广州' (0-6). Correct the span, provide tokens instead of "
        "text, or choose a tokenizer that fits with --tokenizer: characters, unicode; or "
        "declare what becomes of such spans with --misaligned"
    )
    with pytest.raises(DataError) as caught:
        read(tmp_path, "the cafe\u0301s of Lyon", [[4, 8, "X"]], tokenizers.DEFAULT)
    assert str(caught.value).endswith(
        "Correct the span, which fits no known tokenizer, or provide tokens instead of text; or "
        "declare what becomes of such spans with --misaligned"
    )


def test_spans_inside_hyphenated_words_are_read(tmp_path: Path) -> None:
    text = "The Los Angeles-based lab grew anti-CD19 cells.\n(1999) IL-6-driven"
    spans: list[list[object]] = [[4, 15, "LOC"], [36, 40, "GENE"], [49, 53, "DATE"]]
    first, second = read(tmp_path, text, [*spans, [55, 59, "GENE"]], "unicode")
    assert [span.text for span in first.spans or ()] == ["Los Angeles", "CD19"]
    assert [span.text for span in second.spans or ()] == ["1999", "IL-6"]


def test_the_model_of_single_characters_is_to_use_their_tokenizer() -> None:
    corpus = [Sentence(tuple(line)) for line in ("王芳住在广州。", "刘洋去了成都！")]
    assert tokenizers.warning(corpus, "characters") is None
    assert tokenizers.warning(corpus, tokenizers.DEFAULT) == (
        "the tokenizer english-conll-2 finds 14.3% of the tokens of train in raw text, characters "
        "100.0%; to tag raw text, add --tokenizer characters"
    )


def test_convert_reads_text_by_the_tokenizer_of_a_language(tmp_path: Path) -> None:
    read(tmp_path, CHINESE, [[0, 2, "PER"]], "zh")
    done = invoke(
        "convert", str(tmp_path / "a.jsonl"), str(tmp_path / "a.conll"), "--tokenizer", "zh"
    )
    assert done.status == 0, done.stderr
    assert (
        (tmp_path / "a.conll").read_text().startswith("-DOCSTART- O\n\n王 B-PER\n芳 I-PER\n住 O\n")
    )


@pytest.mark.parametrize("command", ["train", "convert", "distill"])
def test_help_names_the_default_tokenizer(command: str) -> None:
    done = invoke(command, "--help")
    assert "--tokenizer NAME" in done.stdout
    assert f"[default: {tokenizers.DEFAULT}]" in " ".join(done.stdout.split())


# -- apostrophes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Le maire de l'Aisne dit qu’Eva part d'Arles aujourd'hui.",
            "Le maire de l' Aisne dit qu’ Eva part d' Arles aujourd'hui .",
        ),
        ("La squadra dell'Inter è all’Olimpico.", "La squadra dell' Inter è all’ Olimpico ."),
        ("El president d'Andorra va a l'Escala.", "El president d' Andorra va a l' Escala ."),
        ("Quelqu'un lit O'Neill et N'Djamena.", "Quelqu'un lit O'Neill et N'Djamena ."),
        ("M. Dupont voit Mr. Hart's chien.", "M. Dupont voit Mr. Hart 's chien ."),
        ("Porta't l'abric, la Mar se'n va", "Porta 't l' abric , la Mar se 'n va"),
    ],
)
def test_elided_words_are_tokens(text: str, expected: str) -> None:
    assert words(text, "romance") == [expected]


def test_spans_after_an_apostrophe_are_read(tmp_path: Path) -> None:
    text = "Les rois d'Aragon et de l'Anjou."
    (sentence,) = read(tmp_path, text, [[11, 17, "LOC"], [26, 31, "LOC"]], "fr")
    assert [span.text for span in sentence.spans or ()] == ["Aragon", "Anjou"]


# -- Hebrew and Arabic


def test_hebrew_abbreviations_are_one_token() -> None:
    assert words('מנכ"ל חל"ל טס לארה״ב.') == ['מנכ"ל חל"ל טס לארה״ב .']
    assert words("ג'ון וצ'רלס אמרו \"לא\".") == ["ג'ון וצ'רלס אמרו \" לא \" ."]
    assert words("מנכ\"ל ג'ורג' טס", "unicode") == ["מנכ\"ל ג'ורג' טס"]


def test_arabic_words_keep_their_marks_and_their_length() -> None:
    text = "ذَهَبَ أحمـــد إلى القاهرة، أليس كذلك؟ بلى."
    for name in (tokenizers.DEFAULT, "unicode"):
        assert words(text, name) == ["ذَهَبَ أحمـــد إلى القاهرة ، أليس كذلك ؟", "بلى ."]


# -- posts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "RT @sam_lee: #Berlin2030 soon!!! https://t.co/xY?a=1, @BBC :-) <3 $AAPL",
            "RT @sam_lee : #Berlin2030 soon !!! https://t.co/xY?a=1 , @BBC :-) <3 $AAPL",
        ),
        ("don't :( me@x.org $5 3:2 (see 8)", "do n't :( me@x.org $ 5 3:2 ( see 8 )"),
        ("xD ;P ^_^ -_- \\o/ :D", "xD ;P ^_^ -_- \\o/ :D"),
        ("#münchen #東京 @åsa", "#münchen #東京 @åsa"),
        ("C# a#b 10:30 a:b", "C # a # b 10:30 a : b"),
    ],
)
def test_the_notation_of_posts_is_one_token(text: str, expected: str) -> None:
    assert words(text, "social") == [expected]


# -- markup


def test_markup_is_not_part_of_a_name() -> None:
    text = "<p>Eva&nbsp;Lund of <b>Bern</b> joined AT&amp;T&#44; R&D &#x2014; &lt;x&gt;</p>"
    assert words(text) == [
        "<p> Eva &nbsp; Lund of <b> Bern </b> joined AT&amp;T &#44; R&D &#x2014; &lt; x &gt; </p>"
    ]


# -- invisible characters and accents

INVISIBLE = ["\xad", "\u200b", "\u2060", "\ufeff", "\u200c", "\u200d", "\u200e", "\u202c"]


@pytest.mark.parametrize("mark", INVISIBLE, ids=ascii)
def test_invisible_characters_belong_to_their_word_and_change_no_feature(mark: str) -> None:
    text = f"Han{mark}na met{mark} {mark}Ol{mark}af."
    (sentence,) = tokenizers.get(tokenizers.DEFAULT)(text)
    tokens = [text[start:end] for start, end in sentence]
    assert tokens == [f"Han{mark}na", f"met{mark}", f"{mark}Ol{mark}af", "."]
    model = tagger.load(GOLDEN)
    plain = ["Mira", "Okafor", "met", "Leila", "in", "Quito", "."]
    marked = [word[0] + mark + word[1:] if len(word) > 1 else word for word in plain]
    (expected,), (found,) = model.tag_tokens([plain]), model.tag_tokens([marked])
    assert expected.spans
    assert found.tokens == tuple(marked)
    assert [(span.start, span.end, span.label, span.score) for span in found.spans or ()] == [
        (span.start, span.end, span.label, span.score) for span in expected.spans
    ]


def test_soft_hyphens_change_no_span_and_offsets_are_those_of_the_input() -> None:
    model = tagger.load(GOLDEN)
    text = "Mira Okafor met Leila in Quito."
    shy = "Mi\xadra Oka\xadfor met Lei\xadla in Qui\xadto."
    (expected,), (found,) = model.tag(text), model.tag(shy)
    assert expected.spans
    assert [(span.label, span.text.replace("\xad", "")) for span in found.spans or ()] == [
        (span.label, span.text) for span in expected.spans
    ]
    for span in found.spans or ():
        assert shy[span.start_char : span.end_char] == span.text


def test_decomposed_accents_change_no_feature_and_no_score(trained_run: Path) -> None:
    model = tagger.load(trained_run)
    features = model.bundle.features
    composed = [word for word in features.words.words if not word.isascii()][:20]
    decomposed = [unicodedata.normalize("NFD", word) for word in composed]
    assert sum(map(str.__ne__, composed, decomposed)) > 5
    word_encoder = WordEncoder(features)
    ids = word_encoder.word_ids([composed, decomposed])
    first, second = map(word_encoder.words, ids)
    assert (first["words"] > 1).all()
    for name, array in first.items():
        assert (array == second[name]).all()
    (one,), (other,) = model.tag_tokens([composed]), model.tag_tokens([decomposed])
    assert other.tokens == tuple(decomposed)
    assert [(*map(str, (s.start, s.end, s.label)), s.score) for s in one.spans or ()] == [
        (*map(str, (s.start, s.end, s.label)), s.score) for s in other.spans or ()
    ]
