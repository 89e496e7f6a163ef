"""Draw what was read into a picture."""

import sys
from collections.abc import Sequence

import cv2
import numpy as np

from edgefer.errors import EdgeferError

from ..look import Look
from ..quality import FLAWS
from ..reading import Frame, Reading
from ..steady import UNSURE
from .blur import Blur, pixelate
from .hangul import Hangul
from .names import names

COLOR, GRAY = (80, 220, 60), (150, 150, 150)  # BGR; gray for what is unsure
WHITE, TRACK, SHADE = (255, 255, 255), (90, 90, 90), (24, 24, 24)
FONT = cv2.FONT_HERSHEY_SIMPLEX


class Painter:
    """Draws readings as a look asks for.

    Attributes
    ----------
    hangul : Hangul or None
        What draws Korean names; None where names are English.
    """

    def __init__(self, look: Look | None = None) -> None:
        """Get ready to draw; where Hangul cannot be drawn, that is said, and names are English.

        Raises
        ------
        EdgeferError
            If a font was named that cannot be used.
        """
        look = look or Look()
        self.hangul: Hangul | None = None
        self._blur = Blur() if look.blur else None
        if look.lang == "ko":
            try:
                self.hangul = Hangul(look.font)
            except EdgeferError as error:
                if look.font is not None:
                    raise
                print(f"drawing English names: {error}", file=sys.stderr)

    def __call__(self, frame: Frame, readings: Sequence[Reading]) -> np.ndarray:
        """A copy of a frame, uint8 (H, W, 3) BGR, with what was read."""
        if self._blur is None:
            return draw_readings(frame, readings, self.hangul)
        self._blur.see(frame, readings)
        image = frame.image.copy()
        pixelate(image, self._blur.boxes)
        covered = Frame(frame.index, frame.seconds, image, frame.name)
        return draw_readings(covered, readings, self.hangul)


def draw_readings(
    frame: Frame, readings: Sequence[Reading], hangul: Hangul | None = None
) -> np.ndarray:
    """A copy of a frame, uint8 (H, W, 3) BGR, with boxes, emotions and bars of confidence."""
    gray = frame.image.ndim == 2
    image = cv2.cvtColor(frame.image, cv2.COLOR_GRAY2BGR) if gray else frame.image.copy()
    for reading in readings:
        _draw(image, reading, hangul)
    return np.asarray(image)


def label(reading: Reading, korean: bool = False) -> str:
    """What is written over a face: its emotion and how sure that is, or why it was not read."""
    name = _drawable(reading, korean)
    if reading.flaw:
        return f"{name}: {FLAWS[reading.flaw][korean]}"
    # A share behind "unsure" would read as how unsure it is.
    return name if reading.emotion == UNSURE else f"{name} {reading.confidence:.0%}"


def _draw(image: np.ndarray, reading: Reading, hangul: Hangul | None) -> None:
    x, y, w, h = reading.box
    size = max(1.0, min(image.shape[:2]) / 480)  # as large in a photo as in a camera's frame
    line, pad, height = round(2 * size), round(4 * size), round(30 * size)
    unsure = reading.emotion == UNSURE
    color = GRAY if unsure else COLOR
    cv2.rectangle(image, (x, y), (x + w, y + h), color, line)

    text = label(reading, hangul is not None)
    ink = None if hangul is None else hangul.draw(text, round(16 * size))
    width = cv2.getTextSize(text, FONT, 0.55 * size, line)[0][0] if ink is None else ink.shape[1]
    width = max(w, width + 2 * pad)
    # Above the box, or inside it where the picture ends; never past the right edge.
    left = max(0, min(x, image.shape[1] - width))
    top = y - height if y >= height else max(0, y)
    cv2.rectangle(image, (left, top), (left + width, top + height), SHADE, -1)
    if ink is None:
        where = (left + pad, top + height - 3 * pad)
        cv2.putText(image, text, where, FONT, 0.55 * size, WHITE, line // 2, cv2.LINE_AA)
    else:
        _lay(image, ink, left + pad, top + height - 5 * pad // 2 - ink.shape[0])

    start, full = left + pad, width - 2 * pad
    over, under = top + height - 2 * pad, top + height - pad
    cv2.rectangle(image, (start, over), (start + full, under), TRACK, -1)
    cv2.rectangle(
        image, (start, over), (start + round(full * reading.confidence), under), color, -1
    )


def _lay(image: np.ndarray, ink: np.ndarray, x: int, y: int) -> None:
    """White ink on a picture, as far as it reaches."""
    top, left = max(0, -y), max(0, -x)
    place = image[max(0, y) : y + ink.shape[0], max(0, x) : x + ink.shape[1]]
    share = ink[top : top + place.shape[0], left : left + place.shape[1], None] / 255
    place[:] = np.round(place + share * (np.array(WHITE) - place)).astype(np.uint8)


def _drawable(reading: Reading, korean: bool) -> str:
    """The emotion in the language that can be drawn, or its class id."""
    both = names(reading.emotion)
    # OpenCV's fonts hold no Hangul.
    if korean or both.english.isascii():
        return both[korean]
    return f"class {list(reading.probabilities).index(reading.emotion)}"
