"""Tell when live faces are no longer what a model was calibrated on."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from edgefer.preprocess import Box
from edgefer.reference import Reference, light, sharpness

MEMORY = 60.0  # seconds of faces; what was seen `t` seconds ago counts exp(-t / MEMORY) as much
GAP = 1.0  # seconds that a picture speaks for, at most: an hour with nobody there says nothing
WARN, QUIET = 0.5, 0.25  # share of the faces from which a warning is told, and below which no more

# What a face may be, and what is told once most are so.
_TOLD = {
    "dark": "darker than 99 % of the calibration faces. Give more light",
    "bright": "brighter than 99 % of the calibration faces. Give less light, or a shorter exposure",
    "blurred": "less sharp than 99 % of the calibration faces. Focus the camera, clean its lens",
    "small": "smaller than the patch that the model looks at. Bring the camera nearer",
    "doubtful": "read less surely than 90 % of the calibration faces. Other faces than the model "
    "was trained on? edgefer train transfer, and calibrate on such faces",
}


class Drift:
    """Shares of the faces of the last minute with faces that are unlike the calibration faces.

    Live light, sharpness and confidence are compared with quantiles of the calibration faces, not
    with their distribution: one person in one room never fills it, and need not. Of the calibration
    faces themselves 1 % are dark, 1 % bright, 1 % blurred and 10 % doubtful; a warning is told once
    it is more than half of the faces, and withdrawn below a quarter. So many of others are so (the
    packaged model in int8, ``python benchmarks/confidence.py work/fer CLIPS``):

    ==========================  ====  ======  =======  ========
    percent of the faces of     dark  bright  blurred  doubtful
    ==========================  ====  ======  =======  ========
    PublicTest, 3,589              4       1        1        13
    ten clips, 636                 0       0        8         8
    the clips, light times 0.5    25       0        8        41
    light times 0.25             100       0        4        83
    light times 2                  0     100        0        16
    blurred by 0.7 pixels          0       0      100        42
    24 pixels and enlarged         0       0      100        54
    tilted by 30 degrees           0       0       41        38
    upside down                    0       0        8        40
    ==========================  ====  ======  =======  ========

    A model that is wrong and sure of it is not noticed: labelled faces and ``edgefer compare`` are.
    """

    def __init__(
        self, reference: Reference, role: str, size: int, *, memory: float = MEMORY
    ) -> None:
        """Nothing was seen yet, and nothing is unlike.

        Parameters
        ----------
        reference : Reference
            What the bundle knows of its calibration faces.
        role : str
            The model that reads: ``int8`` or ``float``.
        size : int
            Side of its patches, in pixels.
        memory : float
            Time constant in seconds.
        """
        self._darkest, *_, self._brightest = reference.light
        self._bluntest = reference.sharpness[0]
        self._doubt = reference.models[role].quantiles[1] if role in reference.models else 0.0
        self._size, self._memory = size, memory
        self._shares = dict.fromkeys(_TOLD, 0.0)
        self._warned: dict[str, str] = {}
        self._last: float | None = None

    def see(
        self, seconds: float, patches: np.ndarray, boxes: Sequence[Box], sure: np.ndarray
    ) -> None:
        """Take the faces of a picture.

        Parameters
        ----------
        seconds : float
            When it was taken.
        patches : ndarray of uint8, shape (N, S, S)
        boxes : sequence of Box
            Where they were found.
        sure : ndarray of float, shape (M,)
            The model's highest probability, not rescaled, of those that it was given.
        """
        passed = 0.0 if self._last is None else min(max(seconds - self._last, 0.0), GAP)
        self._last = seconds
        new = 1 - math.exp(-passed / self._memory)
        grey = light(patches)
        sides = np.array([max(box.w, box.h) for box in boxes])
        found = {
            "dark": grey < self._darkest,
            "bright": grey > self._brightest,
            "blurred": sharpness(patches) < self._bluntest,
            "small": sides < self._size,
            "doubtful": sure < self._doubt,
        }
        for name, which in found.items():
            if len(which):
                self._shares[name] += new * (float(which.mean()) - self._shares[name])
                self._warn(name)

    @property
    def shares(self) -> Mapping[str, float]:
        """Of the faces of the last minute, by what they are; 0..1."""
        return dict(self._shares)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences on what most faces of the last minute are, and what may help."""
        return tuple(self._warned.values())

    def _warn(self, name: str) -> None:
        if self._shares[name] > WARN:
            self._warned.setdefault(name, f"most faces are {_TOLD[name]}.")
        elif self._shares[name] < QUIET:
            self._warned.pop(name, None)
