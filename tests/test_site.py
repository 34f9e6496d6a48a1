"""The documentation is built strictly, and its reference is complete."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import ROOT
from support.processes import PATIENCE

import tagger
from tagger.cli import classify, lm, seq2seq
from tagger.cli import main as cli
from tagger.config.reference import KINDS, settings_of

pytest.importorskip("mkdocs", reason="needs the packages of the extra docs")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    done = subprocess.run(
        [*command, "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def page(site: Path, name: str) -> str:
    return (site / name).read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_reference_lists_every_command(site: Path) -> None:
    text = page(site, "reference/cli.html")
    commands = [name for section in cli.SECTIONS.values() for name in section]
    groups = {"classify": classify.SECTIONS, "lm": lm.SECTIONS, "seq2seq": seq2seq.SECTIONS}
    for group, sections in groups.items():
        commands += [f"{group} {name}" for section in sections.values() for name in section]
    for command in commands:
        assert f"tagger {command}" in text


@pytest.mark.slow
def test_the_reference_lists_every_setting(site: Path) -> None:
    text = page(site, "reference/settings.html")
    for kind, _ in KINDS.values():
        for info in settings_of(kind):
            assert f"<code>{info.name}</code>" in text


@pytest.mark.slow
def test_the_reference_lists_every_public_object(site: Path) -> None:
    text = page(site, "reference/python.html")
    for name in set(tagger.__all__) - {"__version__"}:
        assert f'id="tagger.{name}"' in text, name


@pytest.mark.slow
def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    """The site can be read without a network."""
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        loaded = re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="(https?:[^"]*)"', text)
        assert not loaded, (path, loaded)


@pytest.mark.parametrize("kind", KINDS)
def test_the_text_of_a_setting_is_a_sentence(kind: str) -> None:
    for info in settings_of(KINDS[kind][0]):
        assert re.fullmatch(r"[A-Z].*[^.]\.", info.text), f"{info.table}.{info.name}: {info.text}"
