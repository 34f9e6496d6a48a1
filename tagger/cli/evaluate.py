"""`tagger evaluate`."""

from __future__ import annotations

import json
from typing import Any

import click

from tagger.cli.options import quiet_stderr, reading_options


@click.command(no_args_is_help=True)
@click.argument("paths", nargs=-1, metavar="RUN FILE...")
@click.option("--predictions", metavar="FILE", help="Instead: a file whose last two columns are the gold and the predicted tag.")
@click.option("--scheme", metavar="NAME", help="Of the gold tags: IO, IOB1, IOB2, IOBES, BILOU or plain. Detected by default.")
@click.option("--tag-column", type=int, metavar="N", help="CoNLL column of the gold tag, from 0; by default as in training.")
@reading_options
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def command(paths: tuple[str, ...], predictions: str | None, scheme: str | None, as_json: bool, **columns: Any) -> None:
    """Score the model in RUN on annotated files, all together; or a file of predictions.

    \b
    tagger evaluate runs/mine test.conll
    tagger evaluate --predictions tagged.conll --json

    Prints the figure that the CoNLL script `conlleval` gives and the strict one side by side.
    """
    if bool(predictions) == bool(paths) or len(paths) == 1:
        raise click.UsageError("expected RUN FILE..., or --predictions FILE alone")
    from tagger.evaluation import report, run

    if predictions:
        scores = run.score_predictions(predictions, scheme=scheme, delimiter=columns["delimiter"] or "blank")
    else:
        from tagger.training.config import assign

        with quiet_stderr():
            from tagger.runtime import predictor

            model = predictor.load(paths[0])
        given = {"scheme": scheme, **columns}
        data = assign(model.bundle.config, {f"data.{name}": value for name, value in given.items() if value is not None}).data
        scores = run.score_model(model, paths[1:], data.reading, scheme or "auto")
    click.echo(json.dumps(scores.as_json(), indent=1, ensure_ascii=False) if as_json else report.report(scores))
