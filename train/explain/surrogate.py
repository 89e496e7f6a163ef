"""Fit a multinomial logistic regression from action units to emotions, and say what it rests on."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.progress import track

from edgefer.errors import DataError
from edgefer.progress import console
from edgefer.report.people import number_people

FOLDS, DRAWS = 5, 200
STILL = 1e-9  # standard deviation, in units of intensity, of a unit that does not move
PEOPLE = 10  # who show an emotion that is told apart: fewer allow no interval


@dataclass(frozen=True)
class Surrogate:
    """What a regression from action units makes of emotions.

    Attributes
    ----------
    classes : tuple of int
        Class ids that it tells apart.
    weights : ndarray of float64, shape (C, U)
        Change of an emotion's log-odds against the mean of all, for one standard deviation of a
        unit more.
    low, high : ndarray of float64, shape (C, U)
        Their 95 % intervals, by a bootstrap over people, or over faces where nobody is known: all
        of them at once hold the weights with that chance (the largest deviation of any weight, in
        its own standard deviations, is what is bounded), so that one may look for the strong ones.
    answers : ndarray of int64, shape (N,)
        What it answers for each face, always by a regression that was fitted to other people.
    mean, spread : ndarray of float64, shape (U,)
        By which units are standardized.
    """

    classes: tuple[int, ...]
    weights: np.ndarray
    low: np.ndarray
    high: np.ndarray
    answers: np.ndarray
    mean: np.ndarray
    spread: np.ndarray

    def speaks_for(self, row: int) -> list[int]:
        """Units whose whole interval is above 0, the strongest first."""
        found = np.flatnonzero(self.low[row] > 0)
        return [int(i) for i in found[np.argsort(-self.weights[row][found], kind="stable")]]

    def speaks_against(self, row: int) -> list[int]:
        """Units whose whole interval is below 0, the strongest first."""
        found = np.flatnonzero(self.high[row] < 0)
        return [int(i) for i in found[np.argsort(self.weights[row][found], kind="stable")]]

    def parts(self, values: np.ndarray, row: int) -> np.ndarray:
        """What each unit of a face adds to the log-odds of an emotion, float64 (U,)."""
        return np.asarray(self.weights[row] * (values - self.mean) / self.spread)


def fit_surrogate(
    values: np.ndarray,
    targets: np.ndarray,
    persons: np.ndarray,
    *,
    seed: int = 0,
    told: str = "the labels",
) -> Surrogate:
    """Fit it, with intervals, and with answers out of fold.

    Parameters
    ----------
    values : ndarray of float64, shape (N, U)
        Intensities of action units.
    targets : ndarray of int, shape (N,)
        Class ids; emotions that fewer than ten people show are not told apart.
    persons : ndarray of object, shape (N,)
        Names, empty where unknown: such a face counts as a person of its own.
    seed : int
        Of the bootstrap.
    told : str
        What the targets are, for the progress bar and the error.

    Raises
    ------
    DataError
        If fewer than two emotions can be told apart.
    """
    from threadpoolctl import threadpool_limits

    people = number_people(persons)
    classes = tuple(
        emotion
        for emotion in np.unique(targets).tolist()
        if len(np.unique(people[targets == emotion])) >= PEOPLE
    )
    if len(classes) < 2:
        raise DataError(
            f"{len(targets)} faces of {len(np.unique(people))} people are too few: {told} name "
            f"{len(classes)} emotions on {PEOPLE} people or more, a regression needs two (a face "
            "of nobody known counts as a person)."
        )
    kept = np.isin(targets, classes)
    mean, spread = values[kept].mean(axis=0), values[kept].std(axis=0)
    # A unit that is alike in all faces has only what rounding makes of it, and no say.
    standard = np.where(spread > STILL, (values - mean) / np.maximum(spread, STILL), 0.0)
    # So small products are five times as much work for several threads as for one.
    with threadpool_limits(1):
        regression = _regression().fit(standard[kept], targets[kept])
        weights = _weights(regression)
        # A refit begins at the last one's weights: a few steps instead of a hundred.
        regression.set_params(warm_start=True)
        draws = [
            _weights(regression.fit(standard[rows], targets[rows]))
            for rows in track(
                _resampled(np.flatnonzero(kept), people, targets, len(classes), seed),
                f"from action units to {told}",
                total=DRAWS,
                console=console(),
                transient=True,
            )
        ]
        reach = _reach(np.array(draws))
        answers = _out_of_fold(standard, targets, people, kept)
    spread = np.where(spread > STILL, spread, np.inf)
    return Surrogate(classes, weights, weights - reach, weights + reach, answers, mean, spread)


def _regression() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1.0, max_iter=1000)


def _weights(regression: Any) -> np.ndarray:
    """Coefficients, float64 (C, U), that sum to 0 over the classes."""
    fitted = regression.coef_
    if len(fitted) == 1:  # of two classes scikit-learn keeps one row
        return np.concatenate([-fitted, fitted]) / 2
    return np.asarray(fitted - fitted.mean(axis=0))


def _reach(draws: np.ndarray) -> np.ndarray:
    """How far each interval goes from its weight, so that 95 % of the draws lie within all."""
    deviation = draws.std(axis=0)
    largest = np.abs(draws - draws.mean(axis=0)) / np.maximum(deviation, 1e-12)
    return np.asarray(np.quantile(largest.max(axis=(1, 2)), 0.95) * deviation)


def _resampled(
    rows: np.ndarray, people: np.ndarray, targets: np.ndarray, classes: int, seed: int
) -> Iterator[np.ndarray]:
    """Rows of people drawn with replacement, each time with every emotion among them."""
    rng = np.random.default_rng(seed)
    order = rows[np.argsort(people[rows], kind="stable")]
    each = np.split(order, np.flatnonzero(np.diff(people[order])) + 1)
    for _ in range(DRAWS):
        drawn = order[:0]
        while len(np.unique(targets[drawn])) < classes:
            drawn = np.concatenate([each[i] for i in rng.integers(0, len(each), len(each))])
        yield drawn


def _out_of_fold(
    standard: np.ndarray, targets: np.ndarray, people: np.ndarray, kept: np.ndarray
) -> np.ndarray:
    """Answers by regressions that have not seen the person, int64 (N,)."""
    from sklearn.model_selection import StratifiedGroupKFold

    rows, fold = np.flatnonzero(kept), np.zeros(people.max() + 1, int)
    # Every emotion's people are dealt out over the folds; who shows none of them may stand in any.
    folds = StratifiedGroupKFold(FOLDS).split(rows, targets[rows], people[rows])
    for i, (_, judged) in enumerate(folds):
        fold[people[rows[judged]]] = i
    answers = np.full(len(targets), -1)
    for i in range(FOLDS):
        judged = fold[people] == i
        learned = kept & ~judged
        regression = _regression().fit(standard[learned], targets[learned])
        if judged.any():
            answers[judged] = regression.predict(standard[judged])
    return answers
