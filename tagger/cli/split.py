"""`tagger split`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tagger.cli import console
from tagger.cli.command import Command
from tagger.cli.options import (
    FORMAT,
    SCHEME,
    TAG_COLUMN,
    TOKENIZER,
    annotation_options,
    json_option,
    print_json,
    reading_options,
    with_data_options,
)
from tagger.cli.paths import FILE, FOLDER

if TYPE_CHECKING:
    from tagger.text.annotation import Corpus


@click.command(cls=Command, no_args_is_help=True)
@click.argument("sources", type=FILE, nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--into", type=FOLDER, required=True, metavar="DIR", help="Folder of train, dev and test."
)
@click.option(
    "--dev", type=float, default=0.1, show_default=True, metavar="SHARE", help="Share of dev."
)
@click.option(
    "--test",
    type=float,
    default=0.1,
    show_default=True,
    metavar="SHARE",
    help="Share of test; 0 writes none.",
)
@FORMAT
@click.option(
    "--scheme",
    "source_scheme",
    default="auto",
    type=SCHEME,
    show_default=True,
    help="Tagging scheme of the files; auto detects it.",
)
@TAG_COLUMN
@reading_options
@TOKENIZER
@annotation_options
@json_option
def command(
    sources: tuple[str, ...],
    into: str,
    dev: float,
    test: float,
    source_scheme: str,
    as_json: bool,
    **data: int | str | None,
) -> None:
    """Divide annotated files or folders into train, dev and test, in their own format.

    Documents are divided by a hash of their text: the parts stay the same when documents are added,
    and duplicates are in one part. Rare labels occur in every part where possible. If there are few
    documents, sentences are divided.

    \b
    Examples:
      tagger split corpus.conll --into parts/
      tagger split letters/ --into parts/ --dev 0.2 --test 0
    """
    from tagger.config.tagger import Config
    from tagger.corpora.splitting import split

    reading = with_data_options(Config(), data).data.reading
    done = split(sources, into, reading, source_scheme, dev=dev, test=test)
    console.note(done.corpus.summary())
    if as_json:
        print_json({name: _counts(done.parts[name], path) for name, path in done.paths.items()})
    else:
        console.result(done.table())
    written = ", ".join(map(str, done.paths.values()))
    console.note(f"Divided by {done.kind} into {written}")


def _counts(part: Corpus, path: Path) -> dict[str, object]:
    """Return the numbers of a part for JSON."""
    return {
        "path": str(path),
        "sentences": len(part.sentences),
        "tokens": part.tokens,
        "labels": dict(part.label_counts()),
    }
