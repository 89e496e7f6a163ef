"""Ways to export one network, side by side: what each weighs, what each costs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from edgefer.labels import Labels
from edgefer.report import Drop
from edgefer.report.drop import BETTER, HELD, WORSE

# Made to compare with only: edgefer export writes no such bundle.
COMPARED = ("float16", "dynamic")
NAMES = ("float", "float16", "dynamic", "int8", "corrected", "mixed", "qat")

# Times and downloads within a tenth of each other count as the same: a machine's own noise is that.
NEAR = 1.1


@dataclass(frozen=True)
class Candidate:
    """One way to export a network.

    Attributes
    ----------
    name : str
        One of `NAMES`; ``float, reshaped`` is the float model of a pruned network.
    bytes, gzipped : int
        Size of the file, and of the download.
    macs : int
        Multiplications for one face.
    milliseconds : float
        Median time of one face in LiteRT here, one thread, all candidates in turn.
    overall : Drop
        Against the float model of the network as it was.
    drops : tuple of Drop
        Each emotion; p is corrected by Holm.
    kept : tuple of str
        Layers left in float.
    """

    name: str
    bytes: int
    gzipped: int
    macs: int
    milliseconds: float
    overall: Drop
    drops: tuple[Drop, ...]
    kept: tuple[str, ...] = ()

    @property
    def accuracy(self) -> float:
        """Share of the faces that it names rightly."""
        return self.overall.after

    @property
    def worst(self) -> Drop | None:
        """The emotion that pays most; None if none pays."""
        row = max(self.drops, key=lambda row: row.drop)
        return row if row.drop > 0 else None

    @property
    def worse(self) -> tuple[Drop, ...]:
        """Emotions that got worse by their tests."""
        return tuple(row for row in self.drops if row.verdict == WORSE)

    @property
    def verdict(self) -> str:
        """Verdict over all faces, but ``worse`` also where only an emotion is."""
        return WORSE if self.worse else self.overall.verdict


@dataclass(frozen=True)
class Candidates:
    """Every candidate, in the order of `NAMES`: float, which the others are compared with, first.

    Attributes
    ----------
    bundle, faceset, split : str
        What was exported, and which faces judged.
    labels : Labels
    found : tuple of Candidate
        At least one.
    about : mapping
        Digests, versions and the date.
    """

    bundle: str
    faceset: str
    split: str
    labels: Labels
    found: tuple[Candidate, ...]
    about: Mapping[str, Any]

    @property
    def reference(self) -> Candidate:
        """The float model that the others are compared with."""
        return self.found[0]

    @property
    def pick(self) -> Candidate:
        """The one worth taking: the fastest that can be exported and nothing shows to have lost.

        Of several as fast, the smallest download; of several as small, one that tests show to be
        right more often, or else the first, for that is the simplest to make. What the faces are
        too few to judge is taken only where no other is left.
        """
        first, *others = (one for one in self.found if one.name not in COMPARED)
        unhurt = [one for one in others if one.verdict != WORSE]
        sure = [one for one in unhurt if one.verdict in (HELD, BETTER)]
        fast = _least([first, *(sure or unhurt)], "milliseconds")
        small = _least(fast, "gzipped")
        return next((one for one in small if one.verdict == BETTER), small[0])

    def front(self, cost: str = "milliseconds") -> tuple[str, ...]:
        """Names of those that no other beats in accuracy at the same cost or less."""
        return tuple(
            one.name
            for one in self.found
            if not any(
                getattr(other, cost) <= getattr(one, cost)
                and other.accuracy >= one.accuracy
                and (getattr(other, cost), other.accuracy) != (getattr(one, cost), one.accuracy)
                for other in self.found
            )
        )

    def to_json(self) -> dict[str, Any]:
        """All of it, ready for JSON; shares between 0 and 1."""
        return {
            "format": 1,
            "bundle": self.bundle,
            "faceset": self.faceset,
            "split": self.split,
            "labels": asdict(self.labels),
            "candidates": [
                {
                    "name": one.name,
                    "bytes": one.bytes,
                    "gzipped": one.gzipped,
                    "macs": one.macs,
                    "milliseconds": one.milliseconds,
                    "kept": list(one.kept),
                    "verdict": one.verdict,
                    "overall": one.overall.to_json(),
                    "drops": [row.to_json() for row in one.drops],
                }
                for one in self.found
            ],
            "front": {cost: list(self.front(cost)) for cost in ("milliseconds", "gzipped")},
            "pick": self.pick.name,
            **self.about,
        }

    def to_text(self) -> str:
        """Headline and table for a terminal."""
        # The words are about this class, so they come after it.
        from .candidates_words import to_text

        return to_text(self)


def near(one: float, other: float) -> bool:
    """Whether two times or downloads count as the same."""
    return max(one, other) <= NEAR * min(one, other)


def _least(ones: Sequence[Candidate], cost: str) -> list[Candidate]:
    """Those that cost the least, within what counts as the same."""
    lowest = min(getattr(one, cost) for one in ones)
    return [one for one in ones if getattr(one, cost) <= NEAR * lowest]
