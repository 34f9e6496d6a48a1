"""The command line as a user meets it: arguments and input in; exit status, standard output and
standard error out.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from click.testing import CliRunner

from tagger.cli.main import main


@dataclass(frozen=True)
class Outcome:
    """What one command did. ``stdout`` and ``stderr`` are what it wrote to each."""

    status: int
    stdout: str
    stderr: str


def invoke(*arguments: str | Path, input: str | bytes = b"") -> Outcome:
    """Run `tagger ARGUMENTS` in this process, through `main`, so that no command waits for Keras to
    be imported again.

    Whatever `main` lets through would be a traceback, and fails the test.
    """
    status = 0
    with (
        CliRunner().isolation(input=input) as streams,
        mock.patch.object(sys, "argv", ["tagger", *map(str, arguments)]),
    ):
        try:
            main()
        except SystemExit as exit_:
            if isinstance(exit_.code, str):  # as Python itself does at the end of a process
                print(exit_.code, file=sys.stderr)
            status = 1 if isinstance(exit_.code, str) else exit_.code or 0
        sys.stdout.flush()
        sys.stderr.flush()
        stdout, stderr = (stream.getvalue().decode() for stream in streams[:2])
    return Outcome(status, stdout, stderr)


def failed(outcome: Outcome, status: int = 1) -> str:
    """The one message of a command that failed as it should."""
    assert outcome.status == status, outcome
    assert "Traceback" not in outcome.stderr
    assert outcome.stderr.count("Error: ") == 1
    assert outcome.stdout == ""
    return outcome.stderr


def worked(outcome: Outcome) -> str:
    """Standard output of a command that worked."""
    assert outcome.status == 0, outcome
    assert "Error" not in outcome.stderr
    return outcome.stdout
