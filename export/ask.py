"""Ask a TFLite interpreter what it sees on faces; as a program, ask tflite-runtime's.

TensorFlow and LiteRT cannot share a process with tflite-runtime, so the program stands alone: with
NumPy and tflite-runtime, in the Python that has them, and never on a path where this folder's
``select.py`` would hide Python's own.

    python -I ask.py MODEL PATCHES ANSWERS

It prints one line of JSON, the ``version`` of tflite-runtime or what is ``missing``, before it
loads the model, and writes the probabilities.
"""

import json
import sys
from typing import Any

import numpy as np

_BATCH = 64


def ask(interpreter: Any, patches: np.ndarray) -> np.ndarray:
    """Probabilities, float32 (N, K), of patches, uint8 (N, S, S)."""
    (given,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()
    rows = []
    for start in range(0, len(patches), _BATCH):
        faces = patches[start : start + _BATCH, ..., None].astype(given["dtype"])
        interpreter.resize_tensor_input(given["index"], list(faces.shape))
        interpreter.allocate_tensors()
        interpreter.set_tensor(given["index"], faces)
        interpreter.invoke()
        row = interpreter.get_tensor(answer["index"])
        if answer["dtype"] != np.float32:
            # As the device reads it: steps of 1/256 do not quite sum to 1.
            scale, zero = answer["quantization"]
            row = (row.astype(np.float32) - zero) * np.float32(scale)
            row = row / np.maximum(row.sum(axis=1, keepdims=True), np.float32(scale))
        rows.append(row)
    return np.concatenate(rows)


def main(model: str, patches: str, answers: str) -> None:
    """Ask tflite-runtime."""
    try:
        import tflite_runtime
        from tflite_runtime.interpreter import Interpreter
    except ImportError as error:
        print(json.dumps({"missing": f"it cannot be loaded: {error}"}))
        return
    # The import succeeds, and the first model breaks.
    if int(np.__version__.split(".")[0]) >= 2:
        print(json.dumps({"missing": f"it is for NumPy 1, and NumPy {np.__version__} is there"}))
        return
    print(json.dumps({"version": tflite_runtime.__version__}), flush=True)
    interpreter = Interpreter(model_path=model, num_threads=1)
    np.save(answers, ask(interpreter, np.load(patches)))


if __name__ == "__main__":
    main(*sys.argv[1:])
