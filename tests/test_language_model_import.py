"""Models of PyTorch are read exactly, and nothing in their files is executed."""

from __future__ import annotations

import collections
import io
import json
import os
import pickle
import struct
import sys
import types
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.command_line import failed, invoke, worked
from support.paths import shared

from tagger.bundles import language_model as bundles
from tagger.errors import BundleError, TaggerError
from tagger.export import language_model as graph
from tagger.language_models import importing, scoring, torch_files
from tagger.language_models.model import LanguageModel, load

CHARACTERS = ["<unk>", "a", " ", "\n", "é", "b"]
EMBEDDING, UNITS = 3, 4
Arrays = dict[str, np.ndarray]


def arrays_of(layers: int = 1, dtype: str = "float32") -> Arrays:
    random = np.random.default_rng(1)
    shapes: dict[str, tuple[int, ...]] = {"encoder.weight": (len(CHARACTERS), EMBEDDING)}
    for depth in range(layers):
        shapes[f"rnn.weight_ih_l{depth}"] = (4 * UNITS, UNITS if depth else EMBEDDING)
        shapes[f"rnn.weight_hh_l{depth}"] = (4 * UNITS, UNITS)
        shapes[f"rnn.bias_ih_l{depth}"] = shapes[f"rnn.bias_hh_l{depth}"] = (4 * UNITS,)
    shapes |= {"decoder.weight": (len(CHARACTERS), UNITS), "decoder.bias": (len(CHARACTERS),)}
    return {name: random.normal(0, 0.7, shape).astype(dtype) for name, shape in shapes.items()}


