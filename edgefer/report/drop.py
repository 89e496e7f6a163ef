"""What int8 cost one emotion, and the mean of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgefer.report.statistics import Pairs, faces_needed, interval, mcnemar, mean_interval

# Shares. A drop below the margin does not matter; the level is that of the tests.
MARGIN = 0.03
ALPHA = 0.05

WORSE, BETTER, HELD, UNCLEAR = "worse", "better", "held", "too few to tell"


@dataclass(frozen=True)
class Drop:
    """What int8 cost one emotion, or all faces together. All shares lie between 0 and 1.

    Attributes
    ----------
    emotion : str
        Its name, or ``overall``.
    support : int
        Faces judged.
    before, after : float
        Share recognized by the float and by the int8 model.
    low, high : float
        95 % interval of ``before - after``, for this row alone.
    p : float
        Exact McNemar test; corrected by Holm over the emotions, uncorrected in the overall row.
    korean : str
        The Korean name.
    turned_wrong, turned_right : int
        Faces that only the float, and only the int8 model recognized.
    changed : int
        Faces the two models answer differently, wrong answers that turned into others included.
    raw_p : float
        The test before the correction.
    margin : float
        A drop that would not matter.
    """

    emotion: str
    support: int
    before: float
    after: float
    low: float
    high: float
    p: float
    korean: str
    turned_wrong: int
    turned_right: int
    changed: int
    raw_p: float
    margin: float = MARGIN

    def __post_init__(self) -> None:
        shares = (self.before, self.after, self.p, self.raw_p, self.margin)
        if self.support < 1 or not all(0 <= share <= 1 for share in shares):
            raise ValueError(f"{self.emotion}: no faces, or a share outside 0..1 in {shares}")
        if not self.low - 1e-9 <= self.drop <= self.high + 1e-9:
            raise ValueError(f"{self.emotion}: {self.drop} lies outside {self.low}..{self.high}")

    @classmethod
    def of(
        cls,
        emotion: str,
        korean: str,
        targets: np.ndarray,
        before: np.ndarray,
        after: np.ndarray,
        *,
        margin: float = MARGIN,
    ) -> "Drop":
        """Drop over faces: class ids (N,) of the truth, the float answers, the int8 answers."""
        pairs, count = _pairs(targets, before, after), len(targets)
        lost, won = int(pairs.turned_wrong), int(pairs.turned_right)
        low, high = interval(pairs)
        p = mcnemar(lost, won)
        return cls(
            emotion=emotion,
            support=count,
            before=(pairs.both_right + lost) / count,
            after=(pairs.both_right + won) / count,
            low=low,
            high=high,
            p=p,
            korean=korean,
            turned_wrong=lost,
            turned_right=won,
            changed=int((before != after).sum()),
            raw_p=p,
            margin=margin,
        )

    @property
    def drop(self) -> float:
        """Share lost: above 0, int8 is worse."""
        return self.before - self.after

    @property
    def agreement(self) -> float:
        """Share of faces that both models answer alike."""
        return 1 - self.changed / self.support

    @property
    def verdict(self) -> str:
        """``worse``, ``better``, ``held`` or ``too few to tell``.

        Worse or better: the test is below .05. Held: it is not, and the interval ends below the
        margin. Else the faces neither show a change nor rule out a drop that matters: too few.
        """
        if self.p < ALPHA:
            return WORSE if self.drop > 0 else BETTER
        return HELD if self.high <= self.margin else UNCLEAR

    @property
    def needed(self) -> int:
        """About how many faces would narrow the interval to the margin, at the same rates."""
        right = round(self.before * self.support) - self.turned_wrong
        rest = self.support - right - self.turned_wrong - self.turned_right
        return faces_needed(Pairs(right, self.turned_wrong, self.turned_right, rest), self.margin)

    def to_json(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return {
            "emotion": self.emotion,
            "korean": self.korean,
            "support": self.support,
            "before": self.before,
            "after": self.after,
            "drop": self.drop,
            "low": self.low,
            "high": self.high,
            "p": self.p,
            "raw_p": self.raw_p,
            "turned_wrong": self.turned_wrong,
            "turned_right": self.turned_right,
            "changed": self.changed,
            "agreement": self.agreement,
            "verdict": self.verdict,
            "faces_needed": self.needed,
        }


@dataclass(frozen=True)
class Balance:
    """Balanced accuracy: the mean of the emotions' shares, each counting alike.

    Attributes
    ----------
    before, after : float
        Of the float and the int8 model, 0..1.
    low, high : float
        95 % interval of ``before - after``.
    """

    before: float
    after: float
    low: float
    high: float

    @classmethod
    def of(cls, drops: Sequence[Drop]) -> "Balance":
        """Mean over the emotions."""
        low, high = mean_interval([(row.drop, row.low, row.high) for row in drops])
        before = sum(row.before for row in drops) / len(drops)
        return cls(before, sum(row.after for row in drops) / len(drops), low, high)

    @property
    def drop(self) -> float:
        """Share lost: above 0, int8 is worse."""
        return self.before - self.after

    def to_json(self) -> dict[str, float]:
        """All of it, ready for JSON."""
        return {
            "before": self.before,
            "after": self.after,
            "drop": self.drop,
            "low": self.low,
            "high": self.high,
        }


def _pairs(targets: np.ndarray, before: np.ndarray, after: np.ndarray) -> Pairs:
    was, is_now = before == targets, after == targets
    cells = (was & is_now, was & ~is_now, ~was & is_now, ~was & ~is_now)
    return Pairs(*(int(cell.sum()) for cell in cells))
