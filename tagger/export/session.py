"""Sessions of graphs in ONNX Runtime."""

from __future__ import annotations

from typing import Any

from tagger.errors import BundleError

__all__ = ["session_of"]


def session_of(serialized: bytes, name: str, weights: str) -> Any:
    """Open a graph in ONNX Runtime, on the CPU.

    A run takes one thread, the caller's; several threads may run the session at once.

    Args:
        serialized: The bytes of an .onnx file.
        name: The name of the file, for errors.
        weights: The digest of the weights that the graph must have been created from.

    Returns:
        An onnxruntime.InferenceSession.

    Raises:
        BundleError: The graph was created from other weights, or cannot be run.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # Two runs at once are faster than one on two threads.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            serialized, options, providers=["CPUExecutionProvider"]
        )
    # ONNX Runtime raises exceptions of many types for a crafted or damaged file.
    except Exception as error:
        raise BundleError(
            f"{name}: cannot be run: {str(error)[:200]}; create it again: tagger export RUN"
        ) from error
    if session.get_modelmeta().custom_metadata_map.get("weights") != weights:
        raise BundleError(
            f"{name}: was not created from weights.npz; create it again: tagger export RUN"
        )
    return session
