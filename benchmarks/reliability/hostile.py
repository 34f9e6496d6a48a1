"""Files that somebody made in order to do harm: each must be refused in one line, at little cost.

A case writes files to an empty folder and returns the arguments of `tagger`. The suite runs every
case in its own process, `python -m benchmarks.reliability` in a child whose time and memory it
measures.
"""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import shutil
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

__all__ = ["CASES", "Case", "seal"]

DATA = Path(__file__).parents[2] / "tests" / "data"
TAGGER, LANGUAGE_MODEL = DATA / "tagger-1", DATA / "language-model-1"


class Case(NamedTuple):
    """A case.

    Attributes:
        build: Function that writes files to a folder and returns the arguments of the command.
        message: A part of the expected error message.
    """

    build: Callable[[Path], list[str]]
    message: str


CASES: dict[str, Case] = {}


def seal(folder: Path, name: str, content: bytes) -> None:
    """Replace a file of a bundle and make its manifest agree, as an attacker would."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    digest = hashlib.sha256(content).hexdigest()
    manifest["files"][name] = {"bytes": len(content), "sha256": digest}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def bundle(name: str, message: str, *files: tuple[str, bytes], source: Path = TAGGER) -> None:
    """Add a case: a model with other files, described by `tagger info`."""

    def build(folder: Path) -> list[str]:
        copy = Path(shutil.copytree(source, folder / "model"))
        for file, content in files:
            seal(copy, file, content)
        return ["info", str(copy)]

    CASES[name] = Case(build, message)


def changed(name: str, message: str, change: Callable[[Path], Any], source: Path = TAGGER) -> None:
    """Add a case: a model that a function has changed, described by `tagger info`."""

    def build(folder: Path) -> list[str]:
        copy = Path(shutil.copytree(source, folder / "model"))
        change(copy)
        return ["info", str(copy)]

    CASES[name] = Case(build, message)


def imported(name: str, message: str, content: bytes | Callable[[Path], Any]) -> None:
    """Add a case: a file for `tagger lm import`."""

    def build(folder: Path) -> list[str]:
        path = folder / "file.pt"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            content(path)
        return ["lm", "import", str(path), str(folder / "run"), "--direction", "forward"]

    CASES[name] = Case(build, message)


# -- names in manifests


def lists(name: str) -> Callable[[Path], None]:
    """Return a function that adds a name to a model's manifest."""

    def change(folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["files"][name] = {"bytes": 1, "sha256": "00"}
        (folder / "manifest.json").write_text(json.dumps(manifest))

    return change


for number, wrong in enumerate(
    ["/etc/hostname", "../outside", "a/../../outside", "a//b", "./a", "a/", "", "C:\\a",
     "..\\outside", ".bashrc", "a/.ssh/id", "a\nb", "a\0b", "x" * 300, "a/b/c/d/e/f/g"], 1
):  # fmt: skip
    changed(f"manifest lists name {number}", "cannot be a file of a model", lists(wrong))
    changed(
        f"language model lists name {number}",
        "cannot be a file of a model",
        lists(wrong),
        LANGUAGE_MODEL,
    )


def linked(name: str, target: str) -> Callable[[Path], None]:
    """Return a function that replaces a path of a model by a link."""

    def change(folder: Path) -> None:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        path.symlink_to(target)

    return change


changed(
    "weights are a link to a file outside", "not a regular file", linked("weights.npz", "/bin/sh")
)
changed("a folder is a link outside", "not a regular file", linked("vectors", "/usr"))
changed("a file is a device", "not a regular file", linked("tags.json", "/dev/zero"))
changed("the manifest of a language model is a link", "", linked("language_models/1", "/usr"))

# -- graphs


def field(number: int, content: bytes) -> bytes:
    """Return a field of a protocol buffer that has a length."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(number: int) -> bytes:
    """Return an integer of variable length."""
    content = b""
    while number > 0x7F:
        content += bytes([number & 0x7F | 0x80])
        number >>= 7
    return content + bytes([number])


def node(operator: str, domain: str = "", attribute: bytes = b"") -> bytes:
    """Return a graph of one node."""
    parts = field(4, operator.encode()) + field(7, domain.encode())
    return field(7, field(1, parts + (field(5, attribute) if attribute else b"")))


def tensor(*fields: bytes) -> bytes:
    """Return a graph with one initializer."""
    return field(7, field(5, b"".join(fields)))


GRAPHS = {
    "external data": (tensor(field(13, b"")), "data in another file"),
    "external data location": (tensor(varint(14 << 3) + b"\1"), "data in another file"),
    "an endless loop": (node("Loop"), "operator 'Loop'"),
    "a condition": (node("If"), "operator 'If'"),
    "a scan": (node("Scan"), "operator 'Scan'"),
    "a file name operator": (node("ReadFile", "com.evil"), "operator 'com.evil.ReadFile'"),
    "another domain": (node("Add", "com.microsoft"), "operator 'com.microsoft.Add'"),
    "an operator of random numbers": (node("RandomNormal"), "operator 'RandomNormal'"),
    "a graph in an attribute": (node("Add", "", field(6, b"")), "field 6 of a attribute"),
    "a tensor in an attribute": (node("Add", "", field(5, b"")), "field 5 of a attribute"),
    "a function": (field(25, b""), "field 25 of a model"),
    "training information": (field(20, b""), "field 20 of a model"),
    "a sparse initializer": (field(7, field(15, b"")), "field 15 of a graph"),
    "a million fields": (field(7, field(2, b"") * 1_000_000), "more than 200,000 fields"),
    "a field that is too long": (varint(7 << 3 | 2) + varint(1 << 40), "ends early"),
    "an endless number": (b"\xff" * 100, "not an ONNX model"),
    "a group": (varint(7 << 3 | 3), "not an ONNX model"),
    "nothing": (b"", "is empty"),
}
for name, (graph, message) in GRAPHS.items():
    bundle(f"graph: {name}", message, ("sentences.onnx", field(8, b"") + graph if graph else b""))
    bundle(
        f"graph of a language model: {name}",
        message,
        ("activations.onnx", field(8, b"") + graph if graph else b""),
        source=LANGUAGE_MODEL,
    )

# -- sizes


def sparse(name: str, size: int = 30 << 30) -> Callable[[Path], None]:
    """Return a function that makes a file of a model as large as the manifest then says."""

    def change(folder: Path) -> None:
        with open(folder / name, "wb") as stream:
            stream.truncate(size)
        if name != "manifest.json":
            manifest = json.loads((folder / "manifest.json").read_text())
            manifest["files"][name] = {"bytes": size, "sha256": "00"}
            (folder / "manifest.json").write_text(json.dumps(manifest))

    return change


for name in ("README.md", "config.toml", "tags.json", "metrics.json", "words.onnx"):
    changed(f"sparse {name}", "expected at most", sparse(name))
changed("sparse manifest", "damaged manifest", sparse("manifest.json"))


def archive(members: dict[str, bytes], *, compressed: bool = True) -> bytes:
    """Return a zip archive."""
    stream = io.BytesIO()
    kind = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(stream, "w", kind) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return stream.getvalue()


def npy(shape: tuple[int, ...], descr: str = "<f4", data: bytes = b"") -> bytes:
    """Return a file of an array whose header may promise more than its data."""
    stream = io.BytesIO()
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue() + data


def bomb(kilobytes: int = 1 << 20) -> bytes:
    """Return an .npz file that expands a thousandfold."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file,
        file.open("a.npy", "w", force_zip64=True) as member,
    ):
        for _ in range(kilobytes >> 10):
            member.write(bytes(1 << 20))
    return stream.getvalue()


