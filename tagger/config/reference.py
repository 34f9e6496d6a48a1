"""What settings mean, from the texts beside their definitions: for `config.toml`, the command
`tagger config`, and the reference page of the documentation.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import Field, dataclass, fields
from typing import Any, get_type_hints

from tagger.config import classifier, language_model, seq2seq, tagger
from tagger.config.schema import to_toml, toml_value

__all__ = ["KINDS", "SettingInfo", "commented_toml", "markdown", "settings_of"]

KINDS: dict[str, tuple[type, str]] = {
    "tagger": (tagger.Config, "tagger train, tagger distill and tagger search"),
    "classifier": (classifier.ClassifierConfig, "tagger classify train"),
    "language-model": (language_model.LanguageModelConfig, "tagger lm train"),
    "seq2seq": (seq2seq.Seq2SeqConfig, "tagger seq2seq train"),
}
"""Each set of settings, and the commands that use it."""


@dataclass(frozen=True)
class SettingInfo:
    """One setting: its table and name, its default as TOML, its possible values, its meaning."""

    table: str
    name: str
    default: str
    values: str
    text: str


def settings_of(kind: type) -> Iterator[SettingInfo]:
    """Yield every setting of a configuration class, in the order of their definition.

    Args:
        kind: a dataclass of tables, such as `tagger.config.tagger.Config`.
    """
    for table, section in get_type_hints(kind).items():
        for setting in fields(section):
            text = setting.metadata["doc"]
            yield SettingInfo(
                table, setting.name, toml_value(setting.default), _values(setting), text
            )


def _values(setting: Field[Any]) -> str:
    """Describe the possible values of a setting."""
    default, meta = setting.default, setting.metadata
    if meta["choices"]:
        return ", ".join(meta["choices"])
    if "files" in meta:
        return "list of paths"
    if isinstance(default, tuple):
        return "list of integers"
    kind = {bool: "true, false", int: "integer", float: "number", str: "string"}[type(default)]
    low, high = meta["low"], meta["high"]
    if low is None:
        return kind
    return f"{kind} from {low:,}" + ("" if high is None else f" to {high:,}")


def commented_toml(config: Any) -> str:
    """Return a configuration as TOML, with the meaning of each setting as a comment above it."""
    texts = {(info.table, info.name): info for info in settings_of(type(config))}
    lines, table = [], ""
    for line in to_toml(config).split("\n"):
        if line.startswith("["):
            table = line.strip("[]")
        elif " = " in line:
            info = texts[table, line.partition(" = ")[0]]
            choices = f" One of {info.values}." if ", " in info.values else ""
            comment = f"{info.text}{choices if info.values != 'true, false' else ''}"
            lines += textwrap.wrap(comment, 98, initial_indent="# ", subsequent_indent="# ")
        lines.append(line)
    return "\n".join(lines)


def markdown() -> str:
    """Return tables of all settings in Markdown, for the reference page."""
    parts = []
    for kind, commands in KINDS.values():
        parts += [f"## Settings of {commands}", ""]
        table = ""
        for info in settings_of(kind):
            if info.table != table:
                table = info.table
                parts += ["", f"### [{table}]", "", "| setting | default | values | meaning |"]
                parts += ["|---|---|---|---|"]
            text = info.text.replace("<", "&lt;").replace("[", "&#91;").replace("|", "\\|")
            parts.append(f"| `{info.name}` | `{info.default}` | {info.values} | {text} |")
        parts.append("")
    return "\n".join(parts)
