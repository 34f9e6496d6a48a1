"""Search spaces: the table [search] of a configuration, with every value validated.

    [search]
    trials = 30

    [search.space]
    "model.units" = [100, 200, 300]
    "training.learning_rate" = { low = 1e-4, high = 1e-2, log = true }

A list means one of its values. A range contains the integers from ``low`` to ``high`` if the
setting is an integer, otherwise all numbers; with ``step``, only ``low``, ``low + step`` and so on.
``log`` samples uniformly on a logarithmic scale. This module does not import Optuna.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from pathlib import Path
from typing import Any

from tagger.config import tagger as config
from tagger.config import toml
from tagger.config.tagger import Config
from tagger.errors import ConfigError, did_you_mean

__all__ = ["Choice", "Range", "Search", "load"]

# Settings that cannot be searched: with other data, scores are not comparable, and a lucky seed is
# not a better setting.
_FIXED = ("data.", "training.seed")


@dataclass(frozen=True)
class Choice:
    """A list of values for a setting.

    Attributes:
        values: Distinct values of the setting.
    """

    values: tuple[Any, ...]

    def named(self) -> dict[Any, Any]:
        """Return the values by their names in the search's records and tables.

        Numbers, booleans and strings are their own names; tuples, such as sizes of layers, are
        named by their JSON text.
        """
        return {
            json.dumps(value) if isinstance(value, tuple) else value: value for value in self.values
        }


@dataclass(frozen=True)
class Range:
    """A range of numbers for a setting.

    Attributes:
        low, high: Bounds, both included; integers for an integer setting.
        step: Distance of the values; any by default.
        log: Whether to sample on a logarithmic scale.
    """

    low: float
    high: float
    step: float | None = None
    log: bool = False


@dataclass(frozen=True)
class Search:
    """The definition of a search.

    Attributes:
        trials: Number of trials.
        space: Settings to vary, by dotted key.
    """

    trials: int
    space: Mapping[str, Choice | Range]


def load(path: str | Path) -> tuple[Config, Search]:
    """Read a configuration with a table [search].

    Args:
        path: TOML file.

    Returns:
        The settings without the search, as of `config.load`, and the search.

    Raises:
        ConfigError: Errors of `config.load`; or [search] is missing, or contains something unknown
            or impossible.
    """
    try:
        data = toml.parse(toml.read(path))
    except ValueError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error
    table = data.pop("search", None)
    if not isinstance(table, dict):
        raise ConfigError(
            f"{path}: expected a table [search], with a table [search.space] such as "
            '"model.units" = [100, 200]'
        )
    for name in data:
        _check_known(
            name, [*(table.name for table in fields(Config)), "search"], "table", str(path)
        )
    settings = config.from_dict(data, str(path))
    return settings, _search(table, settings, str(path))


def _check_known(name: str, known: Collection[str], what: str, where: str) -> None:
    """Raise an error with a suggestion if a name is unknown."""
    if name not in known:
        raise ConfigError(f"{where}: unknown {what} {name}; {did_you_mean(name, known)}")


def _search(table: dict[str, Any], settings: Config, where: str) -> Search:
    """Validate the table [search]."""
    for key in table:
        _check_known(key, ["trials", "space"], "setting", f"{where}: [search]")
    trials, space = table.get("trials", 30), table.get("space")
    if type(trials) is not int or trials < 1:
        raise ConfigError(
            f"{where}: search.trials: expected an integer of at least 1, found {trials!r}"
        )
    if not isinstance(space, dict) or not space:
        raise ConfigError(
            f"{where}: expected a table [search.space] with at least one line such as "
            '"model.units" = [100, 200]'
        )
    return Search(
        trials,
        {key: _dimension(key, value, settings, where) for key, value in _dotted(space).items()},
    )


def _dotted(space: Mapping[str, Any]) -> dict[str, Any]:
    """Return the space by dotted key, also if keys were not quoted, which TOML reads as tables."""
    flat: dict[str, Any] = {}
    for name, value in space.items():
        is_table = isinstance(value, dict) and "." not in name
        flat |= {f"{name}.{key}": it for key, it in value.items()} if is_table else {name: value}
    return flat


def _dimension(key: str, value: Any, settings: Config, where: str) -> Choice | Range:
    """Validate the values of one setting."""
    where = f"{where}: [search.space]"
    if "." not in key:
        raise ConfigError(f"{where}: {key}: expected a setting with its table, such as model.units")
    if key.startswith(_FIXED):
        raise ConfigError(
            f"{where}: {key}: cannot be searched: dev scores would not be comparable across trials"
        )
    if isinstance(value, dict):
        return _range(key, value, settings, where)
    if not isinstance(value, list) or not value:
        if not isinstance(value, list):
            _setting(key, value, settings, where)  # report an unknown key first
        raise ConfigError(
            f"{where}: {key}: expected a list of values or a range {{ low = …, high = … "
            f"}}, found {value!r}"
        )
    choice = Choice(tuple(_setting(key, one, settings, where) for one in value))
    if len(choice.named()) < len(value):
        raise ConfigError(f"{where}: {key}: contains a value twice: {value!r}")
    return choice


def _setting(key: str, value: Any, settings: Config, where: str) -> Any:
    """Return a value converted to the setting's type; raise an error if it is invalid."""
    section, _, name = key.partition(".")
    return getattr(getattr(config.assign(settings, {key: value}, where), section), name)


def _range(key: str, value: dict[str, Any], settings: Config, where: str) -> Range:
    """Validate a range; its upper end becomes the last value that steps reach."""
    for name in value:
        _check_known(name, ["low", "high", "step", "log"], "key", f"{where}: {key}")
    ends = [value.get(name) for name in ("low", "high")]
    for number in [*ends, value.get("step", 1)]:
        if type(number) not in (int, float) or not math.isfinite(number):
            raise ConfigError(
                f"{where}: {key}: expected numbers {{ low = …, high = … }}, found {value!r}"
            )
    low, high = (_setting(key, end, settings, where) for end in ends)
    if type(low) not in (int, float):
        raise ConfigError(
            f"{where}: {key}: not a number, so a range is impossible; expected a list of values"
        )
    step, log = value.get("step"), value.get("log", False)
    problem = _problem(low, high, step, log)
    if problem:
        raise ConfigError(f"{where}: {key}: {problem}, found {value!r}")
    if step is not None:  # the last value that can be reached
        count = (Decimal(str(high)) - Decimal(str(low))) // Decimal(str(step))
        high = type(low)(Decimal(str(low)) + count * Decimal(str(step)))
    return Range(low, high, step, log)


def _problem(low: float, high: float, step: float | None, log: Any) -> str:
    """Return what is wrong with a range; empty if nothing is."""
    if not low < high:
        return "expected low < high"
    if type(log) is not bool:
        return "expected log = true or log = false"
    if log and (low <= 0 or step is not None):
        return "with log = true, expected low > 0 and no step"
    if step is not None and not 0 < step <= high - low:
        return "expected a step above 0 and not larger than the range"
    if step is not None and type(low) is int and type(step) is not int:
        return "expected an integer step between integers"
    return ""
