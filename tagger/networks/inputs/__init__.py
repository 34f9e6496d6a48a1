"""The inputs of the network as Keras layers, under the names of `features.inputs`."""

from __future__ import annotations

from tagger.networks.inputs import characters, shapes, token_states, vectors, words
from tagger.networks.inputs.base import NetworkInput

__all__ = ["INPUTS"]

INPUTS: dict[str, NetworkInput] = {
    "words": NetworkInput(words.create, words.apply),
    "vectors": NetworkInput(vectors.create, vectors.apply),
    "characters": NetworkInput(characters.create, characters.apply),
    "shapes": NetworkInput(shapes.create, shapes.apply),
    "context": NetworkInput(token_states.create, token_states.apply),
}
