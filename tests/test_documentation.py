"""Documentation is executed: each page's commands and Python code run, in order, in one folder."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
from support import small_language_models
from support.command_line import invoke
from support.documentation import PAGES, Block, blocks_of, commands_of
from support.paths import ROOT, SAMPLE
from test_language_model_import import arrays_of, write_npz

from tagger.bundles import language_model as language_models
from tagger.training import trainer
from tagger.tuning import subprocess_trainer

LANGUAGE_MODELS = {"letters": "forward", "back": "backward"}
SMALL = ["training.epochs=1", "training.epoch_tokens=0", "model.units=4", "model.embedding=4"]
SETTINGS: dict[tuple[str, ...], list[str]] = {
    ("train",): [*SMALL, "model.characters=4"],
    ("distill",): [*SMALL, "model.characters=4"],
    ("search",): SMALL[:2],
    ("classify", "train"): [*SMALL, "model.characters=4"],
    ("lm", "train"): ["training.epochs=1", "model.units=4", "model.embedding=4"],
    ("seq2seq", "train"): [*SMALL[:1], "training.epoch_symbols=0", "model.units=4"],
}
FASTER: dict[tuple[str, ...], list[str]] = {
    ("search",): ["--trials", "1"],
    ("bench",): ["--tokens", "1000", "--rounds", "1"],
}


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture
def workplace(tmp_path: Path, trained_run: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder like the repository's, with the runs and files that pages begin with.

    The sample corpus stands in for CoNLL-2003, and small arrays for imported models and vectors.
    """
    (tmp_path / "data").mkdir()
    for corpus in ("sample", "conll2003"):
        shutil.copytree(SAMPLE, tmp_path / "data" / corpus)
    shutil.copytree(
        ROOT / "experiments", tmp_path / "experiments", ignore=shutil.ignore_patterns("*.png")
    )
    for run in ("mine", "five/seed-1", "five/seed-2"):
        shutil.copytree(trained_run, tmp_path / "runs" / run)
    for run, direction in LANGUAGE_MODELS.items():
        bundle = small_language_models.bundle_of(direction=direction)
        language_models.save(tmp_path / "runs" / run, bundle)
    monkeypatch.setenv("TAGGER_CACHE", str(tmp_path / "cache"))
    write_npz(tmp_path / "news-forward.npz", **arrays_of())
    (tmp_path / "glove.6B.100d.txt").write_text(
        "the 0.1 0.2 0.3\nminister -0.1 0.5 0.25\n", encoding="utf-8"
    )
    # In this process: test_seeds asserts that another process gives the same bytes.
    monkeypatch.setattr(subprocess_trainer, "train", trainer.train)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def execute(block: Block, names: dict[str, object], page: Path) -> None:
    if block.language == "python":
        exec(compile(block.text, name(page), "exec"), names)
    elif block.language == "toml":
        tomllib.loads(block.text)
        if block.title:
            Path(block.title).write_text(block.text, encoding="utf-8")
    elif block.language == "json":
        for text in re.split(r"\n(?=\{)", block.text.strip()):
            json.loads(text)
    elif block.language == "sh":
        for words, given in commands_of(block):
            if words[0] == "tagger":
                run_quickly(words[1:], given)


def run_quickly(words: list[str], given: str | None) -> None:
    """Run a command of a page with settings that train for seconds."""
    key = next((key for key in SETTINGS if tuple(words[: len(key)]) == key), ())
    extra = [word for change in SETTINGS.get(key, []) for word in ("--set", change)]
    extra += FASTER.get(key or (words[0],), [])
    if key:  # what is trained here must not be there yet
        run = next(
            word
            for option, word in pairwise(words)
            if word.startswith("runs/") and not option.startswith("--")
        )
        shutil.rmtree(run, ignore_errors=True)
        words = ["2" if word == "5" else word for word in words]
    result = invoke(*words, *extra, input=given or "")
    assert result.status == 0, f"tagger {' '.join(words)}: {result.stderr}"


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=name)
def test_code_of_a_page_runs(page: Path, workplace: Path) -> None:
    names: dict[str, object] = {"__name__": "__page__"}
    for block in blocks_of(page):
        execute(block, names, page)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_block_says_its_language(page: Path) -> None:
    assert {block.language for block in blocks_of(page)} <= {"sh", "python", "toml", "json", "text"}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), f"{name(page)}: {target}"


@pytest.mark.parametrize(("page", "limit"), [("README.md", 6144), ("CONTRIBUTING.md", 6144)])
def test_first_pages_are_short(page: str, limit: int) -> None:
    assert len((ROOT / page).read_bytes()) <= limit
