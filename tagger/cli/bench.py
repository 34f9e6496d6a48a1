"""`tagger bench`."""

from __future__ import annotations

import click


@click.command(no_args_is_help=True)
@click.argument("run")
@click.argument("file", required=False)
@click.option(
    "--tokens",
    type=click.IntRange(min=1),
    default=50_000,
    show_default=True,
    metavar="N",
    help="To tag in a round.",
)
@click.option(
    "--rounds",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    metavar="N",
    help="Figures are medians.",
)
def command(run: str, file: str | None, tokens: int, rounds: int) -> None:
    """Measure how fast the model in RUN tags on this machine.

    \b
    tagger bench runs/mine
    tagger bench runs/mine letters.txt

    Tokens a second in each precision, on one thread and on all cores: of the network alone, and
    from CoNLL columns to CoNLL columns; then the seconds from a cold start to the end of one
    sentence. FILE is what is tagged: its beginning, or all of it as often as needed. Without it,
    sentences are made up of words that the model knows.
    """
    from tagger.bundles import tagger_files as bundle
    from tagger.inference import bench

    text = bench.text_of(bundle.load(run), file, tokens=tokens)
    click.echo(f"{text.tokens:,} tokens of {text.origin}, median of {rounds} rounds, tokens/s\n")
    row = "{:<11}{:>8}{:>13}{:>15}{:>8}"
    click.echo(row.format("precision", "threads", "network", "file to file", "share"))
    for speed in bench.measure(run, text, rounds=rounds):
        figures = f"{speed.kernel:,.0f}", f"{speed.whole:,.0f}", f"{speed.whole / speed.kernel:.0%}"
        click.echo(row.format(speed.precision, speed.threads, *figures))
    click.echo(
        "\nFrom a cold start to the end of one sentence: "
        f"{bench.start_up(run, rounds=rounds):.2f} s"
    )
