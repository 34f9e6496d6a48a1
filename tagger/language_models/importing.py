"""Import of character language models trained with PyTorch, in the layout of Flair.

The layout is an embedding, LSTM layers and a softmax. PyTorch orders the gates i, f, g, o, this
library u, c, f, o: i is Γ_u and g the candidate c̃. Texts of Flair are delimited by line ends,
which have an embedding e; texts here by a border, which is the zero vector as an input. Both are
the same network: with e subtracted from every embedding and W·e added to the bias of the first
layer, the line end becomes the zero vector and no activation changes.

Axes: V vocabulary, F features, U units.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tagger.bundles import language_model as bundles
from tagger.bundles.language_model import LanguageModelBundle
from tagger.bundles.npz import from_npz
from tagger.cells import CELLS
from tagger.config.language_model import LanguageModelConfig, LanguageModelNetworkConfig, TextConfig
from tagger.errors import BundleError, TaggerError
from tagger.export import language_model as graph
from tagger.features.vocabulary import Vocabulary
from tagger.files import require_empty
from tagger.language_models import torch_files
from tagger.language_models.pickles import PlainObject

__all__ = ["convert", "import_model"]

Arrays = Mapping[str, np.ndarray]
"""The weights of a PyTorch model by name."""
BORDER = "\n"
_GATES = ("update", "forget", "candidate", "output")  # PyTorch's order: i, f, g, o
_ORDER = tuple(_GATES.index(gate) for gate in CELLS["lstm"].gates)


def import_model(source: str | Path, run: str | Path, direction: str = "") -> LanguageModelBundle:
    """Read a model of PyTorch and write it to a folder as a bundle.

    Args:
        source: An .npz file of the arrays of `convert` and ``characters``, a JSON list as bytes; or
            a file of PyTorch: a dictionary with ``state_dict``, and with ``dictionary`` (Flair's)
            or ``characters``, a list.
        run: The folder of the bundle, which must be empty or not exist.
        direction: forward or backward. Required if the file does not record it, as .npz files do
            not.

    Returns:
        The bundle.

    Raises:
        TaggerError: The file is not such a model, its direction is not known, or `run` is not
            empty.
    """
    source, run = Path(source), Path(run)
    require_empty(run)
    torch = torch_files.is_torch(source)
    arrays, characters, recorded = (_from_torch if torch else _from_npz)(source)
    if not (direction := direction or recorded):
        raise TaggerError(
            f"{source}: does not say in which direction the model reads, without which it cannot "
            "be used; add --direction forward or --direction backward"
        )
    imported = convert(arrays, characters, direction, str(source))
    imported = graph.with_graphs(replace(imported, metrics={"source": f"{source.name}, imported"}))
    bundles.save(run, imported)
    return imported


def convert(
    arrays: Arrays, characters: Sequence[str], direction: str, source: str
) -> LanguageModelBundle:
    """Convert the arrays of a PyTorch model to a bundle, which computes the same activations.

    Args:
        arrays: ``encoder.weight`` (V, F), ``rnn.weight_ih_l0`` (4U, F), ``rnn.weight_hh_l0``
            (4U, U), ``rnn.bias_ih_l0`` and ``rnn.bias_hh_l0`` (4U,), likewise for further layers,
            ``decoder.weight`` (V, U), ``decoder.bias`` (V,).
        characters: The characters by id; id 0 stands for unknown ones.
        direction: forward or backward.
        source: The path of the model, for errors.

    Returns:
        A bundle without graphs and metrics.

    Raises:
        BundleError: An array is missing or has another shape, or no character is the border.
    """
    if BORDER not in characters[1:] or len(set(characters)) != len(characters):
        raise BundleError(
            f'{source}: its characters must be distinct and include "\\n", which delimits documents'
        )
    border = list(characters).index(BORDER)
    rows = [border, 0, *(number for number in range(1, len(characters)) if number != border)]
    model = _shape(arrays, len(characters), direction, source)
    arrays = {name: np.asarray(array, dtype=np.float32) for name, array in arrays.items()}
    embeddings, weights = arrays["encoder.weight"], {}
    weights["embedding/embeddings"] = embeddings[rows] - embeddings[border]
    for depth in range(model.layers):
        kernel, recurrent = (arrays[f"rnn.weight_{name}_l{depth}"] for name in ("ih", "hh"))
        bias = arrays[f"rnn.bias_ih_l{depth}"] + arrays[f"rnn.bias_hh_l{depth}"]
        bias = bias if depth else bias + kernel @ embeddings[border]
        for name, array in (("kernel", kernel), ("recurrent", recurrent), ("bias", bias)):
            blocks = np.split(array, 4)
            weights[f"encoder/forward_{depth + 1}/{name}"] = np.concatenate(
                [blocks[block] for block in _ORDER]
            ).T.copy()
    weights["softmax/kernel"] = arrays["decoder.weight"][rows].T.copy()
    weights["softmax/bias"] = arrays["decoder.bias"][rows]
    vocabulary = Vocabulary([characters[row] for row in rows[2:]], [0] * (len(rows) - 2))
    return LanguageModelBundle(
        LanguageModelConfig(data=TextConfig(tokenizer="whitespace"), model=model),
        vocabulary,
        weights,
        {},
    )


def _shape(
    arrays: Arrays, vocabulary_size: int, direction: str, source: str
) -> LanguageModelNetworkConfig:
    """Return the settings of the network, after checking the shapes and types of all arrays."""
    layers = sum(name.startswith("rnn.weight_hh_l") for name in arrays)
    try:
        embedding, units = arrays["encoder.weight"].shape[1], arrays["decoder.weight"].shape[1]
    except (KeyError, IndexError) as error:
        raise BundleError(
            f"{source}: not such a language model: encoder.weight or decoder.weight is missing"
        ) from error
    expected: dict[str, tuple[int, ...]] = {"encoder.weight": (vocabulary_size, embedding)}
    for depth in range(max(layers, 1)):
        expected[f"rnn.weight_ih_l{depth}"] = (4 * units, units if depth else embedding)
        expected[f"rnn.weight_hh_l{depth}"] = (4 * units, units)
        expected |= {f"rnn.bias_{name}_l{depth}": (4 * units,) for name in ("ih", "hh")}
    expected |= {"decoder.weight": (vocabulary_size, units), "decoder.bias": (vocabulary_size,)}
    shapes = {name: array.shape for name, array in arrays.items()}
    if shapes != expected or any(array.dtype.kind != "f" for array in arrays.values()):
        wrong = ", ".join(
            sorted(name for name in {*expected, *shapes} if expected.get(name) != shapes.get(name))
        )
        raise BundleError(
            f"{source}: missing, unexpected or wrongly shaped arrays: "
            f"{wrong or 'none, but some are not of floats'}; expected float arrays of an "
            "embedding, LSTM layers and a softmax"
        )
    return LanguageModelNetworkConfig(
        level="characters",
        direction=direction,
        embedding=embedding,
        cell="lstm",
        units=units,
        layers=layers,
        dropout=0.0,
    )


def _from_npz(source: Path) -> tuple[Arrays, Sequence[str], str]:
    """Return the arrays and characters of an .npz file, which does not record the direction."""
    with open(source, "rb") as stream:
        arrays = from_npz(stream, source)
    try:
        characters = json.loads(arrays.pop("characters").tobytes())
    except (KeyError, ValueError, RecursionError) as error:
        raise BundleError(
            f"{source}: expected an array `characters`, a JSON list as bytes, beside the weights"
        ) from error
    return arrays, _strings(characters, source), ""


def _from_torch(source: Path) -> tuple[Arrays, Sequence[str], str]:
    """Return the arrays, characters and direction ("" if not recorded) of a file of PyTorch."""
    saved = torch_files.load(source)
    if not isinstance(saved, dict) or not isinstance(saved.get("state_dict"), dict):
        raise BundleError(
            f"{source}: expected a dictionary with `state_dict`, and `dictionary` or `characters`"
        )
    arrays = saved["state_dict"]
    if not all(
        isinstance(name, str) and isinstance(array, np.ndarray) for name, array in arrays.items()
    ):
        raise BundleError(f"{source}: expected tensors by name in `state_dict`")
    characters: Any = saved.get("characters")
    if "dictionary" in saved:
        dictionary = saved["dictionary"]
        items = dictionary.values.get("idx2item") if isinstance(dictionary, PlainObject) else None
        items = items if isinstance(items, list) else []
        characters = [
            item.decode("utf-8", "replace") if isinstance(item, bytes) else item for item in items
        ]
    forward = saved.get("is_forward_lm")
    direction = ("forward" if forward else "backward") if isinstance(forward, bool) else ""
    return arrays, _strings(characters, source), direction


def _strings(characters: Any, source: Path) -> Sequence[str]:
    """Return the characters after checking that they are a list of strings."""
    if (
        not isinstance(characters, list)
        or not characters
        or not all(isinstance(character, str) for character in characters)
    ):
        raise BundleError(
            f"{source}: its characters must be a list of strings, as many as the embedding has rows"
        )
    return characters
