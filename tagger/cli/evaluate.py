"""`tagger evaluate`."""

from __future__ import annotations

import json
from typing import Any

import click

from tagger.cli.options import SCHEME, precision_option, reading_options, runs_and_files


@click.command(no_args_is_help=True)
@click.argument("paths", nargs=-1, metavar="RUN... FILE...")
@click.option(
    "--predictions",
    metavar="FILE",
    help="Instead: a file whose last two columns are the gold and the predicted tag.",
)
@click.option(
    "--scheme", type=SCHEME, default="auto", help="Of the gold tags; detected by default."
)
@click.option(
    "--tag-column",
    type=int,
    metavar="N",
    help="CoNLL column of the gold tag, from 0; by default as in training.",
)
@reading_options
@precision_option
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def command(
    paths: tuple[str, ...],
    predictions: str | None,
    scheme: str,
    precision: str | None,
    as_json: bool,
    **columns: Any,
) -> None:
    """Score the model in RUN on annotated files, all together; or a file of predictions. Several
    models are averaged.

    \b
    tagger evaluate runs/mine test.conll
    tagger evaluate --predictions tagged.conll --json

    Prints the figure that the CoNLL script `conlleval` gives and the strict one side by side.
    """
    if bool(predictions) == bool(paths) or len(paths) == 1:
        raise click.UsageError("expected RUN... FILE..., or --predictions FILE alone")
    runs, files = ((), ()) if predictions else runs_and_files(paths)
    if predictions and (columns["tag_column"], columns["token_column"]) != (None, None):
        raise click.UsageError(
            "with --predictions the last two columns count; leave out --tag-column and "
            "--token-column"
        )
    from tagger.evaluation import report, run

    scores = run.evaluate(
        runs or None,
        files,
        predictions=predictions,
        scheme=scheme,
        precision=precision,
        **columns,
    )
    click.echo(
        json.dumps(scores.as_json(), indent=1, ensure_ascii=False)
        if as_json
        else report.report(scores)
    )
