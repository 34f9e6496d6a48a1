"""Encodings of input files: byte order marks, declared names, and advice for what is not UTF-8."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.command_line import failed, invoke, worked
from support.packing import PACKED, problem, text_of

from tagger.errors import TaggerError
from tagger.text import opening
from tagger.text.opening import Opened, encodings, guessing

COLUMNS = "Zoë B-PER\nsang O\n\nin O\nKöln B-LOC\n"


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., str]:
    def write(content: bytes, name: str = "file") -> str:
        path = tmp_path / name
        path.write_bytes(content)
        return str(path)

    return write


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b"\xef\xbb\xbf"),
        ("utf-16-le", b"\xff\xfe"),
        ("utf-16-be", b"\xfe\xff"),
        ("utf-32-le", b"\xff\xfe\0\0"),
        ("utf-32-be", b"\0\0\xfe\xff"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, *PACKED.values()], ids=["plain", *PACKED])
def test_a_byte_order_mark_decides(
    encoding: str, mark: bytes, pack: Callable[[bytes], bytes], put: Callable[..., str]
) -> None:
    content = "Zoë — 東京 🚀\r\n\r\nlast ਊ line" + "\nਊ long" * 30_000
    path = put(pack(mark + content.encode(encoding)))
    opened: list[Opened] = []
    lines = list(opening.lines(path, on_open=opened.append))
    assert lines == [*enumerate(content.replace("\r\n", "\n").split("\n"), 1)]
    assert (opened[0].encoding, opened[0].is_declared) == (encoding, False)
    assert opened[0].note.startswith("" if encoding == "utf-8" else f"read as {encoding.upper()}")
    for declared in (encoding, encoding[:6].rstrip("-")):
        assert list(opening.lines(path, declared)) == lines
    assert problem(path, "cp1252") == (
        f": begins with the byte order mark of {encoding.upper()}, but is declared as cp1252; do "
        "not declare an encoding"
    )
    assert text_of(put(pack(mark))) == ""


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("cp1252", "Zoë’s “café” – 5 €\nnext\n"),
        ("latin1", "Köln\n"),
        ("cp1251", "Москва\nОсло\n"),
        ("KOI8-R", "Москва\n"),
        ("Shift_JIS", "東京ソウル表\n"),
        ("euc_jp", "東京\n"),
        ("gb18030", "北京\n"),
        ("big5", "台北功\n"),
        ("euc-kr", "서울\n"),
        ("iso-2022-jp", "東京\n大阪\n"),
        ("cp037", "plain\nlines\n"),
        ("utf-16-le", "Zoë\n東京\n"),
        ("utf-32-be", "Zoë\n"),
        ("mac-roman", "Zoë\n"),
    ],
)
def test_a_declared_encoding_is_used(encoding: str, content: str, put: Callable[..., str]) -> None:
    path = put(content.encode(encoding))
    assert text_of(path, encoding) == content
    long = put((content * 20_000).encode(encoding), "long")
    assert text_of(long, encoding) == content * 20_000


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("cp1252x", "did you mean cp1252?"),
        ("utf8x", "did you mean utf-8?"),
        ("windows1252x", "did you mean windows-1252?"),
        ("base64", "known are all of Python, such as cp1252"),
        ("undefined", ""),
    ],
)
def test_an_unknown_encoding_is_named(name: str, hint: str, put: Callable[..., str]) -> None:
    with pytest.raises(TaggerError) as caught:
        text_of(put(b"a"), name)
    assert str(caught.value).startswith(f"unknown encoding {name!r}; {hint}")
    message = failed(invoke("convert", "a", "b", "--encoding", name), 2)
    assert f"unknown encoding {name!r}; {hint}" in " ".join(message.replace("│", "").split())


@pytest.mark.parametrize(
    ("data", "encoding", "message"),
    [
        (b"a\nb\x81c", "cp1252", ":2: byte 0x81 at position 1 is not CP1252; "),
        (b"ab\n" * 40_000 + b"x\xff", "ascii", ":40001: byte 0xff at position 1 is not ASCII; "),
        ("a\nbé".encode("utf-16-le") + b"\0\xd8\0\0", "utf-16-le", ":2: byte 0x00 at position 4 "),
        (b"\xc3\xa9 O\n", "cp1252", ": is valid UTF-8, but is declared as cp1252; do not declare"),
        (b"a longer line of text\n", "utf-16-le", ": is valid UTF-8, but is declared as utf-16-le"),
        (b"a\0b\0c\0d\0", "utf-16", ": has no byte order mark, so utf-16 is ambiguous; declare "
                                     "utf-16-le"),
        (b"ab", "utf-16", ": has no byte order mark, so utf-16 is ambiguous; declare utf-16-le or "
                          "utf-16-be"),
        (b"caf\xe9", "utf-8", ":1: byte 0xe9 at position 3 is not UTF-8; "),
        ("é ü é ü\n".encode() + b"\xff\n", "utf-8", ":2: byte 0xff at position 0 is not UTF-8, but "
                                                "the rest of the text is; correct this line"),
    ],
)  # fmt: skip
def test_a_wrong_declaration_has_its_place(
    data: bytes, encoding: str, message: str, put: Callable[..., str]
) -> None:
    assert problem(put(data), encoding).startswith(message)


GERMAN = "Der Bürgermeister von Köln fährt nach Österreich und trifft dort große Gäste.\n"
POLISH = "Łódź jest miastem, w którym żyją ludzie pracujący także w święta.\n"
RUSSIAN = "Анна Петрова живёт в Москве и работает учителем.\n"
GREEK = "Ο πρωθυπουργός της Ελλάδας επισκέφθηκε τη Θεσσαλονίκη χθες.\n"
JAPANESE = "田中さんは昨日、東京から大阪へ行きました。\n"
CHINESE = "王小明昨天去了上海，和朋友见面。\n"
TAIWANESE = "王小明昨天去了台北，和朋友見面。\n"
KOREAN = "김민수는 어제 서울에서 부산으로 갔다.\n"
FRENCH = "Le maire de Genève a été réélu hier à l’âge de 64 ans.\n"
TEXTS = [
    ("cp1252", GERMAN, "cp1252"),
    ("cp1252", FRENCH, "cp1252"),
    ("cp1252", "The “Oslo” office of Ann’s firm – closed.\n", "cp1252"),
    ("cp1252", "Ann’s firm\n", "cp1252"),
    ("latin-1", "El niño pequeño vivía en España. ¿Cuándo volverá?\n", "cp1252"),
    ("latin-1", "München B-LOC\n", "cp1252"),
    ("cp1250", POLISH, "cp1250"),
    ("iso-8859-2", POLISH, "iso-8859-2"),
    ("cp1254", "İstanbul Büyükşehir Belediyesi başkanı dün yaptığı açıklamada.\n", "cp1254"),
    ("cp1257", "Rīgā notika lielākā sanāksme, kurā piedalījās ministri.\n", "cp1257"),
    ("cp1253", GREEK, "cp1253"),
    ("cp1251", RUSSIAN, "cp1251"),
    ("koi8-r", RUSSIAN, "koi8-r"),
    ("cp866", RUSSIAN, "cp866"),
    ("cp1251", "Москва B-LOC\nвчера O\n", "cp1251"),
    ("cp1255", "ראש הממשלה אמר אתמול כי ירושלים היא הבירה.\n", "cp1255"),
    ("cp1256", "قال الرئيس أمس إن القاهرة هي عاصمة مصر.\n", "cp1256"),
    ("shift_jis", JAPANESE, "shift_jis"),
    ("cp932", "①" + JAPANESE, "cp932"),
    ("euc-jp", JAPANESE, "euc-jp"),
    ("gbk", CHINESE, "gb18030"),
    ("big5", TAIWANESE, "big5"),
    ("euc-kr", KOREAN, "euc-kr"),
    ("cp949", "똠방각하는 서울에서 방영된 드라마다.\n", "cp949"),
    ("mac-roman", FRENCH, "mac-roman"),
]


@pytest.mark.parametrize(("encoding", "content", "expected"), TEXTS)
def test_the_advice_reads_the_text_rightly(
    encoding: str, content: str, expected: str, put: Callable[..., str]
) -> None:
    for data in (content.encode(encoding), b"plain\n" * 20_000 + content.encode(encoding) * 3):
        path = put(data)
        message = problem(path)
        assert f"; the file looks like {expected}" in message
        assert message.count(f" --encoding {expected}, or convert it with iconv -f ") == 1
        assert content in text_of(path, expected)
    assert guessing.candidates(content.encode(encoding) * 2000) == [expected]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("ñ".encode("cp1252"), []),
        ("北京".encode("gbk"), []),
        ("GENÈVE ÉTAIT DÉJÀ LÀ".encode("cp1252"), ["cp1252", "cp1250"]),
        (bytes(range(0x80, 0x100)), []),
    ],
)
def test_what_is_ambiguous_is_not_guessed(data: bytes, expected: list[str]) -> None:
    assert guessing.candidates(data) == expected


def test_candidates_are_named_with_both_ways_out(put: Callable[..., str]) -> None:
    assert problem(put("GENÈVE ÉTAIT DÉJÀ LÀ".encode("cp1252"))) == (
        ":1: byte 0xc8 at position 3 is not UTF-8; the file may be cp1252 or cp1250: read it with "
        "--encoding NAME, or convert it with iconv -f NAME -t utf-8"
    )
    assert problem(put("北京".encode("gbk"))) == (
        ":1: byte 0xb1 at position 0 is not UTF-8; the encoding is not recognized: read it with "
        "--encoding NAME, or convert it with iconv -f NAME -t utf-8"
    )


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("content", [GERMAN, POLISH, RUSSIAN, GREEK, JAPANESE, CHINESE, KOREAN])
def test_utf16_and_utf32_without_a_mark(
    encoding: str, content: str, put: Callable[..., str]
) -> None:
    path = put((content * 3).encode(encoding))
    plain = encoding.replace("6-", "6").replace("2-", "2") if "16" in encoding else encoding
    assert problem(path) == (
        f": {encoding.upper()} without a byte order mark; read it with --encoding {encoding}, or "
        f"convert it with iconv -f {plain} -t utf-8"
    )
    assert text_of(path, encoding) == content * 3


def test_cesu8_is_recognized_and_read(put: Callable[..., str]) -> None:
    content = "a 🚀 b\né 🚀🚀\nlast"
    data = encodings._cesu8(content)
    assert data.count(b"\xed\xa0\xbd\xed\xba\x80") == 3
    path = put(data)
    assert problem(path) == (
        ":1: byte 0xed at position 2 is not UTF-8; the file is CESU-8: read it with --encoding "
        "cesu-8, or convert it with uconv -f cesu-8 -t utf-8"
    )
    assert text_of(path, "CESU-8") == content + "\n"
    assert problem(put(data + b"\nx\xed\xa0\xbd\n"), "cesu-8").startswith(
        ":4: byte 0xed at position 1 is not CESU-8; "
    )


def test_double_encoded_text_is_text(put: Callable[..., str]) -> None:
    content = "Zoë".encode().decode("cp1252") + "\n"
    assert text_of(put(content.encode())) == content


def test_commands_declare_the_encoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.conll").write_bytes(COLUMNS.encode("cp1252"))
    worked(invoke("convert", "a.conll", "b.conll", "--encoding", "cp1252"))
    assert Path("b.conll").read_text(encoding="utf-8") == COLUMNS + "\n"
    rows = "Zoë B-PER B-PER\nsang O O\n".encode("cp1252")
    Path("rows").write_bytes(rows)
    assert "position 2 is not UTF-8" in failed(invoke("evaluate", "--predictions", "rows"))
    worked(invoke("evaluate", "--predictions", "rows", "--encoding", "cp1252"))


@pytest.mark.parametrize(
    "command",
    ["train", "distill", "search", "convert", "evaluate", "predict", "bench", "lm train",
     "lm score", "classify train", "classify evaluate", "classify predict"],
)  # fmt: skip
def test_every_command_that_reads_text_has_the_option(command: str) -> None:
    assert "--encoding NAME" in worked(invoke(*command.split(), "--help"))
