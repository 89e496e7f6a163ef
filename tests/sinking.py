"""What tests of sinks share: readings and frames."""

import numpy as np
from waiting import until  # noqa: F401

from edgefer.edge.reading import Frame, Reading
from edgefer.preprocess import Box

BOX = Box(10, 40, 30, 30)


def reading(emotion="happy", confidence=0.75, box=BOX, face=0) -> Reading:
    rest = {"sad": 1 - confidence} if emotion != "sad" else {"happy": 1 - confidence}
    return Reading(face, box, emotion, confidence, {emotion: confidence} | rest)


def frame(index=0, seconds=None, shape=(96, 128, 3), name="") -> Frame:
    seconds = index / 25 if seconds is None else seconds
    return Frame(index, seconds, np.full(shape, 60, np.uint8), name)
