"""Export of a trained tagger's network as a TensorFlow SavedModel."""

from __future__ import annotations

import shutil
from pathlib import Path

import keras
import numpy as np

from tagger.bundles.encoder import input_configs
from tagger.bundles.tagger import Bundle
from tagger.errors import TaggerError
from tagger.features.encode import WordEncoder
from tagger.features.inputs import INPUTS
from tagger.files import temporary_folder
from tagger.training.build import restore

__all__ = ["save"]


def save(bundle: Bundle, folder: Path) -> None:
    """Write a SavedModel of a tagger's network.

    Its endpoint ``serve`` receives the inputs of `WordEncoder.inputs` by name, and token states
    ``context`` (B, T, S) if the model uses any, and returns emissions (B, T, K).

    Args:
        bundle: The tagger.
        folder: Folder to create. An existing SavedModel is replaced after the new one has been
            written completely to a temporary folder beside it.

    Raises:
        TaggerError: Keras does not run on TensorFlow, the folder contains something else, or it
            cannot be written.
        BundleError: The weights do not match the settings.
    """
    if keras.backend.backend() != "tensorflow":
        raise TaggerError(
            "a SavedModel requires Keras on TensorFlow; unset KERAS_BACKEND, or set it to "
            "tensorflow"
        )
    if folder.exists() and not (folder / "saved_model.pb").is_file():
        raise TaggerError(f"{folder}: exists and is not a SavedModel; choose another --output")
    import tensorflow

    model = restore(bundle)
    word_encoder = WordEncoder(bundle.features)
    example = word_encoder.inputs(word_encoder.word_ids([["a"]])[0][None])
    for name, config in input_configs(bundle.config.model, bundle.features).items():
        if INPUTS[name].is_of_tokens:
            example[name] = np.zeros((1, 1, config["width"]), dtype=np.float32)
    shapes = {name: [None] * array.ndim for name, array in example.items()}
    for name in shapes.keys() & INPUTS:
        if example[name].ndim > 1 and not INPUTS[name].is_ragged:
            shapes[name][-1] = example[name].shape[-1]
    signature = {
        name: tensorflow.TensorSpec(shapes[name], np.dtype(array.dtype), name=name)
        for name, array in sorted(example.items())
    }
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint(
        "serve", lambda inputs: model.head.emissions(model(inputs)), input_signature=[signature]
    )
    try:
        with temporary_folder(folder) as temporary:
            archive.write_out(str(temporary), verbose=False)
            shutil.rmtree(folder, ignore_errors=True)
            temporary.rename(folder)
    except OSError as error:
        raise TaggerError(f"{folder}: cannot be written: {error.strerror or error}") from error
