"""`tagger lm sample`."""

from __future__ import annotations

import json

import click

from tagger.cli.options import label_option
from tagger.cli.paths import FOLDER


@click.command(no_args_is_help=True)
@click.argument("run", type=FOLDER)
@click.option(
    "--prefix",
    default="",
    metavar="TEXT",
    help="Beginning of the text; for a backward model, its end.",
)
@click.option(
    "--temperature",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    metavar="T",
    show_default=True,
    help="Sampling temperature; below 1 favors probable tokens.",
)
@click.option(
    "--top-k",
    type=click.IntRange(min=0),
    default=0,
    metavar="K",
    show_default=True,
    help="Sample from the K most probable tokens; 0: from all.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    metavar="N",
    help="Seed; the same seed draws the same text.  [default: random]",
)
@click.option(
    "--max-length",
    type=click.IntRange(min=1),
    default=500,
    metavar="N",
    show_default=True,
    help="Maximum number of words or characters before <EOS>.",
)
@click.option(
    "--count",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    show_default=True,
    help="Number of texts to draw, one per line.",
)
@label_option("Label of the texts; required for a conditional model.")
@click.option(
    "--jsonl",
    "as_json",
    is_flag=True,
    help="Print an object per line: the text, its label, and whether <EOS> ended it.",
)
def command(
    run: str,
    prefix: str,
    temperature: float,
    top_k: int,
    seed: int | None,
    max_length: int,
    count: int,
    label: str | None,
    as_json: bool,
) -> None:
    """Sample text from the language model in RUN.

    Each sampled token is the input of the next timestep, until <EOS>; <UNK> is never sampled. The
    first input of a conditional model is the label.

    \b
    Examples:
      tagger lm sample runs/news --prefix "The government" --temperature 0.7 --seed 1
      tagger lm sample runs/genres --label sport --count 5 --jsonl
    """
    from tagger.language_models import sampling

    drawing = sampling.SamplingConfig(temperature=temperature, top_k=top_k, max_length=max_length)
    for drawn in sampling.samples(run, drawing, count=count, prefix=prefix, seed=seed, label=label):
        text = json.dumps(drawn.as_dict(), ensure_ascii=False) if as_json else drawn.text
        click.echo(text)