def repeated() -> bytes:
    """Return an .npz file that lists one member 2,000 times."""
    content = archive({"a.npy": npy((100_000,), data=bytes(400_000))})
    place = content.rindex(b"PK\1\2")
    end = content.rindex(b"PK\5\6")
    entry, count = content[place:end], 2000
    record = bytearray(content[end:])
    record[8:12] = struct.pack("<2H", count, count)
    record[12:16] = struct.pack("<L", len(entry) * count)
    return content[:place] + entry * count + bytes(record)


BOMB = bomb()
for name, content, message in (
    ("zip bomb", BOMB, "expand to"),
    ("a member 2,000 times", repeated(), "lists a member twice"),
    ("petabytes", archive({"a.npy": npy((10**15,))}), "not an .npz file"),
    ("pickled objects", archive({"a.npy": npy((1,), "|O", pickle.dumps([1]))}), "not an .npz"),
    ("a directory of 80 MB", b"PK\5\6" + struct.pack("<4H2LH", 0, 0, 1, 1, 80 << 20, 0, 0), ""),
):
    bundle(f"weights: {name}", message, ("weights.npz", content))
    imported(f"import of an archive: {name}", "", content)

DOTS = b"a" + b".a" * 50_000 + b" = 1\n"
LINES = b"".join(b"k%d=1\n" % number for number in range(50_000))
for name, content in (
    ("50,000 dots", DOTS),
    (
        "deep tables",
        b"[a" + b".a" * 3000 + b"]\n" + b"".join(b"k%d=1\n" % n for n in range(50_000)),
    ),
    ("nested lists", b"a = " + b"[" * 100_000),
    ("nested tables", b"a = " + b"{a=" * 100_000),
    ("a number of a million digits", b"a = " + b"9" * 1_000_000),
):
    bundle(f"settings: {name}", "config.toml", ("config.toml", content))


