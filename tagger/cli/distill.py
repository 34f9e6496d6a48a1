"""`tagger distill`."""

from __future__ import annotations

from typing import Any

import click

from tagger.cli.options import training_options


@click.command(no_args_is_help=True)
@click.argument("paths", nargs=-1, required=True, metavar="[CONFIG.toml] RUN")
@click.option(
    "--teacher",
    "teachers",
    multiple=True,
    metavar="DIR",
    help="A trained model; several are averaged.",
)
@click.option(
    "--text",
    "texts",
    multiple=True,
    metavar="FILE",
    help="Text without tags, or whose tags are not read: .txt, .jsonl, CoNLL.",
)
@click.option(
    "--wrapped",
    is_flag=True,
    default=None,
    help="Text is wrapped: only a blank line ends a paragraph.",
)
@click.option(
    "--tokens",
    type=click.IntRange(min=1),
    metavar="N",
    help="Of text that are labelled, about; 500,000 by default.",
)
@training_options
def command(
    paths: tuple[str, ...],
    teachers: tuple[str, ...],
    texts: tuple[str, ...],
    wrapped: bool | None,
    tokens: int | None,
    **options: Any,
) -> None:
    """Train a student of slower models, its teachers, and write it to the folder RUN.

    \b
    tagger distill runs/fast --teacher runs/slow --text news.txt.gz --train t.conll --dev d.conll
    tagger distill runs/fast --teacher runs/a --teacher runs/b --text a.txt --text b.jsonl ...
    tagger distill student.toml runs/fast

    The teachers label the text: for every token they say how probable each tag is. From these
    probabilities and from the tags of the training sentences the student learns. It is a model like
    any other: --set and CONFIG.toml make it as small as wished.

    The labels stay in RUN/labels, so that --resume does not make them again. To train several
    students on the same, name a folder for them: --set distillation.labels=DIR.
    """
    from tagger.cli.training import train

    more = {
        "teachers": teachers or None,
        "text": texts or None,
        "wrapped": wrapped,
        "tokens": tokens,
    }
    train(paths, more={f"distillation.{name}": value for name, value in more.items()}, **options)
