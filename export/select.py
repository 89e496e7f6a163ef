"""Choose calibration faces: at random, balanced over emotions, or spread over what they show."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgefer.errors import DataError
from edgefer.faceset import FaceSet

from .recipe import WAYS

# How many faces of an emotion spread looks at: 290 numbers of each are 2.3 MB, and a second of
# the network's time.
CANDIDATES = 2000


@dataclass(frozen=True)
class Features:
    """What a face is told by, in groups that weigh alike.

    Attributes
    ----------
    groups : mapping of str to ndarray of float32, shape (N, F)
        Numbers of each group, such as ``light``.
    """

    groups: Mapping[str, np.ndarray]

    def take(self, positions: np.ndarray) -> "Features":
        """Those of the faces at these positions."""
        return Features({name: values[positions] for name, values in self.groups.items()})

    @property
    def points(self) -> np.ndarray:
        """Where each face lies, float32 (N, P).

        A squared distance is the sum, over the groups, of the mean squared difference in standard
        deviations of these faces. What is the same in all of them is left out.
        """
        return np.concatenate([_standard(values) for values in self.groups.values()], axis=1)


Look = Callable[[FaceSet], Features]


@dataclass(frozen=True)
class Pool:
    """Faces that may be calibrated on.

    Attributes
    ----------
    faces : FaceSet
        Of a train split, without the people who also judge the model.
    taken : frozenset of bytes
        Pictures, as `FaceSet.hashes` has them, that judge the model: not to be chosen.
    """

    faces: FaceSet
    taken: frozenset[bytes]

    @cached_property
    def room(self) -> int:
        """How many different pictures there are to choose from."""
        return len(set(self.faces.hashes) - self.taken)

    def candidates(self, target: int, seed: int) -> np.ndarray:
        """Positions of an emotion's faces in random order, each person's first before a second."""
        found = np.flatnonzero(self.faces.targets == target)
        order = np.random.default_rng([seed, target]).permutation(found)
        return np.array(_in_rounds(order, self.faces.persons), np.int64)


def usable(faces: FaceSet, judges: Iterable[FaceSet] = ()) -> Pool:
    """Faces of the ``train`` split that share no person with any other split.

    Parameters
    ----------
    faces : FaceSet
        All of its splits.
    judges : iterable of FaceSet
        Other faces that judge the model.

    Raises
    ------
    DataError
        If there is no ``train`` split.
    """
    train = faces.split("train")
    judged = [faces.select(faces.splits != "train"), *judges]
    people = {person for part in judged for person in part.persons} - {""}
    free = np.array([person not in people for person in train.persons], bool)
    return Pool(train.select(free), frozenset(h for part in judged for h in part.hashes))


def choose(
    pool: Pool,
    count: int,
    *,
    way: str = "balanced",
    seed: int = 0,
    look: Look | None = None,
    candidates: int = CANDIDATES,
) -> np.ndarray:
    """Choose faces to calibrate on; never a picture that is taken, nor a second copy of one.

    ``random`` draws from all faces, so emotions come as often as the set has them. ``balanced``
    draws equally many of each emotion, one face of each person before a second. ``spread`` does so
    too, but where balanced draws the next face blindly, spread takes the one farthest from all that
    it has (greedy k-center: Gonzalez, "Clustering to minimize the maximum intercluster distance",
    Theoretical Computer Science 38, 1985; for choosing pictures by a network's features: Sener and
    Savarese, "Active learning for convolutional neural networks: a core-set approach", ICLR 2018).
    It starts from a random face of the emotion, and looks at 2,000 random ones at most.

    The converter keeps the lowest and the highest value that it saw in each tensor and nothing
    else, so what a face drives each layer to is one of spread's features
    (`edgefer.export.features.sight`). Measured
    with the packaged bundle on FER2013's 28,709 training faces, 100 chosen, mean of 10 seeds:

    =======================================  ========  ======  ======  =======
    over the training faces                  balanced  random  spread  herding
    =======================================  ========  ======  ======  =======
    share of every activation's range seen   .70       .69     .93     .54
    farthest face from the nearest chosen    3.3       3.2     2.9     3.5
    mean distance to the nearest chosen      1.65      1.63    1.82    1.60
    =======================================  ========  ======  ======  =======

    Herding (Welling, "Herding dynamical weights to learn", ICML 2009) matches the mean face and
    misses what is rare, which is what sets a range. K-center on the last features alone saw .68.

    Parameters
    ----------
    pool : Pool
        Where to choose from.
    count : int
        How many; what does not divide by the emotions goes to emotions that the seed names.
    way : str
        ``balanced``, ``random`` or ``spread``.
    seed : int
        The same seed chooses the same faces.
    look : callable, optional
        Features of faces; needed by ``spread``.
    candidates : int
        How many faces of an emotion ``spread`` looks at.

    Returns
    -------
    ndarray of int64, shape (at most count,)
        Positions in ``pool.faces``; fewer where an emotion has fewer.
    """
    if way not in WAYS:
        raise DataError(f"--select {way} is not one of {', '.join(WAYS)}.")
    fresh = _Fresh(pool)
    if way == "random":
        order = np.random.default_rng(seed).permutation(len(pool.faces))
        return np.array(_first(order.tolist(), count, fresh), np.int64)
    chosen: list[int] = []
    for target, quota in enumerate(_quotas(len(pool.faces.labels), count, seed)):
        found = pool.candidates(target, seed)
        if way == "spread" and quota and len(found):
            chosen += _spread(pool, found[:candidates], quota, look, fresh)
        else:
            chosen += _first(found.tolist(), quota, fresh)
    return np.array(chosen, np.int64)


def farthest(
    points: np.ndarray,
    persons: np.ndarray,
    count: int,
    wanted: Callable[[int], bool] = lambda at: True,
) -> list[int]:
    """Greedy k-center: the first point, then each time the one farthest from all that were taken.

    Parameters
    ----------
    points : ndarray of float32, shape (N, F)
        Where each face lies.
    persons : ndarray of object, shape (N,)
        Whose it is; a person's second face is taken only when everybody has given a first.
    count : int
        How many to take.
    wanted : callable
        Asked before a position is taken; one that is refused is passed over.
    """
    names = [person or f"\0{i}" for i, person in enumerate(persons)]
    codes = np.unique(names, return_inverse=True)[1]
    given = np.zeros(len(points), np.int64)
    distance, free = np.full(len(points), np.inf), np.ones(len(points), bool)
    found: list[int] = []
    while len(found) < count and free.any():
        turns = given[codes]
        allowed = free & (turns == turns[free].min())
        at = int(np.where(allowed, distance, -1).argmax())
        free[at] = False
        if wanted(at):
            found.append(at)
            given[codes[at]] += 1
            np.minimum(distance, ((points - points[at]) ** 2).sum(axis=1), out=distance)
    return found


class _Fresh:
    """Says of each position whether its picture is not taken yet, and takes it."""

    def __init__(self, pool: Pool) -> None:
        self._faces, self._taken = pool.faces, set(pool.taken)

    def __call__(self, position: int) -> bool:
        picture = self._faces.select(np.array([position])).hashes[0]
        if picture in self._taken:
            return False
        self._taken.add(picture)
        return True


def _spread(
    pool: Pool, found: np.ndarray, count: int, look: Look | None, fresh: _Fresh
) -> list[int]:
    """Positions of an emotion's faces that lie far apart."""
    if look is None:
        raise ValueError("spread needs something to look with")
    faces = pool.faces.select(found)
    places = farthest(look(faces).points, faces.persons, count, lambda at: fresh(int(found[at])))
    return list(found[places].tolist())


