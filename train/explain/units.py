"""Action units: what muscles do in a face, and how strongly."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

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
        Positions in the face set, or in a selection of it, rising.
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

    def only(self, faces: FaceSet) -> "Units":
        """Those of a selection of the face set.

        Raises
        ------
        DataError
            If none of these faces has units.
        """
        place = {int(row): i for i, row in enumerate(self.faces)}
        both = [(i, place[row]) for i, row in enumerate(faces.rows.tolist()) if row in place]
        left_out = dict(self.left_out)
        if len(both) < len(faces):
            left_out["faces without action units"] = len(faces) - len(both)
        if not both:
            reasons = "; ".join(f"{count:,} {reason}" for reason, count in left_out.items())
            raise DataError(f"no action units of {faces.folder} were found: {reasons}.")
        positions, rows = np.array(both, np.int64).T
        return replace(self, faces=positions, values=self.values[rows], left_out=left_out)


def units_of(
    found: Iterable[tuple[int, float, list[float]]],
    names: tuple[str, ...],
    source: str,
    left_out: Counter[str],
) -> Units:
    """Units of each face, those of the highest confidence where it was measured several times.

    Parameters
    ----------
    found : iterable of (int, float, list of float)
        Where the face lies in ``patches.npy``, confidence, intensities.
    names : tuple of str
        Of the units.
    source : str
        Who measured them.
    left_out : Counter
        What was left out while reading, by reason; ``found`` may still add to it.
    """
    best: dict[int, tuple[float, list[float]]] = {}
    for row, sure, values in found:
        if row in best:
            left_out["further rows of a face"] += 1
        if row not in best or sure > best[row][0]:
            best[row] = sure, values
    rows = sorted(best)
    intensities = np.array([best[row][1] for row in rows], np.float64).reshape(-1, len(names))
    return Units(names, np.array(rows, np.int64), intensities, source, dict(left_out))
