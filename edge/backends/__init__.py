"""The runtimes that can execute a TFLite model."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Protocol

import numpy as np

from edgefer.errors import BackendError, install
from edgefer.plugins import build, resolve


class Backend(Protocol):
    """A model that is loaded and answers.

    Attributes
    ----------
    size : int
        Side of the patches it takes, in pixels.
    classes : int
        How many probabilities it gives.
    """

    size: int
    classes: int

    def __call__(self, patches: np.ndarray) -> np.ndarray:
        """Probabilities, float32 (N, K), of patches, uint8 (N, S, S), N at least 1.

        A face's answer does not depend on the others in the batch, but for the last bit of a float
        model's.
        """
        ...


def _litert(model: bytes, threads: int) -> Backend:
    from .tflite import litert

    return litert(model, threads)


def _builtin(model: bytes, threads: int) -> Backend:
    from .tflite import litert

    return litert(model, threads, delegates=False)


def _tflite_runtime(model: bytes, threads: int) -> Backend:
    from .tflite import tflite_runtime

    return tflite_runtime(model, threads)


# "builtin" is LiteRT without XNNPACK: slower, and to the bit what tflite-runtime answers for int8.
BACKENDS: dict[str, Callable[[bytes, int], Backend]] = {
    "litert": _litert,
    "tflite-runtime": _tflite_runtime,
    "builtin": _builtin,
}


def open_backend(name: str, model: bytes, *, threads: int = 1) -> Backend:
    """Load a TFLite model.

    Parameters
    ----------
    name : str
        ``auto`` (LiteRT where it is installed, else tflite-runtime), a key of `BACKENDS`, or
        ``package.module:attribute``.
    model : bytes
        The file's content.
    threads : int
        How many the runtime may use. One is the default because it is the fastest that never hurts:
        on two busy cores an int8 face took tflite-runtime 1.8 ms with one and 46 ms with two.

    Raises
    ------
    BackendError
        If no runtime is installed, or the model is not one that it can run.
    """
    maker = resolve(installed() if name == "auto" else name, BACKENDS)
    contract, members = "edgefer.edge.backends.Backend", ("__call__", "size", "classes")
    backend: Backend = build(name, maker, contract, members, model, threads)
    return backend


def installed() -> str:
    """Name of the runtime that ``auto`` stands for here."""
    if find_spec("ai_edge_litert"):
        return "litert"
    if find_spec("tflite_runtime"):
        return "tflite-runtime"
    raise BackendError(f"no TFLite runtime is installed. Try: {install('edge')}.")
