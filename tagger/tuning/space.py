"""What a search may choose from: the table [search] of a configuration, checked to the last value.
Imports no Optuna.

    [search]
    trials = 30

    [search.space]
    "model.units" = [100, 200, 300]
    "training.learning_rate" = { low = 1e-4, high = 1e-2, log = true }

A list: one of its values. A range: integers where the setting is one, else any number, with
``step`` those that many apart from ``low`` on. ``log`` spreads the trials evenly over orders of
magnitude.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from pathlib import Path
from typing import Any

from tagger.config import tagger as config
from tagger.config.tagger import Config
from tagger.errors import ConfigError, did_you_mean

__all__ = ["Choice", "Range", "Search", "load"]

# The trials' scores must be comparable; and the luckiest seed is no better setting.
_FIXED = ("data.", "training.seed")


@dataclass(frozen=True)
class Choice:
    """One of these. What is no number, truth value or text, as a list of layers, is named by its
    JSON text.
    """

    values: tuple[Any, ...]

    def named(self) -> dict[Any, Any]:
        """The values by what stands for them in the search's records and tables."""
        return {
            json.dumps(value) if isinstance(value, tuple) else value: value for value in self.values
        }


@dataclass(frozen=True)
class Range:
    """Numbers from low to high, both included."""

    low: float
    high: float
    step: float | None = None
    log: bool = False


@dataclass(frozen=True)
class Search:
    """How many trials, and the settings to vary by dotted key."""

    trials: int
    space: Mapping[str, Choice | Range]


def load(path: str | Path) -> tuple[Config, Search]:
    """Read a configuration with a table [search]; the rest is as `config.load` reads it.

    Raises: ConfigError: those of `config.load`; also for anything in [search] that is unknown or
        impossible.
    """
    try:
        data = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error
    table = data.pop("search", None)
    if not isinstance(table, dict):
        raise ConfigError(
            f"{path}: expected a table [search], with a table [search.space] such as "
            '"model.units" = [100, 200]'
        )
    for name in data:
        _known(name, [*(table.name for table in fields(Config)), "search"], "table", str(path))
    settings = config.from_dict(data, str(path))
    return settings, _search(table, settings, str(path))


def _known(name: str, known: Collection[str], what: str, where: str) -> None:
    if name not in known:
        raise ConfigError(f"{where}: unknown {what} {name}; {did_you_mean(name, known)}")


def _search(table: dict[str, Any], settings: Config, where: str) -> Search:
    for key in table:
        _known(key, ["trials", "space"], "setting", f"{where}: [search]")
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
    """By dotted key, also where the quotes were left out: to TOML ``model.units`` is a table in a
    table.
    """
    flat: dict[str, Any] = {}
    for name, value in space.items():
        inner = isinstance(value, dict) and "." not in name
        flat |= {f"{name}.{key}": it for key, it in value.items()} if inner else {name: value}
    return flat


def _dimension(key: str, value: Any, settings: Config, where: str) -> Choice | Range:
    where = f"{where}: [search.space]"
    if "." not in key:
        raise ConfigError(f"{where}: {key}: expected a setting with its table, such as model.units")
    if key.startswith(_FIXED):
        raise ConfigError(
            f"{where}: {key}: is no matter of choice, since the trials' dev scores must be "
            "comparable"
        )
    if isinstance(value, dict):
        return _range(key, value, settings, where)
    if not isinstance(value, list) or not value:
        if not isinstance(value, list):
            _setting(key, value, settings, where)  # an unknown key is the worse mistake
        raise ConfigError(
            f"{where}: {key}: expected a list of values or a range {{ low = …, high = … "
            f"}}, found {value!r}"
        )
    choice = Choice(tuple(_setting(key, one, settings, where) for one in value))
    if len(choice.named()) < len(value):
        raise ConfigError(f"{where}: {key}: holds a value twice: {value!r}")
    return choice


def _setting(key: str, value: Any, settings: Config, where: str) -> Any:
    """The value as the setting has it, if it may be that."""
    section, _, name = key.partition(".")
    return getattr(getattr(config.assign(settings, {key: value}, where), section), name)


def _range(key: str, value: dict[str, Any], settings: Config, where: str) -> Range:
    for name in value:
        _known(name, ["low", "high", "step", "log"], "key", f"{where}: {key}")
    ends = [value.get(name) for name in ("low", "high")]
    for number in [*ends, value.get("step", 1)]:
        if type(number) not in (int, float) or not math.isfinite(number):
            raise ConfigError(
                f"{where}: {key}: expected numbers {{ low = …, high = … }}, found {value!r}"
            )
    low, high = (_setting(key, end, settings, where) for end in ends)
    if type(low) not in (int, float):
        raise ConfigError(f"{where}: {key}: a range is for numbers; expected a list of values")
    step, log = value.get("step"), value.get("log", False)
    problem = _problem(low, high, step, log)
    if problem:
        raise ConfigError(f"{where}: {key}: {problem}, found {value!r}")
    if step is not None:  # the last that can be reached
        count = (Decimal(str(high)) - Decimal(str(low))) // Decimal(str(step))
        high = type(low)(Decimal(str(low)) + count * Decimal(str(step)))
    return Range(low, high, step, log)


def _problem(low: float, high: float, step: float | None, log: Any) -> str:
    """What is impossible in a range, if anything is."""
    if not low < high:
        return "expected low < high"
    if type(log) is not bool:
        return "expected log = true or log = false"
    if log and (low <= 0 or step is not None):
        return "with log = true, expected low > 0 and no step"
    if step is not None and not 0 < step <= high - low:
        return "expected a step above 0 and no longer than the range"
    if step is not None and type(low) is int and type(step) is not int:
        return "expected an integer as step of integers"
    return ""
