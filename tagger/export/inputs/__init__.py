"""The inputs of a tagger's network as ONNX nodes, by the names of `tagger.features.inputs`."""

from __future__ import annotations

from tagger.export.inputs import characters, shapes, token_states, vectors, words
from tagger.export.inputs.base import ExportInput

__all__ = ["INPUTS"]

INPUTS: dict[str, ExportInput] = {
    "words": ExportInput(words.arrays, words.nodes),
    "vectors": ExportInput(vectors.arrays, vectors.nodes),
    "characters": ExportInput(characters.arrays, characters.nodes),
    "shapes": ExportInput(shapes.arrays, shapes.nodes),
    "context": ExportInput(token_states.arrays, token_states.nodes),
}
"""The ONNX export of each input by name, in the order in which the network concatenates them."""
