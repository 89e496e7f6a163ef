"""Deal faces into training, validation and test."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgefer.errors import DataError
from edgefer.faceset import SPLITS, FaceSet


@dataclass(frozen=True)
class Share:
    """How near a split came to what was asked for.

    Attributes
    ----------
    split : str
        ``train``, ``val`` or ``test``.
    wanted, reached : float
        Share of all faces that should be, and is, in it.
    emotion : str
        The emotion whose own share is furthest from the wanted one.
    furthest : float
        That share.
    """

    split: str
    wanted: float
    reached: float
    emotion: str
    furthest: float


def parse_ratio(text: str) -> tuple[int, int, int]:
    """Shares of train, val and test from ``8:1:1``."""
    parts = text.split(":")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        raise DataError(f"{text!r} is no ratio of train:val:test. Example: --ratio 8:1:1.")
    train, val, test = (int(part) for part in parts)
    if train + val + test == 0:
        raise DataError(f"{text!r} leaves every split empty. Example: --ratio 8:1:1.")
    return train, val, test


def deal_by(faces: FaceSet) -> str:
    """How to deal where nobody says: by person as soon as one person is known, else by face."""
    return "person" if any(faces.persons) else "face"


def deal_splits(
    faces: FaceSet, ratio: Sequence[int] = (8, 1, 1), *, by: str = "face", seed: int = 0
) -> np.ndarray:
    """Split of each face: every emotion in the same ratio, equal pictures never apart.

    Parameters
    ----------
    faces : FaceSet
        Splits it has are forgotten.
    ratio : sequence of int, length 3
        Shares of train, val and test.
    by : str
        ``face`` deals picture by picture. ``person`` keeps all faces of a person together, and
        people who share a picture; a face without a person counts as a person of its own. The
        emotions' ratio is then as near as whole people allow.
    seed : int
        The same seed deals the same way.

    Returns
    -------
    ndarray of object, shape (N,)
        ``train``, ``val`` or ``test``.

    Raises
    ------
    DataError
        If people are to stay together and none is known.
    """
    rng = np.random.default_rng(seed)
    if by == "person":
        if not any(faces.persons):
            raise DataError(f"{faces.folder} names no person. Deal it with --by face.")
        return _deal_groups(faces, people_groups(faces), ratio, rng)
    return _deal_pictures(faces, ratio, rng)


def people_groups(faces: FaceSet) -> np.ndarray:
    """Number of each face's group, int64 (N,): people, joined where a picture shows in both."""
    parents = _leaders(faces.hashes)
    first: dict[str, int] = {}

    def root(i: int) -> int:
        while parents[i] != i:
            parents[i] = parents[parents[i]]
            i = parents[i]
        return i

    for i, person in enumerate(faces.persons):
        if person:
            one, other = root(first.setdefault(person, i)), root(i)
            parents[max(one, other)] = min(one, other)
    roots = [root(i) for i in range(len(faces))]
    return np.unique(roots, return_inverse=True)[1]


def shares(faces: FaceSet, splits: np.ndarray, ratio: Sequence[int]) -> tuple[Share, ...]:
    """How near each split came to its ratio, over all faces and in its worst emotion."""
    supports = np.bincount(faces.targets, minlength=len(faces.labels))
    found = []
    for name, part in zip(SPLITS, ratio, strict=True):
        own = np.bincount(faces.targets[splits == name], minlength=len(supports))
        each = np.where(supports > 0, own / np.maximum(supports, 1), part / sum(ratio))
        worst = int(np.abs(each - part / sum(ratio)).argmax())
        found.append(
            Share(
                split=name,
                wanted=part / sum(ratio),
                reached=float(own.sum() / len(faces)),
                emotion=faces.labels.names[worst],
                furthest=float(each[worst]),
            )
        )
    return tuple(found)


def to_text(found: Sequence[Share]) -> str:
    """The shares for people to read, in percent."""
    lines = ["split    wanted  reached  furthest off"]
    lines += [
        f"{share.split:6} {100 * share.wanted:7.1f}% {100 * share.reached:7.1f}%  "
        f"{share.emotion} {100 * share.furthest:.1f}%"
        for share in found
    ]
    return "\n".join(lines)


def _deal_pictures(faces: FaceSet, ratio: Sequence[int], rng: np.random.Generator) -> np.ndarray:
    splits = np.empty(len(faces), object)
    # A picture that occurs under two emotions is dealt with the first of them.
    leaders = _leaders(faces.hashes)
    for target in range(len(faces.labels)):
        own = np.unique(leaders[faces.targets[leaders] == target])
        rng.shuffle(own)
        ends = np.round(np.cumsum(ratio) / sum(ratio) * len(own)).astype(int)
        for name, part in zip(SPLITS, np.split(own, ends[:-1]), strict=True):
            splits[part] = name
    return splits[leaders]


def _deal_groups(
    faces: FaceSet, groups: np.ndarray, ratio: Sequence[int], rng: np.random.Generator
) -> np.ndarray:
    """Give each group, the largest first, to the split that needs it most.

    With ``have`` and ``want`` faces of an emotion in a split, what is off is the sum of
    (have - want)² / want over emotions and splits. A group goes where it makes that least; when all
    are dealt, each may move as long as a move makes it less. A split that got none takes the
    smallest group of a split that has several.
    """
    count = int(groups.max()) + 1
    histograms = np.zeros((count, len(faces.labels)))
    np.add.at(histograms, (groups, faces.targets), 1)
    used = np.flatnonzero(np.asarray(ratio) > 0)
    wanted = np.outer(np.asarray(ratio)[used] / sum(ratio), histograms.sum(axis=0))
    weights = 1 / np.maximum(wanted, 1e-9)
    off, place = -wanted, np.full(count, -1)
    order = rng.permutation(count)
    order = order[np.argsort(-histograms.sum(axis=1)[order], kind="stable")]
    for _ in range(10):
        moved = False
        for group in order:
            own, here = histograms[group], place[group]
            if here >= 0:
                off[here] -= own
            best = int((weights * own * (2 * off + own)).sum(axis=1).argmin())
            off[best] += own
            moved |= best != here
            place[group] = best
        if not moved:
            break
    for empty in sorted(set(range(len(used))) - set(place.tolist())):
        spare = [group for group in order if (place == place[group]).sum() > 1]
        if spare:
            place[spare[-1]] = empty
    return np.array(SPLITS, object)[used][place[groups]]


def _leaders(hashes: np.ndarray) -> np.ndarray:
    """Position of the first face with the same picture, int64 (N,)."""
    first: dict[bytes, int] = {}
    return np.array([first.setdefault(digest, i) for i, digest in enumerate(hashes)])
