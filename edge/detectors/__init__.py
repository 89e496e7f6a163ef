"""What finds faces in a stream, one file per kind."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from edgefer.plugins import build, resolve
from edgefer.preprocess import Box

from ..wishes import Wishes


class Detector(Protocol):
    """Finds faces: with patience in a picture that stands alone, cheaply in a stream.

    A picture is uint8, (H, W) grey or (H, W, 3) BGR.
    """

    def __call__(self, image: np.ndarray) -> list[Box]:
        """Every face of a picture, as well as can be."""
        ...

    def quick(self, image: np.ndarray, known: Sequence[Box]) -> list[Box]:
        """Faces of a picture beside the known ones, in less time; it may miss some."""
        ...

    def near(self, image: np.ndarray, place: Box) -> list[Box]:
        """Faces about as large as a box and near it; the box may reach past the border."""
        ...


def _haar(wishes: Wishes) -> Detector:
    from .haar import Haar

    return Haar(
        scale=wishes.scale,
        neighbors=wishes.neighbors,
        min_size=wishes.min_face,
        threads=wishes.threads,
        cascade=wishes.cascade,
    )


def _yunet(wishes: Wishes) -> Detector:
    from .yunet import YuNet

    return YuNet(wishes.detector_model, min_size=wishes.min_face, threads=wishes.threads)


DETECTORS: dict[str, Callable[[Wishes], Detector]] = {"haar": _haar, "yunet": _yunet}


def open_detector(wishes: Wishes) -> Detector:
    """Open what is wished for.

    Parameters
    ----------
    wishes : Wishes
        Its ``detector`` is a key of `DETECTORS`, or ``package.module:attribute``, which is called
        with the wishes.

    Raises
    ------
    BackendError
        If this OpenCV lacks it, or its model is missing or is none.
    """
    maker = resolve(wishes.detector, DETECTORS)
    contract, members = "edgefer.edge.detectors.Detector", ("__call__", "quick", "near")
    made: Detector = build(wishes.detector, maker, contract, members, wishes)
    return made
