"""What int8 cost one emotion, and the mean of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgefer.report.people import people_interval, repeats, sign_flip
from edgefer.report.statistics import Pairs, faces_needed, interval, mcnemar, mean_interval

# Shares. A drop below the margin does not matter; the level is that of the tests.
MARGIN = 0.03
ALPHA = 0.05

# Fewer people never show that an emotion held: a drop in one person of four would be missed by nine
# people once in thirteen times.
LEAST_PEOPLE = 10

WORSE, BETTER, HELD = "worse", "better", "held"
UNCLEAR, FEW_PEOPLE = "too few to tell", "too few people to tell"
OPEN = (UNCLEAR, FEW_PEOPLE)


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
        Exact McNemar test, or the sign-flip test over people; corrected by Holm over the emotions,
        uncorrected in the overall row.
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
    people : int
        People that interval and p are reckoned by, where some have several faces; 0 where every
        face is of a person of its own, or nobody is known.
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
    people: int = 0

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
        people: np.ndarray | None = None,
    ) -> "Drop":
        """Drop over faces: class ids (N,) of the truth, the float answers, the int8 answers.

        ``people``, int (N,), tells whose face each is; nothing means that each is of its own.
        """
        pairs, count = _pairs(targets, before, after), len(targets)
        lost, won = int(pairs.turned_wrong), int(pairs.turned_right)
        low, high = interval(pairs)
        p, crowd = mcnemar(lost, won), 0
        if people is not None and repeats(people):
            change = turned(targets, before, after)
            by_person = people_interval(change, people)
            # Never narrower than independent faces would have it.
            low, high = min(low, by_person[0]), max(high, by_person[1])
            p, crowd = sign_flip(change, people), len(np.unique(people))
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
            people=crowd,
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
        """``worse``, ``better``, ``held``, ``too few to tell`` or ``too few people to tell``.

        Worse or better: the test is below .05. Held: it is not, and the interval ends below the
        margin. Else the faces neither show a change nor rule out a drop that matters: too few. Of
        faces of fewer than ten people it is never said that they held.
        """
        if self.p < ALPHA:
            return WORSE if self.drop > 0 else BETTER
        if self.people:
            enough = self.people >= LEAST_PEOPLE and self.high <= self.margin
            return HELD if enough else FEW_PEOPLE
        return HELD if self.high <= self.margin else UNCLEAR

    @property
    def needed(self) -> int:
        """About how many faces, or people, would narrow the interval to the margin, at these rates.

        People where the row is reckoned by people.
        """
        if self.people:
            wide = (self.high - self.low) / 2 / self.margin
            return max(self.people, LEAST_PEOPLE, round(self.people * wide**2))
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
            "people": self.people,
            ("people_needed" if self.people else "faces_needed"): self.needed,
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
    def of(
        cls,
        drops: Sequence[Drop],
        by_person: tuple[float, float] = (1.0, -1.0),
    ) -> "Balance":
        """Mean over the emotions; never narrower than ``by_person``, its interval over people."""
        low, high = mean_interval([(row.drop, row.low, row.high) for row in drops])
        low, high = min(low, by_person[0]), max(high, by_person[1])
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


def turned(targets: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Which answers turned wrong (1) and right (-1), int64 (N,)."""
    return (before == targets).astype(np.int64) - (after == targets)


def _pairs(targets: np.ndarray, before: np.ndarray, after: np.ndarray) -> Pairs:
    was, is_now = before == targets, after == targets
    cells = (was & is_now, was & ~is_now, ~was & is_now, ~was & ~is_now)
    return Pairs(*(int(cell.sum()) for cell in cells))
