"""Settings on the command line: those of a training, and the output of `tagger config`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tagger.cli.options import print_json
from tagger.errors import ConfigError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["check_not_finished", "print_settings", "run_and_settings"]

Settings = TypeVar("Settings", bound="DataclassInstance")


def run_and_settings(
    kind: type[Settings],
    paths: Sequence[str],
    given: Mapping[str, Any],
    assignments: Sequence[str],
) -> tuple[str, Settings]:
    """Return the folder and the settings of a training on the command line.

    Args:
        kind: The class of the settings.
        paths: The arguments ``[CONFIG.toml] RUN``.
        given: Settings that have options of their own, by dotted key; None and () stand for
            options that were not given.
        assignments: The values of ``--set``, which prevail.

    Returns:
        The folder RUN, and the settings.

    Raises:
        ConfigError: Errors of the TOML file.
        click.UsageError: There are other numbers of arguments, or an option has an impossible
            value.
    """
    from tagger.config import schema

    if not 1 <= len(paths) <= 2:
        raise click.UsageError(f"expected [CONFIG.toml] RUN, found {' '.join(paths)}")
    settings = schema.load(kind, paths[0]) if len(paths) == 2 else kind()
    changes = {key: value for key, value in given.items() if value is not None and value != ()}
    try:
        settings = schema.assign(settings, changes, "command line")
        return paths[-1], schema.override(settings, assignments)
    except ConfigError as error:
        raise click.UsageError(str(error)) from error


def check_not_finished(run: str, resume: bool) -> None:
    """Check early, before anything is read, that a training would not overwrite a finished one.

    Args:
        run: The folder of the training.
        resume: Whether an interrupted training is continued.

    Raises:
        TaggerError: The folder contains a model.
    """
    from pathlib import Path

    from tagger.bundles.folder import MANIFEST
    from tagger.files import require_empty

    if not resume and (Path(run) / MANIFEST).is_file():
        require_empty(Path(run))


def print_settings(kind: str, table: str | None, as_json: bool) -> None:
    """Print the settings of a kind of training.

    Args:
        kind: A key of `config.reference.KINDS`, such as "tagger".
        table: The table to print, all by default.
        as_json: Whether a JSON array of the settings is printed.

    Raises:
        click.UsageError: There is no such table.
    """
    from tagger.config.reference import KINDS, settings_of
    from tagger.errors import did_you_mean

    settings = list(settings_of(KINDS[kind][0]))
    tables = list(dict.fromkeys(info.table for info in settings))
    if table is not None and table not in tables:
        raise click.UsageError(f"unknown table {table!r}; {did_you_mean(table, tables)}")
    settings = [info for info in settings if table in (None, info.table)]
    if as_json:
        print_json([{**asdict(info), "default": json.loads(info.default)} for info in settings])
        return
    current = ""
    for info in settings:
        if info.table != current:
            current = info.table
            click.echo(
                f"[{current}]" if table is not None or current == tables[0] else f"\n[{current}]"
            )
        click.echo(f"{info.name} = {info.default}  ({info.values})")
        click.echo(click.wrap_text(info.text, 92, "    ", "    "))
