"""The inputs of the network, on the side of the host: from words to arrays and files.

The same names stand in `networks.inputs`, as Keras layers, and in `export.inputs`, as ONNX nodes. A
new input is a file and a row in each of the three; its settings are fields of `config.tagger`.
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
"""By the name of the array in a batch, which is the place of the weights too. Their order is that
in which the network concatenates what it makes of them."""
