"""`tagger evaluate`."""

from __future__ import annotations

import json
from typing import Any

import click

from tagger.cli.options import (
    SCHEME,
    precision_option,
    reading_options,
    runs_and_files,
    span_options,
)


@click.command(no_args_is_help=True)
@click.argument("paths", nargs=-1, metavar="RUN... FILE...")
@click.option(
    "--predictions",
    metavar="FILE",
    help="File of predictions to score instead: its last two columns are gold and predicted tags.",
)
@click.option(
    "--scheme",
    type=SCHEME,
    default="auto",
    show_default=True,
    help="Tagging scheme of the gold tags; auto detects it.",
)
@click.option(
    "--tag-column",
    type=int,
    metavar="N",
    help="CoNLL column of the gold tag, counted from 0.  [default: as in training]",
)
@reading_options
@span_options
@click.option(
    "--misaligned",
    type=click.Choice(["missed", "error", "expand", "contract"]),
    help="What happens to gold spans of characters that cut a token: they count as missed, are an "
    "error, or are expanded or contracted to whole tokens.  [default: missed]",
)
@precision_option
@click.option("--json", "as_json", is_flag=True, help="Print all counts and figures as JSON.")
def command(
    paths: tuple[str, ...],
    predictions: str | None,
    scheme: str,
    precision: str | None,
    as_json: bool,
    encoding: str | None,
    **columns: Any,
) -> None:
    """Score the model in RUN on annotated files, or score a file of predictions.

    All files count together. The figures of the CoNLL script conlleval and the strict ones are
    printed side by side. Several models are averaged.

    \b
    Examples:
      tagger evaluate runs/mine test.conll
      tagger evaluate runs/mine/seed-1 runs/mine/seed-2 test.conll --json
      tagger evaluate --predictions tagged.conll
    """
    if bool(predictions) == bool(paths) or len(paths) == 1:
        raise click.UsageError("expected RUN... FILE..., or --predictions FILE alone")
    runs, files = ((), ()) if predictions else runs_and_files(paths)
    if predictions and (columns["tag_column"], columns["token_column"]) != (None, None):
        raise click.UsageError(
            "with --predictions the last two columns count; leave out --tag-column and "
            "--token-column"
        )
    if predictions and columns["misaligned"] not in (None, "missed"):
        raise click.UsageError(
            "with --predictions, spans are compared by characters; leave out --misaligned"
        )
    from tagger.evaluation import report, run

    scores = run.evaluate(
        runs or None,
        files,
        predictions=predictions,
        scheme=scheme,
        precision=precision,
        encoding=encoding or "auto",
        **columns,
    )
    click.echo(
        json.dumps(scores.as_json(), indent=1, ensure_ascii=False)
        if as_json
        else report.report(scores)
    )
