"""`tagger lm sample`."""

from __future__ import annotations

import click


@click.command(no_args_is_help=True)
@click.argument("run")
@click.option(
    "--prefix",
    default="",
    metavar="TEXT",
    help="Begin with it; a backward model's text ends with it.",
)
@click.option(
    "--temperature",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    metavar="T",
    help="Below 1 prefers what is probable; 1 by default.",
)
@click.option(
    "--top-k",
    type=click.IntRange(min=0),
    default=0,
    metavar="K",
    help="Draw among the K most probable; 0: among all.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), metavar="N", help="The same seed draws the same text."
)
@click.option(
    "--max-length",
    type=click.IntRange(min=1),
    default=500,
    metavar="N",
    help="Words or characters, if <EOS> does not come before.",
)
@click.option(
    "--count",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    help="How many texts to draw, a line each.",
)
def command(
    run: str,
    prefix: str,
    temperature: float,
    top_k: int,
    seed: int | None,
    max_length: int,
    count: int,
) -> None:
    """Draw text from the model in RUN: token by token, each the next one's input, until <EOS>;
    never <UNK>.

    \b
    tagger lm sample runs/news --prefix "The government" --temperature 0.7 --seed 1
    """
    from tagger.language_models import sampling

    drawing = sampling.SamplingConfig(temperature=temperature, top_k=top_k, max_length=max_length)
    for text in sampling.samples(run, drawing, count=count, prefix=prefix, seed=seed):
        click.echo(text)
