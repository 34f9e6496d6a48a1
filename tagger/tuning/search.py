"""A search for good settings: Optuna proposes, the trainer trains, the dev score decides.

The one optimum of noisy figures is lucky too: train the winner anew with several seeds before you
believe its score.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tagger import corpora
from tagger.bundles import tagger_files as bundle
from tagger.bundles.folder import MANIFEST
from tagger.bundles.tagger import Bundle
from tagger.config import tagger as config
from tagger.config.reference import commented_toml
from tagger.config.tagger import Config
from tagger.errors import TaggerError
from tagger.files import atomic_write
from tagger.training.inputs import soft_labels as labelling
from tagger.training.observer import Observer
from tagger.tuning import report as search_report
from tagger.tuning import subprocess_trainer as apart
from tagger.tuning import tables
from tagger.tuning.report import Row
from tagger.tuning.space import Choice, Range

if TYPE_CHECKING:
    import optuna

__all__ = ["SearchResult", "search"]

Space = Mapping[str, Choice | Range]

STORAGE = "search.db"
# A trial whose best score so far is below the median of the others' at that epoch is given up.
# Successive halving would end three of four at each of its rungs, which suits thousands of trials:
# with a few dozen, and early stop ending bad ones anyway, it throws away those that learn slowly,
# that is, deep networks and small learning rates. Even so the first scores say little: a tagger
# that has found no span yet has 0.
TRIALS_BEFORE_PRUNING = 5
EPOCHS_BEFORE_PRUNING = 2


@dataclass(frozen=True)
class SearchResult:
    """What a search came to: all trials in order, the best of them, its model, and the plot, None
    without Matplotlib.
    """

    rows: tuple[Row, ...]
    best: Row
    bundle: Bundle
    plot: Path | None

    def table(self) -> str:
        """Markdown: a row a trial, the best first."""
        return search_report.table(self.rows)


def search(
    settings: Config,
    space: Space,
    run: str | Path,
    *,
    trials: int = 30,
    resume: bool = False,
    observer: Observer | None = None,
) -> SearchResult:
    """Train `trials` times with settings out of `space` and write the best model to the folder
    `run`, a bundle afterwards.

    Beside the bundle: ``search.csv``, ``search.md`` (written anew after each trial), ``best.toml``,
    ``search.png``, Optuna's records in ``search.db``, and a folder a trial with its settings,
    history and TensorBoard logs; only that of the best trial keeps its model. The proposals follow
    from ``training.seed``, the space and the scores alone.

    Args: resume: go on with a search that was stopped, until there are `trials` in all. A trial
        that was interrupted is done again.

    Raises: TaggerError: of configuration, data or disk; Optuna is not installed; `run` is in use;
        or every trial failed. A
            single trial that fails is recorded, and the search goes on.
    """
    run, observer = Path(run), observer or Observer()
    settings = labelling.shared(settings, run)
    _optuna()
    tables.begin(run, run / STORAGE, resume)
    corpora.splits(settings.data)  # else wrong data would be found trial by trial
    with _study(run, settings, space) as study:
        _prune_files(study, run)  # what was killed between a trial's end and its tidying
        for number in range(len(_finished_trials(study)) + 1, trials + 1):
            _run_trial(study, settings, space, run, number, trials, observer)
            _prune_files(study, run)
        rows = _rows(study)
    return _publish(run, rows, space)


def _publish(run: Path, rows: tuple[Row, ...], space: Space) -> SearchResult:
    """Make `run` the best trial's bundle; its manifest appears last."""
    best = _best(rows)
    if best is None:
        raise TaggerError(f"{run}: all {len(rows)} trials failed, the last so: {rows[-1].error}")
    found = bundle.load(_folder(run, best.number))
    with atomic_write(run / "best.toml") as stream:
        stream.write(commented_toml(found.config))
    plot = search_report.plot(run / "search.png", rows, space)
    bundle.save(run, found)
    return SearchResult(rows, best, found, plot)


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise TaggerError(
            "a search needs Optuna, which is not installed: pip install span-tagger[search]"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # a library does not print
    return optuna


@contextmanager
def _study(run: Path, settings: Config, space: Space) -> Iterator[optuna.Study]:
    """The records of this search, begun or found.

    SQLite, since it survives a kill at any moment: Optuna's journal of lines would stay locked, and
    damaged by half a line.
    """
    optuna = _optuna()
    from sqlalchemy.exc import SQLAlchemyError

    path = run / STORAGE
    if not path.exists():
        search_report.write(
            run, [], list(space)
        )  # makes the folder; if nothing can be written here, says so in our words
    storage = None
    try:
        # The path is given to SQLite itself: in a URL, a name with ? or % would mean something
        # else.
        engine = {"creator": lambda: sqlite3.connect(path)}
        storage = optuna.storages.RDBStorage(f"sqlite:///{STORAGE}", engine_kwargs=engine)
        pruner = optuna.pruners.MedianPruner(
            TRIALS_BEFORE_PRUNING, n_warmup_steps=EPOCHS_BEFORE_PRUNING + 1
        )
        study = optuna.create_study(
            storage=storage,
            study_name="search",
            direction="maximize",
            pruner=pruner,
            load_if_exists=True,
        )
        _check_settings(study, settings, space, run)
        for trial in study.get_trials(states=[optuna.trial.TrialState.RUNNING]):
            study.tell(
                trial.number, state=optuna.trial.TrialState.FAIL
            )  # killed; without an error of its own it does not count
        yield study
    except (optuna.exceptions.OptunaError, SQLAlchemyError, sqlite3.Error) as error:
        reason = str(error).splitlines()[0]
        raise TaggerError(
            f"{path}: the records of the search cannot be used: {reason}; if damaged, search anew"
        ) from error
    finally:
        if storage is not None:
            storage.engine.dispose()


def _check_settings(study: optuna.Study, settings: Config, space: Space, run: Path) -> None:
    """Scores of other settings or another space are not comparable."""
    text = config.to_toml(settings) + "".join(
        f"search.space.{key} = {dimension}\n" for key, dimension in space.items()
    )
    begun = study.user_attrs.get("settings")
    if begun is None:
        study.set_user_attr("settings", text)
    elif begun != text:
        changed = sorted({*text.splitlines()} ^ {*begun.splitlines()})
        raise TaggerError(
            f"{run}: was begun with other settings; they differ in: {'; '.join(changed)}. Only "
            "trials may change"
        )


def _finished_trials(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """The trials that ended, in order; their place, from 1, is their number. Interrupted ones are
    done again and not told.
    """
    return [
        trial
        for trial in study.trials
        if trial.state.is_finished() and (trial.state.name != "FAIL" or trial.user_attrs)
    ]


def _rows(study: optuna.Study) -> tuple[Row, ...]:
    states = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}
    rows = []
    for number, trial in enumerate(_finished_trials(study), 1):
        assert trial.datetime_start is not None
        assert trial.datetime_complete is not None
        scores = trial.intermediate_values
        row = Row(
            number=number,
            state=states[trial.state.name],
            score=max(scores.values(), default=None),
            epochs=len(scores),
            minutes=(trial.datetime_complete - trial.datetime_start).total_seconds() / 60,
            parameters=trial.params,
            error=trial.user_attrs.get("error", ""),
        )
        rows.append(row)
    return tuple(rows)


def _best(rows: tuple[Row, ...]) -> Row | None:
    """The first of the trials that trained to their end with the highest score."""
    return max(
        (row for row in rows if row.state == "complete"),
        key=lambda row: row.score or 0.0,
        default=None,
    )


def _folder(run: Path, number: int) -> Path:
    return run / f"trial-{number:04d}"


class _PrunedError(Exception):
    """Ends a training that is not worth going on with."""


class _Watcher(Observer):
    """Passes on what a trial's training tells, reports its scores to Optuna, and ends it where that
    says so.
    """

    def __init__(self, trial: optuna.Trial, observer: Observer) -> None:
        self.trial = trial
        self.observer = observer
        self.score = -1.0

    def receive(self, event: str, *arguments: Any) -> None:
        getattr(self.observer, event)(*arguments)

    def epoch_ended(self, row: dict[str, float], is_best: bool) -> None:
        super().epoch_ended(row, is_best)
        self.score = max(self.score, row["dev_score"])
        self.trial.report(row["dev_score"], int(row["epoch"]))
        if self.trial.should_prune():
            raise _PrunedError


def _run_trial(
    study: optuna.Study,
    settings: Config,
    space: Space,
    run: Path,
    number: int,
    count: int,
    observer: Observer,
) -> None:
    """One trial, to its end, which the study is told."""
    optuna = _optuna()
    # Seeded trial by trial, a resumed search proposes what the uninterrupted one would have
    # proposed.
    seed = int(np.random.SeedSequence((settings.training.seed, number)).generate_state(1)[0])
    study.sampler = optuna.samplers.TPESampler(seed=seed)
    trial = study.ask({key: _distribution(dimension) for key, dimension in space.items()})
    observer.run_started(number, count, search_report.shown(trial.params))
    before, watcher, folder = _best(_rows(study)), _Watcher(trial, observer), _folder(run, number)
    shutil.rmtree(folder, ignore_errors=True)  # of the same trial, interrupted
    better = False
    try:
        chosen = config.assign(settings, _chosen(space, trial.params), f"trial {number}")
        apart.train(chosen, folder, observer=watcher)
    except _PrunedError:
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        outcome = f"pruned at {watcher.score:.2f}"
    except TaggerError as error:
        trial.set_user_attr("error", str(error))
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
        outcome = f"failed: {error}"
    else:
        study.tell(trial, watcher.score)
        outcome = f"dev score {watcher.score:.2f}"
        better = before is None or watcher.score > (before.score or 0.0)
    observer.run_ended(number, count, outcome, better)


def _chosen(space: Space, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The values that a trial's parameters stand for."""
    return {
        key: dimension.named()[parameters[key]]
        if isinstance(dimension, Choice)
        else parameters[key]
        for key, dimension in space.items()
    }


def _distribution(dimension: Choice | Range) -> optuna.distributions.BaseDistribution:
    from optuna import distributions

    if isinstance(dimension, Choice):
        return distributions.CategoricalDistribution(tuple(dimension.named()))
    if isinstance(dimension.low, int):
        return distributions.IntDistribution(
            dimension.low, int(dimension.high), dimension.log, int(dimension.step or 1)
        )
    return distributions.FloatDistribution(
        dimension.low, dimension.high, dimension.log, dimension.step
    )


def _prune_files(study: optuna.Study, run: Path) -> None:
    """Write the tables. Of trials that have ended, keep no checkpoint, and the model of the best
    alone: disks fill up.
    """
    rows = _rows(study)
    best = _best(rows)
    for row in rows:
        folder = _folder(run, row.number)
        shutil.rmtree(folder / "checkpoint", ignore_errors=True)
        if row is not best:
            _strip(folder)
    search_report.write(run, rows, list(rows[0].parameters) if rows else [])


def _strip(folder: Path) -> None:
    """Remove a bundle but for its settings, the manifest first: from then on it is no model."""
    manifest = folder / MANIFEST
    if manifest.exists():
        names = json.loads(manifest.read_text(encoding="utf-8"))["files"]
        manifest.unlink()
        for path in [folder / name for name in names if name != "config.toml"]:
            path.unlink(missing_ok=True)
            with suppress(OSError):  # a folder that holds something still
                path.parent.rmdir()
