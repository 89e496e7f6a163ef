"""Deal faces into training, validation and test."""

from collections.abc import Sequence

import numpy as np

from edgefer.errors import DataError
from edgefer.faceset import SPLITS, FaceSet


def parse_ratio(text: str) -> tuple[int, int, int]:
    """Shares of train, val and test from ``8:1:1``."""
    parts = text.split(":")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        raise DataError(f"{text!r} is no ratio of train:val:test. Example: --ratio 8:1:1.")
    train, val, test = (int(part) for part in parts)
    if train + val + test == 0:
        raise DataError(f"{text!r} leaves every split empty. Example: --ratio 8:1:1.")
    return train, val, test


def deal_splits(faces: FaceSet, ratio: Sequence[int] = (8, 1, 1), *, seed: int = 0) -> np.ndarray:
    """Split of each face: every emotion in the same ratio, equal pictures never apart.

    Parameters
    ----------
    faces : FaceSet
        Splits it has are forgotten.
    ratio : sequence of int, length 3
        Shares of train, val and test.
    seed : int
        The same seed deals the same way.

    Returns
    -------
    ndarray of object, shape (N,)
        ``train``, ``val`` or ``test``.
    """
    rng = np.random.default_rng(seed)
    splits = np.empty(len(faces), object)
    # A picture that occurs under two emotions is dealt with the first of them.
    first: dict[bytes, int] = {}
    for i, digest in enumerate(faces.hashes):
        first.setdefault(digest, i)
    leaders = np.array([first[digest] for digest in faces.hashes])
    for target in range(len(faces.labels)):
        own = np.unique(leaders[faces.targets[leaders] == target])
        rng.shuffle(own)
        ends = np.round(np.cumsum(ratio) / sum(ratio) * len(own)).astype(int)
        for name, part in zip(SPLITS, np.split(own, ends[:-1]), strict=True):
            splits[part] = name
    return splits[leaders]
