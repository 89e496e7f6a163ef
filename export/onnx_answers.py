"""Ask an ONNX file on ONNX Runtime."""

from typing import Any

import numpy as np
import onnxruntime

from edgefer.errors import BundleError
from edgefer.progress import hushed

_BATCH = 64


def onnx_answers(data: bytes, patches: np.ndarray) -> np.ndarray:
    """Probabilities that ONNX Runtime gives for patches, uint8 (N, S, S), as float32 (N, K).

    The file may take its faces as (N, S, S, 1) or (N, 1, S, S).

    Raises
    ------
    BundleError
        If ONNX Runtime cannot load the file, or it takes no such patches.
    """
    session = load(data)
    given = session.get_inputs()[0]
    _, *rest = given.shape
    size = patches.shape[1]
    if given.type != "tensor(float)" or rest not in ([size, size, 1], [1, size, size]):
        raise BundleError(
            f"the ONNX model takes {given.type} {given.shape}, expected float faces of {size} "
            "pixels and one channel."
        )
    rows = []
    for start in range(0, len(patches), _BATCH):
        faces = patches[start : start + _BATCH].reshape(-1, *rest).astype(np.float32)
        rows += session.run(None, {given.name: faces})
    return np.concatenate(rows)


def load(data: bytes, *, threads: int = 1) -> Any:
    """An ``onnxruntime.InferenceSession`` on the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        with hushed():
            return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    # Its errors have no parent of their own.
    except Exception as error:
        raise BundleError(
            f"ONNX Runtime cannot load the model: {' '.join(str(error).split())[:400]}"
        ) from error
