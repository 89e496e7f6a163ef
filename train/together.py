"""Two sets of faces as one to learn from: new ones, and old ones against forgetting."""

import numpy as np

from edgefer.faceset import FaceSet


class Together:
    """Faces of a set, then some of another one with the same labels.

    Parameters
    ----------
    faces : FaceSet
        What is to be learned.
    others : FaceSet
        With patches of the same size; its faces are drawn without replacement.
    share : float
        How many others there are for each face, as far as there are so many.
    seed : int
        Draws them.

    Attributes
    ----------
    labels, size
        Those of the first set.
    targets : ndarray of int64, shape (N,)
    votes : ndarray of int64, shape (N, K)
    """

    def __init__(self, faces: FaceSet, others: FaceSet, share: float, seed: int) -> None:
        count = min(len(others), round(share * len(faces)))
        drawn = np.random.default_rng(seed).choice(len(others), count, replace=False)
        self._faces, self._others = faces, others.select(np.sort(drawn))
        self.labels, self.size = faces.labels, faces.size
        self.targets = np.concatenate([faces.targets, self._others.targets])
        self.votes = np.concatenate([faces.votes, self._others.votes])

    def __len__(self) -> int:
        return len(self.targets)

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Patches of these faces, uint8 (n, S, S)."""
        rows = np.asarray(rows)
        first = rows < len(self._faces)
        patches = np.empty((len(rows), self.size, self.size), np.uint8)
        patches[first] = self._faces.take(rows[first])
        patches[~first] = self._others.take(rows[~first] - len(self._faces))
        return patches
