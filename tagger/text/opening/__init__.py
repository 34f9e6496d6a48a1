"""Opening of input files: compressed or not, in any encoding, from disk or standard input.

    compression.py   gzip, bzip2, xz, Zstandard and zip, as streams
    binary.py        files that are not text, recognized by their first bytes
    encodings.py     byte order marks, declared encodings, advice for what is not UTF-8
    guessing.py      recognition of legacy encodings, for that advice
    letters.py       frequent letters of languages, for the recognition

`lines` opens text, `content` any bytes. What was found (compression, encoding) is passed to the
caller; nothing depends on the name of a file.
"""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from tagger.errors import DataError
from tagger.text.opening import binary, compression, encodings
from tagger.text.opening.binary import Kind
from tagger.text.opening.encodings import AUTO, canonical

__all__ = [
    "AUTO",
    "STANDARD_INPUT",
    "BinaryFileError",
    "Content",
    "CrlfLine",
    "Opened",
    "canonical",
    "content",
    "lines",
    "text",
    "unchanged",
]

STANDARD_INPUT = "-"
"""The path that stands for standard input."""

_BLOCK = 1 << 16  # bytes per read, extended to the end of a line
_LISTED = 8  # files of an archive that an error lists


class CrlfLine(str):
    """A line without its end, which was ``\\r\\n``; that of any other line was ``\\n``."""

    __slots__ = ()


class BinaryFileError(DataError):
    """The error of a file that is not text.

    Args:
        path: The file.
        message: What the file is, and the advice.
        kind: What the file is.
    """

    def __init__(self, path: str, message: str, kind: Kind) -> None:
        self.kind = kind
        super().__init__(path, None, message)


class Content(NamedTuple):
    """The decompressed content of a file.

    Attributes:
        stream: The bytes, from the beginning.
        head: The first of them, 64 KiB unless the caller asked for more.
        compression: gzip, bzip2, xz, lzma, zstd, zip, or "" if the file is not compressed.
        member: Name of the file in a zip archive, else "".
        kind: What the file is if it is not text but was accepted, else None.
        position: Return the number of compressed bytes read so far.
    """

    stream: BinaryIO
    head: bytes
    compression: str
    member: str
    kind: Kind | None
    position: Callable[[], int]


@dataclass(frozen=True)
class Opened:
    """The way in which a text file is read.

    Attributes:
        path: Name of the file.
        compression: As in `Content`.
        member: As in `Content`.
        encoding: Name of the encoding, such as utf-8 or utf-16-le.
        is_declared: Whether the caller declared the encoding.
    """

    path: str
    compression: str = ""
    member: str = ""
    encoding: str = "utf-8"
    is_declared: bool = False

    @property
    def note(self) -> str:
        """Return what is unusual: "read as UTF-16-LE", "member a.txt"; "" for plain UTF-8."""
        notes = [f"read as {self.encoding.upper()}"] if self.encoding != "utf-8" else []
        notes += [f"member {_shown(self.member)}"] if self.member else []
        return ", ".join(notes)


