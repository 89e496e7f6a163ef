"""Climb from the plainest quantization to the dearest until no emotion pays too much."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from edgefer.errors import BundleError, EdgeferError, GateError
from edgefer.faceset import FaceSet
from edgefer.interrupts import stop_if_asked
from edgefer.progress import say
from edgefer.report.people import number_people

from .check import answers
from .finetune import chunks
from .gate import FAILS, FEW, Judgement, Row, judge, table

# From a model and patches, uint8 (N, S, S), to probabilities, float32 (N, K).
Ask = Callable[[bytes, np.ndarray], np.ndarray]


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
    tried: list[tuple[str, Judgement, Mapping[str, Any]]] = []
    start = perf_counter()
    for name, made in _makeable(rungs):
        found = _judged(name, before, answer(made.model, faces), faces, limit)
        facts = {
            "bytes": len(made.model),
            "seconds": round(perf_counter() - start, 1),
            "kept": list(made.kept),
        }
        tried.append((name, found, facts))
        if found.passed:
            return Climb(name, made, tuple(tried))
        start = perf_counter()
    raise _refusal(
        "no way to quantize this network kept every drop",
        [(name, found) for name, found, _ in tried],
    )


def first_made(rungs: Iterable[Rung]) -> tuple[str, Made]:
    """The first rung that can be made, by its name, where no gate asks.

    Raises
    ------
    EdgeferError
        If there is none.
    """
    return next(_makeable(rungs))


def pass_gate(
    name: str,
    model: bytes,
    whole: bytes,
    faces: FaceSet,
    limit: float,
    *,
    ask: Ask = answers,
    instead: str = "",
) -> Judgement:
    """Judge a model that is made in one way alone.

    Parameters
    ----------
    name : str
        What the model is called.
    model, whole : bytes
        The quantized model and the float one.
    faces, limit
        As for `climb`.
    ask : callable
        Gives the probabilities of a model for patches.
    instead : str
        What to type where it fails.

    Raises
    ------
    GateError
        If it fails; the message has the table.
    """
    before, after = (answer(one, faces, ask) for one in (whole, model))
    found = _judged(name, before, after, faces, limit)
    if not found.passed:
        raise _refusal(f"{name} does not keep every drop", [(name, found)], instead)
    return found


def answer(model: bytes, faces: FaceSet, ask: Ask = answers) -> np.ndarray:
    """Class ids that a model answers, int64 (N,); faces are read a part at a time."""
    return np.concatenate([ask(model, faces.take(rows)).argmax(axis=1) for rows in chunks(faces)])


def _judged(
    name: str, before: np.ndarray, after: np.ndarray, faces: FaceSet, limit: float
) -> Judgement:
    people = number_people(faces.persons)
    found = judge(faces.labels, faces.targets, before, after, limit, people=people)
    say(f"gate: {name}: {_told(found)}")
    return found


def _refusal(what: str, tried: list[tuple[str, Judgement]], instead: str = "") -> GateError:
    found = tried[0][1]
    return GateError(
        f"{what} within {100 * found.limit:g} points on {found.overall.support:,} faces; nothing "
        f"was written. {instead}({FAILS}: !, {FEW}: ?; in brackets the upper end of the one-sided "
        f"95 % interval)\n{table(tried)}"
    )


def _makeable(rungs: Iterable[Rung]) -> Iterator[tuple[str, Made]]:
    """Names of rungs and what they make; what cannot be made is said, and raised if all is."""
    failed: list[str] = []
    some = False
    for rung in rungs:
        stop_if_asked()
        try:
            made = rung.make()
        except BundleError as error:
            failed.append(f"{rung.name} cannot be made: {error}")
            continue
        while failed:
            say(failed.pop(0))
        some = True
        yield rung.name, made
    if not some:
        raise EdgeferError("\n".join(failed) or "no way to quantize this network is left.")
    while failed:
        say(failed.pop(0))


def _told(found: Judgement) -> str:
    told = f"overall {_points(found.overall)}, {found.changed:.1%} of the answers changed"
    if found.open:
        told += f", too few faces to tell {', '.join(found.open)}"
    if found.passed:
        return f"{told}: passes"
    return f"{told}: fails by {', '.join(f'{row.emotion} {_points(row)}' for row in found.failed)}"


def _points(row: Row) -> str:
    return f"{100 * row.drop:+.1f} (at most {100 * row.upper:+.1f})"