def torch_log_probabilities(arrays: Arrays, text: str, layers: int = 1) -> np.ndarray:
    """log p of each character of "text\\n" after "\\n", by PyTorch's equations of an LSTM: gates i,
    f, g, o.
    """

    def sigmoid(x: np.ndarray) -> np.ndarray:
        return np.asarray(1 / (1 + np.exp(-x)))

    ids = [
        CHARACTERS.index(character) if character in CHARACTERS else 0 for character in f"\n{text}\n"
    ]
    x = [arrays["encoder.weight"][number] for number in ids[:-1]]
    for depth in range(layers):
        w, r, b, d = (
            arrays[f"rnn.{name}_l{depth}"]
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        h, c, outputs = np.zeros(UNITS), np.zeros(UNITS), []
        for step in x:
            i, f, g, o = np.split(w @ step + b + r @ h + d, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            outputs.append(h)
        x = outputs
    logits = np.array(x) @ arrays["decoder.weight"].T + arrays["decoder.bias"]
    return np.array(
        [
            row[number] - np.log(np.exp(row).sum())
            for row, number in zip(logits, ids[1:], strict=True)
        ]
    )


def write_npz(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(
        path,
        characters=np.frombuffer(json.dumps(CHARACTERS).encode(), dtype=np.uint8),
        **arrays,  # type: ignore[arg-type]
    )
    return path


class Storage:
    """Pickled as PyTorch pickles the numbers of a tensor: by name alone."""

    def __init__(self, array: np.ndarray, key: str) -> None:
        self.array, self.key = array, key


class Tensor:
    def __init__(self, array: np.ndarray, key: str) -> None:
        self.storage, self.shape = Storage(array, key), array.shape
        self.strides = tuple(stride // array.itemsize for stride in array.strides)

    def __reduce__(self) -> Any:
        rebuild = sys.modules["torch._utils"]._rebuild_tensor_v2
        return rebuild, (
            self.storage,
            0,
            self.shape,
            self.strides,
            False,
            collections.OrderedDict(),
        )


def pickled(saved: object) -> bytes:
    """Pickled as `torch.save` does, under PyTorch's and Flair's names, which need not be installed
    for it.
    """
    torch, utils, data = (
        types.ModuleType("torch"),
        types.ModuleType("torch._utils"),
        types.ModuleType("flair.data"),
    )

    def rebuild(*_: object) -> None: ...

    for name in ("FloatStorage", "HalfStorage"):
        setattr(torch, name, type(name, (), {"__module__": "torch"}))
    rebuild.__module__ = "torch._utils"
    rebuild.__name__ = rebuild.__qualname__ = "_rebuild_tensor_v2"
    vars(utils)["_rebuild_tensor_v2"] = rebuild
    vars(data)["Dictionary"] = Dictionary
    older = isinstance(saved, tuple)
    stream = io.BytesIO()
    with pytest.MonkeyPatch.context() as patch:
        for module in (torch, utils, data, types.ModuleType("flair")):
            patch.setitem(sys.modules, module.__name__, module)

        class Pickler(pickle.Pickler):
            def persistent_id(self, thing: Any) -> Any:
                if isinstance(thing, Storage):
                    kind = (
                        torch.HalfStorage if thing.array.dtype == np.float16 else torch.FloatStorage
                    )
                    return (
                        "storage",
                        kind,
                        thing.key,
                        "cpu",
                        thing.array.size,
                        *([None] * older),
                    )
                return None

        pickler = Pickler(stream, protocol=2)
        pickler.dump(saved[0] if isinstance(saved, tuple) else saved)
    return stream.getvalue()


class Dictionary:
    """Flair's dictionary of characters, which are bytes in it."""

    def __init__(self) -> None:
        self.idx2item = [character.encode() for character in CHARACTERS]
        self.item2idx = {item: number for number, item in enumerate(self.idx2item)}


Dictionary.__module__ = "flair.data"


def saved_of(arrays: Arrays, **more: object) -> dict[str, Any]:
    tensors: Any = collections.OrderedDict(
        (name, Tensor(array, str(key))) for key, (name, array) in enumerate(arrays.items())
    )
    tensors._metadata = collections.OrderedDict(version=1)
    return {
        "state_dict": tensors,
        "dictionary": Dictionary(),
        "is_forward_lm": False,
        "hidden_size": UNITS,
        "nout": None,
        **more,
    }


def write_torch(path: Path, arrays: Arrays, **more: object) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", pickled(saved_of(arrays, **more)))
        for key, array in enumerate(arrays.values()):
            archive.writestr(f"model/data/{key}", array.tobytes())
    return path


def write_older_torch(path: Path, arrays: Arrays) -> Path:
    parts = [
        pickle.dumps(thing, protocol=2)
        for thing in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})
    ]
    parts += [
        pickled((saved_of(arrays),)),
        pickle.dumps([str(key) for key in range(len(arrays))], protocol=2),
    ]
    for array in arrays.values():
        parts += [struct.pack("<q", array.size), array.tobytes()]
    path.write_bytes(b"".join(parts))
    return path


@pytest.mark.parametrize("layers", [1, 2])
def test_an_imported_model_equals_the_equations_of_torch(layers: int, tmp_path: Path) -> None:
    arrays = arrays_of(layers)
    model = LanguageModel(
        importing.import_model(write_npz(tmp_path / "a.npz", **arrays), tmp_path / "run", "forward")
    )
    assert model.bundle.config.model.direction == "forward"
    tokens = ["ab", "é", "Zb"]
    (scored,) = scoring.score(load(tmp_path / "run"), [tokens])
    np.testing.assert_allclose(
        scored.values, torch_log_probabilities(arrays, "ab é Zb", layers), atol=1e-5
    )
    assert scored.names == ("a", "b", " ", "é", " ", "<UNK>", "b", "<EOS>")


@pytest.mark.parametrize("write", [write_torch, write_older_torch])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_file_of_torch_is_read_like_the_arrays(
    write: Callable[..., Path], dtype: str, tmp_path: Path
) -> None:
    arrays = arrays_of(dtype=dtype)
    imported = importing.import_model(write(tmp_path / "a.pt", arrays), tmp_path / "run")
    expected = importing.convert(arrays, CHARACTERS, "backward", "a.pt")
    assert imported.config == expected.config
    assert imported.vocabulary == expected.vocabulary
    for name, array in expected.weights.items():
        np.testing.assert_array_equal(imported.weights[name], array)


class Malicious:
    def __init__(self, function: Any, *arguments: object) -> None:
        self.reduced = function, arguments

    def __reduce__(self) -> Any:
        return self.reduced


@pytest.mark.parametrize(
    "thing",
    [Malicious(os.system, "touch harm"), Malicious(eval, "1"), Malicious(Path, "x"), os.getcwd],
)
def test_a_malicious_pickle_is_refused_before_anything_is_called(thing: Any, here: Path) -> None:
    for path in (write_torch(here / "a.pt", arrays_of(), more=thing), here / "b.pt"):
        if path.name == "b.pt":
            path.write_bytes(pickle.dumps(thing, protocol=2))
        with pytest.raises(BundleError, match="nothing was executed"):
            torch_files.load(path)
    assert not (here / "harm").exists()


def test_a_tensor_that_reaches_out_of_its_numbers_is_refused(tmp_path: Path) -> None:
    arrays = arrays_of()
    saved = saved_of(arrays)
    saved["state_dict"]["decoder.bias"].strides = (100,)
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
        archive.writestr("model/data.pkl", pickled(saved))
        for key, array in enumerate(arrays.values()):
            archive.writestr(f"model/data/{key}", array.tobytes())
    with pytest.raises(BundleError, match="exceeds its storage"):
        torch_files.load(tmp_path / "a.pt")


def test_what_is_no_such_model_is_refused(tmp_path: Path) -> None:
    arrays = arrays_of()

    def refused(path: Path, message: str, direction: str = "forward") -> None:
        with pytest.raises(TaggerError, match=message) as caught:
            importing.import_model(path, tmp_path / "run", direction)
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "run").exists()

    refused(
        write_npz(tmp_path / "a.npz", **arrays),
        "add --direction forward or --direction backward",
        "",
    )
    refused(
        write_torch(tmp_path / "a.pt", arrays, is_forward_lm=[]),
        "does not say in which direction",
        "",
    )
    refused(
        write_npz(tmp_path / "a.npz", **{**arrays, "proj.weight": arrays["decoder.bias"]}),
        r"unexpected.*proj\.weight",
    )
    refused(
        write_npz(
            tmp_path / "a.npz", **{name: a for name, a in arrays.items() if "_hh_" not in name}
        ),
        "weight_hh_l0",
    )
    refused(
        write_npz(tmp_path / "a.npz", **{**arrays, "decoder.bias": np.zeros(3)}),
        r"wrongly shaped.*decoder\.bias",
    )
    refused(write_npz(tmp_path / "a.npz"), r"encoder\.weight or decoder\.weight is missing")
    np.savez(tmp_path / "a.npz", **arrays)  # type: ignore[arg-type]
    refused(tmp_path / "a.npz", "expected an array `characters`")
    (tmp_path / "text").write_text("neither")
    refused(tmp_path / "text", "not an .npz file")
    refused(tmp_path / "nothing.npz", "cannot be read")
    (tmp_path / "a.pt").write_bytes(b"\x80\x02}.")
    refused(tmp_path / "a.pt", "not a file of PyTorch")
    (tmp_path / "a.pt").write_bytes(b"\x80\x02\xff")
    refused(tmp_path / "a.pt", "opcode .* unknown")
    refused(
        write_torch(tmp_path / "a.pt", arrays, state_dict=[]),
        "expected a dictionary with `state_dict`",
    )
    refused(write_torch(tmp_path / "a.pt", arrays, dictionary=[]), "must be a list of strings")


def test_import_on_the_command_line(tmp_path: Path) -> None:
    source = write_npz(tmp_path / "a.npz", **arrays_of())
    out = worked(invoke("lm", "import", source, tmp_path / "run", "--direction", "backward"))
    assert "a.npz, imported" in out
    imported = bundles.load(tmp_path / "run")
    assert imported.config.model.direction == "backward"
    assert imported.graphs
    assert imported.graphs == graph.with_graphs(imported).graphs
    assert "exists and is not empty" in failed(invoke("lm", "import", source, tmp_path / "run"))


def test_the_news_models_know_english(tmp_path: Path) -> None:
    for direction in ("forward", "backward"):
        importing.import_model(
            shared("language_models", f"news-{direction}.npz"), tmp_path / direction, direction
        )
        texts = ("The apple and pear salad", "The apple and pair salad", "The government said so .")
        pear, pair, plain = scoring.score(
            load(tmp_path / direction), [text.split() for text in texts]
        )
        assert pear.log_probability > pair.log_probability or direction == "backward"
        assert plain.perplexity < 4
