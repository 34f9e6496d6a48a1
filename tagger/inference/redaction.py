"""Redaction of files: spans are replaced, and everything else stays as it is, byte for byte.

Whatever could be a span is hidden: all spans with a probability above the threshold, also where
they overlap. A line is only rewritten if it contains one, and lines are never added or removed, so
that the original is restored from the redacted file and the original lines that changed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tagger.config import tagger as config
from tagger.errors import TaggerError
from tagger.files import atomic_write
from tagger.inference import file_jobs
from tagger.inference.many_files import Models, opened
from tagger.inference.operating_points import Thresholds, parse_target, thresholds_of
from tagger.inference.predictor import Predictor
from tagger.inference.redactor import STYLES, Redactor, join_lines, split_lines
from tagger.text.formats import STANDARD_INPUT
from tagger.text.opening import AUTO, canonical

__all__ = ["HIGH_RECALL", "Redacted", "redact_files", "restore"]

HIGH_RECALL = 0.99
"""Share of dev's annotated spans that the default threshold must hide completely."""
UNMEASURED = 0.05  # the threshold of a model without counts on dev
MAP_SUFFIX = ".map.json"


@dataclass(frozen=True)
class Redacted:
    """The result of `redact_files`.

    Attributes:
        files: Number of redacted files.
        spans: Number of replaced parts of the text.
        promises: What dev says about the threshold, in words.
        notes: What readers changed, skipped or interpreted, with the path of the file.
    """

    files: int
    spans: int
    promises: tuple[str, ...]
    notes: tuple[str, ...]


def redact_files(
    model: Models,
    inputs: str | Path | Iterable[str | Path],
    output: str | Path | None,
    *,
    style: str = "label",
    scope: str = "document",
    labels: Sequence[str] = (),
    min_score: float | Mapping[str, float] | None = None,
    target: str | None = None,
    keep_map: bool = False,
    source_format: str | None = None,
    wrapped: bool = False,
    token_column: int | str | None = None,
    delimiter: str | None = None,
    encoding: str = AUTO,
    precision: str | None = None,
) -> Redacted:
    """Replace the spans in files and folders; each output is written atomically.

    A file is held in memory. Its encoding and line ends are kept; a compressed one is unpacked.

    Args:
        model: An open model, which stays open; or the folder of a model, or several to average.
        inputs: A file or folder, or several; ``-`` is standard input.
        output: The folder of the redacted files; None is standard output.
        style: "label" for ``[PER]``, "block" for ``█████``, or "pseudonym" for ``PER-1``, the same
            for the same name.
        scope: "document" or "run": within what a pseudonym stands for the same name.
        labels: Labels to replace. Default: all.
        min_score: Minimum probability of spans, or one per label; the key "" stands for all others.
            Default of a label: as `target`.
        target: Share of annotated spans that were hidden completely on dev, as "recall=0.995".
            Default: `HIGH_RECALL`, or the highest share that dev reached.
        keep_map: Whether the original lines are written to a file ``NAME.map.json`` beside each
            output, from which `restore` restores the text.
        source_format: text, conll or jsonl. Default: recognized by the content of each file.
        wrapped: Whether only a blank line ends a paragraph of text.
        token_column: Column of the tokens, by name or from 0. Default: as in training.
        delimiter: Column delimiter of CoNLL files. Default: as in training.
        encoding: Encoding of the inputs. Default: UTF-8, or that of a byte order mark.
        precision: float32 or int8, for a model that is opened here; see `tagger.load`.

    Returns:
        The number of files and replaced parts.

    Raises:
        TaggerError: The model cannot be opened or predicts plain tags, a file cannot be read or
            written or has another format, a label is unknown, or dev did not reach `target`.
        ValueError: An option is impossible.
    """
    if style not in STYLES or scope not in ("document", "run"):
        raise ValueError(
            f"expected a style of {', '.join(STYLES)} and a scope of document or run, got "
            f"{style!r} and {scope!r}"
        )
    if keep_map and output is None:
        raise ValueError("maps are written beside the outputs: keep_map needs output")
    names = [inputs] if isinstance(inputs, str | Path) else list(inputs)
    with opened(model, precision=precision) as predictor:
        thresholds = _thresholds(predictor, labels, min_score, target)
        folder = None if output is None else str(output)
        jobs = file_jobs.plan([str(name) for name in names], folder)
        given = {
            "data.token_column": token_column,
            "data.delimiter": delimiter,
            "data.encoding": canonical(encoding),
        }
        options = config.reading(predictor.bundle.config, given)
        options = replace(options, annotated=False, wrapped=wrapped)
        chosen = set(labels or predictor.labels)
        redactor = Redactor(predictor, options, thresholds, chosen, style, scope)
        notes: list[str] = []
        for job in jobs:
            with _on_disk(job.source) as path:
                content, mapping = redactor.redact(path, source_format or "", job.source)
            _write(job.target, content, mapping if keep_map else None)
            notes += (f"{job.source}: {note}" for note in redactor.notes)
    return Redacted(len(jobs), redactor.count, thresholds.promises, tuple(notes))


