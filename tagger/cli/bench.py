"""`tagger bench`."""

from __future__ import annotations

from dataclasses import asdict

import click

from tagger.cli import console
from tagger.cli.command import Command
from tagger.cli.options import encoding_option, json_option, print_json
from tagger.cli.paths import FILE, FOLDER


@click.command(cls=Command, no_args_is_help=True)
@click.argument("run", type=FOLDER)
@click.argument("file", type=FILE, required=False)
@click.option(
    "--tokens",
    type=click.IntRange(min=1),
    default=50_000,
    show_default=True,
    metavar="N",
    help="Number of tokens to tag per round.",
)
@click.option(
    "--rounds",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    metavar="N",
    help="Number of rounds; the figures are medians.",
)
@encoding_option
@json_option
def command(
    run: str, file: str | None, tokens: int, rounds: int, encoding: str | None, as_json: bool
) -> None:
    """Measure how fast the model in RUN tags on this machine.

    Prints tokens per second in each precision, on one thread and on all cores: of the network
    alone, and from CoNLL columns to CoNLL columns; then the seconds from a cold start to the end of
    one sentence. FILE is the text to tag, repeated as often as needed; without it, sentences are
    made up of words of the vocabulary.

    \b
    Examples:
      tagger bench runs/mine
      tagger bench runs/mine letters.txt
    """
    from tagger.inference.bench import bench

    console.note("Measuring; this takes up to a minute")
    found = bench(
        run,
        file,
        tokens=tokens,
        rounds=rounds,
        encoding=encoding or "auto",
        on_progress=lambda done, total: console.show_bar(
            done / total, f"{done} of {total} measurements"
        ),
    )
    if as_json:
        print_json(
            {
                "tokens": found.text.tokens,
                "text": found.text.origin,
                "rounds": rounds,
                "speeds": [asdict(speed) for speed in found.speeds],
                "start_up": found.start_up,
            }
        )
        return
    console.result(
        f"{found.text.tokens:,} tokens of {found.text.origin}, median of {rounds} rounds, "
        "tokens/s\n"
    )
    row = "{:<11}{:>8}{:>13}{:>15}{:>8}"
    console.result(row.format("precision", "threads", "network", "file to file", "share"))
    for speed in found.speeds:
        figures = f"{speed.kernel:,.0f}", f"{speed.whole:,.0f}", f"{speed.whole / speed.kernel:.0%}"
        console.result(row.format(speed.precision, speed.threads, *figures))
    console.result(f"\nFrom a cold start to the end of one sentence: {found.start_up:.2f} s")
