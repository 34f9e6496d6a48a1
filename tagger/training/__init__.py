"""Training of taggers and language models: data, loop, checkpoints, distillation, export.

Most modules import Keras; `facts`, `observer`, `checkpoints`, `distillation` and `export.precision`
do not.
"""

import os
from contextlib import suppress
from importlib.util import find_spec

from tagger.errors import TaggerError, not_installed

_TENSORFLOW_BYTES = 2_700_000_000
"""Address space with which a small training works; with less, TensorFlow 2.21 hangs or aborts."""


def require_packages(*packages: str) -> None:
    """Check that packages are installed: a plain installation can only tag and evaluate.

    Args:
        packages: Names of the packages; by default all that training needs, including the backend
            that KERAS_BACKEND names (TensorFlow if unset).

    Raises:
        TaggerError: One of them is not installed; or this process may not use enough memory for
            TensorFlow, which would hang or abort.
    """
    backend = os.environ.get("KERAS_BACKEND") or "tensorflow"
    if not packages and backend == "tensorflow":
        _require_memory()
    wanted = packages or (
        "datasets",
        "keras",
        "onnx",
        backend,
    )
    missing = [name for name in wanted if find_spec(name) is None]
    if missing:
        raise not_installed(f"this needs {', '.join(missing)}", "train")


def _require_memory() -> None:
    """Check that the limit of this process (ulimit -v) leaves enough memory for TensorFlow."""
    with suppress(ImportError):  # on Windows there are no such limits
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit != resource.RLIM_INFINITY and limit < _TENSORFLOW_BYTES:
            raise TaggerError(
                f"this process may use {limit / 1e6:,.0f} MB of memory, but training needs at "
                f"least {_TENSORFLOW_BYTES / 1e6:,.0f} MB; raise the limit: ulimit -v unlimited"
            )
