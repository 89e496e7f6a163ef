"""What repeated draws, judged on the same faces, allow one to say about two ways of choosing.

There are two kinds of chance. The draw: another seed would have chosen other calibration faces. The
faces: others might have judged. The test is about the draws alone, on these faces; the interval is
about both.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any

import numpy as np

from edgefer.report.drop import ALPHA, MARGIN
from edgefer.report.statistics import holm, student

# Shares. Over all faces half a point between two calibration sets would be worth choosing for; of
# one emotion there are too few faces to say so, and the report's own margin holds.
OVERALL_MARGIN, EMOTION_MARGIN = 0.005, MARGIN

SAME, TRIFLE, MORE, LESS = "no difference", "too little", "more", "less"
HERE, UNCLEAR = "these faces only", "too few to tell"


@dataclass(frozen=True)
class Contrast:
    """How much more one way of choosing loses than another. Shares between 0 and 1.

    Attributes
    ----------
    name : str
        What it is about: ``overall``, a size or an emotion.
    one, other : str
        The ways.
    difference : float
        Drop of ``one`` minus drop of ``other``, mean over the draws: above 0, ``one`` loses more.
    low, high : float
        95 % interval over draws and faces.
    p : float
        Sign-flip test over the draws; corrected by Holm over what it is read beside.
    raw_p : float
        Before the correction.
    margin : float
        A difference that would not matter.
    """

    name: str
    one: str
    other: str
    difference: float
    low: float
    high: float
    p: float
    raw_p: float
    margin: float

    @classmethod
    def of(
        cls, name: str, one: str, other: str, losses: np.ndarray, *, margin: float
    ) -> "Contrast":
        """Contrast of two ways.

        Parameters
        ----------
        name, one, other : str
            As above.
        losses : ndarray of float, shape (R, N)
            For each draw and each face, how much more often ``other`` recognized it than ``one``.
        margin : float
            A difference that would not matter.
        """
        low, high = interval(losses)
        p = sign_flip(losses.mean(axis=1).tolist())
        return cls(name, one, other, float(losses.mean()), low, high, p, p, margin)

    @property
    def verdict(self) -> str:
        """``no difference``, ``too little``, ``more``, ``less``, or one of two doubts.

        Where the whole interval lies within the margin, no difference matters: there is none, or if
        the test is below .05 one that is too little. (These are the two one-sided tests of
        equivalence, Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15, 1987, 657-680,
        at half their usual level.) Else, if the test is below .05 and the interval on one side of
        zero, ``one`` loses more or less. With the test alone that holds on ``these faces only``;
        with neither there are ``too few to tell``, draws or faces.
        """
        shown = self.p < ALPHA
        if -self.margin < self.low and self.high < self.margin:
            return TRIFLE if shown else SAME
        if shown and not self.low <= 0 <= self.high:
            return MORE if self.difference > 0 else LESS
        return HERE if shown else UNCLEAR

    def to_json(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return {
            "name": self.name,
            "one": self.one,
            "other": self.other,
            "difference": self.difference,
            "low": self.low,
            "high": self.high,
            "p": self.p,
            "raw_p": self.raw_p,
            "margin": self.margin,
            "verdict": self.verdict,
        }


def corrected(contrasts: Sequence[Contrast]) -> tuple[Contrast, ...]:
    """Contrasts that are read side by side, their p corrected by Holm."""
    ps = holm([contrast.raw_p for contrast in contrasts])
    return tuple(replace(each, p=p) for each, p in zip(contrasts, ps, strict=True))


def sign_flip(differences: Sequence[float]) -> float:
    """Two-sided p of the exact sign-flip test of paired differences, at most 20 of them.

    If both ways of choosing do alike, each draw's difference could as well have had the other sign.
    p is the share of all 2^R signs whose mean is as far from zero as the one found; with 10 draws
    it cannot fall below .002, with 5 not below .06. Source: Fisher, The Design of Experiments,
    1935, section 21.
    """
    if len(differences) > 20:
        raise ValueError(f"{len(differences)} differences have too many signs to try them all")
    sums = np.zeros(1)
    for difference in differences:
        sums = np.concatenate([sums + difference, sums - difference])
    # Rounding must not set apart what is equal.
    return float((np.abs(sums) >= abs(sum(differences)) - 1e-9).mean())


def interval(losses: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean over draws and faces, float (R, N), R at least 2.

    The variance of the mean is that over the draws' means, divided by R, plus that over the faces'
    means, divided by N. What chance does to a single face in a single draw is in both, which makes
    the interval a little wide: so does the bootstrap over both (Owen, "The pigeonhole bootstrap",
    Annals of Applied Statistics 1, 2007, 386-411). To the faces comes one that changed: where none
    did, few faces still prove little. Student's t with Satterthwaite's degrees of freedom. Of 48
    simulated settings (56 to 3,589 faces, 6 and 10 draws, .5 to 10 % of the faces in doubt, ways
    that differ in which faces they get right but not in how many) it covered .93 to 1.
    """
    draws, faces = losses.shape
    over_draws = losses.mean(axis=1).var(ddof=1) / draws
    per_face = losses.mean(axis=0)
    over_faces = (((per_face - per_face.mean()) ** 2).sum() + 1) / faces**2
    variance = over_draws + over_faces
    freedom = variance**2 / (over_draws**2 / (draws - 1) + over_faces**2 / max(faces - 1, 1))
    half, mean = student(freedom) * sqrt(variance), float(losses.mean())
    return max(mean - half, -1.0), min(mean + half, 1.0)
