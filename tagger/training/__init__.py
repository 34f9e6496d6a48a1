"""Training: configuration, the loop, and what is kept on the way. Only the trainer imports
Keras.
"""

import os
from importlib.util import find_spec

from tagger.errors import TaggerError

INSTALL = "pip install 'span-tagger[train]', or '.[train]' in the folder of its sources"


def require_packages(*packages: str) -> None:
    """See that these packages are installed, by default all that training needs: a plain
    installation can tag and evaluate.

    Raises:
        TaggerError: one is not.
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
            f"this needs {', '.join(missing)}, not installed here; install all that trains: "
            f"{INSTALL}"
        )
