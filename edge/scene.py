"""Tell when no face can be found in a camera's pictures, whoever is there."""

import numpy as np

from .mostly import MEMORY, Mostly, Weight
from .words import Words

FLAT = 9.0  # standard deviation of grey, over the picture
SAMPLE = 16  # each so manyth pixel and line is looked at: 10 us of a picture of 640x480

DIM = Words(
    "the pictures have next to no contrast, and no face is found in such. Give more light, or "
    "uncover and clean the lens.",
    "화면에 명암이 거의 없어 얼굴을 찾을 수 없습니다. 조명을 밝게 하거나, 렌즈를 가리는 것을 "
    "치우고 닦으세요.",
)


class Scene:
    """Looks at whole pictures, where `edgefer.edge.drift` looks at the faces that were found.

    A picture without a face is flat where its grey spreads by less than `FLAT`: ten clips made
    darker, with noise of 1.5 grey levels, spread by 10.8 and show a face in 98 of 100 pictures; by
    8.6, in 44; by 6.5, in none. A warning is told while most of a minute's pictures are so, and at
    once where the smallest face that is looked for is larger than the picture.
    """

    def __init__(self, *, memory: float = MEMORY) -> None:
        """Nothing was seen yet; `memory` is a time constant in seconds."""
        self._weight, self._flat = Weight(memory), Mostly()
        self._narrow: Words | None = None

    def see(self, seconds: float, image: np.ndarray, faces: int, min_face: int) -> None:
        """Take a picture, taken then, with so many faces of so many pixels at least."""
        side = min(image.shape[:2])
        self._narrow = _narrow(min_face, image) if min_face > side else None
        sample = image[::SAMPLE, ::SAMPLE]
        gray = sample if sample.ndim == 2 else sample[..., 1]
        self._flat.see(not faces and float(gray.std()) < FLAT, self._weight(seconds))

    @property
    def warnings(self) -> tuple[Words, ...]:
        """Why no face can be found."""
        told = (self._narrow, DIM if self._flat.told else None)
        return tuple(warning for warning in told if warning is not None)


def _narrow(min_face: int, image: np.ndarray) -> Words:
    size = f"{image.shape[1]}x{image.shape[0]}"
    return Words(
        f"no face of {min_face} pixels fits into a picture of {size}. Lower --min-face.",
        f"{min_face}픽셀 크기의 얼굴은 {size} 화면에 들어갈 수 없습니다. --min-face를 낮추세요.",
    )
