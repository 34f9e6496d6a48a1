"""The command `tagger`, which lists its subcommands without importing them."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import click

import tagger
from tagger.cli import console
from tagger.cli.hints import hint_for
from tagger.cli.lazy import LazyGroup
from tagger.cli.lenient import Lenient
from tagger.errors import OUT_OF_MEMORY, TaggerError, is_out_of_memory
from tagger.signals import as_exceptions

SECTIONS = {
    "Train": {
        "train": "Train a tagger on annotated sentences.",
        "distill": "Train a fast tagger on the predictions of slower ones.",
        "search": "Search for settings that train a better tagger.",
        "config": "Print the settings of a training, with their meaning.",
    },
    "Use": {
        "predict": "Tag files: text, CoNLL columns or JSON Lines.",
        "evaluate": "Score a model on annotated files, or a file of predictions.",
        "redact": "Replace names and other spans in files.",
        "info": "Describe a trained model.",
        "bench": "Measure how fast a model tags on this machine.",
        "export": "Write a trained model as ONNX graphs or as a SavedModel.",
    },
    "Data": {
        "convert": "Convert annotated files between schemes and formats.",
        "split": "Divide annotated files into train, dev and test.",
    },
    "Text classification": {"classify": "Train, score and run classifiers of whole texts."},
    "Language models": {"lm": "Train, score, sample and import language models."},
    "Sequence to sequence": {"seq2seq": "Rewrite strings: dates, names, pronunciations."},
}


@click.group(
    cls=LazyGroup,
    package="tagger.cli",
    sections=SECTIONS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(tagger.__version__, "-V", "--version", prog_name="tagger")
def group() -> None:
    """Train, trust and run sequence taggers with labels of your own.

    \b
    Examples:
      tagger train --train train.conll --dev dev.conll runs/mine
      tagger evaluate runs/mine test.conll
      tagger predict runs/mine letters/*.txt --output tagged/
    """


def main() -> None:
    """Run the console script.

    It exits with 1 for what data or disk cause, 2 for wrong usage, 130 when interrupted by Ctrl-C,
    143 by SIGTERM and 129 by SIGHUP. Standard output is UTF-8 whatever the locale, as the files
    are; a file name that is not UTF-8 comes out as it went in.
    """
    if None in (
        sys.stdin,
        sys.stdout,
        sys.stderr,
    ):  # a file that is opened next would take the place of a closed stream
        sys.exit(
            "Error: standard input, output or error is closed; redirect it to /dev/null instead"
        )
    sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")  # type: ignore[union-attr]
    sys.stderr = Lenient(sys.stderr)
    console.reset()
    with as_exceptions():
        try:
            _run()
        finally:
            console.clear_bar()


def _run() -> None:
    """Run the command, and exit with the status and message of its error."""
    try:
        status = group(prog_name="tagger", standalone_mode=False)
        sys.stdout.flush()
        if status:  # of completion, whose exit click turns into a value
            sys.exit(status)
    except click.NoSuchOption as error:
        options = [option.name for option in error.ctx.command.params] if error.ctx else []
        hint = hint_for(error.option_name) if "assignments" in options else ""
        message = f"{error.message.rstrip('.')}; {hint}" if hint else error.format_message()
        click.UsageError(message, error.ctx).show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except TaggerError as error:
        _fail("\n  ".join([str(error), *getattr(error, "details", ())]))
    except (KeyboardInterrupt, click.Abort):
        console.clear_bar()
        click.echo("Interrupted.", err=True)
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output has gone, as in `| head`
        _drop_output()
        sys.exit(1)
    except (
        OSError
    ) as error:  # a full disk behind standard output, a folder that may not be read, ...
        _drop_output()
        _fail(f"{error.filename or 'output'}: {error.strerror or error}")
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        _fail(OUT_OF_MEMORY)


def _fail(message: str) -> NoReturn:
    """Write an error message and exit with status 1."""
    console.warn(message, "Error")
    sys.exit(1)


def _drop_output() -> None:
    """Let what standard output still holds vanish, or Python would try to write it again at its end
    and complain.
    """
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115


if __name__ == "__main__":
    main()
