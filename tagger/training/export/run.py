"""The export of a trained model: graphs, measured and verified, or TensorFlow's format."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tagger.bundles import language_model as language_models
from tagger.bundles import tagger_files
from tagger.bundles.card import describe
from tagger.errors import ConfigError
from tagger.export import language_model as language_model_export
from tagger.training import require_packages
from tagger.training.export import precision

__all__ = ["TARGETS", "Exported", "export_model"]

TARGETS = ("onnx", "saved-model")


@dataclass(frozen=True)
class Exported:
    """Where an export is, in which precision the model predicts now (empty where that was not
    decided), and what a verification measured, precision by precision.
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
    """Write the model in a folder as ONNX graphs, which every training does, or as a SavedModel.

    Args:
        run: the folder, in which graphs are replaced.
        file: annotated; by default the dev file of the training, if it exists. On it int8 is
            measured beside float32.
        verify: whether to compare the graphs with the Keras network on the sentences of `file`.
        to: onnx or saved-model, which is TensorFlow's.
        output: the folder of the SavedModel; by default ``saved_model`` in `run`.

    Raises:
        TaggerError: a package for it is not installed, the folder is no model, its output cannot
            be written, or the graphs do not agree with Keras.
        ConfigError: there is no file to verify on.
        ValueError: an argument that does not go with the others, or with a language model.
    """
    if to not in TARGETS:
        raise ValueError(f"unknown format {to!r}; expected one of {', '.join(TARGETS)}")
    if output and to == "onnx":
        raise ValueError("output is for saved-model; graphs are written into the model's folder")
    if language_models.is_language_model(run):
        if file or verify or to != "onnx":
            raise ValueError(f"{run} is a language model, of which there are only ONNX graphs")
        bundle = language_model_export.with_graphs(language_models.load(run, with_graphs=False))
        language_models.save(run, bundle)
        return Exported(Path(run))
    require_packages("onnx", *(["keras", "tensorflow"] if verify or to == "saved-model" else []))
    if to == "saved-model":
        return _saved_model(run, Path(output or Path(run) / "saved_model"))
    return _graphs(run, file, verify)


def _saved_model(run: str | Path, folder: Path) -> Exported:
    model = tagger_files.load(run, with_graphs=False)
    from tagger.training.export import saved_model

    saved_model.save(model, folder)
    return Exported(folder)


def _graphs(run: str | Path, file: str | Path | None, verify: bool) -> Exported:
    model = tagger_files.load(run, with_graphs=False)
    dev = str(file or model.config.data.dev)
    if verify and not Path(dev).is_file():
        raise ConfigError(
            f"{dev or 'data.dev'}: there is no such file; name an annotated FILE to compare on"
        )
    sentences = precision.annotated(model, dev) if Path(dev).is_file() else []
    model = precision.add(run, sentences)
    comparisons: list[Any] = []
    if verify:
        from tagger.training.export import verify as verification

        comparisons = verification.compare(model, [sentence.tokens for sentence in sentences])
    return Exported(Path(run), describe(model)["precision"], tuple(comparisons))
