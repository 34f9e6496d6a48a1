"""The bundle of a sequence-to-sequence model: a folder of plain data.

    manifest.json            format version, kind, and size and SHA-256 of every other file
    config.toml              all settings of the training
    vocabulary/words.json    symbols of sources by id, with counts; characters.json likewise, if
                             tokens have characters
    vocabulary/targets.json  symbols of targets by id, from 2, with counts; 0 is <EOS>, 1 is <UNK>
    weights.npz              float32 arrays by their path in the network
    encoder.onnx             sources to the decoder's initial states and memory
    decoder.onnx             one timestep of the decoder: see `tagger.export.seq2seq`
    metrics.json             the dev scores
    README.md                a model card

Axes: E dimension of the target's embedding, F features of the encoder's output, U units of the
decoder, V target vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tagger.bundles import kinds, migrations
from tagger.bundles.encoder import (
    describe_inputs,
    describe_layers,
    encoder_shapes,
    load_features,
)
from tagger.bundles.kinds import Kind
from tagger.bundles.language_model import LanguageModelBundle
from tagger.bundles.weights import Weights, digest
from tagger.cells import CELLS, dense_shapes, recurrent_shapes
from tagger.config.seq2seq import Seq2SeqConfig
from tagger.features.encode import WordFeatures
from tagger.features.vocabulary import Vocabulary

__all__ = ["DECODER", "ENCODER", "KIND", "Seq2SeqBundle", "describe", "load", "save", "shapes_of"]

ENCODER, DECODER = "encoder.onnx", "decoder.onnx"
_TARGETS = "vocabulary/targets.json"

KIND = Kind(
    name=kinds.SEQ2SEQ,
    settings=Seq2SeqConfig,
    format=1,
    migrations=migrations.SEQ2SEQ,
    graphs=(ENCODER, DECODER),
    scores={"dev": ()},
)
"""The kind of a sequence-to-sequence model's bundle."""


