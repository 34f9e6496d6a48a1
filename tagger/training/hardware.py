"""The machine, set for training: the C library's allocator and TensorFlow's threads."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress

import keras

from tagger.cpu import cores

__all__ = ["keep_freed_memory", "set_thread_counts"]

_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8  # glibc's malloc.h


def keep_freed_memory() -> None:
    """Let glibc keep what is freed for the next step instead of giving it back to the system;
    elsewhere, do nothing.

    A training step allocates and frees the same megabytes again and again. By default they are
    returned and come back as fresh pages, each with a page fault: that was up to half of a
    training's time. A higher threshold for maps of their own does not help where several threads
    work; forbidding them does.
    """
    with suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        for parameter, value in ((_TRIM_THRESHOLD, 1 << 30), (_MMAP_MAX, 0), (_ARENA_MAX, 1)):
            mallopt(parameter, value)


def set_thread_counts(chains: int) -> None:
    """Let TensorFlow run as many chains of operations side by side as the network has, each on its
    part of the cores.

    A recurrent layer is a long chain of small products: on two cores, two directions with a thread
    each took two thirds of the time that they take when both divide every product between two
    threads, as TensorFlow does by itself. Where TensorFlow is at work already, or its threads are
    set by TF_NUM_INTRAOP_THREADS, they stay as they are.
    """
    if keras.backend.backend() != "tensorflow" or "TF_NUM_INTRAOP_THREADS" in os.environ:
        return
    import tensorflow

    with suppress(RuntimeError):
        tensorflow.config.threading.set_inter_op_parallelism_threads(max(chains, 2))
        tensorflow.config.threading.set_intra_op_parallelism_threads(max(cores() // chains, 1))
