"""A trained sequence-to-sequence model at work in ONNX Runtime.

Axes: B batch, T source time, F features of the encoder's output, U units of the decoder, V target
vocabulary, S states of all decoder layers, M hypotheses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tagger.bundles import seq2seq as bundles
from tagger.bundles.seq2seq import DECODER, ENCODER, Seq2SeqBundle
from tagger.errors import TaggerError
from tagger.export.session import Session, open_graph
from tagger.seq2seq.decoding import Memory, decode, mask_of
from tagger.seq2seq.search import Hypothesis
from tagger.seq2seq.symbols import feature_symbol, symbols_of, text_of

__all__ = ["Prediction", "Seq2SeqModel", "load"]


@dataclass(frozen=True)
class Prediction:
    """A predicted target.

    Attributes:
        text: The target; at the level of tokens they are joined by blanks.
        symbols: Its symbols.
        log_probability: log p(target | source) in nats, its end included.
        at_limit: Whether it has the maximum length, 2 T + 10 symbols for a source of T, and may
            therefore have been cut.
    """

    text: str
    symbols: tuple[str, ...]
    log_probability: float
    at_limit: bool = False


def load(folder: str | Path) -> Seq2SeqModel:
    """Open the sequence-to-sequence model in a folder.

    Args:
        folder: The folder of its bundle.

    Returns:
        The model, which needs neither Keras nor TensorFlow.

    Raises:
        BundleError: As `tagger.bundles.seq2seq.load`.
    """
    return Seq2SeqModel(bundles.load(folder))


class Seq2SeqModel:
    """A sequence-to-sequence model in ONNX Runtime.

    Any number of threads may use a model at once; each run takes the calling thread only.

    Args:
        bundle: The model, with its graphs.

    Raises:
        BundleError: A graph is missing, was created from other weights, or cannot be run.
    """

    def __init__(self, bundle: Seq2SeqBundle) -> None:
        self.bundle = bundle
        self._engine = OnOnnx(bundle)

    def __repr__(self) -> str:
        return f"<Seq2SeqModel of {self.bundle!r}>"

    def symbols(self, source: Any, features: Mapping[str, Any] | None = None) -> tuple[str, ...]:
        """Return the symbols of a source.

        Args:
            source: A text, or a list of tokens if the model reads tokens.
            features: Values of the model's further features by name.

        Returns:
            The symbols, features first; none for an empty source.

        Raises:
            TaggerError: The source is of another type, or a feature is missing.
        """
        data, values = self.bundle.config.data, dict(features or {})
        try:
            symbols = symbols_of(source, data.source_level)
            if missing := [name for name in data.feature_names if name not in values]:
                raise ValueError(f"lacks the feature {missing[0]!r}")
            marks = [feature_symbol(name, values[name]) for name in data.feature_names]
        except ValueError as error:
            raise TaggerError(f"the source {error}") from error
        return (*marks, *symbols) if symbols else ()

    def predict(
        self,
        sources: Iterable[Any],
        *,
        features: Iterable[Mapping[str, Any]] | None = None,
        beam: int = 1,
        count: int = 1,
    ) -> list[list[Prediction]]:
        """Predict the targets of sources.

        Args:
            sources: Texts, or lists of tokens if the model reads tokens.
            features: For each source, the values of the model's further features by name; only for
                models that have them.
            beam: Number of continuations that the search keeps at each timestep; 1 is greedy.
            count: Number of targets per source, at most `beam`.

        Returns:
            The targets of each source, the most probable first; none for an empty source.

        Raises:
            TaggerError: A source is of another type or lacks a feature, or `beam` and `count` are
                impossible.
        """
        sources = list(sources)
        marks = [None] * len(sources) if features is None else list(features)
        if len(marks) != len(sources):
            raise TaggerError(f"found {len(marks)} sets of features for {len(sources)} sources")
        symbols = [self.symbols(one, mark) for one, mark in zip(sources, marks, strict=True)]
        return self.predict_symbols(symbols, beam=beam, count=count)

    def predict_symbols(
        self, sources: Sequence[Sequence[str]], *, beam: int = 1, count: int = 1
    ) -> list[list[Prediction]]:
        """Predict the targets of sources whose symbols are known; see `predict`.

        Args:
            sources: Symbols of each source, as of `symbols`.
            beam, count: See `predict`.

        Returns:
            The targets of each source, the most probable first; none for an empty source.

        Raises:
            TaggerError: `beam` and `count` are impossible.
        """
        if not 1 <= count <= beam:
            raise TaggerError(
                f"expected at least 1 target and a beam of at least as many, found {count} targets "
                f"and a beam of {beam}"
            )
        found = decode(self._engine, self.bundle.features, sources, beam=beam, count=count)
        return [[self._prediction(one) for one in targets] for targets in found]

    def _prediction(self, found: Hypothesis) -> Prediction:
        """Return the prediction of a hypothesis."""
        words = self.bundle.targets.words
        symbols = tuple(words[number - 2] for number in found.ids)  # <EOS> and <UNK> have none
        text = text_of(symbols, self.bundle.config.data.target_level)
        return Prediction(text, symbols, found.log_probability, found.at_limit)


class OnOnnx:
    """The engine of `decoding` that computes in ONNX Runtime.

    Args:
        bundle: The model, with its graphs.

    Raises:
        BundleError: A graph is missing, was created from other weights, or cannot be run.
    """

    def __init__(self, bundle: Seq2SeqBundle) -> None:
        self._bundle = bundle
        self._encoder: Session = open_graph(bundle, ENCODER)
        self._decoder: Session = open_graph(bundle, DECODER)

    def read(self, inputs: dict[str, np.ndarray]) -> tuple[np.ndarray, Memory]:
        """Return the encoded sources; see `decoding.Engine.read`."""
        bundle, mask = self._bundle, mask_of(inputs)
        batch, time = inputs["tokens"].shape
        units, model = bundle.config.decoder.units, bundle.config.model
        lengths = np.asarray(np.sum(mask == 0, axis=1, dtype=np.int32))
        feed = {**inputs, "features": inputs["words"], "lengths": lengths}
        shapes: dict[str, tuple[int, ...]] = {"initial_states": (bundle.states_count, batch, units)}
        if bundle.has_attention:
            width = model.units * (1 + model.bidirectional)
            shapes |= {"keys": (batch, time, units), "values": (batch, time, width)}
        wanted = {name: array for name, array in feed.items() if name in self._encoder.inputs}
        states, *memory = self._encoder.run(shapes, wanted)
        return states, Memory(memory[0], memory[1], mask) if memory else Memory()

    def step(
        self, previous: np.ndarray, states: np.ndarray, memory: Memory
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the next logits and states; see `decoding.Engine.step`."""
        bundle, arrays = self._bundle, memory._asdict()
        feed = {name: array for name, array in arrays.items() if array is not None}
        shapes = {"logits": (len(previous), len(bundle.targets)), "states_after": states.shape}
        logits, after = self._decoder.run(shapes, {"previous": previous, "states": states, **feed})
        return logits, after
