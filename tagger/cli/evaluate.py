"""`tagger evaluate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tagger.cli import console
from tagger.cli.command import Command
from tagger.cli.decoding_options import decoding_of, decoding_options
from tagger.cli.options import (
    SCHEME,
    Column,
    annotation_options,
    precision_option,
    print_json,
    reading_options,
    runs_and_files,
    span_options,
)
from tagger.cli.paths import FILE

if TYPE_CHECKING:
    from tagger.evaluation.scores import Scores


@click.command(cls=Command, no_args_is_help=True)
@click.argument("paths", type=FILE, nargs=-1, metavar="RUN... FILE...")
@click.option(
    "--predictions",
    type=FILE,
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
    type=Column(),
    metavar="COLUMN",
    help="Column of the gold tag: its name or its number from 0.  [default: as in training]",
)
@reading_options
@annotation_options
@span_options
@click.option(
    "--misaligned",
    type=click.Choice(["missed", "error", "expand", "contract"]),
    help="What happens to gold spans of characters that cut a token: they count as missed, are an "
    "error, or are expanded or contracted to whole tokens.  [default: missed]",
)
@precision_option
@decoding_options
@click.option(
    "--calibration",
    is_flag=True,
    help="Print how often spans of a given probability are correct; with --json in its output.",
)
@click.option(
    "--plot",
    type=FILE,
    metavar="FILE",
    help="Draw precision and recall over the threshold and a reliability diagram, for example to "
    "curve.png; includes --calibration. Needs matplotlib (span-tagger[search]).",
)
@click.option("--json", "as_json", is_flag=True, help="Print all counts and figures as JSON.")
def command(
    paths: tuple[str, ...],
    predictions: str | None,
    scheme: str,
    precision: str | None,
    as_json: bool,
    encoding: str | None,
    min_scores: tuple[str, ...],
    targets: tuple[str, ...],
    decode: str | None,
    calibration: bool,
    plot: str | None,
    **columns: Any,
) -> None:
    """Score the model in RUN on annotated files, or score a file of predictions.

    All files count together. The figures of the CoNLL script conlleval and the strict ones are
    printed side by side. Several models are averaged.

    \b
    Examples:
      tagger evaluate runs/mine test.conll
      tagger evaluate runs/mine/seed-1 runs/mine/seed-2 test.conll --json
      tagger evaluate runs/mine test.conll --calibration --min-score 0.4
      tagger evaluate --predictions tagged.conll
    """
    if bool(predictions) == bool(paths) or len(paths) == 1:
        raise click.UsageError("expected RUN... FILE..., or --predictions FILE alone")
    runs, files = ((), ()) if predictions else runs_and_files(paths)
    with_model = not predictions
    if predictions and (columns["tag_column"], columns["token_column"]) != (None, None):
        raise click.UsageError(
            "with --predictions the last two columns count; leave out --tag-column and "
            "--token-column"
        )
    if predictions and columns["misaligned"] not in (None, "missed"):
        raise click.UsageError(
            "with --predictions, spans are compared by characters; leave out --misaligned"
        )
    decoding = decoding_of(min_scores, targets, decode)
    if predictions and (calibration or plot or any(decoding.values())):
        raise click.UsageError(
            "--predictions have no probabilities; leave out --calibration, --plot, --min-score, "
            "--target and --decode"
        )
    from tagger.cli.file_progress import TokenProgress
    from tagger.evaluation import curve, report, run

    if plot:
        curve.require_plots()
    scores = run.evaluate(
        runs or None,
        files,
        predictions=predictions,
        scheme=scheme,
        precision=precision,
        encoding=encoding or "auto",
        on_corpus=lambda corpus: console.note(corpus.summary()),
        calibration=calibration or plot is not None,
        curve=plot is not None,
        on_progress=TokenProgress(),
        **decoding,
        **columns,
    )
    for promise in scores.promises:
        console.note(promise)
    if plot and scores.curve and scores.calibration:
        curve.write_plot(scores.curve, plot, scores.calibration)
    if with_model:
        _warn_of_other_labels(scores)
    if as_json:
        print_json(scores.as_json())
    else:
        console.result(report.report(scores))


def _warn_of_other_labels(scores: Scores) -> None:
    """Warn if the model predicts none of the labels of the files."""
    labels = (scores.strict or scores.conlleval).labels
    gold = [name for name, figures in labels.items() if figures.gold]
    predicted = [name for name, figures in labels.items() if figures.predicted]
    if not predicted:
        console.warn("the model finds nothing in these files")
    elif not set(gold) & set(predicted):
        console.warn(
            f"no label in common: the files contain {', '.join(gold) or 'none'}, the model "
            f"predicts {', '.join(predicted)}"
        )
