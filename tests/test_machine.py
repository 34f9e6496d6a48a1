"""TensorFlow's threads: shared between the network's chains, unless somebody has decided
otherwise.
"""

from __future__ import annotations

import os
import subprocess
import sys

import keras
import pytest
from support.processes import PATIENCE

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="the threads are TensorFlow's"
)

ASKED = """
import tensorflow
from tagger.cpu import cores
from tagger.training.hardware import keep_freed_memory, set_thread_counts
keep_freed_memory()
set_thread_counts(2)
print(int(tensorflow.constant(1) + 1))  # TensorFlow begins to work
set_thread_counts(1)
threading = tensorflow.config.threading
print(threading.get_inter_op_parallelism_threads(), threading.get_intra_op_parallelism_threads())
print(cores())
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("environment", "expected"),
    [({}, "2 {half}"), ({"TF_NUM_INTRAOP_THREADS": "3"}, "0 0")],
    ids=["by itself", "as the user said"],
)
def test_cores_are_shared_between_chains(environment: dict[str, str], expected: str) -> None:
    environment = {**os.environ, **environment}
    done = subprocess.run(
        [sys.executable, "-c", ASKED],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    worked, threads, cores = done.stdout.splitlines()
    assert worked == "2"
    assert threads == expected.format(half=max(int(cores) // 2, 1))
