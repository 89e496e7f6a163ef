"""What follows from a study: each way of choosing against another, and two halves of one draw."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgefer.report.drop import ALPHA
from edgefer.report.statistics import holm, mcnemar

from .paired import EMOTION_MARGIN, OVERALL_MARGIN, Contrast, corrected
from .trials import NOISE, OTHER_DOMAIN, OTHER_HALF, Study

QUESTIONS = (
    ("balanced", "random"),
    ("spread", "random"),
    ("spread", "balanced"),
    (OTHER_DOMAIN, "balanced"),
    (NOISE, "random"),
)


@dataclass(frozen=True)
class Finding:
    """One way of choosing against another.

    Attributes
    ----------
    overall : Contrast
        Mean over the sizes; p corrected over the questions.
    sizes : tuple of Contrast
        At each size; p corrected over the sizes.
    emotions : tuple of Contrast
        For each emotion, mean over the sizes; p corrected over the emotions.
    """

    overall: Contrast
    sizes: tuple[Contrast, ...]
    emotions: tuple[Contrast, ...]

    def to_json(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return {
            "overall": self.overall.to_json(),
            "sizes": [each.to_json() for each in self.sizes],
            "emotions": [each.to_json() for each in self.emotions],
        }


@dataclass(frozen=True)
class Halves:
    """Two halves of one random draw, which share no face, each calibrated on.

    Attributes
    ----------
    size : int
        Faces in a half.
    pairs : int
        How many pairs.
    differ : int
        Pairs that the exact McNemar test tells apart, corrected by Holm over all pairs and sizes.
    apart, farthest : float
        Distance between the two drops: mean and largest.
    otherwise : float
        Share of the faces that the two models answer differently, mean.
    """

    size: int
    pairs: int
    differ: int
    apart: float
    farthest: float
    otherwise: float

    def to_json(self) -> dict[str, float]:
        """All of it, ready for JSON."""
        return dict(vars(self))


def findings(study: Study) -> tuple[Finding, ...]:
    """Every way that was tried, against the one it is to be set beside."""
    asked = [pair for pair in QUESTIONS if set(pair) <= set(study.ways)]
    overall = corrected(
        [
            Contrast.of(
                "overall",
                one,
                other,
                study.losses(one, other, study.sizes_of(one, other)),
                margin=OVERALL_MARGIN,
            )
            for one, other in asked
        ]
    )
    return tuple(
        Finding(whole, _sizes(study, *pair), _emotions(study, *pair))
        for whole, pair in zip(overall, asked, strict=True)
    )


def fewer(study: Study, way: str = "balanced") -> tuple[Contrast, ...]:
    """Each smaller number of faces of a way against the largest; p corrected over them."""
    *smaller, most = study.sizes_of(way)
    return corrected(
        [
            Contrast.of(
                str(size),
                f"{size} {way}",
                f"{most} {way}",
                study.right(way, most).astype(float) - study.right(way, size),
                margin=OVERALL_MARGIN,
            )
            for size in smaller
        ]
    )


def halves(study: Study) -> tuple[Halves, ...]:
    """Halves of each size, where there were faces enough for two."""
    sizes = study.sizes_of("random", OTHER_HALF)
    pairs = [
        (size, *both)
        for size in sizes
        for both in zip(study.right("random", size), study.right(OTHER_HALF, size), strict=True)
    ]
    ps = holm([mcnemar(int((a & ~b).sum()), int((b & ~a).sum())) for _, a, b in pairs])
    found = []
    for size in sizes:
        distances = [abs(a.mean() - b.mean()) for n, a, b in pairs if n == size]
        mine = [p for p, (n, _, _) in zip(ps, pairs, strict=True) if n == size]
        answers = study.answers("random", size), study.answers(OTHER_HALF, size)
        found.append(
            Halves(
                size,
                len(mine),
                sum(p < ALPHA for p in mine),
                float(np.mean(distances)),
                float(np.max(distances)),
                float((answers[0] != answers[1]).mean()),
            )
        )
    return tuple(found)


def _sizes(study: Study, one: str, other: str) -> tuple[Contrast, ...]:
    return corrected(
        [
            Contrast.of(
                str(size), one, other, study.losses(one, other, [size]), margin=OVERALL_MARGIN
            )
            for size in study.sizes_of(one, other)
        ]
    )


def _emotions(study: Study, one: str, other: str) -> tuple[Contrast, ...]:
    losses = study.losses(one, other, study.sizes_of(one, other))
    return corrected(
        [
            Contrast.of(name, one, other, losses[:, mask], margin=EMOTION_MARGIN)
            for name, mask in study.emotions.items()
        ]
    )
