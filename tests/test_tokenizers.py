"""Raw text to tokens: exact offsets, nothing lost, sentences as people expect them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint, EntryPoints

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tagger.config.language_model import TextConfig
from tagger.config.tagger import DataConfig
from tagger.errors import TaggerError
from tagger.text.tokenizers import (
    DEFAULT,
    LANGUAGES,
    Offsets,
    TokenizerError,
    get,
    names,
    register,
    registry,
    resolve,
    validated,
)
from tagger.text.tokenizers.whitespace import whitespace

# Text in which the rules have something to do, and any text at all, lone surrogates included.
PIECES = re.split(
    r"\|",
    "Mr. J. Smith|U.S.|a.m.|don't|'s|n't|\"|'|`|\u2018|\u2019|\u201c|\u201d|(|)|.|...|!|?|,|--|-|$"
    "|US$"
    "|10,000|No.|2.|www.|http://|x@|@y.org|&|end.Next|.)|\u4f60\u597d\u3002"
    "|\u0928\u092e\u0938\u094d\u0924| | | |\n"
    "|\r\n|\u2028|\x85|\x1c|\x1f|\x00|\xa0|\u200b|\u200d|\ufeff|\u0301|\ud800|\U0001f600|\U0001f469\u200d"
    "|\U0001f1e9\U0001f1ea|\u0600|\u202e",
)
TEXTS = st.lists(st.sampled_from(PIECES), max_size=30).map("".join) | st.text(
    st.characters(codec=None)
)


def words(text: str, name: str = DEFAULT) -> list[list[str]]:
    return [[text[start:end] for start, end in sentence] for sentence in get(name)(text)]


@pytest.mark.parametrize("name", names())
@given(text=TEXTS)
@example(text='He left.)" "')
@example(text='"')
@example(text="Then.)")
@example(text="(P. Simmons 1. 2.")
@example(text=" \x1f\u0301")
def test_every_visible_character_is_in_exactly_one_token(name: str, text: str) -> None:
    offsets = [token for sentence in get(name)(text) for token in sentence]
    covered = [i for start, end in offsets for i in range(start, end)]
    assert covered == sorted(set(covered))
    assert {i for i, character in enumerate(text) if not character.isspace()} <= set(covered)
    assert all(0 <= start < end <= len(text) for start, end in offsets)


@given(text=TEXTS)
@example(text="http://\x1fa")
def test_tokens_hold_no_whitespace_and_sentences_no_line_break(text: str) -> None:
    for sentence in get(DEFAULT)(text):
        assert sentence
        assert not any(c.isspace() for start, end in sentence for c in text[start:end])
        assert len(text[sentence[0][0] : sentence[-1][1]].splitlines()) == 1


@given(text=TEXTS)
def test_whitespace_is_what_split_does(text: str) -> None:
    assert words(text, "whitespace") == [line.split() for line in text.splitlines() if line.split()]


@given(first=TEXTS, second=TEXTS)
def test_lines_do_not_influence_each_other(first: str, second: str) -> None:
    assert words(first + "\n" + second) == words(first) + words(second)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Teddy Roosevelt was a great President.", "Teddy Roosevelt was a great President ."),
        (
            "Don't, we'll, it's, DON'T, can\u2019t!",
            "Do n't , we 'll , it 's , DO N'T , ca n\u2019t !",
        ),
        ("Mr. J. Smith of the U.S. troops ran.", "Mr. J. Smith of the U.S. troops ran ."),
        (
            "the U.S.-led talks (U.S.) at 7 a.m. today",
            "the U.S.-led talks ( U.S. ) at 7 a.m. today",
        ),
        ("He lives in the U.S.", "He lives in the U.S ."),
        ("It is No. 5, at Acme Inc., London.", "It is No. 5 , at Acme Inc. , London ."),
        ("AT&T paid $100, US$10,000.50 or 5%.", "AT&T paid $ 100 , US$ 10,000.50 or 5 % ."),
        (
            "On 1996-08-22 +0.7 -3 .500 7-6 1/2 2:29.34",
            "On 1996-08-22 +0.7 -3 .500 7-6 1/2 2:29.34",
        ),
        (
            "Mail a.b+c@d-e.org; see http://x.org/a?b=1.",
            "Mail a.b+c@d-e.org ; see http://x.org/a?b=1 .",
        ),
        ("(see www.reuters.com/news) example.com", "( see www.reuters.com/news ) example.com"),
        ("Inzamam-ul-Haq, O'Brien, rock'n'roll", "Inzamam-ul-Haq , O'Brien , rock'n'roll"),
        ('the dogs\' 5 "big" bones...', 'the dogs \' 5 " big " bones ...'),
        ("yes--no and/or end.Next", "yes -- no and / or end . Next"),
        (
            "na\u00efve cafe\u0301 \u0928\u092e\u0938\u094d\u0924\u0947",
            "na\u00efve cafe\u0301 \u0928\u092e\u0938\u094d\u0924\u0947",
        ),
        (
            "\U0001f469\u200d\U0001f469\U0001f1e9\U0001f1ea\U0001f44d\U0001f3fd",
            "\U0001f469\u200d\U0001f469 \U0001f1e9\U0001f1ea \U0001f44d\U0001f3fd",
        ),
    ],
)
def test_tokens_of_one_sentence(text: str, expected: str) -> None:
    assert words(text) == [expected.split(" ")]


@pytest.mark.parametrize(
    "sentences",
    [
        ["It rained.", "We left!", "Why?", "Nobody knows."],
        ["Mr. J. Smith met U.S. troops, Dr. Brown and Gen. Lee in St. Paul."],
        ["He lives in the U.S.", "She does not."],
        ["It is No. 5 of 9.", "The rest is at www.x.com now."],
        ['"Go!" he said.', '"Never.', 'We stay."', "Then they left."],
        ["\u201cReally?\u201d asked Anna.", "\u201cYes.\u201d", "She went."],
        ["He won.", "2. Colin Jackson was second (1:02)."],
        ["the Iraq-U.N. talks failed."],
        [
            "It was Bob's.",
            "The dogs' owner left.",
            "'Never.'",
            "``Go.''",
            "\u2018Now.\u2019",
            "They went.",
        ],
    ],
)
def test_sentences(sentences: list[str]) -> None:
    text = " ".join(sentences)
    assert [text[s[0][0] : s[-1][1]] for s in get(DEFAULT)(text)] == sentences


def test_a_line_break_always_ends_a_sentence() -> None:
    assert words("VICTORY FOR\r\nSOMERSET\n\n \nLONDON\u2028we are,\x0cbut") == [
        ["VICTORY", "FOR"],
        ["SOMERSET"],
        ["LONDON"],
        ["we", "are", ","],
        ["but"],
    ]


@pytest.mark.parametrize("text", ["", " ", "\n\r\n\t", "\x1f", "\u3000\u2029"])
def test_nothing_to_see(text: str) -> None:
    assert words(text) == words(text, "whitespace") == []


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        ".",
        "a.",
        "a+",
        "a@",
        "www.!",
        "x-",
        "'",
        '"',
        "(",
        "- ",
        "n't",
        "\u0301",
        "Mr. ",
        "A. ",
        'Go." ',
        "\ud800",
    ],
)
def test_very_long_lines_finish(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    assert sum(end - start for s in get(DEFAULT)(text) for start, end in s) == len(
        text
    ) - text.count(" ")


def test_registered_tokenizers_are_found_and_names_stay_unique(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "_TOKENIZERS", dict(registry._TOKENIZERS))

    def letters(text: str) -> Iterator[list[Offsets]]:
        yield from ([(i, i + 1)] for i, c in enumerate(text) if not c.isspace())

    before = names()
    register("letters", letters)
    register("letters", letters)
    assert words("a b", "letters") == [["a"], ["b"]]
    assert names() == sorted(["letters", *before])
    for name in ("letters", DEFAULT):
        with pytest.raises(TokenizerError, match="another tokenizer named"):
            register(name, whitespace)


def test_an_unknown_name_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(
        ValueError,
        match=f"'whitespce'.*did you mean 'whitespace'.*: {', '.join(names())}\\. A custom",
    ):
        get("whitespce")
    with pytest.raises(TaggerError, match="unknown tokenizer 'zzz'; known"):
        get("zzz")


@pytest.mark.parametrize(
    ("sentences", "message"),
    [
        ([[(0, 2)]], "lost 'cd' at character 3"),
        ([[(3, 5)]], "lost 'ab' at character 0"),
        ([[(0, 1), (3, 5)]], "lost 'b' at character 1"),
        ([], "lost 'ab cd' at character 0"),
        ([[(0, 2)], [], [(3, 5)]], "empty sentence after character 2"),
        ([[(0, 2), (1, 5)]], r"token \(1, 5\) after character 2"),
        ([[(3, 5), (0, 2)]], "lost 'ab'"),
        ([[(0, 2), (2, 2), (3, 5)]], r"token \(2, 2\)"),
        ([[(0, 2), (3, 6)]], r"token \(3, 6\) after character 2 of 5"),
        ([[(-5, 2), (3, 5)]], r"token \(-5, 2\)"),
    ],
)
def test_a_tokenizer_that_loses_text_is_refused(
    sentences: list[list[Offsets]], message: str
) -> None:
    with pytest.raises(TokenizerError, match=f"'mine'.*{message}"):
        list(validated(lambda text: sentences, "mine")("ab cd"))


@pytest.mark.parametrize(
    ("code", "name"),
    [("fr", "romance"), ("zh", "characters"), ("ar", "unicode"), ("de", DEFAULT), ("en", DEFAULT)],
)
def test_the_code_of_a_language_stands_for_a_tokenizer(code: str, name: str) -> None:
    assert resolve(code) == name
    assert resolve(name) == name
    assert DataConfig(tokenizer=code).tokenizer == name
    assert TextConfig(tokenizer=code).tokenizer == name
    assert words("l'a b", code) == words("l'a b", name)


def test_every_language_has_a_registered_tokenizer() -> None:
    assert {*LANGUAGES.values()} <= {*names()}
    assert not {*LANGUAGES} & {*names()}
    assert resolve("klingon") == "klingon"


def test_models_of_the_first_version_keep_their_tokens() -> None:
    text = 'Ann&nbsp;Lee met zero\u200bwidth \u05d0"\u05d1.'
    assert words(text, "english-conll-1") == [
        ["Ann&nbsp", ";", "Lee", "met", "zero", "\u200b", "width", "\u05d0", '"', "\u05d1", "."]
    ]
    assert words(text, "english-conll-2") == [
        ["Ann", "&nbsp;", "Lee", "met", "zero\u200bwidth", '\u05d0"\u05d1', "."]
    ]


# -- tokenizers of installed packages


def install(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """Let an installed package provide a tokenizer."""
    entry = EntryPoint(name, value, registry.GROUP)
    monkeypatch.setattr(registry, "_TOKENIZERS", dict(registry._TOKENIZERS))
    monkeypatch.setattr(registry, "entry_points", lambda group: EntryPoints([entry]))


def test_a_package_provides_a_tokenizer(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "mine", "tagger.text.tokenizers.whitespace:whitespace")
    assert "mine" not in names()  # it is loaded when it is used
    assert words("a b. c", "mine") == [["a", "b.", "c"]]
    assert "mine" in names()
    with pytest.raises(TokenizerError, match="did you mean 'mine'"):
        get("mime")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            "tagger.nowhere:split",
            "tokenizer 'mine': tagger.nowhere:split cannot be loaded: No module named "
            "'tagger.nowhere'; correct or remove the package that provides it",
        ),
        (
            "tagger.text.tokenizers.registry:GROUP",
            "tokenizer 'mine': tagger.text.tokenizers.registry:GROUP is not a function from a text "
            "to token offsets",
        ),
    ],
)
def test_a_package_that_fails_is_named(
    monkeypatch: pytest.MonkeyPatch, value: str, message: str
) -> None:
    install(monkeypatch, "mine", value)
    with pytest.raises(TokenizerError) as caught:
        get("mine")
    assert str(caught.value) == message


# -- characters and Unicode words


@given(text=TEXTS)
def test_characters_are_grapheme_clusters(text: str) -> None:
    import regex

    found = [token for sentence in words(text, "characters") for token in sentence]
    assert found == [part for cluster in regex.findall(r"\X", text) for part in cluster.split()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\u4f60\u597d\u3002\u5417\uff1f", [["\u4f60", "\u597d", "\u3002"], ["\u5417", "\uff1f"]]),
        (
            "\u300c\u597d\uff01\u300d\u597d 3.5",
            [["\u300c", "\u597d", "\uff01", "\u300d"], ["\u597d", "3", ".", "5"]],
        ),
        ("e\u0301 \u0e01\u0e33\n\u4f60", [["e\u0301", "\u0e01\u0e33"], ["\u4f60"]]),
    ],
)
def test_characters(text: str, expected: list[list[str]]) -> None:
    assert words(text, "characters") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The 32.3 can't a_b x.y (AT&T)", "The 32.3 can't a_b x.y ( AT & T )"),
        ("Am 3. Oktober kam Dr. M\u00fcller.", "Am 3 . Oktober kam Dr . M\u00fcller ."),
        ("\u30ab\u30bf\u30ab\u30ca\u6f22\u5b57", "\u30ab\u30bf\u30ab\u30ca \u6f22 \u5b57"),
        ("a\u0600 \u0301b", "a\u0600 \u0301 b"),
    ],
)
def test_words_of_unicode(text: str, expected: str) -> None:
    assert words(text, "unicode") == [expected.split(" ")]


def test_importing_the_module_loads_no_library() -> None:
    code = "import sys, tagger.text.tokenizers; print({'regex', 'sentencex'} & {*sys.modules})"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"
