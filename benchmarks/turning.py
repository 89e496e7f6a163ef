"""Turn a face of a picture on a round head with a nose, as a camera would see it."""

import cv2
import numpy as np

from edgefer.preprocess import Box

# Of a cascade's box: half the head's width, half its height, how far its middle lies above the
# box's; the nose's length as a share of the width, its place and its size.
WIDE, TALL, ABOVE = 0.46, 0.66, 0.04
NOSE, NOSE_DOWN, NOSE_ACROSS, NOSE_ALONG = 0.30, 0.12, 0.16, 0.10
SEEN = 1.35  # radians from the middle up to which a picture shows a head; beyond it is stretched
GRID = 260  # points across a head and down it


def turned(gray: np.ndarray, box: Box, yaw: float, pitch: float, roll: float) -> np.ndarray:
    """A picture whose face, which looks at the camera, looks elsewhere.

    Each point of the head takes its grey value from the picture, is turned, and is painted in order
    of depth. What the head no longer covers is filled from around it.

    Parameters
    ----------
    gray : ndarray of uint8, shape (H, W)
    box : Box
        A frontal cascade's.
    yaw, pitch, roll : float
        Degrees: to the picture's right, down, clockwise.

    Returns
    -------
    ndarray of uint8, shape (H, W)
    """
    x, y, unit = box.x + box.w / 2, box.y + box.h / 2 - ABOVE * box.w, box.w
    wide, tall = WIDE * unit, TALL * unit
    angles = np.radians(np.linspace(-150, 150, GRID, dtype=np.float32))
    around, down = np.meshgrid(angles, np.linspace(-0.98, 0.98, GRID, dtype=np.float32))
    nose = np.exp(-0.5 * (around / NOSE_ACROSS) ** 2)
    nose *= np.exp(-0.5 * ((down * tall / unit - NOSE_DOWN) / NOSE_ALONG) ** 2)
    radius = wide * (1 + NOSE * nose) * np.sqrt(1 - down * down)
    shown = x + radius * np.sin(np.clip(around, -SEEN, SEEN))
    tones = cv2.remap(
        gray,
        shown.astype(np.float32),
        (y + tall * down).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    right, low, near = radius * np.sin(around), tall * down, radius * np.cos(around)
    right, near = _rotated(right, near, -yaw)
    low, near = _rotated(low, near, -pitch)
    right, low = _rotated(right, low, roll)
    order = np.argsort(near, axis=None)
    order = order[near.ravel()[order] > -0.2 * wide]
    columns = np.rint(right.ravel()[order] + x).astype(int)
    rows = np.rint(low.ravel()[order] + y).astype(int)
    inside = (columns >= 0) & (columns < gray.shape[1]) & (rows >= 0) & (rows < gray.shape[0])
    layer, cover = np.zeros_like(gray), np.zeros_like(gray)
    layer[rows[inside], columns[inside]] = tones.ravel()[order][inside]
    cover[rows[inside], columns[inside]] = 1
    holes = cv2.morphologyEx(cover, cv2.MORPH_CLOSE, np.ones((3, 3))) & (1 - cover)
    layer = np.where(holes, cv2.medianBlur(layer, 5), layer)
    head = (round(x), round(y)), (round(1.25 * wide), round(1.05 * tall))
    return np.where(cover | holes, layer, _without(gray, *head)).astype(np.uint8)


def _rotated(one: np.ndarray, other: np.ndarray, degrees: float) -> tuple[np.ndarray, np.ndarray]:
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return one * cos - other * sin, one * sin + other * cos


def _without(gray: np.ndarray, middle: tuple[int, int], axes: tuple[int, int]) -> np.ndarray:
    """The picture without what lies in an ellipse; coarsely, as a background out of focus."""
    mask = np.zeros_like(gray)
    cv2.ellipse(mask, middle, axes, 0, 0, 360, 255, -1)
    small = cv2.resize(gray, None, fx=0.125, fy=0.125, interpolation=cv2.INTER_AREA)
    hole = cv2.resize(mask, small.shape[::-1], interpolation=cv2.INTER_NEAREST)
    filled = cv2.resize(cv2.inpaint(small, hole, 3, cv2.INPAINT_TELEA), gray.shape[::-1])
    return np.asarray(np.where(mask > 0, filled, gray))
