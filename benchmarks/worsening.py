"""Make the patch of a face worse, as a lens, the light or the distance would."""

from collections.abc import Callable

import cv2
import numpy as np

Worse = Callable[[np.ndarray], np.ndarray]  # of a patch, uint8 (S, S)


def lit(times: float) -> Worse:
    """In so many times the light."""
    return lambda face: np.minimum(face * float(times), 255).astype(np.uint8)


def blurred(sigma: float) -> Worse:
    """Out of focus: the standard deviation, in pixels of the patch."""
    return lambda face: cv2.GaussianBlur(face, (0, 0), sigma)


def moved(pixels: int) -> Worse:
    """Moved to the side by so many pixels of the patch while the picture was taken."""
    return lambda face: cv2.blur(face, (pixels, 1))


def small(side: int) -> Worse:
    """Seen with so many pixels, and enlarged."""
    return lambda face: cv2.resize(
        cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA), face.shape
    )


def noisy(sigma: float) -> Worse:
    """With noise of this standard deviation, in grey levels; the same in every run."""
    rng = np.random.default_rng(0)
    return lambda face: np.clip(face + rng.normal(0, sigma, face.shape), 0, 255).astype(np.uint8)
