"""`tagger export`."""

from __future__ import annotations

from pathlib import Path

import click

from tagger.cli.options import quiet_stderr
from tagger.errors import ConfigError


@click.command(no_args_is_help=True)
@click.argument("run")
@click.argument("file", required=False)
@click.option(
    "--verify",
    is_flag=True,
    help="Compare the graphs with the Keras network, sentence by sentence.",
)
@click.option(
    "--to",
    "target",
    type=click.Choice(["onnx", "saved-model"]),
    default="onnx",
    help="saved-model is TensorFlow's.",
)
@click.option(
    "--output", "-o", metavar="DIR", help="Folder of the saved model; by default RUN/saved_model."
)
def command(run: str, file: str | None, verify: bool, target: str, output: str | None) -> None:
    """Write the model in RUN as ONNX graphs, which every training does, or as a SavedModel.

    \b
    tagger export runs/mine                     make the graphs anew
    tagger export runs/mine --verify
    tagger export runs/mine --to saved-model

    FILE is annotated, by default the dev file of the training: on it int8 is measured beside
    float32, and with --verify the graphs beside Keras.
    """
    if output and target == "onnx":
        raise click.UsageError("--output is for --to saved-model; the graphs are written into RUN")
    from tagger.bundles import language_model as language_models
    from tagger.bundles import tagger_files as bundle
    from tagger.bundles.card import describe
    from tagger.training import see_installed
    from tagger.training.export import precision as exporting

    if language_models.is_one(run):
        if file or verify or target != "onnx":
            raise click.UsageError(
                f"{run} is a language model, of which there are only ONNX graphs: tagger export "
                f"{run}"
            )
        from tagger.export import language_model as graph

        language_models.save(run, graph.with_graphs(language_models.load(run, with_graphs=False)))
        click.echo(f"The graphs are in {run}.")
        return
    see_installed("onnx", *(["keras", "tensorflow"] if verify or target == "saved-model" else []))
    model = bundle.load(run, with_graphs=False)
    if target == "saved-model":
        folder = Path(output or Path(run) / "saved_model")
        with quiet_stderr():
            from tagger.training.export import saved_model
        saved_model.save(model, folder)
        click.echo(f"The model is in {folder}.")
        return
    dev = file or model.config.data.dev
    if verify and not Path(dev).is_file():
        raise ConfigError(
            f"{dev or 'data.dev'}: there is no such file; name an annotated FILE to compare on"
        )
    sentences = exporting.annotated(model, dev) if Path(dev).is_file() else []
    model = exporting.add(run, sentences)
    click.echo(f"The graphs are in {run}; it predicts in {describe(model)['predicts in']}.")
    if verify:
        with quiet_stderr():
            from tagger.training.export import verify as verification
        for agreement in verification.compare(model, [sentence.tokens for sentence in sentences]):
            click.echo(str(agreement))