def settings(folder: Path) -> list[str]:
    """Write settings with a key of 50,000 dots for a training."""
    (folder / "config.toml").write_bytes(DOTS)
    return ["train", str(folder / "config.toml"), str(folder / "run")]


CASES["settings of a training: 50,000 dots"] = Case(settings, "a line with 50,000 dots")

for name, content, message in (
    ("tags: nested lists", b"[" * 1_000_000, "tags.json"),
    (
        "tags: 50,000",
        json.dumps({"tags": [str(n) for n in range(50_000)], "scheme": "plain"}).encode(),
        "",
    ),
    ("tags: a long number", b'{"tags": ' + b"9" * 1_000_000 + b"}", "tags.json"),
    ("tags: an object as the scheme", b'{"tags": ["O"], "scheme": {}}', "tags.json"),
    ("metrics: infinite", b'{"dev": {"score": 1e999}}', "metrics.json"),
    ("metrics: NaN", b'{"dev": {"score": NaN}}', "metrics.json"),
    ("metrics: a text as a score", b'{"dev": {"score": "high"}}', "metrics.json"),
    ("metrics: without a score", b'{"int8": {}}', "metrics.json"),
    ("metrics: a list as agreement", b'{"agreement": []}', "metrics.json"),
    ("metrics: a number as the precision", b'{"precision": 7}', "metrics.json"),
):
    data = content if isinstance(content, bytes) else content.encode()
    bundle(name, message or "tags", (f"{name.partition(':')[0]}.json", data))
words = json.dumps({"words": [[]] * 500_000, "counts": []}).encode()
bundle("vocabulary: lists", "more values", ("vocabulary/words.json", words))
bundle("vocabulary: 9 million numbers", "more values",
       ("vocabulary/words.json", b"[" + b"1," * 9_000_000 + b"1]"))  # fmt: skip
bundle("words: no text", "", ("vectors/words.txt", b"\xff\n" * 44))
bundle("words: an index of lies", "", ("vectors/index.npy", npy((3, 44), "<u8", b"\xff" * 1056)))
bundle("words: an index of objects", "", ("vectors/index.npy", npy((3, 44), "|O", b"")))
bundle("vectors: petabytes", "", ("vectors/table.npy", npy((10**12, 5), "<f2")))

# -- files of PyTorch


def instructions(*parts: bytes) -> bytes:
    """Return a pickle of protocol 2."""
    return b"\x80\x02" + b"".join(parts) + b"."


def text(content: str) -> bytes:
    """Return the instruction that pushes a text."""
    return b"X" + struct.pack("<L", len(content)) + content.encode()


def old_layout(saved: bytes) -> bytes:
    """Return a file in the older layout with this value, and no storages."""
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, 2)
    return magic + pickle.dumps(1001, 2) + pickle.dumps({}, 2) + saved + pickle.dumps([], 2)