def lines(
    path: str | Path,
    encoding: str = AUTO,
    *,
    on_bytes_read: Callable[[int], None] | None = None,
    on_open: Callable[[Opened], None] | None = None,
    has_option: bool = True,
    keeps_returns: bool = False,
    escapes: bool = False,
) -> Generator[tuple[int, str], None, None]:
    """Read the lines of a text file, as a stream.

    The file is opened when iteration starts and closed when it ends. Lines end at \\n or \\r\\n;
    other Unicode separators are text.

    Args:
        path: The file; ``-`` is standard input.
        encoding: Its encoding. By default UTF-8, or UTF-16 or UTF-32 with a byte order mark.
        on_bytes_read: Called after each block of about 64 KiB with the number of (compressed)
            bytes read.
        on_open: Called before the first line with what was found.
        has_option: Whether the user can declare an encoding with ``--encoding``, which errors then
            mention.
        keeps_returns: Whether \\r before \\n stays at the end of a line. An empty line then follows
            the end of the last line, so that the lines joined by \\n are the text.
        escapes: Whether bytes that are not UTF-8 are escaped as surrogates, to be repaired, instead
            of an error; an encoding that is declared or has a byte order mark stays strict.

    Yields:
        The number of each line, from 1, and the line without its end, a `CrlfLine` if that was
        \\r\\n. A last line without an end counts as ended like the one before it.

    Raises:
        TaggerError: The name of the encoding is unknown.
        DataError: The file cannot be opened, is damaged, is not text, or is in another encoding.
    """
    name = str(path)
    with content(name) as source:
        chosen = encodings.choose(encoding, source.head, name, has_option)
        if on_open is not None:
            on_open(
                Opened(name, source.compression, source.member, chosen.name, chosen.is_declared)
            )
        is_escaped = escapes and chosen.name == "utf-8" and not chosen.is_declared
        errors = "surrogateescape" if is_escaped else "strict"
        stream, decoder = source.stream, encodings.decoder_of(chosen, errors)
        stream.read(chosen.mark)
        number, rest, is_unchecked, last = 0, "", chosen.is_declared, ""
        while True:
            data = b"".join(stream.readlines(_BLOCK))
            if on_bytes_read is not None and data:
                on_bytes_read(source.position())
            if is_unchecked and (chosen.is_wide or not data.isascii()):
                is_unchecked = False
                if problem := encodings.contradiction(chosen, data):
                    raise DataError(name, None, problem)
            try:
                block = rest + decoder.decode(data, not data)
            except UnicodeDecodeError as error:
                raise _undecodable(error, chosen, source, name, number, rest, has_option) from error
            if not data:
                if keeps_returns:
                    yield number + 1, block
                elif block:
                    kind = CrlfLine if block.endswith("\r") else type(last)
                    yield number + 1, kind(block.removesuffix("\r"))
                return
            found = block.split("\n")
            rest = found.pop()
            if "\r" in block and not keeps_returns:
                found = [CrlfLine(line[:-1]) if line.endswith("\r") else line for line in found]
            yield from enumerate(found, number + 1)
            number += len(found)
            last = found[-1] if found else last


def text(path: str | Path) -> str:
    """Read a whole text file without an option for its encoding, such as a configuration.

    Args:
        path: The file; ``-`` is standard input.

    Returns:
        The text, with \\n as the line end.

    Raises:
        DataError: As for `lines`.
    """
    return "".join(f"{line}\n" for _, line in lines(path, has_option=False))


def unchanged(path: str | Path, encoding: str = AUTO) -> str:
    """Read a whole text file with the line ends that it has, to which offsets refer.

    Args:
        path: The file; ``-`` is standard input.
        encoding: Its encoding, as for `lines`.

    Returns:
        The text without its byte order mark.

    Raises:
        DataError: As for `lines`.
    """
    return "\n".join(line for _, line in lines(path, encoding, keeps_returns=True))


def _undecodable(
    error: UnicodeDecodeError,
    encoding: encodings.Encoding,
    source: Content,
    name: str,
    number: int,
    rest: str,
    has_option: bool,
) -> DataError:
    """Return the error for bytes that cannot be decoded, after `number` lines and their `rest`."""
    failed = error.object
    start = failed.rfind(b"\n", 0, error.start) + 1
    if encoding.is_wide:
        before = rest + failed[: error.start].decode(encoding.name, "replace")
        number += before.count("\n")
        position = encodings.position_of(before.rpartition("\n")[2], encoding)
    else:
        number += failed[:start].count(b"\n")
        position = error.start - start + (0 if start else encodings.position_of(rest, encoding))
    sample = source.head
    if number > sample.count(b"\n") or error.start > len(sample):
        sample += b"\n" + failed[max(start - _BLOCK, 0) : start + _BLOCK]
    message = encodings.not_decodable(encoding, sample, failed[error.start :], position, has_option)
    return DataError(name, number + 1, message)


