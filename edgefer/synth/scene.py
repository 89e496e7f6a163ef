"""Photograph a drawn head: pose, light, background, lens, sensor, and the box a detector gives."""

from collections.abc import Mapping

import cv2
import numpy as np

from edgefer.preprocess import Box, to_patch

from .canvas import EYES, Shot
from .head import draw_head
from .people import Person, Population

# Where Haar's box lies against a drawn head, in pupil distances from the point between the eyes:
# its middle, how far that follows yaw and pitch, and its side. Fitted to 1,199 boxes of both
# populations (frontalface_default, scale 1.2, 5 neighbors). What is left over is the jitter, mostly
# the steps of the cascade's scale; alt2's boxes are .12 smaller and lie in the same place.
HAAR_Y, HAAR_YAW, HAAR_PITCH, HAAR_SIDE = 0.30, 0.54, 0.64, 2.86
JITTER_X, JITTER_Y, JITTER_SIDE = 0.025, 0.035, 0.115


def draw_shot(rng: np.random.Generator, population: Population) -> Shot:
    """A pose, light and exposure as chance has it."""
    return Shot(
        yaw=rng.normal(0, 0.13),
        pitch=rng.normal(0, 0.09),
        roll=rng.normal(0, 0.07),
        light_x=population.light * rng.normal(0, 0.8),
        light_y=rng.normal(-0.25, 0.2),
        ambient=rng.uniform(0.35, 0.65),
        gain=rng.uniform(0.75, 1.2),
        gamma=rng.uniform(0.8, 1.25),
        blur=rng.uniform(0.015, 0.05),
        noise=rng.uniform(1.0, 7.0),
    )


def draw_face(
    rng: np.random.Generator,
    population: Population,
    person: Person,
    aus: Mapping[str, float],
    *,
    side: int = 160,
) -> tuple[np.ndarray, Box]:
    """Draw a picture that a head fills.

    Parameters
    ----------
    rng : numpy.random.Generator
        Pose, light, background and noise come from it.
    population : Population
    person : Person
    aus : mapping of str to float
        Intensities 0 to 5 of `ACTION_UNITS`; a unit left out is 0.
    side : int
        Height and width of the picture, in pixels; the face takes six tenths of it.

    Returns
    -------
    image : ndarray of uint8, shape (side, side)
        Grey.
    box : Box
        Where OpenCV's frontal Haar cascade puts the face, on average.
    """
    shot = draw_shot(rng, population)
    head, alpha = draw_head(person, aus, shot, side)
    image = draw_backdrop(rng, (side, side))
    matrix = placing(shot, side, side / 2, side * EYES, side / 4)
    paste(image, head, alpha, matrix)
    return develop(rng, image, shot, side / 4), face_box(shot, side, matrix)


def face_patch(
    rng: np.random.Generator,
    population: Population,
    person: Person,
    aus: Mapping[str, float],
    size: int = 48,
) -> np.ndarray:
    """Draw a face and cut it out as a detector would, a little beside the ideal box.

    Parameters
    ----------
    rng, population, person, aus
        As in `draw_face`.
    size : int
        Side of the patch, in pixels.

    Returns
    -------
    ndarray of uint8, shape (size, size)
    """
    image, box = draw_face(rng, population, person, aus, side=max(128, 2 * size))
    dx, dy, grow = rng.normal(0, (JITTER_X, JITTER_Y, JITTER_SIDE)) * box.w / HAAR_SIDE
    side = round(box.w + grow)
    x, y = box.x + dx - grow / 2, box.y + dy - grow / 2
    return to_patch(image, Box(round(x), round(y), side, side), size)


def draw_backdrop(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """A room out of focus: a grey slope with a few blurred things, float32 of this shape."""
    height, width = shape
    small = np.add.outer(
        rng.uniform(-25, 25) * np.linspace(-1, 1, 60), rng.uniform(-25, 25) * np.linspace(-1, 1, 80)
    )
    small = (small + rng.uniform(50, 205)).astype(np.float32)
    for _ in range(rng.integers(2, 7)):
        corner = rng.integers(-10, 75, 2)
        far = corner + rng.integers(6, 40, 2)
        cv2.rectangle(small, corner.tolist(), far.tolist(), rng.uniform(20, 235), -1)
    return cv2.resize(
        cv2.GaussianBlur(small, (0, 0), 1.5), (width, height), interpolation=cv2.INTER_LINEAR
    )


def placing(shot: Shot, side: int, x: float, y: float, unit: float) -> np.ndarray:
    """Matrix (2, 3) from a head's canvas to a picture: eyes at (x, y), `unit` apart, rolled."""
    scale = unit / (side / 4)
    cos, sin = scale * np.cos(shot.roll), scale * np.sin(shot.roll)
    eyes_x, eyes_y = side / 2, side * EYES
    return np.array(
        [[cos, -sin, x - cos * eyes_x + sin * eyes_y], [sin, cos, y - sin * eyes_x - cos * eyes_y]]
    )


def paste(image: np.ndarray, head: np.ndarray, alpha: np.ndarray, matrix: np.ndarray) -> None:
    """Lay a head over a picture, in place."""
    size = image.shape[1::-1]
    cover = cv2.warpAffine(alpha, matrix, size).astype(np.float32) / 255
    image += (cv2.warpAffine(head, matrix, size) - image) * cover


def face_box(shot: Shot, side: int, matrix: np.ndarray) -> Box:
    """Where Haar sees the face that `placing` put somewhere, on average."""
    unit = side / 4
    dx, dy = HAAR_YAW * shot.yaw, HAAR_Y + HAAR_PITCH * shot.pitch
    x, y = matrix @ (side / 2 + dx * unit, side * EYES + dy * unit, 1)
    width = HAAR_SIDE * unit * float(np.hypot(matrix[0, 0], matrix[1, 0]))
    return Box(round(x - width / 2), round(y - width / 2), round(width), round(width))


def develop(rng: np.random.Generator, image: np.ndarray, shot: Shot, unit: float) -> np.ndarray:
    """What lens, exposure and sensor make of the light: uint8."""
    image = cv2.GaussianBlur(image, (0, 0), shot.blur * unit)
    image = 255 * np.clip(image * (shot.gain / 255), 0, 1) ** np.float32(shot.gamma)
    noise = rng.standard_normal(image.shape, dtype=np.float32) * np.float32(shot.noise)
    grey: np.ndarray = np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)
    return grey
