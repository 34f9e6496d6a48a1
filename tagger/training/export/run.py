"""Export of a trained model as ONNX graphs, scored and verified, or as a SavedModel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tagger.bundles import classifier as classifiers
from tagger.bundles import kinds, tagger_files
from tagger.bundles import language_model as language_models
from tagger.bundles import seq2seq as seq2seq_models
from tagger.bundles.card import describe
from tagger.errors import ConfigError
from tagger.export import classifier as classifier_export
from tagger.export import language_model as language_model_export
from tagger.export import seq2seq as seq2seq_export
from tagger.training import require_packages
from tagger.training.export import precision

__all__ = ["TARGETS", "Exported", "export_model", "has_only_graphs"]

TARGETS = ("onnx", "saved-model")
"""Formats of `export_model`."""


_GRAPHS_ONLY: dict[str, tuple[Callable[..., Any], Callable[[Any], Any], Callable[..., None]]] = {
    kinds.CLASSIFIER: (classifiers.load, classifier_export.with_graphs, classifiers.save),
    kinds.LANGUAGE_MODEL: (
        language_models.load,
        language_model_export.with_graphs,
        language_models.save,
    ),
    kinds.SEQ2SEQ: (seq2seq_models.load, seq2seq_export.with_graphs, seq2seq_models.save),
}
"""The kinds that have ONNX graphs alone: how they are loaded, exported and saved."""


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
    on_progress: Callable[[int, int], None] | None = None,
) -> Exported:
    """Export the model in a folder as ONNX graphs, as every training does, or as a SavedModel.

    Args:
        run: Folder of a model of any kind, whose graphs are replaced.
        file: Annotated file on which int8 is compared with float32; by default the dev file of the
            training, if it exists.
        verify: Whether to compare the graphs with the Keras network on the sentences of `file`.
        to: One of `TARGETS`; saved-model is TensorFlow's format.
        output: Folder of the SavedModel; by default ``saved_model`` in `run`.
        on_progress: Called during the comparison with the number of compared tokens and of all.

    Returns:
        Where the export was written and what was measured.

    Raises:
        TaggerError: A required package is not installed, the folder is not a model, the output
            cannot be written, or the graphs do not agree with Keras.
        ConfigError: There is no file to verify on.
        ValueError: An argument contradicts the others or does not apply to this kind of model.
    """
    if to not in TARGETS:
        raise ValueError(f"unknown format {to!r}; expected one of {', '.join(TARGETS)}")
    if output and to == "onnx":
        raise ValueError(
            "output requires to='saved-model'; graphs are written to the model's folder"
        )
    if (kind := kinds.kind_name_of(run)) in _GRAPHS_ONLY:
        if file or verify or to != "onnx":
            raise ValueError(
                f"{run} is {kinds.noun_of(kind)}, which can only be exported as ONNX graphs, "
                "without file and verify"
            )
        load, with_graphs, save = _GRAPHS_ONLY[kind]
        save(run, with_graphs(load(run, with_graphs=False)))
        return Exported(Path(run))
    require_packages("onnx", *(["keras", "tensorflow"] if verify or to == "saved-model" else []))
    if to == "saved-model":
        return _saved_model(run, Path(output or Path(run) / "saved_model"))
    return _graphs(run, file, verify, on_progress)


def has_only_graphs(kind: str) -> bool:
    """Return whether models of a kind, of `kinds`, can be exported as ONNX graphs only."""
    return kind in _GRAPHS_ONLY


def _saved_model(run: str | Path, folder: Path) -> Exported:
    """Write a tagger as a SavedModel."""
    model = tagger_files.load(run, with_graphs=False)
    from tagger.training.export import saved_model

    saved_model.save(model, folder)
    return Exported(folder)


def _graphs(
    run: str | Path,
    file: str | Path | None,
    verify: bool,
    on_progress: Callable[[int, int], None] | None,
) -> Exported:
    """Write a tagger's graphs to its bundle, score them if there is a file, and verify them."""
    model = tagger_files.load(run, with_graphs=False)
    data = model.config.data
    needed = [str(file)] if file else (data.dev or data.train) if data.has_dev else []
    missing = [name for name in needed if not Path(name).exists()]
    if verify and (missing or not needed):
        found = f"{missing[0]}: file not found" if missing else "the model has no dev files"
        raise ConfigError(f"{found}; give an annotated FILE on which to verify")
    sentences = [] if missing or not needed else precision.annotated(model, file)
    model = precision.add(run, sentences)
    comparisons: list[Any] = []
    if verify:
        from tagger.training.export import verify as verification

        tokens = [sentence.tokens for sentence in sentences]
        comparisons = verification.compare(model, tokens, on_progress)
    return Exported(Path(run), describe(model)["precision"], tuple(comparisons))
