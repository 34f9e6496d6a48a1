"""JSON Lines: tokens or text with spans, predictions beside what people annotated, and what is
ill-formed.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.reading import Files, written
from support.strategies import TEXTS, plain_sentences, sentences, span_lists

from tagger.text import formats
from tagger.text.formats import ReadOptions
from tagger.text.spans import Sentence, Span


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("formats"))


@given(found=st.lists(sentences() | plain_sentences(min_size=1), max_size=4))
def test_json_of_tokens_written_and_read(files: Files, found: list[Sentence]) -> None:
    assert files.read(written(found, "jsonl"), "f.jsonl") == found


@st.composite
def annotated_texts(draw: st.DrawFn) -> tuple[str, list[Sentence]]:
    """A text and its sentences as the default tokenizer finds them, with spans."""
    text = "\n".join(draw(st.lists(TEXTS, max_size=3)))
    found = formats.jsonl.read([(1, json.dumps({"text": text}))], "t", ReadOptions())
    return text, [sentence.with_spans(draw(span_lists(len(sentence)))) for sentence in found]


@given(case=annotated_texts())
def test_json_of_text_written_and_read(files: Files, case: tuple[str, list[Sentence]]) -> None:
    """All sentences of one text go into one object; read again, they are the same, spans in code
    points included.
    """
    text, found = case
    output = written(found, "jsonl")
    assert output.count("\n") == 1
    data = json.loads(output)
    assert data["text"] == text
    assert all(text[span["start"] : span["end"]] == span["text"] for span in data["spans"])
    again = files.read(output, "f.jsonl", ReadOptions(offsets="utf-32"))
    assert again == found
    assert [[(x.start_char, x.end_char, x.text) for x in s.spans or ()] for s in again] == [
        [(x.start_char, x.end_char, x.text) for x in s.spans or ()] for s in found
    ]


def test_a_json_span_may_be_written_in_two_ways_and_other_keys_are_kept(files: Files) -> None:
    line = {
        "id": 7,
        "text": "\U0001f600 Ann Lee sang. Bo left.",
        "spans": [[2, 9, "PER"], {"start": 16, "end": 18, "label": "PER", "by": "me"}],
        "meta": {"a": None},
    }
    found = files.read(json.dumps(line) + "\n", "f.jsonl")
    assert [[(x.text, x.start, x.end, x.start_char) for x in s.spans or ()] for s in found] == [
        [("Ann Lee", 1, 3, 2)],
        [("Bo", 0, 1, 16)],
    ]
    predicted = [
        found[0].with_spans([Span(1, 2, "NEW", score=0.123456789)]),
        found[1].with_spans([]),
    ]
    assert json.loads(written(predicted, "jsonl")) == {
        "id": 7,
        "text": line["text"],
        "meta": {"a": None},
        "gold": line["spans"],
        "spans": [{"start": 2, "end": 5, "label": "NEW", "text": "Ann", "score": 0.123457}],
    }


@pytest.mark.parametrize(
    ("given_keys", "gold"),
    [
        ({}, None),
        ({"spans": [[0, 1, "X"]]}, [[0, 1, "X"]]),
        ({"tags": ["B-X", "O"]}, ["B-X", "O"]),
        (
            {"spans": [], "gold": [[0, 2, "X"]]},
            [[0, 2, "X"]],
        ),  # tagged twice: what people made stays
    ],
)
@pytest.mark.parametrize("annotated", [True, False])
def test_a_prediction_moves_the_annotation_to_gold(
    files: Files, given_keys: dict[str, Any], gold: Any, annotated: bool
) -> None:
    line = json.dumps({"tokens": ["a", "b"], **given_keys, "id": 1})
    (found,) = files.read(line, "f.jsonl", ReadOptions(annotated=annotated))
    if not annotated:
        assert (found.spans, found.tags) == (None, None)
        assert json.loads(written([found], "jsonl")) == json.loads(line)
    spans = [{"start": 1, "end": 2, "label": "P", "text": "b"}]
    expected = {"tokens": ["a", "b"], "id": 1, "spans": spans} | (
        {} if gold is None else {"gold": gold}
    )
    assert (
        json.loads(
            written(
                [Sentence(found.tokens, record=found.record).with_spans([Span(1, 2, "P")])], "jsonl"
            )
        )
        == expected
    )
    plain = json.loads(
        written([Sentence(found.tokens, tags=("N", "V"), record=found.record)], "jsonl")
    )
    assert (plain["tags"], plain.get("gold")) == (["N", "V"], gold)


def test_plain_tags_of_a_text_are_written_with_their_places(files: Files) -> None:
    found = files.read('{"text": "Go on. Stop!"}', "f.jsonl")
    tagged = [Sentence(s.tokens, None, ("T",) * len(s), s.offsets, s.record) for s in found]
    data = json.loads(written(tagged, "jsonl"))
    assert data["tags"] == ["T"] * 5
    assert [data["text"][start:end] for start, end in data["offsets"]] == [
        "Go",
        "on",
        ".",
        "Stop",
        "!",
    ]


def test_a_span_that_crosses_a_found_border_joins_the_sentences(files: Files) -> None:
    text = "He read Go on. Stop! aloud. Then he left."
    assert len(files.read(json.dumps({"text": text}), "f.jsonl")) == 4
    found = files.read(json.dumps({"text": text, "spans": [[8, 20, "BOOK"]]}), "f.jsonl")
    assert [len(s) for s in found] == [7, 2, 4]
    assert [x.text for s in found for x in s.spans or ()] == ["Go on. Stop!"]


@pytest.mark.parametrize("text", ["", " ", "\u2028\n"])
def test_a_text_without_a_token_is_kept(files: Files, text: str) -> None:
    (found,) = files.read(json.dumps({"text": text, "spans": []}), "f.jsonl")
    assert (found.tokens, found.spans) == ((), ())
    assert json.loads(written([found.with_spans([])], "jsonl"))["text"] == text


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "not JSON"),
        ("nonsense", "not JSON"),
        ('{"tokens": ["a"]', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"tokens": ["a"], "n": ' + "1" * 5000 + "}", "not JSON"),
        ('["a"]', 'expected an object with "tokens" or "text", found \'["a"]\''),
        ('{"words": ["a"]}', 'expected an object with "tokens" or "text"'),
        ('{"tokens": "a"}', '"tokens" must be a list of strings'),
        ('{"tokens": ["a", 1]}', '"tokens" must be a list of strings'),
        ('{"text": null}', '"text" must be a string'),
        ('{"tokens": ["a"], "tags": ["O", "O"]}', "1 tokens but 2 tags; expected one per token"),
        ('{"tokens": ["a"], "tags": [1]}', '"tags" must be a list of strings'),
        ('{"tokens": ["a"], "spans": [[0, 2, "X"]]}', "span 0-2 ends after the last of 1 tokens"),
        ('{"tokens": ["a", "b"], "spans": [[0, 2, "X"], [1, 2, "Y"]]}', "the span 2-3 ('b', Y) "),
        ('{"tokens": ["a"], "spans": [[1, 1, "X"]]}', "a span needs 0 <= start < end"),
        ('{"tokens": ["a"], "spans": [[-1, 1, "X"]]}', "a span needs 0 <= start < end"),
        ('{"tokens": ["a"], "spans": [[0, 1, ""]]}', "expected a span"),
        ('{"tokens": ["a"], "spans": [[0, true, "X"]]}', "expected a span"),
        ('{"tokens": ["a"], "spans": [[0, 1.0, "X"]]}', "expected a span"),
        ('{"tokens": ["a"], "spans": {"start": '
         '0}}', 'expected a span {"start": int, "end": int, "label": str}, found {"st'),
        ('{"tokens": ["a"], "spans": null}', "expected a span"),
        ('{"tokens": ["a"], "spans": [3]}', "expected a span"),
        ('{"text": "Anna sang", "spans": [[0, 3, '
         '"X"]]}', "the span 0-3 ('Ann', X) does not begin and end with a token"),
        ('{"text": "Anna sang", "spans": [[0, 3, '
         '"X"]]}', "the span 0-3 ('Ann', X) does not begin and end"),
        ('{"text": "Anna sang", "spans": [[5, 10, "X"]]}', "the span 5-10"),
        ('{"text": "Anna sang  ", "spans": [[9, 11, '
         '"X"]]}', "the span 9-11 ('  ', X) contains blanks only"),
        ('{"text": "Anna.\\n \\nBo.", "spans": [[6, 7, "X"]]}', "the span 6-7"),
        ('{"text": "  Bo.", "spans": [[0, 1, "X"]]}', "the span 0-1"),
        ('{"text": "", "spans": [[0, 1, "X"]]}', "the span 0-1 (X) ends after the text"),
        (
            '{"text": "Anna sang", "spans": [[0, 4, "X"], [0, 9, "Y"]]}',
            "the span 0-9 ('Anna sang', Y) overlaps",
        ),
        ('{"text": "\\ud83d!"}', "'\\ud83d' is an unpaired surrogate"),
        ('{"tokens": ["a"], "note": "\\udfff"}', "'\\udfff' is an unpaired surrogate"),
    ],
)  # fmt: skip
def test_an_ill_formed_line_of_json_is_told(files: Files, line: str, says: str) -> None:
    assert files.error('{"tokens": ["\\ud83d\\ude00"]}\n\n' + line + "\n", "f.jsonl").startswith(
        f"f.jsonl:3: {says}"
    )