@contextmanager
def content(
    path: str | Path, accept: Collection[Kind] = (), *, head_size: int = _BLOCK
) -> Iterator[Content]:
    """Open a file for reading its decompressed bytes.

    Args:
        path: The file; ``-`` is standard input.
        accept: Kinds of files that are read although they are not text.
        head_size: Number of bytes of `Content.head`.

    Yields:
        The content.

    Raises:
        DataError: The file cannot be opened, is damaged, is of a kind that is not accepted, or is a
            zip archive that does not contain exactly one file.
    """
    name, packed = str(path), ""
    try:
        with _raw(name) as raw, ExitStack() as stack:
            head, stream = _peeked(raw, head_size)
            packed = compression.kind_of(head)
            member, kind, where = "", None, ""
            if packed == "zip":
                stream, member, kind = _unzipped(raw, stream, name, accept, stack)
            elif packed:
                stream = compression.open_stream(packed, stream)
            if packed and kind is None:
                head, stream = _peeked(stream, head_size)
                kind, where = _inner_kind(head), f" in a {packed} file"
            kind = kind or binary.kind_of(head, member or name)
            if kind is not None and kind not in accept:
                raise BinaryFileError(name, f"{kind.what}{where}, not text; {kind.advice}", kind)
            yield Content(stream, head, packed, member, kind, raw.tell)
    except compression.UnsupportedError as error:
        raise DataError(name, None, f"a {packed} file: {error}") from error
    except compression.DAMAGE as error:
        reason = f"the {packed} file ends early or is damaged ({error})"
        raise DataError(name, None, f"{reason}; download or compress it again") from error
    except OSError as error:
        raise DataError(name, None, f"cannot be read: {error.strerror or error}") from error


@contextmanager
def _raw(name: str) -> Iterator[BinaryIO]:
    """Open a file, or standard input, which is not closed."""
    if name == STANDARD_INPUT:
        yield sys.stdin.buffer
        return
    with open(name, "rb") as stream:
        yield stream


def _peeked(stream: BinaryIO, count: int) -> tuple[bytes, BinaryIO]:
    """Return the first bytes of a stream, and a stream that begins with them."""
    pieces, size = [], 0
    while size < count and (piece := stream.read(count - size)):
        pieces.append(piece)
        size += len(piece)
    head = b"".join(pieces)
    rewound = io.BufferedReader(compression.Rewound(head, stream), _BLOCK)
    return head, cast(BinaryIO, rewound)


def _unzipped(
    raw: BinaryIO, stream: BinaryIO, name: str, accept: Collection[Kind], stack: ExitStack
) -> tuple[BinaryIO, str, Kind | None]:
    """Return the only file in a zip archive, and its name; or an archive of an accepted kind."""
    if raw.seekable():
        raw.seek(0)
        stream = raw
    try:
        archive = compression.open_zip(stream, stack)
    except zipfile.BadZipFile:
        if kind := binary.kind_by_name(name):  # damaged, but never text
            return stream, "", kind
        raise
    files = compression.files_of(archive)
    names = [entry.filename for entry in files]
    mimetype = archive.read("mimetype") if "mimetype" in names else b""
    kind = binary.kind_of_archive(names, mimetype, name)
    if kind is not None:
        if kind in accept:
            assert archive.fp is not None
            archive.fp.seek(0)
            return cast(BinaryIO, archive.fp), "", kind
        return stream, "", kind
    if len(files) != 1:
        listed = ", ".join(map(_shown, names[:_LISTED]))
        more = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
        found = f"{len(names):,} files: {listed}{more}" if names else "no file"
        raise DataError(
            name,
            None,
            f"a zip archive of {found}; expected exactly one file: unpack it and name the file "
            "to read",
        )
    return compression.open_member(archive, files[0]), names[0], None


def _inner_kind(head: bytes) -> Kind | None:
    """Return the kind of a compressed file within a compressed file; None for anything else."""
    inner = compression.kind_of(head)
    if inner == "zip" and b".npy" in head[30:100]:
        return binary.NPZ
    if inner:
        return Kind(f"a {inner} file", "decompress it once and name the result")
    return None


def _shown(name: str) -> str:
    """Return the name of a file in an archive without control characters."""
    return "".join(character if character.isprintable() else "?" for character in name)
