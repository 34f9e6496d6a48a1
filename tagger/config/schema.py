"""Settings: frozen dataclasses that are read from TOML.

A set of settings is a dataclass whose fields are the tables of the file; these are dataclasses
whose fields are defined by `setting`. An unknown name is an error that names the most similar one.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import MISSING, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

from tagger.config import toml
from tagger.errors import ConfigError, did_you_mean, most_similar

__all__ = [
    "assign",
    "common_values",
    "files",
    "from_dict",
    "from_toml",
    "load",
    "override",
    "resolve",
    "setting",
    "to_toml",
    "toml_value",
]

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Settings = TypeVar("Settings", bound="DataclassInstance")


def setting(
    default: Any,
    doc: str,
    *,
    choices: Collection[str] = (),
    low: float | None = None,
    high: float | None = None,
    is_name: bool = False,
    is_rare: bool = False,
) -> Any:
    """Define a setting of a table.

    Args:
        default: The default, whose type is that of the setting.
        doc: The meaning, a full sentence; see `config.reference`.
        choices: The possible values, if they are few.
        low, high: The range of a number, both inclusive.
        is_name: Whether a number may be replaced by a name, which is not a number.
        is_rare: Whether `to_toml` leaves it out at its default. The files of trainings that do not
            use it are then those of versions before it, byte for byte.

    Returns:
        A field of a dataclass.
    """
    meta = {"doc": doc, "choices": choices, "low": low, "high": high, "is_name": is_name}
    return field(default=default, metadata={**meta, "is_rare": is_rare})


def files(doc: str) -> Any:
    """Define a setting that is a list of paths, empty by default.

    Args:
        doc: The meaning, a full sentence.

    Returns:
        A field of a dataclass.
    """
    return field(
        default=(), metadata={"doc": doc, "choices": (), "low": None, "high": None, "files": True}
    )


def resolve(
    kind: type[Settings], source: Settings | Mapping[str, Any] | str | os.PathLike[str]
) -> Settings:
    """Return settings in any of the forms that a training accepts.

    Args:
        kind: Class of the settings.
        source: Settings of that class; a mapping of its tables, such as
            ``{"model": {"units": 100}}``; or the path of a TOML file.

    Raises:
        ConfigError: Errors of `load`; or `source` is something else.
    """
    if isinstance(source, kind):
        return source
    if isinstance(source, Mapping):
        return from_dict(kind, source, "settings")
    if isinstance(source, (str, os.PathLike)):
        return load(kind, Path(source))
    raise ConfigError(
        f"expected {kind.__module__}.{kind.__qualname__}, a mapping of tables, or the path of a "
        f"TOML file, found {source!r}"
    )


def load(kind: type[Settings], path: str | Path) -> Settings:
    """Read settings from a TOML file, in which each table is optional.

    A relative path in it that does not exist from the current folder, but from the folder of the
    TOML file, means the latter.

    Args:
        kind: A dataclass of tables, such as `config.tagger.Config`.
        path: The file.

    Returns:
        The settings; those that the file does not contain have their default.

    Raises:
        ConfigError: The file cannot be read, is not TOML, or contains an unknown name or an
            impossible value.
    """
    return _located(from_toml(kind, toml.read(path), str(path)), Path(path).parent)


def _located(config: Settings, folder: Path) -> Settings:
    """Return settings whose files are named as seen from the current folder."""
    for table in fields(config):
        section = getattr(config, table.name)
        changes = {
            each.name: tuple(_found(name, folder) for name in getattr(section, each.name))
            for each in fields(section)
            if "files" in each.metadata
        }
        config = replace(config, **{table.name: replace(section, **changes)})
    return config


def _found(name: str, folder: Path) -> str:
    """Return the path of a file that is named in a TOML file in a folder."""
    beside = folder / name
    return str(beside) if not os.path.exists(name) and beside.exists() else name


def from_toml(kind: type[Settings], text: str, where: str) -> Settings:
    """Read settings from TOML text.

    Args:
        kind: A dataclass of tables.
        text: The text.
        where: Its origin, for error messages.

    Returns:
        The settings.

    Raises:
        ConfigError: As for `load`.
    """
    try:
        data = toml.parse(text)
    except ValueError as error:
        raise ConfigError(f"{where}: not TOML: {error}") from error
    return from_dict(kind, data, where)


def from_dict(kind: type[Settings], data: Mapping[str, Any], where: str) -> Settings:
    """Read settings from nested tables, as TOML contains them.

    Args:
        kind: A dataclass of tables.
        data: The values, by table and name.
        where: Their origin, for error messages.

    Returns:
        The settings.

    Raises:
        ConfigError: As for `load`.
    """
    sections = get_type_hints(kind)
    parts = {}
    for name, values in data.items():
        _known(name, sections, "table", where)
        if not isinstance(values, Mapping):
            raise ConfigError(f"{where}: {name!r} must be a table, [{name}], found {values!r}")
        parts[name] = _section(sections[name], name, values, where)
    return kind(**parts)


def _section(section: type, name: str, values: Mapping[str, Any], where: str) -> Any:
    """Return a table of settings after checking their names and values."""
    known = {setting.name: setting for setting in fields(section)}
    checked = {}
    for key, value in values.items():
        _known(key, known, "setting", where, name)
        checked[key] = _checked(value, known[key], f"{where}: {name}.{key}")
    return section(**checked)


def _known(name: str, known: Iterable[str], what: str, where: str, section: str = "") -> None:
    """Raise ConfigError, with a hint, if a name is unknown."""
    if name not in known:
        prefix = f"{section}." if section else ""
        hint = did_you_mean(name, known, prefix)
        raise ConfigError(f"{where}: unknown {what} {prefix}{name}; {hint}")


def _checked(value: Any, setting: Any, where: str) -> Any:
    """Return the value of a setting, lists as tuples, after checking its type and range."""
    default, meta = setting.default, setting.metadata
    assert default is not MISSING
    if "files" in meta:
        if isinstance(value, str):  # one file, or none
            value = (value,) if value else ()
        if not isinstance(value, (list, tuple)) or not all(
            isinstance(name, str) and name for name in value
        ):
            raise ConfigError(f"{where}: expected a file name or a list of them, found {value!r}")
        for name in value:
            _check_text(name, where)
        return tuple(value)
    if isinstance(default, tuple):
        if not isinstance(value, (list, tuple)) or not all(
            type(unit) is int and 0 < unit <= 10_000 for unit in value
        ):
            raise ConfigError(
                f"{where}: expected a list of integers from 1 to 10000, found {value!r}"
            )
        return tuple(value)
    if isinstance(default, float) and type(value) is int and abs(value) < 2**53:
        value = float(value)
    is_name = meta.get("is_name") and isinstance(value, str) and not re.fullmatch(r"[-\d]*", value)
    if type(value) is not type(default) and not is_name:
        raise ConfigError(
            f"{where}: expected {type(default).__name__}, for example {default!r}, found {value!r}"
        )
    if meta["choices"] and value not in meta["choices"]:
        near = most_similar(str(value), meta["choices"])
        hint = f"; did you mean {near!r}?" if near else ""
        raise ConfigError(
            f"{where}: expected one of {', '.join(meta['choices'])}, found {value!r}{hint}"
        )
    if isinstance(value, str):
        _check_text(value, where)
    low, high = meta["low"], meta["high"]
    if (low is not None and not low <= value < math.inf) or (
        high is not None and not value <= high
    ):
        bounds = f"of at least {low} and finite" if high is None else f"from {low} to {high}"
        raise ConfigError(f"{where}: expected a value {bounds}, found {value!r}")
    return value


def _check_text(value: str, where: str) -> None:
    """Raise ConfigError for NUL and for surrogates, which typed bytes other than UTF-8 become."""
    if re.search("[\0\ud800-\udfff]", value):
        raise ConfigError(
            f"{where}: expected text in UTF-8 without the character NUL, found {value!a}"
        )


def common_values(table: DataclassInstance, kind: type[DataclassInstance]) -> dict[str, Any]:
    """Return the settings of a table whose names are also fields of another dataclass.

    Args:
        table: The table of settings.
        kind: The other dataclass.

    Returns:
        Values by name, to create an object of that class.
    """
    names = {one.name for one in fields(kind)}
    return {one.name: getattr(table, one.name) for one in fields(table) if one.name in names}


def override(config: Settings, assignments: Iterable[str]) -> Settings:
    """Change settings by assignments such as ``model.units=200``.

    Args:
        config: The settings, which stay as they are.
        assignments: ``TABLE.NAME=VALUE`` each; a value that is not TOML is read as a string.

    Returns:
        The changed settings.

    Raises:
        ConfigError: An assignment names an unknown setting or an impossible value.
    """
    changes = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or "." not in key:
            raise ConfigError(
                f"--set {assignment}: expected TABLE.KEY=VALUE, for example model.units=200"
            )
        try:
            changes[key.strip()] = toml.parse(f"value = {text}")["value"]
        except ValueError:
            changes[key.strip()] = text
    return assign(config, changes)


def assign(config: Settings, changes: Mapping[str, Any], where: str = "--set") -> Settings:
    """Change settings by dotted name.

    Args:
        config: The settings, which stay as they are.
        changes: Values by ``TABLE.NAME``.
        where: Their origin, for error messages.

    Returns:
        The changed settings.

    Raises:
        ConfigError: As for `override`.
    """
    for key, value in changes.items():
        section, _, name = key.partition(".")
        new = getattr(from_dict(type(config), {section: {name: value}}, where), section)
        config = replace(
            config, **{section: replace(getattr(config, section), **{name: getattr(new, name)})}
        )
    return config


def to_toml(config: Any) -> str:
    """Return all settings as TOML, those at their default included unless they are rare."""
    lines = []
    for table in fields(config):
        section = getattr(config, table.name)
        lines.append(f"[{table.name}]")
        for each in fields(section):
            value = getattr(section, each.name)
            if value != each.default or not each.metadata.get("is_rare"):
                lines.append(f"{each.name} = {toml_value(value)}")
        lines.append("")
    return "\n".join(lines)


def toml_value(value: Any) -> str:
    """Return the value of a setting as TOML."""
    # A JSON string, number, boolean or list is TOML too, except for one character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
