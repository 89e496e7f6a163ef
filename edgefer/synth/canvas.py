"""Paint and model a head: tones in one layer, depth in another, both lit at the end."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

# Height of the eyes, as a share of the side: room for hair above, for a dropped jaw below.
EYES = 0.465
# The canvas's upper left corner, seen from the eyes.
_CORNER = np.array([2, 4 * EYES], np.float32)
# Subpixel bits of OpenCV's drawing functions.
_BITS = 4


@dataclass(frozen=True)
class Shot:
    """How a head stands to the camera, and what light and camera do to it.

    Attributes
    ----------
    yaw, pitch, roll : float
        Radians: to the picture's right, down, clockwise.
    light_x, light_y : float
        Where the light comes from, in units of its distance in front of the face: right, down.
    ambient : float
        Share of light that comes from everywhere, 0 to 1.
    gain, gamma : float
        Exposure.
    blur : float
        Standard deviation of the lens blur, in distances between the pupils.
    noise : float
        Standard deviation of the sensor's noise, in grey values.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    light_x: float = 0.0
    light_y: float = -0.3
    ambient: float = 0.5
    gain: float = 1.0
    gamma: float = 1.0
    blur: float = 0.03
    noise: float = 2.0


class Canvas:
    """A square picture of one head, four pupil distances wide, upright.

    Points are (x, y) in pupil distances from the point between the eyes, shape (N, 2); turning the
    head moves them by their depth. What is painted later covers what was there.
    """

    def __init__(self, side: int, shot: Shot) -> None:
        self.unit = side / 4
        self.shot = shot
        self._turn = np.array([np.sin(shot.yaw), np.sin(shot.pitch)], np.float32)
        self.tone: np.ndarray = np.zeros((side, side), np.uint8)
        self.alpha = np.zeros((side, side), np.uint8)
        self._folds = np.zeros((side, side), np.uint8)
        self._bumps: list[tuple[float, float, float, float, float]] = []

    def body(self, points: np.ndarray, tone: float) -> None:
        """Fill an area that hides the background."""
        self.fill(points, tone)
        cv2.fillPoly(self.alpha, [self._pixels(points)], 255, cv2.LINE_AA, _BITS)

    def fill(self, points: np.ndarray, tone: float) -> None:
        """Fill an area of the head."""
        cv2.fillPoly(self.tone, [self._pixels(points)], tone, cv2.LINE_AA, _BITS)

    def line(self, points: np.ndarray, width: float, tone: float, *, closed: bool = False) -> None:
        """Draw a line of this width."""
        self._stroke(self.tone, points, width, tone, closed=closed)

    def soften(self, radius: float) -> None:
        """Blur what has been painted so far."""
        self.tone = cv2.GaussianBlur(self.tone, (0, 0), radius * self.unit)

    def bump(self, x: float, y: float, wide: float, tall: float, height: float) -> None:
        """Raise the surface (or sink it) by a Gaussian hill."""
        self._bumps.append((x, y, wide, tall, height))

    def fold(self, points: np.ndarray, depth: float, width: float = 0.05) -> None:
        """Press a wrinkle into the surface; depth 0 to 1."""
        if depth > 0.02:
            self._stroke(self._folds, points, width, min(255, 255 * depth), closed=False)

    def lit(self, relief: float) -> np.ndarray:
        """The head under the shot's light, float32 (side, side), before the camera.

        Light is what a matt surface returns (the cosine between its normal and the light) less what
        its valleys lose (they lie below their blurred surroundings).
        """
        shot, unit = self.shot, self.unit
        folds = cv2.GaussianBlur(self._folds, (0, 0), 0.03 * unit).astype(np.float32)
        depth = _skull(len(self.tone)) + np.float32(relief * unit) * self._hills()
        depth -= np.float32(0.0004 * unit) * folds
        slope_x = cv2.Sobel(depth, -1, 1, 0, scale=1 / 8)
        slope_y = cv2.Sobel(depth, -1, 0, 1, scale=1 / 8)
        toward = 1 - slope_x * np.float32(shot.light_x) - slope_y * np.float32(shot.light_y)
        distance = np.float32(1 + shot.light_x**2 + shot.light_y**2)
        cosine = toward / cv2.sqrt(distance * (1 + slope_x * slope_x + slope_y * slope_y))
        valley = cv2.GaussianBlur(depth, (0, 0), 0.16 * unit) - depth
        light = np.float32(shot.ambient) + np.float32(1 - shot.ambient) * np.maximum(cosine, 0)
        loss = np.clip(1 - np.float32(6 / unit) * valley, 0.35, 1.15)
        lit: np.ndarray = self.tone * light * loss
        return lit

    def _stroke(
        self, layer: np.ndarray, points: np.ndarray, width: float, value: float, *, closed: bool
    ) -> None:
        thick = max(1, round(width * self.unit))
        cv2.polylines(layer, [self._pixels(points)], closed, value, thick, cv2.LINE_AA, _BITS)

    def _hills(self) -> np.ndarray:
        # A sum of upright Gaussians is one matrix product of their profiles.
        bumps = np.array(self._bumps, np.float32)
        center = self._turned(bumps[:, :2])
        x, y = _axes(len(self.tone))
        across = np.exp(-0.5 * ((x - center[:, :1]) / bumps[:, 2:3]) ** 2)
        down = np.exp(-0.5 * ((y - center[:, 1:]) / bumps[:, 3:4]) ** 2)
        hills: np.ndarray = (down * bumps[:, 4:]).T @ across
        return hills

    def _turned(self, points: np.ndarray) -> np.ndarray:
        depth = _depth(points[:, 0], points[:, 1])
        turned: np.ndarray = points + depth[:, None] * self._turn
        return turned

    def _pixels(self, points: np.ndarray) -> np.ndarray:
        fine = (self._turned(points) + _CORNER) * (self.unit * 2**_BITS)
        pixels: np.ndarray = np.rint(fine).astype(np.int32)
        return pixels


def _axes(side: int) -> tuple[np.ndarray, np.ndarray]:
    pixel = np.arange(side, dtype=np.float32) * np.float32(4 / side)
    return pixel - _CORNER[0], pixel - _CORNER[1]


@lru_cache(maxsize=64)
def _skull(side: int) -> np.ndarray:
    """Depth of the bare skull, in pixels, float32 (side, side)."""
    x, y = _axes(side)
    return np.float32(side / 4) * _depth(x[None, :], y[:, None])


def _depth(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """How far the bare skull stands out toward the camera, in pupil distances."""
    depth: np.ndarray = 0.85 - 0.59 * x * x - 0.235 * (y - 0.1) ** 2
    return depth.clip(0)
