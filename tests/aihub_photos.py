"""Photographs as AI Hub 82 has them, with drawn people: nobody here may hold the real ones."""

import hashlib
from functools import lru_cache

import cv2
import numpy as np
from PIL import Image

from edgefer.preprocess import Box
from edgefer.synth import POPULATIONS, Person, action_units, draw_person
from edgefer.synth.head import draw_head
from edgefer.synth.scene import (
    HAAR_SIDE,
    develop,
    draw_backdrop,
    draw_shot,
    face_box,
    paste,
    placing,
)

KOREAN = POPULATIONS["korean"]
# EXIF orientations and their shares, measured on the real set.
ORIENTATIONS = {1: 0.595, 3: 0.252, 0: 0.087, 4: 0.058, 8: 0.004, 2: 0.004}
_SMALL = 4  # heads are drawn so much smaller, and enlarged
_MIDDLE = 32  # of the noise: it is added as bytes, and taken off again


def draw_photo(
    seed: str,
    emotion: str,
    person: str,
    *,
    nobody: bool = False,
    crowd: bool = False,
    wide: int = 1440,
    noise: float = 3.0,
    quality: int = 88,
) -> tuple[bytes, Box | None]:
    """A JPEG of somebody in a room, its EXIF orientation as chance has it, and the face's box.

    Parameters
    ----------
    seed, person : str
        The photo and the person depend on these alone.
    emotion : str
        One of korean7.
    nobody, crowd : bool
        Leave the person out; put another one into the background.
    wide : int
        Pixels; 4032 gives 12 megapixels, 1440 gives 1440x1083.
    noise, quality : float, int
        The sensor's noise in grey values, and the JPEG's quality: what a file's size comes from.
    """
    rng = np.random.default_rng(number_of(seed))
    height, width = (1083 if wide == 1440 else wide * 3 // 4), wide
    small = (-(-height // _SMALL), -(-width // _SMALL))
    shot = draw_shot(rng, KOREAN)
    image, boxes = draw_backdrop(rng, small), []
    side = small[0] * rng.uniform(0.36, 0.58)
    places = [] if nobody else [(rng.uniform(0.35, 0.65), rng.uniform(0.42, 0.52), side, person)]
    if crowd:
        places.insert(0, (rng.choice([0.13, 0.87]), 0.35, side * 0.55, person + "'s friend"))
    for across, down, wanted, name in places:
        somebody: Person = draw_person(np.random.default_rng(number_of(name)), KOREAN)
        unit = wanted / HAAR_SIDE
        canvas = 4 * round(unit)
        head, alpha = draw_head(somebody, action_units(rng, KOREAN, emotion), shot, canvas)
        matrix = placing(shot, canvas, small[1] * across, small[0] * down, unit)
        paste(image, head, alpha, matrix)
        boxes.append(face_box(shot, canvas, matrix))
    grey = develop(rng, image, shot, side / HAAR_SIDE)
    grey = cv2.resize(grey, None, fx=_SMALL, fy=_SMALL, interpolation=cv2.INTER_CUBIC)
    grey = grey[:height, :width]
    levels = np.arange(256)
    # Indoor light: less blue, more red.
    tones = [np.clip(levels * tint, 0, 255).astype(np.uint8) for tint in (0.86, 0.95, 1.04)]
    color = cv2.merge([cv2.LUT(grey, tone) for tone in tones])
    shift = np.roll(_grain(noise), int(rng.integers(512)), axis=1)
    tiled = np.tile(shift, (-(-height // 512), -(-width // 512), 1))[:height, :width]
    color = cv2.subtract(cv2.add(color, tiled), (_MIDDLE,) * 3)
    orientation = int(rng.choice(list(ORIENTATIONS), p=list(ORIENTATIONS.values())))
    box = Box(*(value * _SMALL for value in boxes[-1])) if boxes else None
    return _jpeg(color, orientation, quality), box


@lru_cache(maxsize=4)
def _grain(noise: float) -> np.ndarray:
    """A tile of sensor noise around a middle value, uint8 (512, 512, 3)."""
    grain = np.random.default_rng(0).normal(_MIDDLE, noise, (512, 512, 3))
    return np.clip(np.rint(grain), 0, 255).astype(np.uint8)


def _jpeg(upright: np.ndarray, orientation: int, quality: int) -> bytes:
    """A file whose EXIF says how to turn what lies in it."""
    turns = {2: 1, 3: -1, 4: 0}  # mirrored, upside down, both: as OpenCV numbers them
    stored = cv2.flip(upright, turns[orientation]) if orientation in turns else upright
    if orientation == 8:  # EXIF turns it back to the left
        stored = cv2.rotate(upright, cv2.ROTATE_90_CLOCKWISE)
    data = cv2.imencode(".jpg", stored, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
    exif = Image.Exif()
    exif[0x0112] = orientation
    text = b"Exif\0\0" + exif.tobytes().removeprefix(b"Exif\0\0")
    return data[:2] + b"\xff\xe1" + (len(text) + 2).to_bytes(2, "big") + text + data[2:]


def annotated(box: Box, rng: np.random.Generator) -> tuple[float, ...]:
    """Corners that a person marks: .73 as wide as tall, two people's boxes overlap by .93."""
    x, y = box.x + box.w / 2, box.y + box.h / 2
    wide, tall = 0.77 * box.w, 1.055 * box.w
    corners = np.array([x - wide / 2, y - tall / 2, x + wide / 2, y + tall / 2])
    corners += rng.normal(0, 0.009, 4) * box.w
    return tuple(round(float(value), 3) for value in corners)


def number_of(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
