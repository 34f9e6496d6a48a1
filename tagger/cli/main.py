"""The command `tagger`: finds its subcommands without importing them, and shows every expected error as one message."""

from __future__ import annotations

import importlib
import os
import sys

import click

import tagger
from tagger.errors import TaggerError

COMMANDS = {
    "train": "Train a tagger on annotated sentences.",
    "search": "Search for settings that train a better tagger.",
    "evaluate": "Score a model on annotated files, or a file of predictions.",
    "predict": "Tag files: text, CoNLL columns or JSON Lines.",
    "convert": "Convert annotated files between formats and schemes, checking every tag.",
    "info": "Show what a trained model is.",
    "export": "Write a trained model as graphs that run without Keras.",
}


class LazyGroup(click.Group):
    """A group that imports a subcommand when it is called: `tagger --help` costs next to nothing."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"tagger.cli.{cmd_name}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        import difflib

        near = difflib.get_close_matches(args[0], COMMANDS, n=1) if args[0] not in COMMANDS else []
        if near:
            ctx.fail(f"No such command {args[0]!r}; did you mean {near[0]!r}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(tagger.__version__, prog_name="tagger")
def group() -> None:
    """Train, trust and run sequence taggers with labels of your own.

    \b
    tagger train --train train.conll --dev dev.conll runs/mine
    tagger evaluate runs/mine test.conll
    tagger predict runs/mine letters/*.txt --output tagged/
    """


def main() -> None:
    """The console script. Exits with 1 for what data or disk cause, 2 for wrong usage, 130 when interrupted.

    Standard output is UTF-8 whatever the locale, as the files are; a file name that is not comes out as it went in.
    """
    if None in (sys.stdin, sys.stdout, sys.stderr):  # a file that is opened next would take the place of a closed stream
        sys.exit("Error: standard input, output or error is closed; redirect it to /dev/null instead")
    sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")  # type: ignore[union-attr]
    try:
        group(prog_name="tagger", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except TaggerError as error:
        sys.exit(f"Error: {error}")
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output has gone, as in `| head`
        _drop_output()
        sys.exit(1)
    except OSError as error:  # a full disk behind standard output, a folder that may not be read, ...
        _drop_output()
        sys.exit(f"Error: {error.filename or 'output'}: {error.strerror or error}")


def _drop_output() -> None:
    """Let what standard output still holds vanish, or Python would try to write it again at its end and complain."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115


if __name__ == "__main__":
    main()
