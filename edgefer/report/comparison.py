"""What quantization cost each emotion: the same faces, judged by the float and the int8 model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from edgefer.labels import Labels
from edgefer.report.drop import MARGIN, Balance, Drop, turned
from edgefer.report.people import number_people, people_interval
from edgefer.report.score import Score
from edgefer.report.statistics import holm


@dataclass(frozen=True)
class Latency:
    """Milliseconds that one model takes for one face.

    Attributes
    ----------
    median, p95 : float
        Over the calls; one call in twenty takes longer than ``p95``.
    calls : int
        How many were timed.
    """

    median: float
    p95: float
    calls: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Latency":
        """From the duration of each call."""
        median, p95 = np.percentile(np.asarray(seconds) * 1000, (50, 95)).tolist()
        return cls(median, p95, len(seconds))


@dataclass(frozen=True)
class Comparison:
    """The float and the int8 model of a bundle on the same faces, emotion by emotion.

    Attributes
    ----------
    bundle, faceset : str
        Their names.
    overall : Drop
        Over all faces.
    drops : tuple of Drop
        One for each emotion that has faces, in the labels' order.
    agreement : float
        Share of faces that both models answer alike.
    balanced : Balance
        Mean over the emotions.
    before, after : Score
        Confusion of the float and of the int8 model.
    moves : ndarray of int64, shape (K, K)
        Rows are what the float model answered, columns what the int8 model did.
    clean : Drop or None
        Overall, without the faces that training or calibration had seen; None if there are none.
    sizes : mapping of str to int
        Bytes of the model files, by role.
    latency : mapping of str to Latency
        By role.
    about : mapping of str to object
        What else must be known: runtime, machine, digests, split, translation, leaks, history.
    warnings : tuple of str
        What a reader must not overlook.
    """

    bundle: str
    faceset: str
    overall: Drop
    drops: tuple[Drop, ...]
    agreement: float
    balanced: Balance
    before: Score
    after: Score
    moves: np.ndarray
    clean: Drop | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)
    latency: Mapping[str, Latency] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        counts = {int(table.sum()) for table in (self.before.confusion, self.after.confusion)}
        counts |= {int(self.moves.sum()), self.overall.support, sum(r.support for r in self.drops)}
        if len(counts) != 1 or self.before.labels != self.after.labels:
            raise ValueError(f"the parts of the comparison count different faces: {sorted(counts)}")

    @classmethod
    def of(
        cls,
        labels: Labels,
        targets: np.ndarray,
        before: np.ndarray,
        after: np.ndarray,
        *,
        bundle: str,
        faceset: str,
        margin: float = MARGIN,
        persons: np.ndarray | None = None,
        seen: np.ndarray | None = None,
        **rest: Any,
    ) -> "Comparison":
        """Compare two models' answers to the same faces.

        Parameters
        ----------
        labels : Labels
            What the class ids stand for.
        targets, before, after : ndarray of int, shape (N,)
            The truth, the float model's answers and the int8 model's; N is at least 1.
        bundle, faceset : str
            Their names.
        margin : float
            A drop that would not matter.
        persons : ndarray of object, shape (N,), optional
            Whose face each is; empty where unknown. Where people have several, intervals and tests
            count people.
        seen : ndarray of bool, shape (N,), optional
            Faces that training or calibration had seen.
        **rest
            Sizes, latency, about, warnings.
        """
        people = np.arange(len(targets)) if persons is None else number_people(persons)
        parts, names, korean = (targets, before, after), labels.names, labels.korean

        def drop(name: str, korean: str, keep: np.ndarray) -> Drop:
            faces = (part[keep] for part in parts)
            return Drop.of(name, korean, *faces, margin=margin, people=people[keep])

        shown = sorted(set(targets.tolist()))
        drops = [drop(names[i], korean[i], targets == i) for i in shown]
        corrected = holm([row.raw_p for row in drops])
        rows = tuple(replace(row, p=p) for row, p in zip(drops, corrected, strict=True))
        overall = drop("overall", "전체", np.ones(len(targets), bool))
        clean = None
        if seen is not None and seen.any() and not seen.all():
            clean = drop("unseen faces", "", ~seen)
        # One person may show several emotions: their drops are then not independent of each other.
        by_person = (
            [people_interval(turned(*parts), people, groups=targets)] if overall.people else []
        )
        return cls(
            bundle=bundle,
            faceset=faceset,
            overall=overall,
            drops=rows,
            agreement=overall.agreement,
            balanced=Balance.of(rows, *by_person),
            before=Score.of(labels, targets, before),
            after=Score.of(labels, targets, after),
            moves=Score.of(labels, before, after).confusion,
            clean=clean,
            **rest,
        )

    @property
    def labels(self) -> Labels:
        """What the answers count in."""
        return self.before.labels

    @property
    def method(self) -> dict[str, Any]:
        """How intervals and tests were reckoned, and by how many people; 0: by faces."""
        return {
            "people": self.overall.people,
            "interval": "jackknife over people" if self.overall.people else "Newcombe 1998",
            "test": "sign-flip over people" if self.overall.people else "exact McNemar",
        }

    @property
    def speedup(self) -> float | None:
        """How many times as fast int8 is as float, by the medians; None if not timed."""
        if not {"float", "int8"} <= set(self.latency):
            return None
        return self.latency["float"].median / self.latency["int8"].median

    def above(self, limit: float) -> list[Drop]:
        """Rows, the overall one included, whose drop is above a limit.

        The drop as measured decides, also where the faces are too few to tell: a rare emotion that
        int8 ruins must not pass because it is rare.
        """
        return [row for row in (self.overall, *self.drops) if row.drop > limit + 1e-12]

    def to_json(self) -> dict[str, Any]:
        """All of it, ready for JSON; shares between 0 and 1."""
        precision = zip(self.before.precision.tolist(), self.after.precision.tolist(), strict=True)
        precise = dict(zip(self.labels.names, precision, strict=True))
        drops = [
            row.to_json()
            | dict(zip(("precision_before", "precision_after"), precise[row.emotion], strict=True))
            for row in self.drops
        ]
        return {
            "format": 1,
            "bundle": self.bundle,
            "faceset": self.faceset,
            "overall": self.overall.to_json(),
            "drops": drops,
            "agreement": self.agreement,
            "balanced": self.balanced.to_json(),
            "clean": self.clean.to_json() if self.clean else None,
            "warnings": list(self.warnings),
            "margin": self.overall.margin,
            "method": self.method,
            "labels": {"names": self.labels.names, "korean": self.labels.korean},
            "confusion": {
                "float": self.before.confusion.tolist(),
                "int8": self.after.confusion.tolist(),
                "float_to_int8": self.moves.tolist(),
            },
            "bytes": dict(self.sizes),
            "milliseconds": {
                role: {"median": each.median, "p95": each.p95, "calls": each.calls}
                for role, each in self.latency.items()
            },
            "speedup": self.speedup,
            **self.about,
        }
