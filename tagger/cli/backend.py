"""The library that trains: its name, and its quiet import."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["backend_name", "quiet_stderr"]


def backend_name() -> str:
    """Return the name of the library that trains."""
    names = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
    backend = os.environ.get("KERAS_BACKEND") or "tensorflow"
    return names.get(backend, backend)


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Discard whatever is written to the file descriptor of stderr inside the block.

    TensorFlow's C++ library logs there when it is imported. Python errors still propagate. From
    then on TensorFlow logs errors only, not how often it compiles a function.

    Yields:
        Nothing.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # what it would log later on
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)
