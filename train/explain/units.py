"""Action units: what muscles do in a face, and how strongly."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgefer.errors import DataError
from edgefer.faceset import FaceSet

# OpenFace's seventeen, and what each does in the words of Ekman and Friesen (1978).
NAMES: Mapping[str, str] = {
    "AU01": "inner brow raiser",
    "AU02": "outer brow raiser",
    "AU04": "brow lowerer",
    "AU05": "upper lid raiser",
    "AU06": "cheek raiser",
    "AU07": "lid tightener",
    "AU09": "nose wrinkler",
    "AU10": "upper lip raiser",
    "AU12": "lip corner puller",
    "AU14": "dimpler",
    "AU15": "lip corner depressor",
    "AU17": "chin raiser",
    "AU20": "lip stretcher",
    "AU23": "lip tightener",
    "AU25": "lips part",
    "AU26": "jaw drop",
    "AU45": "blink",
}


@dataclass(frozen=True)
class Units:
    """Action units of some faces of a set.

    Attributes
    ----------
    names : tuple of str
        Such as ``AU12``, in order.
    faces : ndarray of int64, shape (N,)
        Positions in the face set, rising.
    values : ndarray of float64, shape (N, U)
        Intensities, 0 to 5.
    source : str
        Who measured them.
    left_out : mapping of str to int
        Faces and rows that are not there, by reason.
    """

    names: tuple[str, ...]
    faces: np.ndarray
    values: np.ndarray
    source: str
    left_out: Mapping[str, int]

    def __post_init__(self) -> None:
        expected = (len(self.faces), len(self.names))
        if self.values.shape != expected:
            raise ValueError(f"values are {self.values.shape}, not {expected}")

    @property
    def constant(self) -> tuple[str, ...]:
        """Units that are alike in all faces, and so tell nothing."""
        still = self.values.min(axis=0) == self.values.max(axis=0)
        return tuple(name for name, each in zip(self.names, still, strict=True) if each)


def most_certain(
    found: Iterable[tuple[int, float, list[float]]],
    names: tuple[str, ...],
    faces: FaceSet,
    source: str,
    left_out: Counter[str],
    where: Path,
) -> Units:
    """Units of each face, those of the highest confidence where it was measured several times.

    Parameters
    ----------
    found : iterable of (int, float, list of float)
        Position of the face, confidence, intensities.
    names : tuple of str
        Of the units.
    faces : FaceSet
        What the positions stand in.
    source : str
        Who measured them.
    left_out : Counter
        What was left out while reading, by reason; ``found`` may still add to it.
    where : Path
        What is being read, for the error.

    Raises
    ------
    DataError
        If nothing was found.
    """
    best: dict[int, tuple[float, list[float]]] = {}
    for place, sure, values in found:
        if place in best:
            left_out["further rows of a face"] += 1
        best[place] = max(best.get(place, (-1.0, values)), (sure, values))
    if not best:
        reasons = "; ".join(f"{count} {reason}" for reason, count in left_out.items()) or "no rows"
        raise DataError(f"{where} tells of no face of {faces.folder}: {reasons}.")
    if len(best) < len(faces):
        left_out["faces without a row"] = len(faces) - len(best)
    places = sorted(best)
    intensities = np.array([best[place][1] for place in places], np.float64)
    return Units(names, np.array(places, np.int64), intensities, source, dict(left_out))
