"""The tagger's network: embed, encode, score.

Axes: B batch, T time, S numbers of a context, K tags.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from tagger.features.batches import few_shapes
from tagger.features.shapes import SHAPES
from tagger.features.vocabulary import PAD
from tagger.heads import HEADS
from tagger.networks.cells import Tensor
from tagger.networks.crf import CRFHead
from tagger.networks.embedding import CharacterCNN, CharacterRNN, FineTuning, WordDropout, embedding
from tagger.networks.heads import SoftmaxHead
from tagger.networks.recurrent import Encoder
from tagger.networks.word_prediction import WordPrediction

__all__ = ["HEAD_LAYERS", "Architecture", "SequenceTagger"]

HEAD_LAYERS: dict[str, type[SoftmaxHead]] = {"softmax": SoftmaxHead, "crf": CRFHead}
"""The layer of each head in `tagger.heads`."""


@dataclass(frozen=True)
class Architecture:
    """All numbers that determine a network. A size of 0 means that there is no such input; dropouts
    are rates.

    ``one_hot`` tokens stand alone. Otherwise a word is the concatenation of a trained ``embedding``
    of its number, its pretrained vector (``vectors``, plus a trained difference if ``fine_tune``),
    what a ``character_encoder`` ("cnn", or the name "rnn" for a recurrent one of the same cell)
    reads in its ``characters``, and an embedding of its ``shape``. Beside it stand ``context``
    numbers of language models, of its place, which a product brings down to ``projection`` (0: as
    they are). ``head`` is one of `tagger.heads`; ``allowed``, for one that scores
    sequences, are the scheme's three boolean tables as nested lists. ``word_prediction`` is the
    weight of the loss of predicting words beside tags, in training alone; 0: nothing predicts them.
    """

    vocabulary_size: int
    tags: int
    one_hot: bool = False
    embedding: int = 100
    vectors: int = 0
    fine_tune: bool = False
    character_encoder: str = "cnn"
    characters: int = 0
    character_vocabulary_size: int = 0
    shape: int = 0
    context: int = 0
    projection: int = 0
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
    """The inputs of `features.Lexicon.inputs`, and ``context`` (B, T, S) if there is one, to logits
    (B, T, K).

    Token 0 is padding, on the right.
    """

    def __init__(self, architecture: Architecture | dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(architecture, dict):
            architecture = Architecture(
                **{**architecture, "hidden": tuple(architecture.get("hidden", ()))}
            )
        self.architecture = architecture
        self.inputs_of_words = {} if architecture.one_hot else _word_layers(architecture)
        self.input_drop: keras.layers.Layer = (
            WordDropout(architecture.input_dropout)
            if architecture.one_hot
            else keras.layers.Dropout(architecture.input_dropout, noise_shape=(None, 1, None))
        )
        self.context_drop = keras.layers.Dropout(
            architecture.context_dropout, noise_shape=(None, 1, None)
        )
        projected = bool(architecture.context and architecture.projection)
        self.project = (
            keras.layers.Dense(architecture.projection, name="context") if projected else None
        )
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

    def build(self, input_shape: Any = None) -> None:
        for name, layer in self.inputs_of_words.items():
            layer.build((None, None) if name == "characters" else (None,))
        architecture = self.architecture
        vectors = 0 if "vectors" in self.inputs_of_words else architecture.vectors
        widths = [
            layer.compute_output_shape((None,))[-1] for layer in self.inputs_of_words.values()
        ]
        context = architecture.context
        if self.project is not None:
            self.project.build((None, None, context))
            context = architecture.projection
        shape = (
            (None, None) if architecture.one_hot else (None, None, sum(widths) + vectors + context)
        )
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
        if self.architecture.context:
            context = self.context_drop(inputs["context"], training=training)
            x = ops.concatenate(
                [x, context if self.project is None else self.project(context)], axis=-1
            )
        activations, _ = self.encoder.every_layer(x, lengths, training=training)
        logits = self.head(activations[-1], training=training)
        if self.word_prediction is None or not training:
            return logits
        # The first layer's: in those above, each direction knows from the other what it is to
        # predict.
        targets = ops.take(inputs["targets"], tokens, axis=0)
        return logits, self.word_prediction(activations[0], targets, _real(inputs))

    def word_vectors(self, inputs: dict[str, Tensor], training: bool = False) -> Tensor:
        """All that is known of the distinct words, side by side: (D, F)."""
        layers, parts = self.inputs_of_words, []
        if "words" in layers:
            parts.append(layers["words"](inputs["words"]))
        if "vectors" in layers:
            parts.append(layers["vectors"](inputs["words"], inputs["vectors"]))
        elif self.architecture.vectors:
            parts.append(inputs["vectors"])
        if "characters" in layers:
            parts.append(layers["characters"](inputs["characters"], training=training))
        if "shapes" in layers:
            parts.append(layers["shapes"](inputs["shapes"]))
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
        loss = self.head.loss(logits, y, _real(x))
        return loss + self.architecture.word_prediction * beside[0] if beside else loss

    def emissions(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        """Scores (B, T, K) of a batch for the decoder, in NumPy, without dropout."""
        rows, time = inputs["tokens"].shape
        if keras.backend.backend() == "jax":  # compiles each shape anew: let there be few
            inputs = few_shapes(inputs)
        scores = self.head.emissions(self.predict_on_batch(inputs))
        return np.asarray(ops.convert_to_numpy(scores))[:rows, :time]

    def named_weights(self) -> dict[str, keras.Variable]:
        """The trained weights by their place in the model, such as ``encoder/forward_1/kernel``;
        without `word_prediction`.
        """
        layers: dict[str, keras.layers.Layer] = {}
        for name, layer in self.inputs_of_words.items():
            parts = getattr(layer, "parts", {})
            layers |= {f"{name}/{part}": below for part, below in parts.items()} or {name: layer}
        layers |= {} if self.project is None else {"context": self.project}
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


def _real(inputs: dict[str, Tensor]) -> Tensor:
    """1 for real tokens, (B, T)."""
    return ops.cast(inputs["tokens"] != PAD, "float32")


def _word_layers(architecture: Architecture) -> dict[str, keras.layers.Layer]:
    """The layers that turn features of a word into numbers, by input; frozen vectors need none."""
    layers: dict[str, keras.layers.Layer] = {}
    if architecture.embedding:
        layers["words"] = embedding(architecture.vocabulary_size, architecture.embedding)
    if architecture.vectors and architecture.fine_tune:
        layers["vectors"] = FineTuning(
            architecture.vocabulary_size, architecture.vectors, name="vectors"
        )
    if architecture.characters:
        sizes = (architecture.character_vocabulary_size, architecture.characters)
        layers["characters"] = (
            CharacterCNN(*sizes, dropout=architecture.input_dropout)
            if architecture.character_encoder == "cnn"
            else CharacterRNN(*sizes, cell=architecture.cell, dropout=architecture.input_dropout)
        )
    if architecture.shape:
        layers["shapes"] = embedding(SHAPES, architecture.shape, "shapes")
    return layers
