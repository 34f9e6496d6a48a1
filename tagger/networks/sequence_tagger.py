"""The tagger's network: inputs, recurrent encoder, head.

Axes: B batch, T time, D distinct words of a batch (row 0 is padding), X features of a word,
S features of a token's states, F features of the encoder's output, K tags.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import keras
import numpy as np
from keras import ops

from tagger.features.batches import round_up_shapes
from tagger.features.inputs import INPUTS as HOST
from tagger.features.vocabulary import PAD
from tagger.heads import HEADS
from tagger.networks.cells import Tensor
from tagger.networks.crf import CRFHead
from tagger.networks.embedding import WordDropout
from tagger.networks.heads import SoftmaxHead
from tagger.networks.inputs import INPUTS
from tagger.networks.recurrent import Encoder
from tagger.networks.word_prediction import WordPrediction

__all__ = ["HEAD_LAYERS", "Architecture", "SequenceTagger"]

HEAD_LAYERS: dict[str, type[SoftmaxHead]] = {"softmax": SoftmaxHead, "crf": CRFHead}
"""The layer class of each head in `tagger.heads`."""


@dataclass(frozen=True)
class Architecture:
    """The hyperparameters that determine a network.

    Attributes:
        vocabulary_size: Word ids, padding and <UNK> included.
        tags: K.
        one_hot: Whether the only input is the word as a one-hot vector; `inputs` are then unused.
        inputs: Configuration of each input by name, as returned by `features.inputs`. Features of
            words and of tokens are concatenated in this order.
        cell, units, layers, bidirectional, dropout, recurrent_dropout: See `recurrent.Encoder`.
        hidden: Units of the head's hidden layers.
        input_dropout: Dropout rate of word features; for one-hot words the rate of <UNK>.
        context_dropout: Dropout rate of token features, that is, language-model states.
        dropout: Rate after every layer of the encoder and every hidden layer of the head.
        head: Name of a head in `tagger.heads`.
        allowed: For a head that scores sequences, the scheme's three boolean tables as nested
            lists; see `crf.CRFHead`.
        word_prediction: Weight of the auxiliary loss of predicting words, used in training only;
            0 disables it.
    """

    vocabulary_size: int
    tags: int
    one_hot: bool = False
    inputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    cell: str = "lstm"
    units: int = 100
    layers: int = 1
    bidirectional: bool = True
    hidden: tuple[int, ...] = ()
    input_dropout: float = 0.0
    context_dropout: float = 0.0
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    head: str = "softmax"
    allowed: Any = None
    word_prediction: float = 0.0


@keras.saving.register_keras_serializable(package="tagger")
class SequenceTagger(keras.Model):
    """A sequence tagger: from the inputs of a batch to logits (B, T, K).

    Inputs are a dictionary as returned by `features.encode.WordEncoder.inputs`: "tokens" (B, T)
    contains for each token its row among the D distinct words of the batch, 0 for padding, which is
    on the right; other arrays describe these words, such as "words" (D,), their ids. Token states,
    if any, are (B, T, S).

    Args:
        architecture: An `Architecture`, or its fields as a dictionary.
    """

    def __init__(self, architecture: Architecture | dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(architecture, dict):
            architecture = Architecture(
                **{**architecture, "hidden": tuple(architecture.get("hidden", ()))}
            )
        self.architecture = architecture
        self.word_layers = self._create_layers(of_tokens=False)
        self.input_drop: keras.layers.Layer = (
            WordDropout(architecture.input_dropout)
            if architecture.one_hot
            else keras.layers.Dropout(architecture.input_dropout, noise_shape=(None, 1, None))
        )
        self.context_drop = keras.layers.Dropout(
            architecture.context_dropout, noise_shape=(None, 1, None)
        )
        self.inputs_of_tokens = self._create_layers(of_tokens=True)
        self.encoder = Encoder(
            architecture.cell,
            architecture.units,
            layers=architecture.layers,
            bidirectional=architecture.bidirectional,
            vocabulary_size=architecture.vocabulary_size if architecture.one_hot else 0,
            dropout=architecture.dropout,
            recurrent_dropout=architecture.recurrent_dropout,
            name="encoder",
        )
        sizes: dict[str, Any] = {
            "hidden": architecture.hidden,
            "dropout": architecture.dropout,
            "name": "head",
        }
        if HEADS[architecture.head].transitions:
            sizes["allowed"] = architecture.allowed
        self.head = HEAD_LAYERS[architecture.head](architecture.tags, **sizes)
        self.word_prediction: WordPrediction | None = None

    @classmethod
    def create(cls, architecture: Architecture) -> SequenceTagger:
        """Return a built model, with its weights initialized."""
        model = cls(architecture)
        model.build()
        return model

    def _input_names(self, *, of_tokens: bool) -> list[str]:
        """Return the names of the inputs that describe tokens, or of those that describe words."""
        return [name for name in self.architecture.inputs if HOST[name].is_of_tokens == of_tokens]

    def _create_layers(self, *, of_tokens: bool) -> dict[str, keras.layers.Layer]:
        """Create the layers, by name, of the inputs that have weights."""
        names = self._input_names(of_tokens=of_tokens)
        layers = {name: INPUTS[name].create(self.architecture.inputs[name]) for name in names}
        return {name: layer for name, layer in layers.items() if layer is not None}

    def build(self, input_shape: Any = None) -> None:
        architecture = self.architecture
        for layer in self.word_layers.values():
            layer.build((None, None))
        for name, layer in self.inputs_of_tokens.items():
            layer.build((None, None, architecture.inputs[name]["width"]))
        width = sum(HOST[name].width(config) for name, config in architecture.inputs.items())
        shape = (None, None) if architecture.one_hot else (None, None, width)
        self.encoder.build(shape)
        encoded = self.encoder.compute_output_shape(shape)
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
        tokens = inputs["tokens"]
        lengths = ops.sum(ops.cast(tokens != PAD, "int32"), axis=1)  # (B,)
        words = (
            inputs["words"] if self.architecture.one_hot else self.word_vectors(inputs, training)
        )
        # (D, X) -> (B, T, X); one-hot: ids (D,) -> (B, T)
        x = self.input_drop(ops.take(words, tokens, axis=0), training=training)
        parts = [x]
        for name in self._input_names(of_tokens=True):
            dropped = {**inputs, name: self.context_drop(inputs[name], training=training)}
            layer = self.inputs_of_tokens.get(name)
            parts.append(INPUTS[name].apply(layer, dropped, training))
        # (B, T, X) and one (B, T, S) per token input -> (B, T, X + S)
        x = ops.concatenate(parts, axis=-1) if len(parts) > 1 else x
        activations, _ = self.encoder.every_layer(x, lengths, training=training)  # (B, T, F) each
        logits = self.head(activations[-1], training=training)
        if self.word_prediction is None or not training:
            return logits
        # Words are predicted from the first layer: in higher layers, each direction has already
        # seen, through the other direction, the words that it should predict.
        targets = ops.take(inputs["targets"], tokens, axis=0)  # (D,) -> (B, T)
        return logits, self.word_prediction(activations[0], targets, _token_mask(inputs))

    def word_vectors(self, inputs: dict[str, Tensor], training: bool = False) -> Tensor:
        """Compute the features of a batch's distinct words.

        Args:
            inputs: Arrays by name.
            training: Whether dropout is active.

        Returns:
            The features of all word inputs, concatenated: (D, X).
        """
        parts = [
            INPUTS[name].apply(self.word_layers.get(name), inputs, training)
            for name in self._input_names(of_tokens=False)
        ]
        return ops.concatenate(parts, axis=-1)

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
        loss = self.head.loss(logits, y, _token_mask(x))
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
        layers: dict[str, keras.layers.Layer] = {}
        for name, layer in {**self.word_layers, **self.inputs_of_tokens}.items():
            parts = getattr(layer, "parts", {})
            layers |= {f"{name}/{part}": inner for part, inner in parts.items()} or {name: layer}
        layers |= {
            f"encoder/{layer.name}": layer
            for directions in self.encoder.stack
            for layer in directions
        }
        layers |= {
            f"head/{layer.name}": layer for layer in (*self.head.dense, self.head.output_layer)
        }
        named = {
            f"{path}/{weight.name}": weight
            for path, layer in layers.items()
            for weight in layer.trainable_weights
        }
        own = HEADS[self.architecture.head].transitions
        return named | {f"head/{name}": getattr(self.head, name) for name in own}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "architecture": asdict(self.architecture)}


def _token_mask(inputs: dict[str, Tensor]) -> Tensor:
    """Return 1.0 for real tokens and 0.0 for padding, (B, T)."""
    return ops.cast(inputs["tokens"] != PAD, "float32")
