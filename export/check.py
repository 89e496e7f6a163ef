"""Compare a model that was just written with the one it came from, on LiteRT."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from edgefer.errors import BundleError
from edgefer.progress import hushed

from .ask import ask

# Float TFLite and Keras differ by rounding only: 2e-6 at most on 3,589 faces.
_SAME = 0.01


@dataclass(frozen=True)
class Check:
    """How far one model's answers are from another's.

    Attributes
    ----------
    faces : int
        On how many faces.
    agreement : float
        Share of them on which both name the same emotion.
    largest, mean : float
        Difference of probabilities.
    """

    faces: int
    agreement: float
    largest: float
    mean: float

    @classmethod
    def of(cls, before: np.ndarray, after: np.ndarray) -> "Check":
        """Check of probabilities, float (N, K), against others of the same faces."""
        distance = np.abs(before - after)
        same = before.argmax(axis=1) == after.argmax(axis=1)
        return cls(len(before), float(same.mean()), float(distance.max()), float(distance.mean()))

    def to_json(self) -> Mapping[str, float]:
        """Everything, ready for JSON."""
        return asdict(self)


def require_same(check: Check) -> None:
    """Refuse a float model that answers otherwise than the network it was made from."""
    if not check.largest <= _SAME:
        raise BundleError(
            f"the float model's probabilities are up to {check.largest:.3f} from the network's, "
            f"expected {_SAME} at most: the conversion went wrong."
        )


def answers(
    model: bytes, patches: np.ndarray, kernels: OpResolverType = OpResolverType.AUTO
) -> np.ndarray:
    """Probabilities that LiteRT gives for patches, uint8 (N, S, S), as float32 (N, K).

    Raises
    ------
    BundleError
        If it cannot run the model.
    """
    interpreter, _ = load(model, kernels)
    with _running():
        return ask(interpreter, patches)


def xnnpack(model: bytes) -> dict[str, Any]:
    """In how many ``pieces`` XNNPACK takes a model on LiteRT, and which operators are ``outside``.

    One piece is fast; many, or a convolution outside, are many times slower. Of an int8 model the
    last softmax and the conversions between uint8 and int8 lie outside and cost next to nothing.
    """
    interpreter, given = load(model)
    steps = interpreter._get_ops_details()
    pieces = [step for step in steps if step["op_name"] == "DELEGATE"]
    # From the answer back to the pixels, over a whole piece in one step: what is met runs outside.
    # The pieces come last, after the operators that they take the place of.
    makers = {int(tensor): step for step in steps for tensor in step["outputs"]}
    outside: list[str] = []
    waiting = [int(out["index"]) for out in interpreter.get_output_details()]
    met = {given["index"]}
    while waiting:
        tensor = waiting.pop()
        if tensor in met or tensor not in makers:
            continue
        met.add(tensor)
        step = makers[tensor]
        if step["op_name"] != "DELEGATE":
            outside.insert(0, step["op_name"])
        waiting += map(int, step["inputs"])
    return {"pieces": len(pieces), "outside": outside}


def load(model: bytes, kernels: OpResolverType = OpResolverType.AUTO) -> tuple[Any, Any]:
    """Interpreter of LiteRT with a model in it, on one thread, and what it says of its input."""
    with _running():
        interpreter = Interpreter(
            model_content=model, num_threads=1, experimental_op_resolver_type=kernels
        )
        interpreter.allocate_tensors()
    (given,) = interpreter.get_input_details()
    return interpreter, given


@contextmanager
def _running() -> Iterator[None]:
    """LiteRT's errors as edgefer's; without the delegate that it announces on standard error."""
    try:
        with hushed():
            yield
    except (RuntimeError, ValueError) as error:
        said = " ".join(str(error).split())[:300].rstrip(".")
        raise BundleError(f"LiteRT cannot run the model: {said}") from error
