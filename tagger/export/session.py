"""A graph in ONNX Runtime."""

from __future__ import annotations

from typing import Any

from tagger.errors import BundleError

__all__ = ["session_of"]


def session_of(serialized: bytes, name: str, weights: str) -> Any:
    """A session of one thread; `weights` is the digest of those that the graph must be of.

    Raises:
        BundleError: the graph is of other weights, or cannot be run.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = (
        1  # two runs at once are faster than one on two threads
    )
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            serialized, options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # ONNX Runtime raises many kinds for a file that somebody made up
        raise BundleError(
            f"{name}: cannot be run: {str(error)[:200]}; make it anew: tagger export RUN"
        ) from error
    if session.get_modelmeta().custom_metadata_map.get("weights") != weights:
        raise BundleError(
            f"{name}: is not of the weights in weights.npz; make it anew: tagger export RUN"
        )
    return session
