"""The tagger's network: inputs, recurrent encoder, head.

Axes: B batch, T time, D distinct words of a batch, F features of the encoder's output, K tags.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from tagger.features.batches import round_up_shapes
from tagger.heads import HEADS
from tagger.networks.cells import Tensor
from tagger.networks.crf import CRFHead
from tagger.networks.heads import SoftmaxHead
from tagger.networks.sentence_encoder import (
    EncoderArchitecture,
    SentenceEncoder,
    token_mask,
    weights_of,
)
from tagger.networks.word_prediction import WordPrediction

__all__ = ["HEAD_LAYERS", "Architecture", "SequenceTagger"]

HEAD_LAYERS: dict[str, type[SoftmaxHead]] = {"softmax": SoftmaxHead, "crf": CRFHead}
"""The layer class of each head in `tagger.heads`."""


@dataclass(frozen=True, kw_only=True)
class Architecture(EncoderArchitecture):
    """The hyperparameters that determine a tagger's network: the encoder's, and those of the head.

    Attributes:
        tags: K.
        hidden: Units of the head's hidden layers, each followed by dropout.
        head: Name of a head in `tagger.heads`.
        allowed: For a head that scores sequences, the scheme's three boolean tables as nested
            lists; see `crf.CRFHead`.
        word_prediction: Weight of the auxiliary loss of predicting words, used in training only;
            0 disables it.
    """

    tags: int
    hidden: tuple[int, ...] = ()
    head: str = "softmax"
    allowed: Any = None
    word_prediction: float = 0.0


@keras.saving.register_keras_serializable(package="tagger")
class SequenceTagger(SentenceEncoder):
    """A sequence tagger: from the inputs of a batch to logits (B, T, K).

    Args:
        architecture: The hyperparameters.
    """

    architecture: Architecture
    architecture_class = Architecture

    def __init__(self, architecture: Architecture, **kwargs: Any) -> None:
        super().__init__(architecture, **kwargs)
        sizes: dict[str, Any] = {
            "hidden": architecture.hidden,
            "dropout": architecture.dropout,
            "name": "head",
        }
        if HEADS[architecture.head].transitions:
            sizes["allowed"] = architecture.allowed
        self.head = HEAD_LAYERS[architecture.head](architecture.tags, **sizes)
        self.word_prediction: WordPrediction | None = None

    def build(self, input_shape: Any = None) -> None:
        architecture, encoded = self.architecture, self.build_encoder()
        self.head.build(encoded)
        # Built last, so that it does not change the random initialization of all other weights.
        if architecture.word_prediction:
            sizes: dict[str, Any] = {
                "bidirectional": architecture.bidirectional,
                "name": "word_prediction",
            }
            self.word_prediction = WordPrediction(architecture.vocabulary_size, **sizes)
            self.word_prediction.build(encoded)
        self.built = True

    def call(
        self, inputs: dict[str, Tensor], training: bool = False
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Return the logits of a batch.

        Args:
            inputs: Arrays by name. In training with word prediction, also "targets" (D,): the ids
                of the words before any of them were masked.
            training: Whether dropout is active and words are predicted.

        Returns:
            Logits (B, T, K); in training with word prediction a pair of these and the scalar
            loss of the word prediction.
        """
        activations, _ = self.encode(inputs, training)  # (B, T, F) each
        logits = self.head(activations[-1], training=training)
        if self.word_prediction is None or not training:
            return logits
        # Words are predicted from the first layer: in higher layers, each direction has already
        # seen, through the other direction, the words that it should predict.
        targets = ops.take(inputs["targets"], inputs["tokens"], axis=0)  # (D,) -> (B, T)
        return logits, self.word_prediction(activations[0], targets, token_mask(inputs))

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """Return the head's loss over real tokens plus the weighted word-prediction loss, if any.

        Args:
            x: Inputs of the batch.
            y: Tag ids (B, T), or distributions (B, T, K).
            y_pred: Output of `call`.
            sample_weight: Ignored.
            training: Ignored.

        Returns:
            A scalar in nats per token.
        """
        logits, *beside = y_pred if isinstance(y_pred, tuple) else (y_pred,)
        loss = self.head.loss(logits, y, token_mask(x))
        return loss + self.architecture.word_prediction * beside[0] if beside else loss

    def emissions(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        """Return the scores of a batch for the decoder, without dropout.

        Args:
            inputs: NumPy arrays by name.

        Returns:
            A NumPy array (B, T, K); any values where padded.
        """
        rows, time = inputs["tokens"].shape
        if keras.backend.backend() == "jax":  # limits the number of shapes to compile
            inputs = round_up_shapes(inputs)
        # Rounding up may add rows and timesteps, which the result does without.
        scores = self.head.emissions(self.predict_on_batch(inputs))
        return np.asarray(ops.convert_to_numpy(scores))[:rows, :time]

    def named_weights(self) -> dict[str, keras.Variable]:
        """Return the weights of the bundle by path, such as ``encoder/forward_1/kernel``.

        Returns:
            The trainable variables themselves, no copies. Those of word prediction are excluded:
            they are discarded after training.
        """
        layers = {
            f"head/{layer.name}": layer for layer in (*self.head.dense, self.head.output_layer)
        }
        named = {**self.encoder_weights(), **weights_of(layers)}
        own = HEADS[self.architecture.head].transitions
        return named | {f"head/{name}": getattr(self.head, name) for name in own}
