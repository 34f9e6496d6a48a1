"""What all networks that read sentences start with: inputs, then a stack of recurrent layers.

Axes: B batch, T time, D distinct words of a batch (row 0 is padding), X features of a word,
S features of a token's states, F features of the encoder's output.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Self

import keras
from keras import ops

from tagger.features.inputs import INPUTS as HOST
from tagger.features.vocabulary import PAD
from tagger.networks.cells import State, Tensor
from tagger.networks.embedding import WordDropout
from tagger.networks.inputs import INPUTS
from tagger.networks.recurrent import Encoder

__all__ = ["EncoderArchitecture", "SentenceEncoder", "lengths_of", "token_mask", "weights_of"]


@dataclass(frozen=True, kw_only=True)
class EncoderArchitecture:
    """The hyperparameters that determine an encoder of sentences.

    Attributes:
        vocabulary_size: Word ids, padding and <UNK> included.
        one_hot: Whether the only input is the word as a one-hot vector; `inputs` are then unused.
        inputs: Configuration of each input by name, as returned by `features.inputs`. Features of
            words and of tokens are concatenated in this order.
        cell, units, layers, bidirectional, dropout, recurrent_dropout: See `recurrent.Encoder`.
        input_dropout: Dropout rate of word features; for one-hot words the rate of <UNK>.
        context_dropout: Dropout rate of token features, that is, language-model states.
    """

    vocabulary_size: int
    one_hot: bool = False
    inputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    cell: str = "lstm"
    units: int = 100
    layers: int = 1
    bidirectional: bool = True
    input_dropout: float = 0.0
    context_dropout: float = 0.0
    dropout: float = 0.0
    recurrent_dropout: float = 0.0


class SentenceEncoder(keras.Model):
    """The base of models that read sentences, with the layers up to the recurrent activations.

    Inputs are a dictionary as returned by `features.encode.WordEncoder.inputs`: "tokens" (B, T)
    contains for each token its row among the D distinct words of the batch, 0 for padding, which is
    on the right; other arrays describe these words, such as "words" (D,), their ids. Token states,
    if any, are (B, T, S).

    Subclasses create their further layers after ``super().__init__``, and build them after
    `build_encoder`, so that these never change the random initialization of the encoder.

    Args:
        architecture: The hyperparameters.

    Attributes:
        architecture_class: Class of the hyperparameters.
        has_differentiable_states: Whether losses depend on the final states; see
            `recurrent.Recurrent`.
    """

    architecture_class: ClassVar[Any]
    has_differentiable_states: ClassVar[bool] = False

    def __init__(self, architecture: EncoderArchitecture, **kwargs: Any) -> None:
        super().__init__(**kwargs)
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
            differentiable_states=self.has_differentiable_states,
            name="encoder",
        )

    @classmethod
    def create(cls, architecture: Any) -> Self:
        """Return a built model, with its weights initialized.

        Args:
            architecture: The hyperparameters, as the subclass expects them.
        """
        model = cls(architecture)
        model.build()
        return model

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        fields = {  # Keras saves tuples as lists
            name: tuple(value) if isinstance(value, list) else value
            for name, value in config["architecture"].items()
        }
        return cls(**{**config, "architecture": cls.architecture_class(**fields)})

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "architecture": asdict(self.architecture)}

    def _input_names(self, *, of_tokens: bool) -> list[str]:
        """Return the names of the inputs that describe tokens, or of those that describe words."""
        return [name for name in self.architecture.inputs if HOST[name].is_of_tokens == of_tokens]

    def _create_layers(self, *, of_tokens: bool) -> dict[str, keras.layers.Layer]:
        """Create the layers, by name, of the inputs that have weights."""
        names = self._input_names(of_tokens=of_tokens)
        layers = {name: INPUTS[name].create(self.architecture.inputs[name]) for name in names}
        return {name: layer for name, layer in layers.items() if layer is not None}

    def build_encoder(self) -> tuple[int | None, ...]:
        """Build the inputs and the recurrent layers; return the shape (B, T, F) of activations."""
        architecture = self.architecture
        for layer in self.word_layers.values():
            layer.build((None, None))
        for name, layer in self.inputs_of_tokens.items():
            layer.build((None, None, architecture.inputs[name]["width"]))
        width = sum(HOST[name].width(config) for name, config in architecture.inputs.items())
        shape = (None, None) if architecture.one_hot else (None, None, width)
        self.encoder.build(shape)
        return self.encoder.compute_output_shape(shape)

    def encode(
        self, inputs: dict[str, Tensor], training: bool = False
    ) -> tuple[list[Tensor], State]:
        """Compute the activations of a batch.

        Args:
            inputs: Arrays by name.
            training: Whether dropout is active.

        Returns:
            The activations (B, T, F) of every recurrent layer, bottom first, meaningless where
            padded, and the final states of all layers; see `recurrent.Encoder.every_layer`.
        """
        tokens = inputs["tokens"]
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
        return self.encoder.every_layer(x, lengths_of(inputs), training=training)

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

    def encoder_weights(self) -> dict[str, keras.Variable]:
        """Return the encoder's weights by path, such as ``encoder/forward_1/kernel``.

        Returns:
            The trainable variables themselves, no copies.
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
        return weights_of(layers)


def weights_of(layers: dict[str, keras.layers.Layer]) -> dict[str, keras.Variable]:
    """Return the trainable variables of layers by path.

    Args:
        layers: Layers by path, such as ``head/tags``.

    Returns:
        The variables themselves, by paths such as ``head/tags/kernel``.
    """
    return {
        f"{path}/{weight.name}": weight
        for path, layer in layers.items()
        for weight in layer.trainable_weights
    }


def token_mask(inputs: dict[str, Tensor]) -> Tensor:
    """Return 1.0 for the real tokens of a batch and 0.0 for padding, (B, T)."""
    return ops.cast(inputs["tokens"] != PAD, "float32")


def lengths_of(inputs: dict[str, Tensor]) -> Tensor:
    """Return the number of real tokens of each row of a batch, (B,) int32."""
    return ops.sum(ops.cast(inputs["tokens"] != PAD, "int32"), axis=1)
