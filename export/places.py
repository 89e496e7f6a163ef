"""Where a plot's labels may stand, so that none covers another or a dot."""

from collections.abc import Iterator, Sequence
from math import cos, hypot, pi, sin
from typing import NamedTuple

# Pixels: between a dot and its label, and around every label.
NEXT, AIR = 9.0, 2.0
_STEPS = (NEXT, 13.5, 18.0, 30.0, 44.0, 60.0, 80.0, 104.0, 132.0)
_TURNS = 24


class Box(NamedTuple):
    """A rectangle in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "Box", air: float = 0.0) -> bool:
        """Whether two rectangles share a point, or come nearer than so many pixels."""
        return (
            self.left < other.right + air
            and other.left < self.right + air
            and self.top < other.bottom + air
            and other.top < self.bottom + air
        )

    def within(self, other: "Box") -> bool:
        """Whether it lies inside another."""
        return (
            other.left <= self.left
            and self.right <= other.right
            and other.top <= self.top
            and self.bottom <= other.bottom
        )

    def nearest(self, x: float, y: float) -> tuple[float, float]:
        """The point of it that is nearest to another."""
        return min(max(x, self.left), self.right), min(max(y, self.top), self.bottom)


def place(
    points: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    frame: Box,
    *,
    radii: Sequence[float],
    avoid: Sequence[Box] = (),
) -> list[Box]:
    """Find a place for the label of each point.

    Each label in turn takes the place that is nearest to its point and covers least. A label never
    covers another, a dot, or the stroke that leads to one, as long as the frame has room.

    Parameters
    ----------
    points : sequence of (float, float)
        Middles of the dots, in pixels.
    sizes : sequence of (float, float)
        Width and height of each label.
    frame : Box
        What no label leaves.
    radii : sequence of float
        Of the dots.
    avoid : sequence of Box
        What had better not be covered: bars, lines.

    Returns
    -------
    list of Box
        In the order of the points.
    """
    dots = [Box(x - r, y - r, x + r, y + r) for (x, y), r in zip(points, radii, strict=True)]
    placed: dict[int, Box] = {}
    leads: list[tuple[float, float]] = []
    # From the top down: neighbours then part as they lie.
    for i in sorted(range(len(points)), key=lambda i: (points[i][1], points[i][0])):
        free, costs = [], []
        for box in _around(points[i], sizes[i], frame):
            lead = _stroke(points[i], box)
            taken = (
                any(box.meets(other, AIR) for other in (*placed.values(), *dots))
                or any(box.meets(Box(x, y, x, y), AIR) for x, y in leads)
                or any(other.meets(Box(x, y, x, y)) for x, y in lead for other in placed.values())
            )
            if not taken:
                covered = sum(box.meets(other) for other in avoid)
                covered += any(
                    dot.meets(Box(x, y, x, y)) for x, y in lead for dot in dots if dot != dots[i]
                )
                free.append(box)
                costs.append(_far(points[i], box) + 14 * covered)
        if not free:
            free, costs = _anywhere(sizes[i], frame, (*placed.values(), *dots))
        best = free[costs.index(min(costs))]
        placed[i] = best
        leads += _stroke(points[i], best)
    return [placed[i] for i in range(len(points))]


def _around(point: tuple[float, float], size: tuple[float, float], frame: Box) -> Iterator[Box]:
    """Places in rings around a point, inside the frame."""
    for step in _STEPS:
        for turn in range(_TURNS):
            across, down = cos(2 * pi * turn / _TURNS), sin(2 * pi * turn / _TURNS)
            x = point[0] + across * (step + size[0] / 2)
            y = point[1] + down * (step + size[1] / 2)
            box = Box(x - size[0] / 2, y - size[1] / 2, x + size[0] / 2, y + size[1] / 2)
            if box.within(frame):
                yield box


def _anywhere(
    size: tuple[float, float], frame: Box, taken: Sequence[Box]
) -> tuple[list[Box], list[float]]:
    """Every place of a grid over the frame, and how much is taken there."""
    across = max(int((frame.right - frame.left) // (size[0] + AIR)), 1)
    down = max(int((frame.bottom - frame.top) // (size[1] + AIR)), 1)
    found = []
    for i in range(down):
        for j in range(across):
            left = frame.left + j * (size[0] + AIR)
            top = frame.top + i * (size[1] + AIR)
            found.append(Box(left, top, left + size[0], top + size[1]))
    return found, [float(sum(box.meets(other) for other in taken)) for box in found]


def _far(point: tuple[float, float], box: Box) -> float:
    x, y = box.nearest(*point)
    return hypot(x - point[0], y - point[1])


def _stroke(point: tuple[float, float], box: Box) -> list[tuple[float, float]]:
    """Points along the stroke from a dot to its label, without the ends."""
    x, y = box.nearest(*point)
    count = int(_far(point, box) // 3)
    parts = [k / count for k in range(1, count)]
    return [(point[0] + part * (x - point[0]), point[1] + part * (y - point[1])) for part in parts]
