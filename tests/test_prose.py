"""Code, help texts and Markdown are written in the field's plain English, in American spelling."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.documentation import PAGES
from support.paths import PACKAGE, ROOT

PATTERNS = {
    "say what the thing is": r"\b(is|are) told\b|\bknown of\b|\bwhat is known\b|\bby heart\b",
    "say available, optional, projected, replaced": (
        r"\bat hand\b|\bas wished\b|\bbrought down\b|\bgives way\b|\bof like length\b"
    ),
    "use a modern word": r"\b(anew|lest|mends?|mended|learnt|for ever)\b",
    "write one … per …": (
        r"\b(a token|a tag|an object|a row|a line|numbers|a folder|a file|a process) a "
        r"(line|token|row|word|seed|trial|file|column|format|training)\b"
    ),
    "say is not": (
        r"\b(that|which|it|RUN) is no (model|tagger|language model|folder|file)\b|\bis none\b"
    ),
    "use American spelling": (
        r"\b(tokeni[s]e\w*|normali[s]e\w*|recogni[s]e\w*|neighbour\w*|labelled|labelling|"
        r"behaviour|colour|licence|judgement)\b"
    ),
}
MARKDOWN = [
    *PAGES,
    *sorted((ROOT / "data").rglob("README.md")),
    *sorted((ROOT / "experiments").rglob("README.md")),
    ROOT / "tests" / "data" / "README.md",
]
OPENINGS = re.compile(
    r"(What|That of|Those|By what|Of|As|In which|Whether|Where|How|So many|For each|Told|If|"
    r"The same)\b"
)
"""Openings of docstrings that are no complete statements."""
PRODUCT = re.compile(
    r"^(Build|Compute|Create|Load|Read|Replace)\b[^\n]*$(?!\n)|\b([Rr]eturn|[Yy]ield)s?\b"
)
"""What says which value a function returns: the opening verb of a single line, or "return"."""


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the numbered lines of a file except fenced blocks without a language: corpus text."""
    fence = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.lstrip().startswith("```"):
            fence = "" if fence else line.strip()
        elif fence != "```":
            yield number, line


@pytest.mark.parametrize("advice", PATTERNS)
def test_no_private_idiom(advice: str) -> None:
    pattern = re.compile(PATTERNS[advice])
    places = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:90]}"
        for path in [*sources(), *MARKDOWN]
        for number, line in lines_of(path)
        if pattern.search(line)
    ]
    assert not places, f"{advice}:\n" + "\n".join(places)


def docstrings() -> Iterator[tuple[str, str]]:
    """Yield the place and the text of every docstring of a function or class."""
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and (
                text := ast.get_docstring(node)
            ):
                yield f"{path.relative_to(ROOT)}:{node.lineno}: {node.name}", text


def test_docstrings_open_with_a_statement() -> None:
    riddles = [
        f"{place}: {text.splitlines()[0]}" for place, text in docstrings() if OPENINGS.match(text)
    ]
    assert not riddles, "\n".join(riddles)


def test_public_functions_say_what_they_return() -> None:
    silent = []
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
                continue
            decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
            if decorators & {"property", "cached_property"}:
                continue
            text = ast.get_docstring(node) or ""
            returns = node.returns is not None and ast.unparse(node.returns) not in (
                "None",
                "NoReturn",
            )
            if text and returns and not PRODUCT.search(text):
                silent.append(f"{path.relative_to(ROOT)}:{node.lineno}: {node.name}")
    assert not silent, "\n".join(silent)


def test_markdown_is_at_most_100_columns() -> None:
    wide = []
    for path in MARKDOWN:
        is_code = False
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            is_code ^= line.lstrip().startswith("```")
            is_free = is_code or "|" in line or "](" in line or line.startswith("#")
            if len(line) > 100 and not is_free:
                wide.append(f"{path.relative_to(ROOT)}:{number}: {len(line)}")
    assert not wide, "\n".join(wide)
