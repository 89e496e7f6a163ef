"""Film synthetic people: what a camera sees of heads that move and change their faces."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count, islice
from typing import NamedTuple

import cv2
import numpy as np

from edgefer.preprocess import Box

from .head import draw_head
from .people import Population, draw_person
from .scene import HAAR_SIDE, develop, draw_backdrop, draw_shot, face_box, paste, placing
from .units import action_units


class Appearance(NamedTuple):
    """One face in a moment of a video: where it is, and the emotion it is asked to show."""

    box: Box
    emotion: str
    aus: dict[str, float]


@dataclass(frozen=True)
class Moment:
    """One frame of a video and what is true about it.

    Attributes
    ----------
    image : ndarray of uint8, shape (H, W, 3)
        BGR.
    faces : tuple of Appearance
        From left to right; empty while nobody is there.
    """

    image: np.ndarray
    faces: tuple[Appearance, ...]


def stream(
    seed: int,
    population: Population,
    frames: int | None = None,
    *,
    size: tuple[int, int] = (480, 640),
    fps: float = 30.0,
    people: int = 1,
    absence: float = 0.0,
) -> Iterator[Moment]:
    """Film people who sway before a camera and go through their emotions.

    Parameters
    ----------
    seed : int
        The same seed gives the same video.
    population : Population
    frames : int, optional
        How many; endless if left out.
    size : (int, int)
        Height and width of a frame.
    fps : float
        Frames per second of the filmed time; nothing waits for it.
    people : int
        How many stand side by side.
    absence : float
        Share of every four seconds in which nobody is there (at their end).

    Yields
    ------
    Moment
    """
    return islice(
        _film(np.random.default_rng(seed), population, size, fps, people, absence), frames
    )


def _film(
    rng: np.random.Generator,
    population: Population,
    size: tuple[int, int],
    fps: float,
    people: int,
    absence: float,
) -> Iterator[Moment]:
    room = draw_backdrop(rng, size)
    middles = (np.arange(people) + 0.5) * size[1] / people
    actors = [_Actor(rng, population, x, size[0]) for x in middles]
    shot, unit = actors[0].shot, actors[0].unit
    for index in count():
        seconds = index / fps
        image = room.copy()
        present = actors if seconds % 4 < 4 * (1 - absence) else []
        faces = tuple(actor.play(image, seconds) for actor in present)
        yield Moment(cv2.cvtColor(develop(rng, image, shot, unit), cv2.COLOR_GRAY2BGR), faces)


class _Actor:
    """Somebody who sways, blinks, and shows every emotion in turn, each for `HOLD` seconds."""

    HOLD, CHANGE = 2.0, 0.5

    def __init__(
        self, rng: np.random.Generator, population: Population, x: float, height: int
    ) -> None:
        self.shot = draw_shot(rng, population)
        self.unit = height * rng.uniform(0.26, 0.40) / HAAR_SIDE
        self._person = draw_person(rng, population)
        self._middle = np.array([x, 0.47 * height])
        self._clothes = rng.uniform(30, 200)
        self._phase = rng.uniform(0, 2 * np.pi, 6)
        self._pace = rng.uniform(0.5, 1.3, 6)
        emotions = rng.permutation(population.labels.names).tolist()
        self._moods = [(emotion, action_units(rng, population, emotion)) for emotion in emotions]

    def play(self, image: np.ndarray, seconds: float) -> Appearance:
        """Enter the picture as of this second."""
        sway = np.sin(self._pace * seconds + self._phase)
        yaw, pitch, roll = (self.shot.yaw, self.shot.pitch, self.shot.roll) + 0.08 * sway[:3]
        shot = replace(self.shot, yaw=yaw, pitch=pitch, roll=roll)
        unit = self.unit * (1 + 0.12 * sway[3])
        x, y = self._middle + sway[4:] * (0.5 * self.unit, 0.25 * self.unit)
        emotion, aus = self._mood(seconds)

        side = 4 * round(self.unit)
        head, alpha = draw_head(self._person, aus, shot, side)
        matrix = placing(shot, side, x, y, unit)
        shoulders = np.array(
            [[-0.7, 1.75], [0.7, 1.75], [2.1, 2.5], [2.2, 9], [-2.2, 9], [-2.1, 2.5]]
        )
        cv2.fillPoly(image, [((x, y) + unit * shoulders).astype(np.int32)], self._clothes)
        paste(image, head, alpha, matrix)
        return Appearance(face_box(shot, side, matrix), emotion, aus)

    def _mood(self, seconds: float) -> tuple[str, dict[str, float]]:
        """The emotion asked for, and the face on its way to it."""
        turn, elapsed = divmod(seconds, self.HOLD)
        (_, before), (emotion, after) = (
            self._moods[int(turn + k) % len(self._moods)] for k in (-1, 0)
        )
        share = min(1.0, elapsed / self.CHANGE)
        share *= share * (3 - 2 * share)  # starts and ends gently
        aus = {unit: (1 - share) * before[unit] + share * after[unit] for unit in after}
        blink = 5 * np.exp(-0.5 * (((seconds + self._phase[0]) % 3.1 - 0.2) / 0.06) ** 2)
        return emotion, aus | {"AU45": max(aus["AU45"], float(blink))}
