"""What finds faces in a stream, one file per kind."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from edgefer.plugins import build, resolve
from edgefer.preprocess import Box


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


@dataclass(frozen=True)
class Wishes:
    """What is asked of a detector.

    Attributes
    ----------
    min_size : int
        Side of the smallest face, in pixels.
    scale : float
        Step between the sizes of face that are tried, above 1.
    neighbors : int
        How many overlapping finds make a face.
    threads : int
        How many it may use.
    cascade : str
        Which of `edgefer.detect.CASCADES`.
    model : Path, optional
        The file of a detector that the user brings.
    """

    min_size: int = 60
    scale: float = 1.2
    neighbors: int = 4
    threads: int = 1
    cascade: str = "default"
    model: Path | None = None


def _haar(wishes: Wishes) -> Detector:
    from .haar import Haar

    return Haar(
        scale=wishes.scale,
        neighbors=wishes.neighbors,
        min_size=wishes.min_size,
        threads=wishes.threads,
        cascade=wishes.cascade,
    )


def _yunet(wishes: Wishes) -> Detector:
    from .yunet import YuNet

    return YuNet(wishes.model, min_size=wishes.min_size, threads=wishes.threads)


DETECTORS: dict[str, Callable[[Wishes], Detector]] = {"haar": _haar, "yunet": _yunet}


def open_detector(name: str, wishes: Wishes) -> Detector:
    """Open what a string names.

    Parameters
    ----------
    name : str
        A key of `DETECTORS`, or ``package.module:attribute``, which is called with the wishes.
    wishes : Wishes

    Raises
    ------
    BackendError
        If this OpenCV lacks it, or its model is missing or is none.
    """
    maker = resolve(name, DETECTORS)
    contract, members = "edgefer.edge.detectors.Detector", ("__call__", "quick", "near")
    made: Detector = build(name, maker, contract, members, wishes)
    return made
