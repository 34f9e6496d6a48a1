"""Pages generated when the documentation is built, from the README and from the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
INCLUDED = {
    "index.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "security.md": "SECURITY.md",
}


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Return the text of a page, with what its marker stands for."""
    name = page.file.src_uri
    if name in INCLUDED:
        return included(ROOT / INCLUDED[name])
    if name == "reference/settings.md":
        from tagger.config import reference

        return markdown.replace("<!-- settings -->", reference.markdown())
    return markdown


def included(path: Path) -> str:
    """Return a page of the repository's root, its links as seen from the folder docs."""
    text = path.read_text(encoding="utf-8").replace("](docs/", "](")
    text = text.replace("](CONTRIBUTING.md)", "](contributing.md)")
    text = text.replace("](SECURITY.md)", "](security.md)")
    return text.replace("[Changelog](CHANGELOG.md)", "Changelog")
