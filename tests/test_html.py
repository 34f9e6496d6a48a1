"""HTML pages: the text comes back character by character, and every span is marked where it is."""

from __future__ import annotations

import io
from html.parser import HTMLParser
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from support.command_line import failed, invoke, worked
from support.paths import GOLDEN

from tagger.text import formats
from tagger.text.colors import COLORS, LabelColors
from tagger.text.spans import Record, Sentence, Span


class Page(HTMLParser):
    """The paragraphs of a page, the text and title of its marks, and all its tags."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.paragraphs: list[str] = []
        self.marks: list[list[str]] = []
        self.styles: list[str] = []
        self.tags: list[str] = []
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "p":
            self.paragraphs.append("")
        if tag == "mark":
            given = dict(attrs)
            self.marks.append([str(given["title"]), str(given["data-label"]), ""])
            self.styles.append(str(given["style"]))

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        open_tags = [t for t in ("p", "mark") if self.tags.count(t) > self.tags.count(f"/{t}")]
        if "p" in open_tags:
            self.paragraphs[-1] += data
        if "mark" in open_tags:
            self.marks[-1][-1] += data


def page_of(sentences: list[Sentence]) -> Page:
    stream = io.StringIO()
    formats.write(sentences, stream, "html")
    assert stream.getvalue().startswith("<!doctype html>\n")
    assert stream.getvalue().endswith("</html>\n")
    return Page(stream.getvalue())


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")), st.data())
def test_text_and_spans_come_back(text: str, data: st.DataObject) -> None:
    places = [index for index, character in enumerate(text) if not character.isspace()]
    record = Record("a.txt", 1, text=text)
    sentence = Sentence(
        tuple(text[index] for index in places),
        offsets=tuple((index, index + 1) for index in places),
        record=record,
    )
    cuts = sorted(data.draw(st.sets(st.integers(0, len(places)), max_size=6)))
    spans = [
        Span(start, end, data.draw(st.sampled_from(['"<b>', "PER", "a&b"])), 0.984)
        for start, end in zip(cuts[::2], cuts[1::2], strict=False)
    ]
    page = page_of([sentence.with_spans(spans)])
    assert page.paragraphs == [text]
    assert page.marks == [
        [f"{s.label} 0.98", s.label, text[places[s.start] : places[s.end - 1] + 1]] for s in spans
    ]


def test_tokens_tags_documents_and_no_sentences() -> None:
    tokens = Sentence(("Ann", "<", "Bo"), record=Record("in.conll", 1))
    second = Record("in.conll", 5, leading=("-DOCSTART- O",))
    tagged = Sentence(("Bo", "left"), tags=("NN", "O"), record=second)
    page = page_of([tokens.with_spans([Span(0, 1, "PER")]), tagged])
    assert page.paragraphs == ["Ann < Bo", "Bo left"]
    assert page.marks == [["PER", "PER", "Ann"], ["NN", "NN", "Bo"]]
    assert page.tags.count("hr") == 1
    assert page_of([]).paragraphs == []


def test_predict_and_convert_write_pages_and_nothing_reads_them(here: Path) -> None:
    text = "Mira Okafor works for\tNordwind\nin Quito & Quito.\n\nMira\n"
    (here / "in.txt").write_text(text)
    worked(invoke("predict", GOLDEN, "in.txt", "--to", "html", "--output", "out"))
    page = Page((here / "out" / "in.html").read_text(encoding="utf-8"))
    assert "\n".join(page.paragraphs) + "\n" == text
    assert [mark[1:] for mark in page.marks][:2] == [["PER", "Mira Okafor"], ["ORG", "Nordwind"]]
    for title, label, _ in page.marks:
        assert title.startswith(f"{label} ")
        assert 0 < float(title.split()[1]) <= 1
    by_label = {mark[1]: style for mark, style in zip(page.marks, page.styles, strict=True)}
    assert len(set(by_label.values())) == len(by_label)
    assert not {"script", "link", "img"} & set(page.tags)

    (here / "gold.jsonl").write_text(
        '{"text": "Ann <i>", "spans": [{"start": 0, "end": 3, "label": "PER"}]}\n'
    )
    for arguments in (["a.html"], ["b.page", "--as", "html"]):
        worked(invoke("convert", "gold.jsonl", *arguments))
        page = Page((here / arguments[0]).read_text(encoding="utf-8"))
        assert (page.paragraphs, page.marks) == (["Ann <i>"], [["PER", "PER", "Ann"]])
    message = failed(invoke("predict", GOLDEN, "in.txt", "--format", "html", "--output", "out2"))
    assert "in.txt: HTML is written, not read; extract its text first" in message
    assert not list(here.glob("out2/*"))


def test_labels_keep_their_colors_and_share_none_while_there_are_enough() -> None:
    colors = LabelColors()
    labels = [f"L{number}" for number in range(COLORS + 3)]
    numbers = [colors.number(label) for label in labels]
    assert [colors.number(label) for label in labels] == numbers
    assert sorted(numbers[:COLORS]) == list(range(COLORS))
    assert LabelColors().number("L0") == numbers[0]


def test_labels_have_as_many_colors_on_a_page_as_there_are() -> None:
    tokens = tuple(f"L{number}" for number in range(COLORS))
    spans = tuple(Span(place, place + 1, label) for place, label in enumerate(tokens))
    assert len(set(page_of([Sentence(tokens, spans=spans)]).styles)) == COLORS