@dataclass(frozen=True)
class Seq2SeqBundle:
    """A trained sequence-to-sequence model as plain data.

    Attributes:
        config: All settings.
        features: Inputs of the encoder, with the vocabulary of sources.
        targets: Symbols of targets by id.
        weights: float32 arrays by their path in the network; see `shapes_of`.
        metrics: The contents of metrics.json.
        graphs: The serialized graphs of `tagger.export.seq2seq` by file name, created from
            ``weights``. They are only missing in a bundle that is not yet complete.
    """

    config: Seq2SeqConfig
    features: WordFeatures
    targets: Vocabulary
    weights: Weights
    metrics: dict[str, Any]
    graphs: dict[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def language_models(self) -> Sequence[LanguageModelBundle]:
        """Return no language models: the encoder reads none."""
        return ()

    @property
    def has_attention(self) -> bool:
        """Return whether the decoder attends to the source."""
        return self.config.decoder.attention != "none"

    @property
    def states_count(self) -> int:
        """Return the number of states of all layers of the decoder."""
        decoder = self.config.decoder
        return decoder.layers * CELLS[decoder.cell].states

    @cached_property
    def weights_digest(self) -> str:
        """Return the SHA-256 of the weights, which graphs record to prove that they match."""
        return digest(self.weights)

    def __repr__(self) -> str:
        count = sum(array.size for array in self.weights.values())
        return f"<Seq2SeqBundle: {_network(self.config)}, {count:,} parameters>"


def save(folder: str | Path, bundle: Seq2SeqBundle) -> None:
    """Write a bundle, which replaces an earlier one as a whole or not at all.

    Args:
        folder: The folder.
        bundle: The bundle.

    Raises:
        TaggerError: A file cannot be written.
    """
    texts = {_TARGETS: bundle.targets.to_json(), "README.md": _card(bundle)}
    KIND.save(folder, bundle, texts, bundle.features.files())


def load(folder: str | Path, *, with_graphs: bool = True) -> Seq2SeqBundle:
    """Read a bundle, and check its files against the manifest and its weights against its settings.

    Args:
        folder: The folder of the bundle.
        with_graphs: Whether to read the graphs; False in order to create new ones.

    Returns:
        The bundle, migrated to the newest format.

    Raises:
        BundleError: The folder is not a sequence-to-sequence model, lacks a file, was damaged or
            changed, or has a newer format; or its weights do not fit its settings.
    """
    contents = KIND.read(folder)
    features = load_features(contents.config, contents.files)
    targets = contents.files.parsed(_TARGETS, _targets)
    contents.check_weights(shapes_of(contents.config, features, len(targets)))
    graphs = contents.graphs([ENCODER, DECODER] if with_graphs else [])
    return Seq2SeqBundle(
        contents.config, features, targets, contents.weights, contents.metrics, graphs
    )


def _targets(text: str) -> Vocabulary:
    """Return the vocabulary of targets, whose symbols can all be written."""
    targets = Vocabulary.from_json(text)
    if not all(isinstance(symbol, str) for symbol in targets.words):
        raise ValueError('expected a list of strings "words"')
    "".join(targets.words).encode()  # raises for surrogates
    return targets


def shapes_of(
    config: Seq2SeqConfig, features: WordFeatures, target_size: int
) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the weights of a network with these settings, by name.

    Args:
        config: All settings.
        features: Inputs of the encoder.
        target_size: Number of target ids V, <EOS> and <UNK> included.

    Returns:
        The shape of each array by its path in the network, such as ``decoder/forward_1/kernel``.
    """
    decoder = config.decoder
    shapes, encoded = encoder_shapes(config.model, features)
    units = decoder.units
    if decoder.embedding:
        shapes["decoder/embedding/embeddings"] = (target_size, decoder.embedding)
    for layer in range(1, decoder.layers + 1):
        if encoded != units:
            for part in range(1, CELLS[decoder.cell].states + 1):
                shapes |= dense_shapes(f"decoder/initial_{layer}_{part}", encoded, units)
        width = units if layer > 1 else decoder.embedding or target_size
        shapes |= recurrent_shapes(f"decoder/forward_{layer}", decoder.cell, width, units)
    if decoder.attention != "none":
        shapes["attention/keys"] = (encoded, units)
        shapes |= dense_shapes("attention", encoded + units, units)
    return shapes | dense_shapes("softmax", units, target_size)


def describe(bundle: Seq2SeqBundle) -> dict[str, str]:
    """Return the facts about a sequence-to-sequence model that `tagger info` shows.

    Args:
        bundle: The model.

    Returns:
        Facts in words by topic, in the order in which they are shown: "predicts", "inputs",
        "network", "parameters", "vocabulary", "trained on" and "dev score".
    """
    config, metrics = bundle.config, bundle.metrics
    data, dev = config.data, metrics.get("dev", {})
    extra = f", features {', '.join(data.feature_names)}" if data.features else ""
    epoch = f" (epoch {metrics['best_epoch']})" if "best_epoch" in metrics else ""
    return {
        "predicts": f"{data.target_level} of the target from {data.source_level} of the source"
        f"{extra}",
        "inputs": describe_inputs(config.model, bundle.features),
        "network": _network(config),
        "parameters": f"{sum(array.size for array in bundle.weights.values()):,}",
        "vocabulary": f"{len(bundle.features.words):,} symbols of sources, {len(bundle.targets):,} "
        "of targets",
        "trained on": f"{', '.join(data.train)}, {metrics.get('train_pairs', 0):,} pairs, seed "
        f"{config.training.seed}",
        "dev score": ", ".join(f"{name.replace('_', ' ')} {value} %" for name, value in dev.items())
        + epoch
        or "not measured",
    }


def _network(config: Seq2SeqConfig) -> str:
    """Return the network in words."""
    encoder, decoder = describe_layers(config.model), config.decoder
    attention = ", attention" if decoder.attention != "none" else ""
    return f"{encoder}; decoder {decoder.cell}, {decoder.layers} x {decoder.units} units{attention}"


def _card(bundle: Seq2SeqBundle) -> str:
    """Return the text of README.md, in Markdown."""
    facts = "\n".join(f"- {topic}: {fact}" for topic, fact in describe(bundle).items())
    return f"""# A sequence-to-sequence model

Trained with `tagger seq2seq train`; `config.toml` contains all settings.

{facts}

Use it with `tagger seq2seq predict THIS_FOLDER FILE`, or
`tagger.seq2seq.load(folder).predict(sources)` in Python.
Expect more errors than those above on sources that differ from the training data.
"""
