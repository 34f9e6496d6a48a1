"""Settings of recurrent layers that all kinds of networks share, with their defaults."""

from __future__ import annotations

from typing import Any

from tagger.cells import CELLS
from tagger.config.schema import setting

__all__ = ["cell", "dropout", "layers", "recurrent_dropout"]


def cell() -> Any:
    """Return the setting of the recurrent cell."""
    return setting("lstm", "Recurrent cell.", choices=CELLS)


def layers() -> Any:
    """Return the setting of the number of layers."""
    return setting(1, "Number of recurrent layers.", low=1, high=50)


def dropout(default: float, unit: str = "sequence") -> Any:
    """Return the setting of the dropout after each layer, with one mask per `unit`."""
    doc = f"Dropout rate after each layer, with one mask per {unit}."
    return setting(default, doc, low=0, high=0.95)


def recurrent_dropout() -> Any:
    """Return the setting of the dropout of recurrent weights."""
    doc = "Dropout rate of recurrent weights, with one mask per batch."
    return setting(0.0, doc, low=0, high=0.95)
