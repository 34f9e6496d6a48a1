"""`tagger export`."""

from __future__ import annotations

from contextlib import suppress
from importlib.util import find_spec

import click

from tagger.cli import console
from tagger.cli.backend import backend_name, quiet_stderr
from tagger.cli.command import Command
from tagger.cli.options import json_option, print_json
from tagger.cli.paths import FILE, FOLDER


@click.command(cls=Command, no_args_is_help=True)
@click.argument("run", type=FOLDER)
@click.argument("file", type=FILE, required=False)
@click.option(
    "--verify",
    is_flag=True,
    help="Compare the graphs with the Keras network, token by token.",
)
@click.option(
    "--to",
    "target",
    type=click.Choice(["onnx", "saved-model"]),
    default="onnx",
    show_default=True,
    help="Format: ONNX graphs in RUN, or a TensorFlow SavedModel.",
)
@click.option(
    "--output",
    "-o",
    type=FOLDER,
    metavar="DIR",
    help="Folder of the SavedModel.  [default: RUN/saved_model]",
)
@json_option
def command(
    run: str, file: str | None, verify: bool, target: str, output: str | None, as_json: bool
) -> None:
    """Write the model in RUN as ONNX graphs, as each training does, or as a SavedModel.

    FILE is annotated, by default the dev file of the training. On it int8 is compared with float32,
    and with --verify the graphs with Keras.

    \b
    Examples:
      tagger export runs/mine
      tagger export runs/mine --verify
      tagger export runs/mine --to saved-model
    """
    if output and target == "onnx":
        raise click.UsageError("--output is for --to saved-model; the graphs are written into RUN")
    from tagger.bundles import kinds
    from tagger.cli.file_progress import TokenProgress
    from tagger.training.export.run import export_model, has_only_graphs

    needs_keras = verify or target == "saved-model"
    kind = kinds.kind_name_of(run)
    if (file or needs_keras) and has_only_graphs(kind):
        raise click.UsageError(
            f"{run} is {kinds.noun_of(kind)}, which has only ONNX graphs; use: tagger export {run}"
        )
    if needs_keras:
        if find_spec("keras") is not None:
            console.note(f"Loading {backend_name()}")
        with quiet_stderr(), suppress(ImportError):  # which `export_model` explains
            import keras  # noqa: F401
    exported = export_model(
        run, file, verify=verify, to=target, output=output, on_progress=TokenProgress()
    )
    if as_json:
        print_json(
            {
                "folder": str(exported.folder),
                "precision": exported.predicts_in,
                "comparisons": [vars(comparison) for comparison in exported.comparisons],
            }
        )
        return
    if target == "saved-model":
        console.result(f"The model is in {exported.folder}.")
        return
    decided = f"; default precision {exported.predicts_in}" if exported.predicts_in else ""
    console.result(f"The graphs are in {run}{decided}.")
    for comparison in exported.comparisons:
        console.result(str(comparison))
