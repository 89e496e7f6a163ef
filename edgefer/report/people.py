"""Intervals and tests where people have several faces each: then people are counted, not faces.

Fifty faces of one person tell less than faces of fifty people. Taken as independent they give
intervals that are much too narrow and p values that are much too small. How often 95 % intervals
held the true drop in 2,000 draws each, and how often p was below .05 where there was no drop
(``python benchmarks/coverage.py``). Turned are the shares of answers turned wrong and right, in
percent; alike is the correlation of two faces of one person, whose rates come from a Dirichlet
distribution.

================= =========== ========== =========== ========= ======
faces             turned      alike      independent by person p<.05
================= =========== ========== =========== ========= ======
20 people x 50    5.0 and 5.0 0          .950        .966      .036
20 people x 50    5.0 and 5.0 .10        .587        .950      .051
20 people x 50    5.0 and 5.0 .33        .340        .983      .043
20 people x 50    1.2 and 0.8 0          .951        .971
20 people x 50    1.2 and 0.8 .10        .609        .995
20 people x 50    1.2 and 0.8 .33        .353        .938
200 people x 5    5.0 and 5.0 0          .950        .957      .036
200 people x 5    5.0 and 5.0 .10        .916        .958      .037
200 people x 5    5.0 and 5.0 .33        .806        .950      .048
200 people x 5    1.2 and 0.8 0          .951        .962
200 people x 5    1.2 and 0.8 .10        .910        .971
200 people x 5    1.2 and 0.8 .33        .808        .976
50 people x 20    5.0 and 5.0 0          .950        .958      .036
50 people x 20    5.0 and 5.0 .10        .745        .952      .046
50 people x 20    5.0 and 5.0 .33        .530        .968      .041
50 people x 20    1.2 and 0.8 0          .951        .964
50 people x 20    1.2 and 0.8 .10        .769        .983
50 people x 20    1.2 and 0.8 .33        .525        .993
================= =========== ========== =========== ========= ======
"""

from math import sqrt

import numpy as np

from edgefer.report.statistics import LEVEL, student


def number_people(persons: np.ndarray) -> np.ndarray:
    """A number for each face's person, int64 (N,), from names (N,).

    A face without a name counts as a person of its own.
    """
    known = np.array([name or f"\0{i}" for i, name in enumerate(persons.tolist())], object)
    return np.unique(known.astype(str), return_inverse=True)[1].astype(np.int64)


def repeats(people: np.ndarray) -> bool:
    """Whether somebody has more than one face."""
    return len(np.unique(people)) < len(people)


def people_interval(
    change: np.ndarray,
    people: np.ndarray,
    groups: np.ndarray | None = None,
    *,
    level: float = LEVEL,
) -> tuple[float, float]:
    """95 % interval of a drop, or of the mean of several, by leaving out one person at a time.

    The variance is that of the jackknife: (K - 1) / K times the sum, over K people, of the squared
    change of the estimate when a person is left out. It asks nothing of how alike faces of one
    person are, and people may have different numbers of faces. The quantile is Student's with as
    many degrees of freedom as people in whom an answer turned, less one: where int8 changes
    little, those in whom nothing turned tell nothing about the spread between people.

    Source: Cameron and Miller, "A practitioner's guide to cluster-robust inference", Journal of
    Human Resources 50, 2015, 317-372 (CV3).

    Parameters
    ----------
    change : ndarray of int, shape (N,)
        1 where int8 turned an answer wrong, -1 where it turned it right, else 0.
    people : ndarray of int, shape (N,)
        Whose face it is, as `number_people` numbers them.
    groups : ndarray of int, shape (N,), optional
        The emotion of each face; the interval is then that of the mean of the emotions' drops.
    level : float
        How often it holds the true drop.

    Returns
    -------
    tuple of float
        -1 and 1 where all faces, or all of an emotion, are of one person.
    """
    _, people = np.unique(people, return_inverse=True)
    groups = np.zeros(len(people), int) if groups is None else groups
    names, groups = np.unique(groups, return_inverse=True)
    faces = np.zeros((len(names), people.max() + 1))
    drops = np.zeros_like(faces)
    np.add.at(faces, (groups, people), 1)
    np.add.at(drops, (groups, people), change)
    share = faces / faces.sum(axis=1, keepdims=True)
    if (share == 1).any():
        return -1.0, 1.0
    mean = drops.sum(axis=1, keepdims=True) / faces.sum(axis=1, keepdims=True)
    without = (drops - mean * faces) / (faces.sum(axis=1, keepdims=True) - faces)
    count = faces.shape[1]
    variance = (count - 1) / count * (without.mean(axis=0) ** 2).sum()
    telling = len(np.unique(people[change != 0]))
    half = student(max(telling - 1, 1), level) * sqrt(float(variance))
    middle = float(mean.mean())
    return max(middle - half, -1.0), min(middle + half, 1.0)


def sign_flip(change: np.ndarray, people: np.ndarray) -> float:
    """Two-sided p of the exact sign-flip test over people.

    If int8 costs nothing, float and int8 might as well have changed places in any person: each
    person's losses less gains are as likely to be the negative of what they are. p is the share of
    all such exchanges whose sum lies as far from 0 as the sum found. With one face a person it is
    the exact McNemar test. The sum's distribution has the characteristic function ``prod
    cos(t d)``, so a Fourier transform counts all 2^K exchanges at once.

    Source: Fisher, "The Design of Experiments", 1935, section 21.
    """
    each = np.zeros(people.max() + 1, np.int64)
    np.add.at(each, people, change)
    found, most = abs(int(each.sum())), int(np.abs(each).sum())
    if most == 0:
        return 1.0
    turns = 2 * np.pi * np.arange(2 * most + 1) / (2 * most + 1)
    shape = np.ones(2 * most + 1)
    for size, times in zip(*np.unique(np.abs(each[each != 0]), return_counts=True), strict=True):
        shape *= np.cos(turns * size) ** times
    shares = np.fft.ifft(shape).real  # of the sums 0, 1, ..., most, -most, ..., -1
    sums = np.abs(np.fft.fftfreq(2 * most + 1, 1 / (2 * most + 1)).round())
    return float(min(1.0, max(shares[sums >= found].sum(), 0.0)))