def _first(order: list[int], count: int, fresh: _Fresh) -> list[int]:
    """The first fresh positions of an order."""
    found: list[int] = []
    for position in order:
        if len(found) == count:
            break
        if fresh(position):
            found.append(position)
    return found


def _standard(values: np.ndarray) -> np.ndarray:
    """Columns that vary, each by its mean and standard deviation, over the root of their number."""
    spread = values.std(axis=0)
    varies = spread > 1e-6
    scaled = (values[:, varies] - values[:, varies].mean(axis=0)) / spread[varies]
    return scaled / np.sqrt(max(varies.sum(), 1), dtype=np.float32)


def _quotas(classes: int, count: int, seed: int) -> list[int]:
    """How many of each emotion."""
    each, rest = divmod(count, classes)
    more = np.random.default_rng([seed, classes]).permutation(classes)[:rest].tolist()
    return [each + (target in more) for target in range(classes)]


def _in_rounds(positions: np.ndarray, persons: np.ndarray) -> list[int]:
    """The first face of every person, then the second of every person, and so on."""
    seen: dict[str, int] = {}
    rounds = []
    for position in positions.tolist():
        person = persons[position] or f"\0{position}"
        seen[person] = seen.get(person, 0) + 1
        rounds.append((seen[person], position))
    return [position for _, position in sorted(rounds, key=lambda pair: pair[0])]
