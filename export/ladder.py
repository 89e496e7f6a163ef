"""Climb from the plainest quantization to the dearest until no emotion pays too much."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from edgefer.errors import BundleError, EdgeferError, GateError
from edgefer.faceset import FaceSet
from edgefer.progress import say
from edgefer.report.people import number_people

from .check import answers
from .finetune import chunks
from .gate import FAILS, FEW, Judgement, Row, judge, table

_NONE = "no way to quantize this network can be made: see above."


@dataclass(frozen=True)
class Made:
    """A quantized model.

    Attributes
    ----------
    model : bytes
        A TFLite file.
    kept : tuple of str
        Layers that were left in float.
    trained : bool
        Whether it was trained further, on the training faces.
    """

    model: bytes
    kept: tuple[str, ...] = ()
    trained: bool = False


@dataclass(frozen=True)
class Rung:
    """One way to quantize a network, and what does it."""

    name: str
    make: Callable[[], Made]


@dataclass(frozen=True)
class Climb:
    """How far the climb went.

    Attributes
    ----------
    rung : str
        The way that passed.
    made : Made
        Its model.
    tried : tuple of (str, Judgement, dict)
        Every rung: its name, what the gate said, and what else was measured.
    """

    rung: str
    made: Made
    tried: tuple[tuple[str, Judgement, Mapping[str, Any]], ...]

    def to_json(self) -> dict[str, Any]:
        """All of it but the model, ready for JSON."""
        return {
            "rung": self.rung,
            "kept": list(self.made.kept),
            "limit": self.tried[0][1].limit,
            "faces": self.tried[0][1].overall.support,
            "tried": [
                {"rung": name, **facts, **found.to_json()} for name, found, facts in self.tried
            ],
        }


def climb(rungs: Iterable[Rung], whole: bytes, faces: FaceSet, limit: float) -> Climb:
    """Try one rung after the other on the same faces; the first that passes the gate is taken.

    Parameters
    ----------
    rungs : iterable of Rung
        From the cheapest to the dearest; a rung is made only when those before it failed.
    whole : bytes
        The float TFLite model.
    faces : FaceSet
        Under the model's labels; neither calibration nor the report uses them.
    limit : float
        The largest drop that may pass, 0..1.

    Raises
    ------
    GateError
        If no rung passes; the message has the table.
    EdgeferError
        If no rung could be tried.
    """
    before = answer(whole, faces)
    people = number_people(faces.persons)
    tried: list[tuple[str, Judgement, Mapping[str, Any]]] = []
    for rung in rungs:
        start = perf_counter()
        made = _made(rung)
        if made is None:
            continue
        found = judge(
            faces.labels, faces.targets, before, answer(made.model, faces), limit, people=people
        )
        facts = {
            "bytes": len(made.model),
            "seconds": round(perf_counter() - start, 1),
            "kept": list(made.kept),
        }
        tried.append((rung.name, found, facts))
        say(f"gate: {rung.name}: {_told(found)}")
        if found.passed:
            return Climb(rung.name, made, tuple(tried))
    if not tried:
        raise EdgeferError(_NONE)
    raise GateError(
        f"no way to quantize this network kept every drop within {100 * limit:g} points on "
        f"{len(faces):,} faces; nothing was written. "
        f"({FAILS}: !, {FEW}: ?; in brackets the upper end of the one-sided 95 % interval)\n"
        + table([(name, found) for name, found, _ in tried])
    )


def first_made(rungs: Iterable[Rung]) -> tuple[str, Made]:
    """The first rung that can be made, by its name, where no gate asks.

    Raises
    ------
    EdgeferError
        If there is none.
    """
    for rung in rungs:
        made = _made(rung)
        if made is not None:
            return rung.name, made
    raise EdgeferError(_NONE)


def answer(model: bytes, faces: FaceSet) -> np.ndarray:
    """Class ids that a TFLite model answers, int64 (N,), read a part at a time."""
    parts = [answers(model, faces.take(rows)).argmax(axis=1) for rows in chunks(faces)]
    return np.concatenate(parts)


def _made(rung: Rung) -> Made | None:
    """What a rung makes; None, and why is said, where it cannot be made."""
    try:
        return rung.make()
    except BundleError as error:
        say(f"{rung.name} cannot be made: {error}")
        return None


def _told(found: Judgement) -> str:
    few = sum(row.verdict == FEW for row in found.rows)
    told = f"overall {_points(found.overall)}, {found.changed:.1%} of the answers changed"
    if few:
        told += f", {few} of {len(found.rows)} emotions have too few faces to tell"
    if found.passed:
        return f"{told}: passes"
    return f"{told}: fails by {', '.join(f'{row.emotion} {_points(row)}' for row in found.failed)}"


def _points(row: Row) -> str:
    return f"{100 * row.drop:+.1f} (at most {100 * row.upper:+.1f})"
