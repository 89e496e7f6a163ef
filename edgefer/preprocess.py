"""Turn a face in a picture into the patch that every model reads."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from edgefer.errors import DataError

PREPROCESS = "gray-area-1"

# FER2013's own pictures are Haar boxes: over 1,172 of its faces the frontal cascade's box is .984
# of the picture's side (median), so a box grows by 1/64 to show a model what it was trained on.
_WIDEN = 64

# Every side of a face has weights of its own: 16 of 1 MB at most stay in memory.
_KEEP = 2**17


class Box(NamedTuple):
    """Where a face is in a picture, in pixels; it may reach past the border."""

    x: int
    y: int
    w: int
    h: int


def to_patch(image: np.ndarray, box: Box, size: int = 48) -> np.ndarray:
    """Cut a face out of a picture and bring it to the model's size, in integers only.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W) or (H, W, 3)
        A grey or BGR picture.
    box : Box
        The detector's box. It is squared around its middle and widened by 1/64; what lies past the
        border repeats the edge.
    size : int
        Side of the patch, in pixels: the bundle's.

    Returns
    -------
    ndarray of uint8, shape (S, S)
        The same bytes on every machine.

    Raises
    ------
    DataError
        If the picture or the box is empty.
    """
    side = max(box.w, box.h)
    return _resize(_gray(_crop(image, _squared(box, side + side // _WIDEN))), size)


def face_to_patch(face: np.ndarray, size: int = 48) -> np.ndarray:
    """Bring a picture that is already a cut-out face to the model's size.

    Parameters
    ----------
    face : ndarray of uint8, shape (H, W) or (H, W, 3)
        A grey or BGR picture; the shorter side is filled up by repeating the edge, never stretched.
    size : int
        Side of the patch, in pixels.

    Returns
    -------
    ndarray of uint8, shape (S, S)
        A grey picture of the right size comes back unchanged.

    Raises
    ------
    DataError
        If the picture is empty.
    """
    height, width = face.shape[:2]
    box = Box(0, 0, width, height)
    return _resize(_gray(_crop(face, _squared(box, max(width, height)))), size)


def _squared(box: Box, side: int) -> Box:
    """A square of this side around the middle of a box."""
    return Box(box.x + (box.w - side) // 2, box.y + (box.h - side) // 2, side, side)


def _crop(image: np.ndarray, box: Box) -> np.ndarray:
    """Cut a box out of a picture; past the border the edge repeats."""
    height, width = image.shape[:2]
    if min(height, width, box.w, box.h) < 1:
        raise DataError(f"there is no face in box {tuple(box)} of a {width}x{height} picture.")
    if box.x >= 0 and box.y >= 0 and box.x + box.w <= width and box.y + box.h <= height:
        return image[box.y : box.y + box.h, box.x : box.x + box.w]
    rows = np.clip(np.arange(box.y, box.y + box.h), 0, height - 1)
    columns = np.clip(np.arange(box.x, box.x + box.w), 0, width - 1)
    return image[rows[:, None], columns]


def _gray(image: np.ndarray) -> np.ndarray:
    """BGR to grey; a grey picture, or one whose channels are equal, keeps its values."""
    if image.ndim == 2:
        return image
    blue, green, red = (image[..., channel].astype(np.uint32) for channel in range(3))
    return ((77 * red + 150 * green + 29 * blue + 128) >> 8).astype(np.uint8)


def _resize(image: np.ndarray, size: int) -> np.ndarray:
    """Area averaging down, bilinear interpolation up: weights @ image @ weights.T, rounded once.

    The weights are integers and every sum stays below 2**53, so float64 products are exact in
    whatever order a machine adds them.
    """
    if image.shape == (size, size):
        return image.copy()
    weights, total = _weights(image.shape[0], size)
    area = total * total
    sums = (weights @ image.astype(np.float64) @ weights.T).astype(np.int64)
    return ((2 * sums + area) // (2 * area)).astype(np.uint8)


def _weights(source: int, size: int) -> tuple[np.ndarray, int]:
    """Weights of `_reckon`, kept for sides that come again; large ones are soon made anew."""
    return (_kept if source * size <= _KEEP else _reckon)(source, size)


def _reckon(source: int, size: int) -> tuple[np.ndarray, int]:
    """Integer weights (size, source) of a resize along one side, and the sum of each row.

    Down: output cell i covers [i * source, (i + 1) * source), source pixel j covers
    [j * size, (j + 1) * size); a weight is their overlap. Up: the middle of output cell i lies at
    ((2i + 1) * source - size) / (2 * size) in source pixels; a weight is 2 * size times the
    nearness of the two pixels beside it.
    """
    if size <= source:
        cells, pixels = np.arange(size) * source, np.arange(source) * size
        starts = np.maximum.outer(cells, pixels)
        ends = np.minimum.outer(cells + source, pixels + size)
        return np.maximum(ends - starts, 0).astype(np.float64), source
    low, part = np.divmod((2 * np.arange(size) + 1) * source - size, 2 * size)
    weights = np.zeros((size, source))
    np.add.at(weights, (np.arange(size), np.clip(low, 0, source - 1)), 2 * size - part)
    np.add.at(weights, (np.arange(size), np.clip(low + 1, 0, source - 1)), part)
    return weights, 2 * size


_kept = lru_cache(maxsize=16)(_reckon)
