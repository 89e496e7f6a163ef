"""A frame, and what the device says about one face in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgefer.preprocess import Box


@dataclass(frozen=True)
class Frame:
    """One picture of a camera.

    Attributes
    ----------
    index : int
        Its place in the source, from 0. A gap is what was dropped.
    seconds : float
        When it was taken: time into the file, or since the first frame of a live source. Pictures
        of a folder count one a second.
    image : ndarray of uint8, shape (H, W, 3) or (H, W)
        BGR or grey.
    name : str
        The picture's file, where the source is a folder.
    """

    index: int
    seconds: float
    image: np.ndarray
    name: str = ""


@dataclass(frozen=True)
class Reading:
    """What the device says about one face in one frame.

    Attributes
    ----------
    face : int
        The person's number, counted from 0 in a run; it stays while the face is followed, and is
        not given again.
    box : Box
        Where it is, in pixels.
    emotion : str
        The most probable one over a moment, or ``unsure``: see `edgefer.edge.steady`.
    confidence : float
        That one's probability.
    probabilities : mapping of str to float
        Of every emotion; they sum to 1.
    flaw : str
        Why it was not read: a key of `edgefer.edge.quality.FLAWS`; empty if it was. Then the
        emotion is ``unsure``, the confidence 0, and every emotion as probable as the others.
    """

    face: int
    box: Box
    emotion: str
    confidence: float
    probabilities: Mapping[str, float]
    flaw: str = ""

    def to_json(self, frame: Frame) -> dict[str, Any]:
        """What a line of a JSON log holds."""
        return {
            "index": frame.index,
            "seconds": round(frame.seconds, 3),
            "face": self.face,
            "box": list(self.box),
            "emotion": self.emotion,
            "confidence": round(self.confidence, 4),
            "flaw": self.flaw or None,
            "probabilities": {name: round(share, 4) for name, share in self.probabilities.items()},
        }
