"""What a study of calibration faces measured: every int8 model's answers to the same faces."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from edgefer.labels import Labels

# Tells a study's folder from others.
MARKER = "study.json"
OTHER_HALF, OTHER_DOMAIN, NOISE = "other half", "other domain", "noise"


@dataclass(frozen=True)
class Trial:
    """One calibration and what its int8 model answered.

    Attributes
    ----------
    way : str
        How the calibration faces were chosen.
    size, seed : int
        How many were asked for, and the seed that chose them.
    faces : int
        How many there were; fewer where an emotion has fewer.
    answers : ndarray of int64, shape (N,)
        Class ids, for the faces that judge.
    """

    way: str
    size: int
    seed: int
    faces: int
    answers: np.ndarray


@dataclass(frozen=True)
class Row:
    """What int8 cost after one way of choosing, over its draws. Shares between 0 and 1.

    Attributes
    ----------
    way : str
        How the faces were chosen.
    size : int
        How many were asked for.
    faces : float
        How many there were, mean.
    drops : ndarray of float, shape (R,)
        Overall drop of each draw.
    emotions : mapping of str to ndarray of float, shape (R,)
        Drop of each draw, by emotion.
    turned_wrong, turned_right : float
        Faces that only the float, and only the int8 model recognized; mean.
    agreement : float
        Share of faces that both answer alike, mean.
    """

    way: str
    size: int
    faces: float
    drops: np.ndarray
    emotions: Mapping[str, np.ndarray]
    turned_wrong: float
    turned_right: float
    agreement: float

    @property
    def drop(self) -> float:
        """Mean over the draws."""
        return float(self.drops.mean())

    @property
    def spread(self) -> float:
        """Standard deviation over the draws."""
        return float(self.drops.std(ddof=1))

    def to_json(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return {
            "way": self.way,
            "size": self.size,
            "faces": self.faces,
            "drop": self.drop,
            "standard_deviation": self.spread,
            "drops": self.drops.tolist(),
            "emotions": {name: drops.tolist() for name, drops in self.emotions.items()},
            "turned_wrong": self.turned_wrong,
            "turned_right": self.turned_right,
            "agreement": self.agreement,
        }


@dataclass(frozen=True)
class Study:
    """Answers of a float model, and of many int8 models that differ in their calibration.

    Attributes
    ----------
    bundle, faceset, split : str
        Whose network, and which faces judged.
    labels : Labels
        What the answers count in.
    targets, before : ndarray of int64, shape (N,)
        The truth, and the float model's answers.
    trials : tuple of Trial
        Every calibration.
    about : mapping of str to object
        What else must be known: digests, recipe, versions.
    """

    bundle: str
    faceset: str
    split: str
    labels: Labels
    targets: np.ndarray
    before: np.ndarray
    trials: tuple[Trial, ...]
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        counts = {len(self.before), *(len(trial.answers) for trial in self.trials)}
        if counts != {len(self.targets)}:
            raise ValueError(f"{len(self.targets)} faces were judged, answers are for {counts}")

    @cached_property
    def ways(self) -> tuple[str, ...]:
        """How faces were chosen, in the order of the trials."""
        return tuple(dict.fromkeys(trial.way for trial in self.trials))

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Numbers of calibration faces."""
        return tuple(sorted({trial.size for trial in self.trials}))

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of the draws."""
        return tuple(sorted({trial.seed for trial in self.trials}))

    @cached_property
    def accuracy(self) -> float:
        """Share of the faces that the float model recognizes."""
        return float((self.before == self.targets).mean())

    @property
    def emotions(self) -> dict[str, np.ndarray]:
        """Which of the faces show each emotion, bool (N,); those that any does."""
        each = {name: self.targets == target for target, name in enumerate(self.labels.names)}
        return {name: mask for name, mask in each.items() if mask.any()}

    def sizes_of(self, *ways: str) -> tuple[int, ...]:
        """Sizes that each of these ways was tried at."""
        return tuple(
            size for size in self.sizes if all((way, size) in self._answers for way in ways)
        )

    def answers(self, way: str, size: int) -> np.ndarray:
        """Class ids of a way's draws, int64 (R, N), in the order of the seeds."""
        return self._answers[way, size]

    def right(self, way: str, size: int) -> np.ndarray:
        """Which faces each draw's model recognized, bool (R, N)."""
        return self.answers(way, size) == self.targets

    def losses(self, one: str, other: str, sizes: Sequence[int]) -> np.ndarray:
        """How much more often ``other`` recognized a face than ``one``, mean of sizes, (R, N)."""
        apart = [self.right(other, n).astype(float) - self.right(one, n) for n in sizes]
        return np.asarray(np.mean(apart, axis=0))

    def rows(self) -> tuple[Row, ...]:
        """One for each way and size."""
        return tuple(self._row(way, size) for way in self.ways for size in self.sizes_of(way))

    def _row(self, way: str, size: int) -> Row:
        was, is_now = self.before == self.targets, self.right(way, size)
        return Row(
            way,
            size,
            float(np.mean([t.faces for t in self.trials if (t.way, t.size) == (way, size)])),
            was.mean() - is_now.mean(axis=1),
            {
                name: was[mask].mean() - is_now[:, mask].mean(axis=1)
                for name, mask in self.emotions.items()
            },
            float((was & ~is_now).sum(axis=1).mean()),
            float((~was & is_now).sum(axis=1).mean()),
            float((self.answers(way, size) == self.before).mean()),
        )

    @cached_property
    def _answers(self) -> dict[tuple[str, int], np.ndarray]:
        found: dict[tuple[str, int], list[np.ndarray]] = {}
        for trial in sorted(self.trials, key=lambda trial: trial.seed):
            found.setdefault((trial.way, trial.size), []).append(trial.answers)
        return {key: np.stack(answers) for key, answers in found.items()}
