"""The loop over files behind `tagger predict`, with its progress."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from tagger.cli.options import assigned
from tagger.cli.progress import Meter
from tagger.errors import TaggerError
from tagger.runtime import stream
from tagger.runtime.predictor import Predictor
from tagger.text.formats import ReadOptions

__all__ = ["tag_files"]


def tag_files(
    model: Predictor,
    inputs: Sequence[str],
    output: str | None,
    *,
    source_format: str | None,
    target_format: str | None,
    scheme: str | None,
    wrapped: bool,
    **columns: Any,
) -> list[TaggerError]:
    """Tag all files; the errors of those that could not be tagged."""
    options = reading(model, columns, wrapped)
    jobs = stream.plan(inputs, output, source_format=source_format, target_format=target_format)
    meter, begun, total, failures = Meter(), time.monotonic(), 0, []
    for number, job in enumerate(jobs, 1):
        told = _shown(meter, job.source, f"{number}/{len(jobs)}", total, begun)
        try:
            total += stream.run(model, job, options, scheme=scheme, told=told)
        except TaggerError as error:
            failures.append(error)
    meter.clear()
    if output is not None:
        seconds = time.monotonic() - begun
        tagged = f"{len(jobs) - len(failures)} of {len(jobs)} files, {total:,} tokens"
        click.echo(f"Tagged {tagged} in {seconds:.1f} s ({total / max(seconds, 1e-6):,.0f} tokens/s) into {output}", err=True)
    return failures


def _shown(meter: Meter, source: str, place: str, tagged_before: int, begun: float) -> stream.Told:
    """A callback that draws how far one file is."""
    size = Path(source).stat().st_size if Path(source).is_file() else 0

    def told(read: int, tokens: int) -> None:
        rate = (tagged_before + tokens) / max(time.monotonic() - begun, 1e-6)
        meter.show(min(read / size, 1) if size else 0, f"{place} {source}  {rate:,.0f} tokens/s")

    return told


def reading(model: Predictor, columns: dict[str, Any], wrapped: bool) -> ReadOptions:
    """As the model's training data was read, but for what is declared anew; annotations are left unread."""
    return replace(assigned(model.bundle.config, columns).data.reading, annotated=False, wrapped=wrapped)
