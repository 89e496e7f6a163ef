"""Tell when live faces are no longer what a model was calibrated on."""

from collections.abc import Mapping, Sequence

import numpy as np

from edgefer.preprocess import Box
from edgefer.reference import Reference, light, sharpness

from .mostly import MEMORY, Mostly, Weight
from .words import Words

# What a face may be, and what is told once most are so.
_TOLD = {
    "dark": Words(
        "most faces are darker than 99 % of the calibration faces. Give more light.",
        "대부분의 얼굴이 보정용 얼굴의 99 %보다 어둡습니다. 조명을 더 밝게 하세요.",
    ),
    "bright": Words(
        "most faces are brighter than 99 % of the calibration faces. Give less light, or a shorter "
        "exposure.",
        "대부분의 얼굴이 보정용 얼굴의 99 %보다 밝습니다. 조명을 줄이거나 노출을 짧게 하세요.",
    ),
    "blurred": Words(
        "most faces are less sharp than 99 % of the calibration faces. Focus the camera, clean its "
        "lens.",
        "대부분의 얼굴이 보정용 얼굴의 99 %보다 흐립니다. 카메라 초점을 맞추고 렌즈를 닦으세요.",
    ),
    "small": Words(
        "most faces are smaller than the patch that the model looks at. Bring the camera nearer.",
        "대부분의 얼굴이 모델이 보는 크기보다 작습니다. 카메라를 더 가까이 두세요.",
    ),
    "doubtful": Words(
        "most faces are read less surely than 90 % of the calibration faces. Other faces than the "
        "model was trained on? edgefer train transfer, and calibrate on such faces.",
        "대부분의 얼굴을 보정용 얼굴의 90 %보다 덜 확실하게 판독합니다. 모델이 학습한 "
        "얼굴과 다르다면 edgefer train transfer로 학습하고 그런 얼굴로 보정하세요.",
    ),
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
        self._size, self._weight = size, Weight(memory)
        self._mostly = {name: Mostly() for name in _TOLD}

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
        weight = self._weight(seconds)
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
                self._mostly[name].see(float(which.mean()), weight)

    @property
    def shares(self) -> Mapping[str, float]:
        """Of the faces of the last minute, by what they are; 0..1."""
        return {name: mostly.share for name, mostly in self._mostly.items()}

    @property
    def warnings(self) -> tuple[Words, ...]:
        """What most faces of the last minute are, and what may help."""
        return tuple(_TOLD[name] for name, mostly in self._mostly.items() if mostly.told)