def new_layout(saved: bytes, **storages: bytes) -> bytes:
    """Return a file in the newer layout."""
    members = {"archive/data.pkl": saved}
    members |= {f"archive/data/{key}": content for key, content in storages.items()}
    return archive(members, compressed=False)


def tensor_of(sizes: list[int], strides: list[int], numel: int = 4) -> bytes:
    """Return the instructions of a tensor with the storage 0 of float32."""

    def numbers(values: list[int]) -> bytes:
        return b"(" + b"".join(b"\x8a\x05" + n.to_bytes(5, "little") for n in values) + b"t"

    storage = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("0") + text("cpu")
    storage += b"J" + struct.pack("<l", numel) + b"tQ"
    head = b"ctorch._utils\n_rebuild_tensor_v2\n("
    return head + storage + b"K\0" + numbers(sizes) + numbers(strides) + b"\x89}tR"


def doubled(step: bytes, count: int = 60) -> Iterator[bytes]:
    """Yield instructions that make an object of two of the one before, again and again."""
    yield b"N"
    for number in range(count):
        yield b"r" + struct.pack("<L", number)
        yield step.replace(b"#", b"j" + struct.pack("<L", number))


DOUBLED_DICTIONARIES = b"".join(doubled(b"0}" + text("a") + b"#s" + text("b") + b"#s"))
DOUBLED_TUPLES = b"".join(doubled(b"#\x86"))
DOUBLED_LISTS = b"".join(doubled(b"0](##e"))
PICKLES = {
    "a function of the system": b"cos\nsystem\n" + text("echo") + b"\x85R",
    "an attribute of a function": b"c_codecs\nencode\n}" + text("__defaults__") + b"Nsb",
    "other parts of a tensor": tensor_of([1], [1]) + b"}" + text("parts") + b"Nsb",
    "a state of a storage": tensor_of([1], [1]) + b"(K\1K\2tb",
    "a tensor of a billion numbers": tensor_of([10**9], [0]),
    "a tensor beyond its storage": tensor_of([2], [10**6]),
    "a tensor of negative size": tensor_of([(1 << 40) - 1], [1]),
    "a storage of gigabytes": tensor_of([1], [1], (1 << 31) - 1),
    "a memo of gigabytes": b"}r" + struct.pack("<L", 300_000_000),
    "doubled tuples as a key": b"}" + DOUBLED_TUPLES + b"Ns",
    "doubled lists as a text": b"c_codecs\nencode\n" + DOUBLED_LISTS + text("latin1") + b"\x86R",
    "doubled dictionaries": DOUBLED_DICTIONARIES,
    "a set": b"\x8f",
    "an extension": b"\x82\1",
    "a call of a number": b"K\1)R",
    "an empty stack": b"0",
    "two million instructions": b"N0" * 1_000_000,
    "a text of four gigabytes": b"X\xff\xff\xff\xff",
    "a name that is no text": b"K\1K\2\x93",
}  # fmt: skip
for name, content in PICKLES.items():
    imported(f"old layout: {name}", "file.pt", old_layout(instructions(content)))
    imported(
        f"new layout: {name}", "file.pt", new_layout(instructions(content), **{"0": bytes(16)})
    )
END = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, 46, 0, 0)
imported("a damaged archive", "file.pt", b"0123456789" + END)
imported("two pickles in an archive", "file.pt",
         archive({"a/data.pkl": instructions(b"N"), "b/data.pkl": instructions(b"N")}))  # fmt: skip
LARGE = {
    "archive/data.pkl": instructions(tensor_of([1], [1])),
    "archive/data/0": bytes(1 << 29),
}
imported("a storage that is a bomb", "expand to", lambda path: path.write_bytes(archive(LARGE)))
PLAIN, ENCRYPTED = b"PK\1\2\x14\3\x14\0\0", b"PK\1\2\x14\3\x14\0\1"
imported("an encrypted member", "file.pt",
         archive({"archive/data.pkl": b"N."}).replace(PLAIN, ENCRYPTED))  # fmt: skip
