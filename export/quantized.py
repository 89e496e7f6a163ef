"""Quantize a bundle's network again and again, and ask what comes out for emotions."""

from collections.abc import Callable

import numpy as np

from edgefer.bundle import Bundle
from edgefer.keras import load_model

from .check import answers
from .convert import to_float, to_int8


def asker(model: bytes) -> Callable[[np.ndarray], np.ndarray]:
    """From patches, uint8 (N, S, S), to the class ids that LiteRT answers, (N,)."""
    return lambda patches: answers(model, patches).argmax(axis=1)


def models(
    bundle: Bundle,
) -> tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], Callable[..., np.ndarray]]]:
    """The float model of a bundle's network, and what makes its int8 model of calibration faces."""
    network = load_model(bundle.path("keras"))
    return asker(to_float(network)), lambda patches: asker(to_int8(network, patches))
