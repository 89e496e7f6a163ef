"""Places in a picture: how far two overlap, and a cut around one."""

from collections.abc import Sequence

import cv2
import numpy as np

from edgefer.preprocess import Box

APART = 0.3  # overlap up to which two boxes are two faces


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes; 0 of two that are empty."""
    width = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    height = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    shared = max(0, width) * max(0, height)
    return shared / max(1, one.w * one.h + other.w * other.h - shared)


def apart(boxes: Sequence[Box], known: Sequence[Box]) -> list[Box]:
    """Boxes that are other faces than the known ones and than the boxes before them."""
    faces: list[Box] = []
    for box in boxes:
        if all(overlap(box, other) <= APART for other in (*known, *faces)):
            faces.append(box)
    return faces


def cut(image: np.ndarray, place: Box, reach: float) -> tuple[np.ndarray, Box]:
    """A picture around a place, as far as there is one.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W) or (H, W, 3)
    place : Box
    reach : float
        How far it goes beyond each side of the place, in widths of it.

    Returns
    -------
    ndarray and Box
        A view of the picture, and where it is; both may be empty.
    """
    height, width = image.shape[:2]
    margin = int(place.w * reach)
    left, top = max(0, place.x - margin), max(0, place.y - margin)
    right = max(left, min(width, place.x + place.w + margin))
    bottom = max(top, min(height, place.y + place.h + margin))
    return image[top:bottom, left:right], Box(left, top, right - left, bottom - top)


def shrink(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """A picture by area averaging; one that is small enough stays as it is."""
    if width >= image.shape[1]:
        return image
    sides = max(1, width), max(1, height)
    return np.asarray(cv2.resize(image, sides, interpolation=cv2.INTER_AREA))
