"""Draw what was read into a picture."""

from collections.abc import Sequence

import cv2
import numpy as np

from ..reading import Frame, Reading

COLOR = (80, 220, 60)  # BGR
WHITE, TRACK, SHADE = (255, 255, 255), (90, 90, 90), (24, 24, 24)
FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_readings(frame: Frame, readings: Sequence[Reading]) -> np.ndarray:
    """A copy of a frame, uint8 (H, W, 3) BGR, with boxes, emotions and bars of confidence."""
    gray = frame.image.ndim == 2
    image = cv2.cvtColor(frame.image, cv2.COLOR_GRAY2BGR) if gray else frame.image.copy()
    for reading in readings:
        _draw(image, reading)
    return np.asarray(image)


def _draw(image: np.ndarray, reading: Reading) -> None:
    x, y, w, h = reading.box
    size = max(1.0, min(image.shape[:2]) / 480)  # as large in a photo as in a camera's frame
    line, pad, height = round(2 * size), round(4 * size), round(30 * size)
    cv2.rectangle(image, (x, y), (x + w, y + h), COLOR, line)

    text = f"{_drawable(reading)} {reading.confidence:.0%}"
    (width, _), _ = cv2.getTextSize(text, FONT, 0.55 * size, line)
    width = max(w, width + 2 * pad)
    # Above the box, or inside it where the picture ends; never past the right edge.
    left = max(0, min(x, image.shape[1] - width))
    top = y - height if y >= height else max(0, y)
    cv2.rectangle(image, (left, top), (left + width, top + height), SHADE, -1)
    where = (left + pad, top + height - 3 * pad)
    cv2.putText(image, text, where, FONT, 0.55 * size, WHITE, line // 2, cv2.LINE_AA)

    start, full = left + pad, width - 2 * pad
    over, under = top + height - 2 * pad, top + height - pad
    cv2.rectangle(image, (start, over), (start + full, under), TRACK, -1)
    cv2.rectangle(
        image, (start, over), (start + round(full * reading.confidence), under), COLOR, -1
    )


def _drawable(reading: Reading) -> str:
    """The emotion, or its class id: OpenCV's fonts hold no Hangul."""
    if reading.emotion.isascii():
        return reading.emotion
    return f"class {list(reading.probabilities).index(reading.emotion)}"
