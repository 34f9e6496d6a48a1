"""Export of a trained model as ONNX graphs, scored and verified, or as a SavedModel."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tagger.bundles import classifier as classifiers
from tagger.bundles import kinds, tagger_files
from tagger.bundles import language_model as language_models
from tagger.bundles.card import describe
from tagger.errors import ConfigError
from tagger.export import classifier as classifier_export
from tagger.export import language_model as language_model_export
from tagger.training import require_packages
from tagger.training.export import precision

__all__ = ["TARGETS", "Exported", "export_model", "has_only_graphs"]

TARGETS = ("onnx", "saved-model")
"""Formats of `export_model`."""


@dataclass(frozen=True)
class Exported:
    """The result of an export.

    Attributes:
        folder: Folder of the bundle or the SavedModel.
        predicts_in: Default precision of the model from now on, as `card.describe` states it; empty
            for other kinds of models and SavedModels.
        comparisons: One `verify.Comparison` per precision, if the export was verified.
    """

    folder: Path
    predicts_in: str = ""
    comparisons: tuple[Any, ...] = ()


def export_model(
    run: str | Path,
    file: str | Path | None = None,
    *,
    verify: bool = False,
    to: str = "onnx",
    output: str | Path | None = None,
) -> Exported:
    """Export the model in a folder as ONNX graphs, as every training does, or as a SavedModel.

    Args:
        run: Folder of a tagger, a text classifier or a language model, whose graphs are replaced.
        file: Annotated file on which int8 is compared with float32; by default the dev file of the
            training, if it exists.
        verify: Whether to compare the graphs with the Keras network on the sentences of `file`.
        to: One of `TARGETS`; saved-model is TensorFlow's format.
        output: Folder of the SavedModel; by default ``saved_model`` in `run`.

    Returns:
        Where the export was written and what was measured.

    Raises:
        TaggerError: A required package is not installed, the folder is not a model, the output
            cannot be written, or the graphs do not agree with Keras.
        ConfigError: There is no file to verify on.
        ValueError: An argument contradicts the others or does not apply to the kind of model.
    """
    if to not in TARGETS:
        raise ValueError(f"unknown format {to!r}; expected one of {', '.join(TARGETS)}")
    if output and to == "onnx":
        raise ValueError(
            "output requires to='saved-model'; graphs are written to the model's folder"
        )
    if has_only_graphs(run):
        kind = kinds.kind_name_of(run)
        if file or verify or to != "onnx":
            raise ValueError(
                f"{run} is {kinds.noun_of(kind)}, which can only be exported as ONNX graphs, "
                "without file and verify"
            )
        _GRAPHS_ALONE[kind](Path(run))
        return Exported(Path(run))
    require_packages("onnx", *(["keras", "tensorflow"] if verify or to == "saved-model" else []))
    if to == "saved-model":
        return _saved_model(run, Path(output or Path(run) / "saved_model"))
    return _graphs(run, file, verify)


def has_only_graphs(run: str | Path) -> bool:
    """Return whether the model in a folder can be exported as ONNX graphs only.

    Raises:
        BundleError: The folder is not a model, or its manifest is damaged.
    """
    return kinds.kind_name_of(run) in _GRAPHS_ALONE


def _language_model(run: Path) -> None:
    """Write the graphs of a language model to its bundle."""
    bundle = language_model_export.with_graphs(language_models.load(run, with_graphs=False))
    language_models.save(run, bundle)


def _classifier(run: Path) -> None:
    """Write the graphs of a classifier to its bundle."""
    bundle = classifier_export.with_graphs(classifiers.load(run, with_graphs=False))
    classifiers.save(run, bundle)


_GRAPHS_ALONE = {kinds.LANGUAGE_MODEL: _language_model, kinds.CLASSIFIER: _classifier}
"""How to write the graphs of each kind of model that has no other export."""


def _saved_model(run: str | Path, folder: Path) -> Exported:
    """Write a tagger as a SavedModel."""
    model = tagger_files.load(run, with_graphs=False)
    from tagger.training.export import saved_model

    saved_model.save(model, folder)
    return Exported(folder)


def _graphs(run: str | Path, file: str | Path | None, verify: bool) -> Exported:
    """Write a tagger's graphs to its bundle, score them if there is a file, and verify them."""
    model = tagger_files.load(run, with_graphs=False)
    data = model.config.data
    needed = [str(file)] if file else data.dev or data.train
    missing = [name for name in needed if not Path(name).exists()]
    if verify and (missing or not needed):
        raise ConfigError(
            f"{missing[0] if missing else 'data.dev'}: file not found; give an annotated FILE on "
            "which to verify"
        )
    sentences = [] if missing or not needed else precision.annotated(model, file)
    model = precision.add(run, sentences)
    comparisons: list[Any] = []
    if verify:
        from tagger.training.export import verify as verification

        comparisons = verification.compare(model, [sentence.tokens for sentence in sentences])
    return Exported(Path(run), describe(model)["precision"], tuple(comparisons))
