"""Make faces unreadable before a picture leaves the run."""

from collections.abc import Sequence

import cv2
import numpy as np

from edgefer.preprocess import Box

from ..reading import Frame, Reading

CELLS = 5  # a side: no eye, no mouth, no outline is left
MARGIN = 0.25  # of the box, on each side: it ends within chin and hair
HOLD = 1.0  # seconds that a place stays covered after its face was last found there


class Blur:
    """Covers the faces that are read, and for a second where they just were.

    A detector that loses a face for a frame would otherwise show it. A face that it never finds is
    not covered.
    """

    def __init__(self) -> None:
        """Nothing is covered yet."""
        self._covered: dict[int, tuple[float, Box]] = {}  # of each face: when and where it was last

    def see(self, frame: Frame, readings: Sequence[Reading]) -> None:
        """Take the faces of a frame; of every frame, also of those that are not shown."""
        now = frame.seconds
        # Time that jumps back is a file that began anew; a picture of a folder stands alone.
        self._covered = {
            face: (then, box)
            for face, (then, box) in self._covered.items()
            if 0 <= now - then <= HOLD and not frame.name
        }
        self._covered |= {reading.face: (now, reading.box) for reading in readings}

    @property
    def boxes(self) -> list[Box]:
        """What is to be covered now."""
        return [box for _, box in self._covered.values()]


def pixelate(image: np.ndarray, boxes: Sequence[Box]) -> None:
    """Replace boxes and their surroundings by a few flat cells, in place.

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W) or (H, W, 3)
    boxes : sequence of Box
        They may reach past the border.
    """
    # From the picture as it was: where two overlap, neither shows what the other hid.
    source = image.copy() if len(boxes) > 1 else image
    for x, y, w, h in boxes:
        left, top = max(0, round(x - MARGIN * w)), max(0, round(y - MARGIN * h))
        right = min(image.shape[1], round(x + w + MARGIN * w))
        bottom = min(image.shape[0], round(y + h + MARGIN * h))
        if right <= left or bottom <= top:
            continue
        size = right - left, bottom - top
        cells = cv2.resize(
            source[top:bottom, left:right],
            (min(CELLS, size[0]), min(CELLS, size[1])),
            interpolation=cv2.INTER_AREA,
        )
        image[top:bottom, left:right] = cv2.resize(cells, size, interpolation=cv2.INTER_NEAREST)
