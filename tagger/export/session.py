"""Sessions of graphs in ONNX Runtime, whose outputs are checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from tagger.errors import BundleError, is_out_of_memory

__all__ = ["Session", "open_graph"]


class Session:
    """A graph in ONNX Runtime, on the CPU.

    A run takes one thread, the caller's; several threads may run the session at once.

    Args:
        serialized: The bytes of an .onnx file, which `tagger.bundles.graphs` has checked.
        name: The name of the file, for errors.
        weights: The digest of the weights that the graph must have been created from.

    Attributes:
        inputs: The names of the graph's inputs.

    Raises:
        BundleError: The graph was created from other weights, or cannot be run.
    """

    def __init__(self, serialized: bytes, name: str, weights: str) -> None:
        import onnxruntime

        self.name = name
        options = onnxruntime.SessionOptions()
        # Two runs at once are faster than one on two threads.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                serialized,
                options,
                providers=["CPUExecutionProvider"],
                # Our graphs have no constants to compute; others could fill the memory here.
                disabled_optimizers=["ConstantFolding"],
                enable_fallback=0,  # which would print to standard output
            )
            recorded = self._session.get_modelmeta().custom_metadata_map.get("weights")
            self.inputs = {value.name for value in self._session.get_inputs()}
        # ONNX Runtime raises exceptions of many types for a crafted or damaged file.
        except Exception as error:
            raise self._error(error) from error
        if recorded != weights:
            raise BundleError(
                f"{name}: was not created from weights.npz; create it again: tagger export RUN"
            )

    def run(
        self, shapes: Mapping[str, tuple[int, ...]], inputs: Mapping[str, np.ndarray]
    ) -> list[np.ndarray]:
        """Run the graph.

        Args:
            shapes: The names and expected shapes of the wanted outputs.
            inputs: The inputs by name.

        Returns:
            The outputs in the order of `shapes`, float32 and finite.

        Raises:
            BundleError: The graph cannot be run, or an output is not as expected.
            MemoryError: There is not enough memory.
        """
        try:
            outputs: list[np.ndarray] = self._session.run(list(shapes), dict(inputs))
        except Exception as error:
            raise self._error(error) from error
        for (name, shape), output in zip(shapes.items(), outputs, strict=True):
            if output.dtype != np.float32 or output.shape != shape:
                raise BundleError(
                    f"{self.name}: computes {name} {output.shape} {output.dtype}, expected "
                    f"{shape} float32; create it again: tagger export RUN"
                )
            if not np.isfinite(output).all():
                raise BundleError(
                    f"{self.name}: computes infinite numbers or NaN for {name}; the model is "
                    "damaged; train it again"
                )
        return outputs

    def _error(self, error: Exception) -> Exception:
        """Return the exception that stands for one of ONNX Runtime."""
        if is_out_of_memory(error):
            return MemoryError(f"{self.name}: {str(error)[:200]}")
        return BundleError(
            f"{self.name}: cannot be run: {str(error)[:200]}; create it again: tagger export RUN"
        )


class _Graphs(Protocol):
    """A bundle with graphs."""

    @property
    def graphs(self) -> dict[str, bytes]: ...
    @property
    def weights_digest(self) -> str: ...


def open_graph(bundle: _Graphs, name: str) -> Session:
    """Open a graph of a bundle in ONNX Runtime.

    Args:
        bundle: The bundle.
        name: The file name of the graph.

    Returns:
        A new session.

    Raises:
        BundleError: The bundle lacks the graph, or it was created from other weights or cannot be
            run.
    """
    if name not in bundle.graphs:
        raise BundleError(f"has no {name}; create it: tagger export RUN")
    return Session(bundle.graphs[name], name, bundle.weights_digest)
