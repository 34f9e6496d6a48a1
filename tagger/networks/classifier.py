"""The network of a text classifier: inputs, recurrent encoder, pooling over time, head.

Axes: B batch, T time, F features of the encoder's output, K labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from tagger.features.batches import round_up_shapes
from tagger.networks.cells import Tensor
from tagger.networks.heads import SoftmaxHead
from tagger.networks.pooling import pool
from tagger.networks.sentence_encoder import (
    EncoderArchitecture,
    SentenceEncoder,
    lengths_of,
    weights_of,
)

__all__ = ["ClassifierArchitecture", "SigmoidHead", "TextClassifier"]


@dataclass(frozen=True, kw_only=True)
class ClassifierArchitecture(EncoderArchitecture):
    """The hyperparameters that determine a classifier.

    Attributes:
        labels: K.
        multi_label: Whether each label has a probability of its own.
        hidden: Units of the head's hidden layers.
        pooling: See `pooling.pool`.
    """

    labels: int
    multi_label: bool = False
    hidden: tuple[int, ...] = ()
    pooling: str = "last"


@keras.saving.register_keras_serializable(package="tagger")
class SigmoidHead(SoftmaxHead):
    """A feed-forward network with a sigmoid per label: each label is decided on its own."""

    @staticmethod
    def emissions(logits: Tensor) -> Tensor:
        """Return the log-probability of each label, log σ(z), of logits z (B, T, K)."""
        return ops.log_sigmoid(logits)

    def loss(self, logits: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        """Return the cross-entropy, summed over labels and averaged over real timesteps.

        Args:
            logits: (B, T, K).
            tags: (B, T, K) 1 for each label that is there, else 0.
            mask: (B, T) 1 for real timesteps.

        Returns:
            A scalar in nats per timestep; 0 for a batch without real timesteps.
        """
        mask = ops.cast(mask, logits.dtype)
        each = -(tags * ops.log_sigmoid(logits) + (1 - tags) * ops.log_sigmoid(-logits))
        return ops.sum(ops.sum(each, axis=-1) * mask) / ops.maximum(ops.sum(mask), 1.0)


@keras.saving.register_keras_serializable(package="tagger")
class TextClassifier(SentenceEncoder):
    """A text classifier: from the inputs of a batch to logits (B, K).

    The lectures' many-to-one network: a sequence is read to its end, and ŷ is computed from
    a^<T_x>; here, optionally, from the mean or maximum over all timesteps.

    Args:
        architecture: The hyperparameters.
    """

    architecture: ClassifierArchitecture
    architecture_class = ClassifierArchitecture

    def __init__(self, architecture: ClassifierArchitecture, **kwargs: Any) -> None:
        super().__init__(architecture, **kwargs)
        head = SigmoidHead if architecture.multi_label else SoftmaxHead
        self.head = head(
            architecture.labels,
            hidden=architecture.hidden,
            dropout=architecture.dropout,
            name="head",
        )

    def build(self, input_shape: Any = None) -> None:
        self.head.build(self.build_encoder())
        self.built = True

    def call(self, inputs: dict[str, Tensor], training: bool = False) -> Tensor:
        """Return the logits (B, K) of a batch.

        Args:
            inputs: Arrays by name.
            training: Whether dropout is active.
        """
        activations, _ = self.encode(inputs, training)
        pooled = pool(
            activations[-1],
            lengths_of(inputs),
            self.architecture.pooling,
            bidirectional=self.architecture.bidirectional,
        )
        # A text is a sequence of one timestep for the head: (B, F) -> (B, 1, K) -> (B, K).
        return self.head(pooled[:, None], training=training)[:, 0]

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """Return the head's loss, averaged over texts.

        Args:
            x: Inputs of the batch; rows without tokens are padding.
            y: Label ids (B,), or (B, K) with several labels per text.
            y_pred: Logits (B, K).
            sample_weight: Ignored.
            training: Ignored.

        Returns:
            A scalar in nats per text.
        """
        mask = lengths_of(x)[:, None] > 0
        return self.head.loss(y_pred[:, None], y[:, None], mask)

    def logits(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        """Return the logits of a batch, without dropout.

        Args:
            inputs: NumPy arrays by name.

        Returns:
            A NumPy array (B, K) float32.
        """
        rows = len(inputs["tokens"])
        if keras.backend.backend() == "jax":  # limits the number of shapes to compile
            inputs = round_up_shapes(inputs)
        return np.asarray(ops.convert_to_numpy(self.predict_on_batch(inputs)))[:rows]

    def named_weights(self) -> dict[str, keras.Variable]:
        """Return the weights of the bundle by path, such as ``encoder/forward_1/kernel``.

        Returns:
            The trainable variables themselves, no copies.
        """
        head = {f"head/{layer.name}": layer for layer in self.head.dense}
        return self.encoder_weights() | weights_of({**head, "head/labels": self.head.output_layer})
