"""The inputs of the network, computed on the host: from words to arrays and files.

The same names occur in `networks.inputs`, as Keras layers, and in `export.inputs`, as ONNX nodes. A
new input is a module and a row of the table in each of the three packages; its settings are fields
of `config.tagger`.
"""

from __future__ import annotations

from tagger.features.inputs.base import Input
from tagger.features.inputs.characters import CharactersInput
from tagger.features.inputs.shapes import ShapesInput
from tagger.features.inputs.token_states import TokenStatesInput
from tagger.features.inputs.vectors import VectorsInput
from tagger.features.inputs.words import WordsInput

__all__ = ["INPUTS"]

INPUTS: dict[str, type[Input]] = {
    "words": WordsInput,
    "vectors": VectorsInput,
    "characters": CharactersInput,
    "shapes": ShapesInput,
    "context": TokenStatesInput,
}
"""All inputs by the name of their array in a batch, which is also the path of their weights. The
network concatenates their representations in this order.
"""
