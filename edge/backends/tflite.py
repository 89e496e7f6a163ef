"""The one door to the TFLite interpreter, LiteRT's or tflite-runtime's."""

from collections.abc import Callable
from typing import Any

import numpy as np

from edgefer.errors import BackendError, install
from edgefer.progress import hushed

# Faces go in by so many at most: memory stays small, and larger batches are not faster.
BATCH = 64


def litert(model: bytes, threads: int = 1, *, delegates: bool = True) -> "TFLiteBackend":
    """Run a model on LiteRT, with XNNPACK unless ``delegates`` is off."""
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ImportError as error:
        raise BackendError(f"LiteRT cannot be loaded: {error}. Try: {install('edge')}.") from error
    kind = OpResolverType.AUTO if delegates else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    return TFLiteBackend(
        lambda: Interpreter(
            model_content=model, num_threads=threads, experimental_op_resolver_type=kind
        ),
        model,
    )


def tflite_runtime(model: bytes, threads: int = 1) -> "TFLiteBackend":
    """Run a model on tflite-runtime."""
    # It would import, then fail at its first model with a SystemError and a page about ABIs.
    if int(np.__version__.split(".")[0]) >= 2:
        raise BackendError(
            f"tflite-runtime is built for NumPy 1, and NumPy {np.__version__} is installed. "
            f"Try: {install('edge')} for LiteRT, or with '.[tflite-runtime]' in an environment of "
            "its own."
        )
    try:
        from tflite_runtime.interpreter import Interpreter
    except ImportError as error:
        raise BackendError(
            f"tflite-runtime cannot be loaded: {error}. "
            f"Try: {install('tflite-runtime')} with Python 3.10 or 3.11, or '.[edge]' for LiteRT."
        ) from error
    return TFLiteBackend(lambda: Interpreter(model_content=model, num_threads=threads), model)


class TFLiteBackend:
    """A model of one grey input and one row of probabilities.

    An int8 model takes the patch's own bytes and its answer is read with the output's scale; a
    float model takes float32 0..255.

    Attributes
    ----------
    size, classes : int
        Side of a patch in pixels, and number of probabilities.
    """

    def __init__(self, make: Callable[[], Any], model: bytes) -> None:
        """Load a model.

        Parameters
        ----------
        make : callable
            Gives the interpreter.
        model : bytes
            What it will read. tflite-runtime trusts it and would crash on a damaged one, which is
            why a bundle compares hashes first; LiteRT looks it through.

        Raises
        ------
        BackendError
            If these bytes are no TFLite model, or not one for patches.
        """
        if model[4:8] != b"TFL3":
            raise BackendError(
                "the model is no TFLite file: it lacks the mark TFL3. Export it again."
            )
        try:
            # LiteRT announces its delegate on standard error.
            with hushed():
                self._interpreter = make()
                self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            found = " ".join(str(error).split()).rstrip(".")
            raise BackendError(
                f"this runtime cannot load the model: {found}. "
                "Try: pip install --upgrade ai-edge-litert, or export the model again."
            ) from error
        inputs = self._interpreter.get_input_details()
        outputs = self._interpreter.get_output_details()
        if len(inputs) != 1 or len(outputs) != 1:
            raise BackendError(
                f"the model has {len(inputs)} inputs and {len(outputs)} outputs, expected one each."
            )
        self._input, self._output = inputs[0], outputs[0]
        self.size, self.classes = _shape(self._input, self._output)
        _check_scale(self._input)
        self._batch = int(self._input["shape"][0])

    def __call__(self, patches: np.ndarray) -> np.ndarray:
        answers = [self._run(patches[i : i + BATCH]) for i in range(0, len(patches), BATCH)]
        return np.concatenate(answers)

    def _run(self, patches: np.ndarray) -> np.ndarray:
        """Probabilities of one batch."""
        where = self._input["index"]
        # A change of size costs 0.02 ms (LiteRT) to 1.4 ms (tflite-runtime, float).
        if len(patches) != self._batch:
            self._interpreter.resize_tensor_input(where, [len(patches), self.size, self.size, 1])
            self._interpreter.allocate_tensors()
            self._batch = len(patches)
        self._interpreter.set_tensor(where, patches[..., None].astype(self._input["dtype"]))
        self._interpreter.invoke()
        answer: np.ndarray = self._interpreter.get_tensor(self._output["index"])
        if self._output["dtype"] == np.float32:
            return answer
        scale, zero = self._output["quantization"]
        # Steps of 1/256 do not quite sum to 1. Sums of them are exact, so every machine agrees.
        shares = (answer.astype(np.float32) - zero) * np.float32(scale)
        return shares / np.maximum(shares.sum(axis=1, keepdims=True), np.float32(scale))


def _shape(taken: dict[str, Any], given: dict[str, Any]) -> tuple[int, int]:
    """Side of a patch and number of answers."""
    shape, answers = taken["shape"].tolist(), given["shape"].tolist()
    if len(shape) != 4 or shape[1] != shape[2] or shape[3] != 1 or len(answers) != 2:
        raise BackendError(
            f"the model takes {shape} and gives {answers}, expected [N, S, S, 1] and [N, K]."
        )
    return shape[1], answers[1]


def _check_scale(taken: dict[str, Any]) -> None:
    """A pixel must be its own quantized value."""
    kind = np.dtype(taken["dtype"]).name
    if kind == "float32" or (kind == "uint8" and taken["quantization"] == (1.0, 0)):
        return
    scale, zero = taken["quantization"]
    raise BackendError(
        f"the model takes {kind} of scale {scale:g} and zero point {zero}, expected uint8 of scale "
        "1 and zero point 0, or float32. Export it again with edgefer export --int8."
    )
