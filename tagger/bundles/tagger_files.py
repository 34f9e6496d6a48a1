"""The bundle of a tagger: a folder in a public format, read without executing anything.

    manifest.json          format version, and size and SHA-256 of every other file
    config.toml            all settings of the training
    tags.json              the tags by id, and the tagging scheme of the training corpus
    vocabulary/words.json  tokens by id, with counts; characters.json likewise, if it has characters
    vectors/               pretrained vectors, if any: words.txt, one word per line; table.npy,
                           their vectors in float16; index.npy, the lookup index of words.txt
    weights.npz            float32 arrays by their path in the network (NumPy's format, no pickle)
    *.onnx                 the network as graphs that run without Keras: see `tagger.export.tagger`
    language_models/       one folder per language model of the tagger, 1, 2, ... (see
                           `tagger.bundles.language_model`), hard links where the disk allows
    metrics.json           the dev scores
    README.md              a model card

Other files of a training (history, checkpoints) may be in the folder and are not part of the model.
`tagger.bundles.migrations` defines how the format may change.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from tagger.bundles import kinds, migrations
from tagger.bundles.card import card
from tagger.bundles.encoder import load_inputs, save_inputs
from tagger.bundles.kinds import Kind
from tagger.bundles.tagger import INT8, SENTENCES, WORDS, Bundle, graph_names
from tagger.bundles.tagger_weights import expected
from tagger.config.tagger import Config
from tagger.text import schemes

__all__ = ["KIND", "load", "save"]

_MOST_TAGS = 10_000  # the decoder needs memory for all pairs


def _tags(data: Any) -> tuple[tuple[str, ...], str]:
    """Return the tags by id and the tagging scheme of a parsed tags.json, after a check."""
    tags, scheme = tuple(data["tags"]), data["scheme"]
    if not isinstance(scheme, str) or scheme not in (*schemes.SCHEMES, schemes.PLAIN):
        raise ValueError(f"unknown scheme {scheme!r}")
    if len(tags) > _MOST_TAGS:
        raise ValueError(f"has {len(tags):,} tags; expected at most {_MOST_TAGS:,}")
    if (
        not tags
        or len(set(tags)) != len(tags)
        or not all(isinstance(tag, str) and tag for tag in tags)
    ):
        raise ValueError("expected at least one tag, and no tag twice")
    if scheme != schemes.PLAIN and tags != schemes.tag_set(
        (schemes.split(tag)[1] for tag in tags[1:]), "IOBES"
    ):
        raise ValueError("expected the tags of IOBES: O, then those of each label in turn")
    return tags, scheme


KIND = Kind(
    name=kinds.TAGGER,
    settings=Config,
    format=1,
    migrations=migrations.TAGGER,
    files={"tags.json": _tags},
    graphs=(WORDS, SENTENCES, INT8),
    scores={
        "dev": (),
        "agreement": ("weight", "score", "without"),
        "calibration": ("temperature", "spans", "ece", "ece_before", "brier", "brier_before"),
        "decoding": ("threshold", "score", "without"),
        "int8": ("score", "float32"),
    },
)
"""The kind of a tagger's bundle."""


def save(folder: str | Path, bundle: Bundle) -> None:
    """Write a bundle, which replaces an earlier one as a whole or not at all.

    Args:
        folder: The folder.
        bundle: The bundle; its language models are hard-linked where possible.

    Raises:
        TaggerError: A file cannot be written.
    """
    tags = kinds.to_json({"scheme": bundle.scheme, "tags": list(bundle.tags)})
    texts = {"tags.json": tags, "README.md": card(bundle)}
    KIND.save(folder, bundle, texts, bundle.features.files(), partial(save_inputs, bundle))


def load(folder: str | Path, *, with_graphs: bool = True) -> Bundle:
    """Read a bundle, and check its files against the manifest and its weights against its settings.

    Args:
        folder: The folder of the bundle.
        with_graphs: Whether to read the graphs; False in order to create new ones.

    Returns:
        The bundle, migrated to the newest format. Its pretrained vectors are memory-mapped.

    Raises:
        BundleError: The folder is not a tagger, lacks a file, was damaged or changed, or has a
            newer format; or its weights do not fit its settings.
    """
    contents = KIND.read(folder)
    config = contents.config
    tags, scheme = contents.parsed["tags.json"]
    features, models = load_inputs(contents)
    graphs = contents.graphs(graph_names(config.model) if with_graphs else [])
    contents.check_weights(expected(config.model, features, len(tags)))
    return Bundle(
        config=config,
        tags=tags,
        scheme=scheme,
        features=features,
        weights=contents.weights,
        metrics=contents.metrics,
        graphs=graphs,
        language_models=models,
    )
