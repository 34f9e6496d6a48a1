"""A resumed training continues only with the data it started from."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import tiny_task
from support.tiny import Recorder
from support.tiny_task import LineTask, Points, checkpoint_of, settings_with

from tagger import corpora
from tagger.config.tagger import DataConfig
from tagger.errors import TaggerError
from tagger.training import checkpoints, data_facts
from tagger.training.data_facts import DataFacts, check_same
from tagger.training.loop import Job, run_training

SENTENCE = "Piet B-PER\nJansen I-PER\nleft O\nTurku B-LOC\n\n"
END = "; train in another folder, or restore the data"


def facts_in(folder: Path, train: str, dev: str = SENTENCE) -> list[DataFacts]:
    """The facts about corpora of these contents."""
    (folder / "train.conll").write_text(train)
    (folder / "dev.conll").write_text(dev)
    data = DataConfig(train=(str(folder / "train.conll"),), dev=(str(folder / "dev.conll"),))
    splits = corpora.splits(data)
    assert splits.dev is not None
    return [
        data_facts.of_corpus("train", splits.train),
        data_facts.of_corpus("dev", splits.dev),
    ]


@pytest.mark.parametrize(
    ("train", "change"),
    [
        (SENTENCE * 4, "3 → 4 sentences"),
        (
            SENTENCE * 2 + "Piet B-PER\nleft O\nNordwind B-ORG\n\n",
            "12 → 11 tokens, label ORG is new",
        ),
        (SENTENCE * 3 + "Nordwind B-ORG\n\n", "3 → 4 sentences, label ORG is new"),
        ("Piet B-PER\nJansen I-PER\nleft O\nTurku O\n\n" * 3, "label LOC is gone"),
        (SENTENCE * 2 + SENTENCE.replace("LOC", "PER"), "other numbers per label"),
        (SENTENCE * 2 + SENTENCE.replace("Turku", "Oslo"), "same size, other content"),
    ],
)
def test_what_has_changed_is_named(tmp_path: Path, train: str, change: str) -> None:
    before = [asdict(facts) for facts in facts_in(tmp_path, SENTENCE * 3)]
    now = facts_in(tmp_path, train)
    with pytest.raises(TaggerError) as caught:
        check_same(Path("run"), before, now)
    name = tmp_path / "train.conll"
    assert str(caught.value) == (
        f"run: cannot be resumed: {name} (train) has changed since the training began: {change}"
        + END
    )


def test_comments_and_other_names_change_nothing(tmp_path: Path) -> None:
    before = [asdict(facts) for facts in facts_in(tmp_path, SENTENCE * 3)]
    (tmp_path / "other").mkdir()
    check_same(Path("run"), before, facts_in(tmp_path / "other", "# a remark\n" + SENTENCE * 3))
    check_same(Path("run"), [], facts_in(tmp_path, SENTENCE))  # an older checkpoint


def test_files_that_are_new_missing_or_changed_are_named(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    one = data_facts.of_file("vectors", tmp_path / "a")
    two = data_facts.of_file("vectors", tmp_path / "b")
    assert one.sizes == {"bytes": 1}
    for before, now, message in (
        ([one], [one, two], f"vectors {two.name} was not used before"),
        ([one, two], [one], f"vectors {two.name} is no longer used"),
        ([one], [two], f"{two.name} (vectors) has changed since the training began: same size, "
         "other content"),
    ):  # fmt: skip
        with pytest.raises(TaggerError) as caught:
            check_same(Path("run"), [asdict(facts) for facts in before], now)
        assert str(caught.value) == f"run: cannot be resumed: {message}{END}"
    assert data_facts.of_file("vectors", tmp_path / "none").digest == ""
    ids = data_facts.of_ids("dev", "a", np.array([1, 2]))
    assert ids.digest != data_facts.of_ids("dev", "a", np.array([2, 1])).digest


def run(folder: Path, digest: str, **options: Any) -> tiny_task.Bundle:
    """Train the smallest task on data of this digest."""

    def prepare(job: Job[tiny_task.Config]) -> LineTask:
        job.check_data([DataFacts("train", "points", digest, {"points": 12})])
        return LineTask(job, Points(job.settings, job.epoch))

    return run_training(prepare, settings_with(), folder, **options)


def test_the_loop_stores_and_compares_the_data(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run(folder, "one", observer=Recorder(1))
    with pytest.raises(KeyboardInterrupt):  # nothing has been learned, so that it starts over
        run(folder, "two", observer=Recorder(2), resume=True)
    before = (folder / "checkpoint" / "last.npz").read_bytes()
    with pytest.raises(TaggerError, match=r"points \(train\) has changed since the training began"):
        run(folder, "one", resume=True)
    assert (folder / "checkpoint" / "last.npz").read_bytes() == before
    assert run(folder, "two", resume=True).epochs == 4


def test_a_checkpoint_of_another_network_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run(folder, "one")
    progress, arrays = checkpoint_of(folder)
    arrays["now"] = {name: np.zeros((7, 7)) for name in arrays["now"]}
    checkpoints.save(folder / "checkpoint" / "last.npz", progress, arrays)
    with pytest.raises(TaggerError, match="its checkpoint is that of another network"):
        run(folder, "one", resume=True)
