"""`tagger convert`."""

from __future__ import annotations

from dataclasses import replace

import click

from tagger.cli import console
from tagger.cli.command import Command
from tagger.cli.options import (
    FORMAT,
    SCHEME,
    SPAN_SCHEME,
    TAG_COLUMN,
    TOKENIZER,
    FormatChoice,
    annotation_options,
    json_option,
    print_json,
    reading_options,
    span_options,
    with_data_options,
)
from tagger.cli.paths import FILE

_LISTED = 20  # repairs that are printed


@click.command(cls=Command, no_args_is_help=True)
@click.argument("source", type=FILE)
@click.argument("target", type=FILE)
@FORMAT
@click.option(
    "--as",
    "target_format",
    type=FormatChoice(),
    help="Format of TARGET.  [default: the one that its suffix means]",
)
@click.option(
    "--scheme",
    "--from",
    "source_scheme",
    default="auto",
    type=SCHEME,
    show_default=True,
    help="Tagging scheme of SOURCE; auto detects it.",
)
@click.option(
    "--to",
    "target_scheme",
    default="IOB2",
    show_default=True,
    type=SPAN_SCHEME,
    help="Tagging scheme of TARGET.",
)
@TAG_COLUMN
@click.option(
    "--reviewed",
    is_flag=True,
    help="The predicted spans of SOURCE were reviewed: write them as annotation, without their "
    "probabilities.",
)
@reading_options
@TOKENIZER
@annotation_options
@span_options
@click.option(
    "--repair",
    is_flag=True,
    help="Repair what has one sensible reading, and list every change: stray I- and E- tags, "
    "B_PER among B-PER, lower-case prefixes, U- among S-, byte order marks, blanks at the ends of "
    "lines, bytes of cp1252.",
)
@json_option
def command(
    source: str,
    target: str,
    target_format: str | None,
    source_scheme: str,
    target_scheme: str,
    as_json: bool,
    reviewed: bool,
    repair: bool,
    issues: str | None,
    **data: int | str | None,
) -> None:
    """Convert the annotated file or folder SOURCE to TARGET: another scheme, format, or both.

    TARGET has two columns, token and tag, unless its name ends in the suffix of another format,
    such as .jsonl or .csv; --as chooses another format. Every tag is checked: an ill-formed line,
    or a tag that the scheme does not allow, is an error with its line.

    \b
    Examples:
      tagger convert train.conll train.jsonl
      tagger convert train.conll iobes.conll --to IOBES
      tagger convert train.conll tasks.json --as label-studio
      tagger convert train.conll repaired.conll --repair
    """
    from tagger.config.tagger import Config
    from tagger.corpora.conversion import convert

    reading = replace(with_data_options(Config(), data).data.reading, repair=repair)
    done = convert(
        source,
        target,
        reading,
        source_scheme,
        target_scheme,
        target_format=target_format or "",
        is_reviewed=reviewed,
        issues=issues or "",
    )
    corpus = done.corpus
    console.note(corpus.summary())
    repairs = [issue for issue in corpus.report.issues if issue.kind == "repair"]
    for change in repairs[:_LISTED]:
        console.note(f"{change.path}:{change.line}: {change.message}")
    if len(repairs) > _LISTED:
        console.note(f"{len(repairs) - _LISTED:,} more changes; --issues FILE lists all")
    if done.dropped:
        console.warn(f"{target} does not contain {' or '.join(done.dropped)}.")
    count = len(corpus.sentences)
    console.note(f"{target}: {count:,} sentence{'s' * (count != 1)}")
    if as_json:
        print_json(
            {
                "target": target,
                "scheme": corpus.scheme,
                "sentences": len(corpus.sentences),
                "tokens": corpus.tokens,
                "labels": dict(corpus.label_counts()),
                "dropped": list(done.dropped),
                "notes": list(corpus.report.notes),
            }
        )
