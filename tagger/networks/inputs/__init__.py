"""The Keras layers of the network's inputs, by the names in `features.inputs`.

Axes of all modules: B batch, T time, D distinct words, C characters, V vocabulary, F features,
S features of a token's states, U units, X features that an input contributes.
"""

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
"""The network's side of each input in `features.inputs`."""