def restore(redacted: bytes, mapping: Mapping[str, Any]) -> bytes:
    """Restore a redacted file.

    Args:
        redacted: The redacted file.
        mapping: Its map, as `redact_files` writes it.

    Returns:
        The original bytes.

    Raises:
        TaggerError: The map does not belong to the file.
    """
    try:
        encoding = str(mapping["encoding"])
        lines = split_lines(redacted.decode(encoding))
        for number, line in mapping["lines"].items():
            lines[int(number) - 1] = (str(line), lines[int(number) - 1][1])
        original = join_lines(lines).encode(encoding)
        fits = hashlib.sha256(original).hexdigest() == mapping["sha256"]
    except (KeyError, LookupError, TypeError, AttributeError, ValueError):
        fits = False
    if not fits:
        raise TaggerError("the map does not belong to this file, or one of them was changed")
    return original


def _thresholds(
    model: Predictor,
    labels: Sequence[str],
    min_score: float | Mapping[str, float] | None,
    target: str | None,
) -> Thresholds:
    """Return the thresholds of redaction; raise TaggerError if they are not possible."""
    if model.plain_tags:
        raise TaggerError("the model predicts plain tags, which have no spans to redact")
    thresholds_of(None, model.labels, 1.0, dict.fromkeys(labels, 1.0))  # checks the labels
    wanted = parse_target(target) if target else None
    if wanted and (wanted.label or wanted.measure != "recall"):
        raise ValueError(f"{target!r}: expected a target such as recall=0.995 of all labels")
    if wanted and min_score is not None:
        raise ValueError("expected min_score or target, not both")
    asked = min_score if isinstance(min_score, Mapping) else {"": min_score} if min_score else {}
    given = thresholds_of(None, model.labels, UNMEASURED, min_score)
    rest = [label for label in labels or model.labels if label not in asked]
    if "" in asked or not rest:
        return given
    others = _of_dev(model, rest, wanted.value if wanted else None)
    return replace(others, by_label=given.by_label)


def _of_dev(model: Predictor, labels: Sequence[str], wanted: float | None) -> Thresholds:
    """Return the threshold of labels that dev supports; raise TaggerError if none reaches a share.

    Args:
        model: The model, or an average of several, which was not measured on dev.
        labels: The labels.
        wanted: Share of spans that must be hidden. Default: `HIGH_RECALL` or the highest.
    """
    whose = "" if set(labels) == set(model.labels) else f" of {', '.join(labels)}"
    entry = model.bundle.metrics.get("redaction") if len(model.members) == 1 else None
    table = _counts(entry, labels if whose else ()) if entry else None
    if table is not None:
        return _measured(table, wanted, whose)
    if wanted:
        raise TaggerError(
            f"a target needs counts on dev{whose}, which the model does not have; use --min-score, "
            "or measure one model on annotated text: tagger export RUN FILE"
        )
    promise = f"spans{whose} with a probability of at least {UNMEASURED:g}, not measured on dev"
    return Thresholds({}, UNMEASURED, (promise,))


def _counts(entry: Mapping[str, Any], labels: Sequence[str]) -> Mapping[str, Any] | None:
    """Return the counts on dev of some labels together, of all if none are given.

    A span counts as hidden only if spans of its own label hide it, so that the sum over labels is a
    lower bound. The result is None if dev was not measured for all of the labels.
    """
    if not labels:
        return entry
    parts = [entry.get("labels", {}).get(label) for label in labels]
    if not all(parts):
        return None
    sums = {
        name: np.sum([part[name] for part in parts], axis=0).tolist()
        for name in ("spans", "hidden", "tokens", "right")
    }
    return {"thresholds": entry["thresholds"], **sums}


def _measured(table: Mapping[str, Any], wanted: float | None, whose: str) -> Thresholds:
    """Return the highest threshold that hides enough on dev; raise TaggerError if none does."""
    shares = [hidden / max(table["spans"], 1) for hidden in table["hidden"]]
    fitting = [place for place, share in enumerate(shares) if share >= (wanted or HIGH_RECALL)]
    if wanted and not fitting:
        raise TaggerError(
            f"recall={wanted:g} cannot be reached: on dev at most {max(shares):.3f} of the spans"
            f"{whose} are hidden at any threshold"
        )
    place = fitting[-1] if fitting else 0
    needless = 1 - table["right"][place] / max(table["tokens"][place], 1)
    promise = (
        f"hides spans{whose} with a probability of at least {table['thresholds'][place]:g}; on dev "
        f"{100 * shares[place]:.1f} % of {table['spans']:,} spans were hidden completely, and "
        f"{100 * needless:.1f} % of the hidden tokens were in none"
    )
    return Thresholds({}, float(table["thresholds"][place]), (promise,))


@contextmanager
def _on_disk(source: str) -> Iterator[str]:
    """Return a context with the path of a file, a temporary one for standard input."""
    if source != STANDARD_INPUT:
        yield source
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stdin"
        with open(path, "wb") as stream:
            shutil.copyfileobj(sys.stdin.buffer, stream)
        yield str(path)


def _write(target: Path | None, content: bytes, mapping: Mapping[str, Any] | None) -> None:
    """Write a redacted file, after its map if there is one."""
    if target is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    if mapping is not None:
        with atomic_write(target.with_name(target.name + MAP_SUFFIX)) as stream:
            stream.write(json.dumps(mapping, ensure_ascii=False, indent=1) + "\n")
    with atomic_write(target, "wb") as stream:
        stream.write(content)
