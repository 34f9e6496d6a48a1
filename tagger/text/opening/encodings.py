"""Encodings of text files: byte order marks, declared names, and advice for what is not UTF-8."""

from __future__ import annotations

import codecs
from typing import NamedTuple, Protocol

from tagger.errors import DataError, TaggerError, most_similar
from tagger.text.opening.binary import CONTROLS, is_utf8
from tagger.text.opening.guessing import candidates, is_cesu8, is_mostly_utf8, utf16_or_utf32

__all__ = [
    "AUTO",
    "Encoding",
    "advice",
    "canonical",
    "choose",
    "contradiction",
    "decoder_of",
    "not_decodable",
    "position_of",
]

AUTO = "auto"
"""The value of an `encoding` argument that stands for UTF-8, or what a byte order mark says."""

_UTF8 = "utf-8"
_CESU8 = "cesu-8"
_MARKS = (  # that of UTF-32 begins with that of UTF-16
    (b"\xff\xfe\0\0", "utf-32-le"),
    (b"\0\0\xfe\xff", "utf-32-be"),
    (codecs.BOM_UTF8, _UTF8),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

_KNOWN = (
    *("utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "cesu-8"),
    *("ascii", "latin-1", *(f"iso-8859-{part}" for part in range(1, 17) if part != 12)),
    *("cp437", "cp850", "cp852", "cp866", "cp874", "cp932", "cp949", "cp950"),
    *(f"cp{page}" for page in range(1250, 1259)),
    *(f"windows-{page}" for page in range(1250, 1259)),
    *("koi8-r", "koi8-u", "mac-roman", "mac-cyrillic", "tis-620", "gb2312", "gbk", "gb18030"),
    *("big5", "big5hkscs", "shift_jis", "euc-jp", "iso-2022-jp", "euc-kr", "johab"),
)
"""Names that are suggested for an unknown one; all text encodings of Python can be declared."""

_NOT_ENCODINGS = {"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"}
_REMARKS = {
    "cp1250": "Windows, Central Europe",
    "cp1251": "Windows, Cyrillic",
    "cp1252": "Windows, Western Europe",
    "cp1253": "Windows, Greek",
    "cp1254": "Windows, Turkish",
    "cp1255": "Windows, Hebrew",
    "cp1256": "Windows, Arabic",
    "cp1257": "Windows, Baltic",
    "cp874": "Windows, Thai",
    "cp850": "DOS, Western Europe",
    "cp852": "DOS, Central Europe",
    "cp866": "DOS, Cyrillic",
    "gb18030": "GBK, simplified Chinese",
    "big5": "traditional Chinese",
    "cp950": "Big5, traditional Chinese",
    "shift_jis": "Japanese",
    "cp932": "Shift_JIS, Japanese",
    "euc-jp": "Japanese",
    "euc-kr": "Korean",
    "cp949": "EUC-KR, Korean",
    "koi8-r": "Russian",
    "koi8-u": "Ukrainian",
    "mac-roman": "old Macintosh",
}
_ICONV = {"mac-roman": "macintosh", "utf-16-le": "utf-16le", "utf-16-be": "utf-16be"}


class Encoding(NamedTuple):
    """The encoding in which a file is read.

    Attributes:
        name: Canonical name, such as utf-8 or cp1252.
        mark: Number of bytes of the byte order mark at the beginning, which may be 0.
        is_declared: Whether the caller declared the encoding.
    """

    name: str
    mark: int = 0
    is_declared: bool = False

    @property
    def is_wide(self) -> bool:
        """Return whether each character takes at least two bytes: UTF-16 and UTF-32."""
        return self.name.startswith(("utf-16", "utf-32"))


class Decoder(Protocol):
    """An incremental decoder, as `codecs` provides them."""

    def decode(self, data: bytes, final: bool = False, /) -> str:
        """Return the text of the next bytes."""


def canonical(name: str) -> str:
    """Return the canonical name of an encoding.

    Args:
        name: A name as Python or `iconv` writes it, in any case; or ``auto``.

    Returns:
        The name in lower case; ``auto`` unchanged.

    Raises:
        TaggerError: No text encoding has this name.
    """
    plain = name.strip().lower().replace("_", "-").replace(" ", "-")
    if plain in (AUTO, _CESU8):
        return plain
    try:
        info = codecs.lookup(plain)
    except (LookupError, ValueError):
        info = None
    if info is None or not info._is_text_encoding or plain in _NOT_ENCODINGS:
        near = most_similar(plain, _KNOWN)
        hint = f"did you mean {near}?" if near else "known are all of Python, such as cp1252"
        raise TaggerError(f"unknown encoding {name!r}; {hint}")
    return {"utf-8-sig": _UTF8, "iso8859-1": "latin-1"}.get(info.name, info.name)


def choose(declared: str, head: bytes, path: str, has_option: bool) -> Encoding:
    """Determine the encoding of a file.

    Args:
        declared: Name of the encoding, or ``auto``.
        head: The first bytes of the file.
        path: Name of the file, for errors.
        has_option: Whether the user can declare an encoding, which messages then mention.

    Returns:
        The encoding: the declared one, that of the byte order mark, or UTF-8.

    Raises:
        TaggerError: The declared name is unknown.
        DataError: The byte order mark or the bytes contradict the declared encoding; or nothing is
            declared, and the file is UTF-16 or UTF-32 without a byte order mark, or binary.
    """
    name = canonical(declared)
    mark, marked = next(((bom, of) for bom, of in _MARKS if head.startswith(bom)), (b"", ""))
    if name == AUTO:
        if not marked:
            _check_zeros(head, path, has_option)
        return Encoding(marked or _UTF8, len(mark))
    if marked and name not in (marked, marked[:6]):
        raise DataError(
            path,
            None,
            f"begins with the byte order mark of {marked.upper()}, but is declared as {name}; "
            "do not declare an encoding",
        )
    if marked:
        return Encoding(marked, len(mark), is_declared=True)
    if name in ("utf-16", "utf-32"):
        guess = utf16_or_utf32(head)
        hint = guess if guess.startswith(name) else f"{name}-le or {name}-be"
        raise DataError(
            path, None, f"has no byte order mark, so {name} is ambiguous; declare {hint}"
        )
    return Encoding(name, is_declared=True)


def _check_zeros(head: bytes, path: str, has_option: bool) -> None:
    """Raise an error if zero bytes show that a file is UTF-16, UTF-32 or binary."""
    if b"\0" not in head:
        return
    if found := utf16_or_utf32(head):
        ways = _ways(found, has_option)
        raise DataError(path, None, f"{found.upper()} without a byte order mark; {ways}")
    is_sparse = b"\0" * 16 in head or (len(head) >= 32 and head.count(b"\0") * 2 > len(head))
    if is_sparse or not is_utf8(head):
        raise DataError(path, None, "binary data, not text; expected a text file")


def contradiction(encoding: Encoding, data: bytes) -> str:
    """Return what contradicts a declared encoding that would decode UTF-8 to something else.

    Args:
        encoding: The declared encoding.
        data: The first bytes of a text that are not ASCII, or its beginning for UTF-16 and UTF-32.

    Returns:
        The problem and how to fix it, or "".
    """
    if encoding.name in (_UTF8, _CESU8) or encoding.mark or not is_utf8(data):
        return ""
    if data.isascii() and not (encoding.is_wide and len(data) >= 16 and b"\0" not in data):
        return ""
    return f"is valid UTF-8, but is declared as {encoding.name}; do not declare an encoding"


class _Cesu8Decoder:
    """A decoder of CESU-8, which writes characters beyond the BMP as two surrogates."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder(_UTF8)("surrogatepass")

    def decode(self, data: bytes, final: bool = False, /) -> str:
        """Return the text of the next complete lines."""
        text = self._decoder.decode(data, final)
        try:
            return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
        except UnicodeDecodeError as error:
            before = text.encode("utf-16-le", "surrogatepass")[: error.start].decode("utf-16-le")
            start = len(_cesu8(before))
            raise UnicodeDecodeError(
                _CESU8, data, start, start + 3, "surrogate without its pair"
            ) from error


def _cesu8(text: str) -> bytes:
    """Encode a text as CESU-8."""
    units = text.encode("utf-16-le")
    return "".join(
        units[place : place + 2].decode("utf-16-le", "surrogatepass")
        for place in range(0, len(units), 2)
    ).encode(_UTF8, "surrogatepass")


def decoder_of(encoding: Encoding, errors: str = "strict") -> Decoder:
    """Create an incremental decoder.

    Args:
        encoding: The encoding.
        errors: What happens to bytes that cannot be decoded, as in `codecs`.

    Returns:
        The decoder.
    """
    if encoding.name == _CESU8:
        return _Cesu8Decoder()
    return codecs.getincrementaldecoder(encoding.name)(errors)


def position_of(text: str, encoding: Encoding) -> int:
    """Return the number of bytes that a text takes in an encoding."""
    if encoding.name == _CESU8:
        return len(_cesu8(text))
    return len(text.encode(encoding.name, "replace"))


def not_decodable(
    encoding: Encoding, sample: bytes, wrong: bytes, position: int, has_option: bool
) -> str:
    """Describe bytes that an encoding cannot decode, and how to read the file.

    Args:
        encoding: The encoding that failed.
        sample: The beginning of the text and the part that failed.
        wrong: The bytes that failed, and perhaps more.
        position: Their number of bytes after the beginning of the line.
        has_option: As for `choose`.

    Returns:
        The message without the place.
    """
    what = f"byte {wrong[0]:#04x} at position {position} is not {encoding.name.upper()}"
    if not encoding.is_declared:
        what = f"byte {wrong[0]:#04x} at position {position} is not UTF-8"
    if CONTROLS.search(sample) and not encoding.is_wide:
        return f"{what}; this is binary data, not text; expected a text file"
    if encoding.is_wide:
        return f"{what}; the file is damaged, or has another encoding"
    if is_cesu8(sample):
        return f"{what}; the file is CESU-8: {_ways(_CESU8, has_option)}"
    if is_mostly_utf8(sample):
        if encoding.name == _UTF8:
            return f"{what}, but the rest of the text is; correct this line"
        return f"{what}, but the text is UTF-8 for the most part; do not declare an encoding"
    return f"{what}; {advice(sample, has_option, encoding.name)}"


def advice(sample: bytes, has_option: bool, declared: str = "") -> str:
    """Describe the encodings that a text may have, and how to read it.

    Args:
        sample: Part of the text.
        has_option: As for `choose`.
        declared: An encoding that was declared and is wrong.

    Returns:
        The advice.
    """
    names = candidates(sample, declared)
    if len(names) == 1:
        remark = f" ({_REMARKS[names[0]]})" if names[0] in _REMARKS else ""
        return f"the file looks like {names[0]}{remark}: {_ways(names[0], has_option)}"
    if names:
        known = f"the file may be {', '.join(names[:-1])} or {names[-1]}"
        return f"{known}: {_ways('NAME', has_option)}"
    return f"the encoding is not recognized: {_ways('NAME', has_option)}"


def _ways(name: str, has_option: bool) -> str:
    """Return the ways to read a file in an encoding."""
    program = "uconv" if name == _CESU8 else "iconv"
    convert = f"{program} -f {_ICONV.get(name, name)} -t utf-8"
    if not has_option:
        return f"convert it with {convert}"
    return f"read it with --encoding {name}, or convert it with {convert}"
