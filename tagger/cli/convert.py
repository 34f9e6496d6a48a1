"""`tagger convert`."""

from __future__ import annotations

from dataclasses import replace

import click

from tagger.cli.options import (
    SCHEME,
    SPAN_SCHEME,
    TOKENIZER,
    reading_options,
    span_options,
    with_data_options,
)

_LISTED = 20  # repairs that are printed


@click.command(no_args_is_help=True)
@click.argument("source")
@click.argument("target")
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
@click.option(
    "--tag-column",
    type=int,
    metavar="N",
    help="CoNLL column of the tag, counted from 0, negative from the last.  [default: -1]",
)
@reading_options
@TOKENIZER
@span_options
@click.option(
    "--repair",
    is_flag=True,
    help="Repair what has one sensible reading, and list every change: stray I- and E- tags, "
    "B_PER among B-PER, lower-case prefixes, U- among S-, byte order marks, blanks at the ends of "
    "lines, bytes of cp1252.",
)
def command(
    source: str,
    target: str,
    source_scheme: str,
    target_scheme: str,
    repair: bool,
    issues: str | None,
    **columns: int | str | None,
) -> None:
    """Convert the annotated file SOURCE to TARGET: another scheme, another format, or both.

    TARGET has two columns, token and tag, or is JSON Lines if its name ends in .jsonl. Every tag is
    checked: an ill-formed line, or a tag that the scheme does not allow, is an error with its line.

    \b
    Examples:
      tagger convert train.conll train.jsonl
      tagger convert train.conll iobes.conll --to IOBES
      tagger convert train.conll repaired.conll --repair
    """
    from tagger.config.tagger import Config
    from tagger.text.conversion import convert

    reading = replace(with_data_options(Config(), columns).data.reading, repair=repair)
    done = convert(source, target, reading, source_scheme, target_scheme, issues=issues or "")
    click.echo(done.corpus.summary(), err=True)
    repairs = [issue for issue in done.corpus.report.issues if issue.kind == "repair"]
    for change in repairs[:_LISTED]:
        click.echo(f"{change.path}:{change.line}: {change.message}", err=True)
    if len(repairs) > _LISTED:
        click.echo(f"{len(repairs) - _LISTED:,} more changes; --issues FILE lists all", err=True)
    if done.dropped:
        click.echo(f"Warning: {target} does not contain {' or '.join(done.dropped)}.", err=True)
    click.echo(f"{target}: {len(done.corpus.sentences):,} sentences", err=True)
