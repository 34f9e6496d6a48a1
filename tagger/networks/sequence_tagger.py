"""The tagger's network: embed, encode, score.

Axes: B batch, T time, S numbers of a context, K tags.
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
"""The layer of each head in `tagger.heads`."""


@dataclass(frozen=True)
class Architecture:
    """All numbers that determine a network; dropouts are rates.

    ``one_hot`` tokens stand alone. Otherwise ``inputs`` are the configurations of the inputs by
    name, as `features.inputs` gives them: what the network makes of those of words is concatenated,
    those of tokens stand beside it. ``head`` is one of `tagger.heads`; ``allowed``, for one that
    scores sequences, are the scheme's three boolean tables as nested lists. ``word_prediction`` is
    the weight of the loss of predicting words beside tags, in training alone; 0: nothing predicts
    them.
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
    """The inputs of `features.Lexicon.inputs`, and those of tokens (B, T, S) if there are any, to
    logits (B, T, K).

    Token 0 is padding, on the right.
    """

    def __init__(self, architecture: Architecture | dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(architecture, dict):
            architecture = Architecture(
                **{**architecture, "hidden": tuple(architecture.get("hidden", ()))}
            )
        self.architecture = architecture
        self.inputs_of_words = self._create_layers(of_tokens=False)
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
        """A model whose weights exist."""
        model = cls(architecture)
        model.build()
        return model

    def _input_names(self, *, of_tokens: bool) -> list[str]:
        return [name for name in self.architecture.inputs if HOST[name].is_of_tokens == of_tokens]

    def _create_layers(self, *, of_tokens: bool) -> dict[str, keras.layers.Layer]:
        """Return the layers of the inputs that have weights, by name."""
        names = self._input_names(of_tokens=of_tokens)
        layers = {name: INPUTS[name].create(self.architecture.inputs[name]) for name in names}
        return {name: layer for name, layer in layers.items() if layer is not None}

    def build(self, input_shape: Any = None) -> None:
        architecture = self.architecture
        for layer in self.inputs_of_words.values():
            layer.build((None, None))
        for name, layer in self.inputs_of_tokens.items():
            layer.build((None, None, architecture.inputs[name]["width"]))
        width = sum(HOST[name].width(config) for name, config in architecture.inputs.items())
        shape = (None, None) if architecture.one_hot else (None, None, width)
        self.encoder.build(shape)
        encoded = self.encoder.compute_output_shape(shape)
        self.head.build(encoded)
        if (
            architecture.word_prediction
        ):  # the last thing to be made: chance has given all others what it gives without it
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
        """Logits; and in training, where words are predicted, the loss of that. The words are then
        in ``targets`` (D,).
        """
        tokens = inputs["tokens"]
        lengths = ops.sum(ops.cast(tokens != PAD, "int32"), axis=1)
        words = (
            inputs["words"] if self.architecture.one_hot else self.word_vectors(inputs, training)
        )
        x = self.input_drop(ops.take(words, tokens, axis=0), training=training)
        parts = [x]
        for name in self._input_names(of_tokens=True):
            dropped = {**inputs, name: self.context_drop(inputs[name], training=training)}
            layer = self.inputs_of_tokens.get(name)
            parts.append(INPUTS[name].apply(layer, dropped, training))
        x = ops.concatenate(parts, axis=-1) if len(parts) > 1 else x
        activations, _ = self.encoder.every_layer(x, lengths, training=training)
        logits = self.head(activations[-1], training=training)
        if self.word_prediction is None or not training:
            return logits
        # The first layer's: in those above, each direction knows from the other what it is to
        # predict.
        targets = ops.take(inputs["targets"], tokens, axis=0)
        return logits, self.word_prediction(activations[0], targets, _token_mask(inputs))

    def word_vectors(self, inputs: dict[str, Tensor], training: bool = False) -> Tensor:
        """Return what the inputs contribute to each distinct word, side by side: (D, X)."""
        parts = [
            INPUTS[name].apply(self.inputs_of_words.get(name), inputs, training)
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
        """The head's loss over real tokens only, and the weighted one of predicting words if there
        is one.
        """
        logits, *beside = y_pred if isinstance(y_pred, tuple) else (y_pred,)
        loss = self.head.loss(logits, y, _token_mask(x))
        return loss + self.architecture.word_prediction * beside[0] if beside else loss

    def emissions(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        """Scores (B, T, K) of a batch for the decoder, in NumPy, without dropout."""
        rows, time = inputs["tokens"].shape
        if keras.backend.backend() == "jax":  # compiles each shape anew: let there be few
            inputs = round_up_shapes(inputs)
        scores = self.head.emissions(self.predict_on_batch(inputs))
        return np.asarray(ops.convert_to_numpy(scores))[:rows, :time]

    def named_weights(self) -> dict[str, keras.Variable]:
        """The trained weights by their place in the model, such as ``encoder/forward_1/kernel``;
        without `word_prediction`.
        """
        layers: dict[str, keras.layers.Layer] = {}
        for name, layer in {**self.inputs_of_words, **self.inputs_of_tokens}.items():
            parts = getattr(layer, "parts", {})
            layers |= {f"{name}/{part}": below for part, below in parts.items()} or {name: layer}
        layers |= {
            f"encoder/{layer.name}": layer
            for directions in self.encoder.stack
            for layer in directions
        }
        layers |= {
            f"head/{layer.name}": layer for layer in (*self.head.dense, self.head.output_layer)
        }
        named = {
            f"{place}/{weight.name}": weight
            for place, layer in layers.items()
            for weight in layer.trainable_weights
        }
        own = HEADS[self.architecture.head].transitions
        return named | {f"head/{name}": getattr(self.head, name) for name in own}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "architecture": asdict(self.architecture)}


def _token_mask(inputs: dict[str, Tensor]) -> Tensor:
    """1 for real tokens, (B, T)."""
    return ops.cast(inputs["tokens"] != PAD, "float32")
