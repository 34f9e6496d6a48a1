"""`tagger seq2seq evaluate`."""

from __future__ import annotations

import click

from tagger.cli import console
from tagger.cli.command import Command
from tagger.cli.options import json_option, print_json
from tagger.cli.paths import FILE, FOLDER
from tagger.cli.seq2seq.options import beam_option, column_options, reading_of


@click.command(cls=Command, no_args_is_help=True)
@click.argument("run", type=FOLDER)
@click.argument("files", type=FILE, nargs=-1, required=True, metavar="FILE...")
@column_options
@beam_option
@json_option
def command(
    run: str, files: tuple[str, ...], beam: int, as_json: bool, **columns: str | int | None
) -> None:
    """Score the model in RUN on files of pairs, all of which count together.

    The targets of a repeated source are its references. The symbol error rate is the edit distance
    to the nearest reference, divided by its length; the string error rate is the share of sources
    whose prediction equals none of their references.

    \b
    Example:
      tagger seq2seq evaluate runs/dates test.tsv --beam 5
    """
    from tagger.seq2seq import evaluation

    scores = evaluation.evaluate(run, files, beam=beam, **reading_of(columns))
    if as_json:
        print_json(scores.as_dict())
    else:
        console.result(scores.report())
