"""Training of taggers and language models: data, loop, checkpoints, distillation, export.

Most modules import Keras; `facts`, `observer`, `checkpoints`, `distillation` and `export.precision`
do not.
"""

import os
from importlib.util import find_spec

from tagger.errors import TaggerError

INSTALL = "pip install 'span-tagger[train]', or '.[train]' in the folder of its sources"
"""How to install everything that training needs, as a phrase for error messages."""


def require_packages(*packages: str) -> None:
    """Check that packages are installed: a plain installation can only tag and evaluate.

    Args:
        packages: Names of the packages; by default all that training needs, including the backend
            that KERAS_BACKEND names (TensorFlow if unset).

    Raises:
        TaggerError: One of them is not installed.
    """
    wanted = packages or (
        "datasets",
        "keras",
        "onnx",
        os.environ.get("KERAS_BACKEND") or "tensorflow",
    )
    missing = [name for name in wanted if find_spec(name) is None]
    if missing:
        raise TaggerError(
            f"this needs {', '.join(missing)}, which is not installed; install everything that "
            f"training needs: {INSTALL}"
        )
