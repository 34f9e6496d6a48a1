"""Hardware settings for training: the C library's allocator and TensorFlow's threads."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress

import keras

from tagger.cpu import cores

__all__ = ["device", "keep_freed_memory", "set_thread_counts"]

# Options of mallopt in glibc's malloc.h
_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8


def device() -> str:
    """Return what Keras trains on: the number of CPU cores, or the accelerators."""
    names: list[str] = keras.distribution.list_devices()
    if all(name.startswith("cpu") for name in names):
        count = cores()
        return f"{count} CPU core{'s' * (count != 1)}"
    return ", ".join(names)


def keep_freed_memory() -> None:
    """Make glibc keep freed memory for reuse instead of returning it to the operating system.

    A training step allocates and frees the same megabytes again and again. By default they are
    returned and come back as fresh pages, each with a page fault: up to half of the training time
    was spent on that. A higher threshold for separate mappings does not help with several threads;
    forbidding such mappings does. The setting affects the whole process. Without glibc, nothing
    happens.
    """
    with suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        for parameter, value in ((_TRIM_THRESHOLD, 1 << 30), (_MMAP_MAX, 0), (_ARENA_MAX, 1)):
            mallopt(parameter, value)


def set_thread_counts(chains: int) -> None:
    """Configure TensorFlow to run independent chains of operations in parallel.

    Each chain receives an equal part of the cores. A recurrent layer is a long chain of small
    products: on two cores, two directions with one thread each took two thirds of the time that
    they take if both split every product between two threads, as TensorFlow does by default.
    Nothing changes if TensorFlow has already been initialized, if TF_NUM_INTRAOP_THREADS is set, or
    on other backends.

    Args:
        chains: Number of chains, such as the directions of a recurrent layer.
    """
    if keras.backend.backend() != "tensorflow" or "TF_NUM_INTRAOP_THREADS" in os.environ:
        return
    import tensorflow

    with suppress(RuntimeError):
        tensorflow.config.threading.set_inter_op_parallelism_threads(max(chains, 2))
        tensorflow.config.threading.set_intra_op_parallelism_threads(max(cores() // chains, 1))
