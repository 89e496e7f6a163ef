"""Decide whether a quantized model may pass: emotion by emotion, on faces kept for it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from edgefer.labels import Labels
from edgefer.report.drop import ALPHA, LEAST_PEOPLE, Drop, turned
from edgefer.report.people import people_interval, repeats
from edgefer.report.statistics import Pairs, holm, interval

HOLDS, FAILS, FEW = "holds", "fails", "too few faces to tell"
# Each end of a 90 % interval is that of a one-sided 95 % interval.
_LEVEL = 0.9


@dataclass(frozen=True)
class Row:
    """One emotion, or all faces, at the gate.

    Attributes
    ----------
    emotion, korean : str
        Its names; ``overall`` for all faces.
    support : int
        Faces judged.
    before, after : float
        Share recognized by the float and by the quantized model.
    upper : float
        Upper end of the drop's one-sided 95 % interval.
    p : float
        One-sided exact test that it is worse, corrected by Holm over the emotions.
    verdict : str
        ``holds``, ``fails`` or ``too few faces to tell``.
    """

    emotion: str
    korean: str
    support: int
    before: float
    after: float
    upper: float
    p: float
    verdict: str

    @property
    def drop(self) -> float:
        """Share lost: above 0, the quantized model is worse."""
        return self.before - self.after


@dataclass(frozen=True)
class Judgement:
    """What the gate says of one model.

    Attributes
    ----------
    limit : float
        The largest drop that may pass, 0..1.
    overall : Row
    rows : tuple of Row
        One for each emotion that has faces.
    changed : float
        Share of faces that are answered otherwise.
    """

    limit: float
    overall: Row
    rows: tuple[Row, ...]
    changed: float

    @property
    def failed(self) -> tuple[Row, ...]:
        """Rows that fail, the overall one first."""
        return tuple(row for row in (self.overall, *self.rows) if row.verdict == FAILS)

    @property
    def open(self) -> tuple[str, ...]:
        """What there are too few faces to tell, ``overall`` first: it passes unproven."""
        return tuple(row.emotion for row in (self.overall, *self.rows) if row.verdict == FEW)

    @property
    def passed(self) -> bool:
        """Whether no row fails."""
        return not self.failed

    def to_json(self) -> dict[str, Any]:
        """All of it, ready for JSON; shares between 0 and 1."""
        return {"passed": self.passed, **asdict(self)}


def judge(
    labels: Labels,
    targets: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
    limit: float,
    *,
    people: np.ndarray | None = None,
) -> Judgement:
    """Judge a quantized model by its answers.

    A row holds if the upper end of the drop's one-sided 95 % interval is within the limit. Where
    the interval is so wide that a model which loses nothing would be refused more often than once
    in twenty, there are too few faces to tell, and the row fails only if the drop is above the
    limit and the exact test shows that it is one (p < .05). Else it fails.

    Parameters
    ----------
    labels : Labels
        What the class ids stand for.
    targets, before, after : ndarray of int, shape (N,)
        The truth, the float model's answers and the quantized model's.
    limit : float
        The largest drop that may pass, 0..1.
    people : ndarray of int, shape (N,), optional
        Whose face each is; nothing means that each is of its own.
    """
    people = np.arange(len(targets)) if people is None else people
    shown = sorted(set(targets.tolist()))
    keeps = [targets == target for target in shown]
    found = [
        _measure(labels.names[i], labels.korean[i], targets, before, after, people, keep)
        for i, keep in zip(shown, keeps, strict=True)
    ]
    ps = holm([p for _, _, p in found])
    every = np.ones(len(targets), bool)
    drop, upper, p = _measure("overall", "전체", targets, before, after, people, every)
    return Judgement(
        limit,
        _row(drop, upper, p, limit),
        tuple(_row(drop, upper, p, limit) for (drop, upper, _), p in zip(found, ps, strict=True)),
        float((before != after).mean()),
    )


def _measure(
    emotion: str,
    korean: str,
    targets: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
    people: np.ndarray,
    keep: np.ndarray,
) -> tuple[Drop, float, float]:
    """Drop over some faces, the upper end of its interval, and the one-sided p."""
    parts = targets[keep], before[keep], after[keep]
    drop = Drop.of(emotion, korean, *parts, people=people[keep])
    right = round(drop.before * drop.support) - drop.turned_wrong
    wrong = drop.support - right - drop.turned_wrong - drop.turned_right
    _, upper = interval(Pairs(right, drop.turned_wrong, drop.turned_right, wrong), _LEVEL)
    if repeats(people[keep]):
        upper = max(upper, people_interval(turned(*parts), people[keep], level=_LEVEL)[1])
    return drop, upper, drop.raw_p / 2 if drop.drop > 0 else 1.0


def _row(drop: Drop, upper: float, p: float, limit: float) -> Row:
    # A lossless model's measured drop lies this far above 0 once in twenty times.
    few = 2 * (upper - drop.drop) > limit
    if upper <= limit:
        # Of so few people nothing is known to hold, however many faces they have.
        verdict = FEW if 0 < drop.people < LEAST_PEOPLE else HOLDS
    elif few:
        verdict = FAILS if drop.drop > limit and p < ALPHA else FEW
    else:
        verdict = FAILS
    return Row(
        drop.emotion,
        drop.korean,
        drop.support,
        drop.before,
        drop.after,
        upper,
        p,
        verdict,
    )


def table(tried: Sequence[tuple[str, Judgement]]) -> str:
    """Every model that was tried and every emotion, drops in points, as text."""
    names = ["overall", *(row.emotion for row in tried[0][1].rows)]
    wide = max(len(name) for name in (*names, "emotion"))
    columns = [max(len(name), 16) for name, _ in tried]
    head = "".join(f"  {name:>{width}}" for (name, _), width in zip(tried, columns, strict=True))
    lines = [f"{'drop, points':{wide}} {'faces':>6}{head}"]
    for i, name in enumerate(names):
        rows = [(found.overall, *found.rows)[i] for _, found in tried]
        cells = "".join(
            f"  {_cell(row):>{width}}" for row, width in zip(rows, columns, strict=True)
        )
        lines.append(f"{name:{wide}} {rows[0].support:>6}{cells}")
    return "\n".join(lines)


def _cell(row: Row) -> str:
    mark = {HOLDS: "", FAILS: " !", FEW: " ?"}[row.verdict]
    return f"{100 * row.drop:+.1f} (≤ {100 * row.upper:+.1f}){mark:2}"
