"""Features of distinct words, computed by words.onnx in ONNX Runtime.

Axes: D distinct words, X features of a word.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tagger.bundles.encoder import EncoderBundle, width_of
from tagger.bundles.tagger import WORDS
from tagger.export.session import open_graph

__all__ = ["WordSession"]


class WordSession:
    """The word features of one model; any number of threads may use it at once.

    Args:
        bundle: A bundle whose network has an encoder of sentences, with its graphs.

    Attributes:
        is_one_hot: Whether the features of a word are its id.
        width: X; 1 for one-hot words.

    Raises:
        BundleError: The bundle lacks the graph, or it was created from other weights or cannot be
            run.
    """

    def __init__(self, bundle: EncoderBundle) -> None:
        self.is_one_hot = bundle.config.model.input == "one-hot"
        self.width = 1 if self.is_one_hot else width_of(bundle.config.model, bundle.features)
        self._session = None if self.is_one_hot else open_graph(bundle, WORDS)

    def features(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """Compute the features of distinct words.

        Args:
            inputs: The arrays of `WordEncoder.words` by name, D words each; others than those of
                the model are ignored.

        Returns:
            (D, X) float32; of one-hot words their ids (D,) int32, not copied.
        """
        if self._session is None:
            return inputs["words"]
        feed = {name: array for name, array in inputs.items() if name in self._session.inputs}
        return self._session.run({"features": (len(inputs["words"]), self.width)}, feed)[0]
