"""Tell from what several runtimes answered which of them compute a model rightly."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgefer.runtimes import SHOWN, Trial

# Share of faces on which a model must name what it names elsewhere. Seven int8 VGGs agreed between
# XNNPACK and the builtin kernels on .989 to .999 of 800 FER2013 faces, and their float on all.
_AGREE = 0.97
# Where no probability is further off than this, what differs are ties: 15/256 was the largest.
_NEAR = 24 / 256
# Float kernels differ in the last bits: 2e-6 at most.
_FLOAT = 0.01
# Accuracy that a runtime may cost, beyond chance; int8 cost the packaged models .2 points at most.
_DROP = 0.02
# int8 named what float names on .988 of the faces; below half it is another model.
_HALF = 0.5


@dataclass(frozen=True)
class Answer:
    """What a runtime said: probabilities, or why there are none."""

    version: str = ""
    probabilities: np.ndarray | None = None
    reason: str = ""
    tried: bool = True


def trials_of(
    role: str,
    given: Mapping[str, Answer],
    floats: np.ndarray | None,
    targets: np.ndarray | None,
) -> dict[str, Trial]:
    """A trial for each runtime."""
    whole = {name: one.probabilities for name, one in given.items() if _fits(one, floats)}
    against = next(iter(whole), "")
    if floats is not None and role != "float":
        against = max(whole, key=lambda name: _same(whole[name], floats), default="")
    trials = {}
    for name, one in given.items():
        if not one.tried:
            trials[name] = Trial(one.version, None, reason=one.reason)
        elif one.probabilities is None:
            trials[name] = Trial(one.version, False, reason=one.reason)
        elif name not in whole:
            reason = "its answers are no probabilities"
            trials[name] = Trial(one.version, False, len(one.probabilities), reason=reason)
        else:
            reference = whole[against]
            trials[name] = _compare(role, one, reference, SHOWN[against], floats, targets)
    return trials


def _compare(
    role: str,
    one: Answer,
    reference: Any,
    where: str,
    floats: np.ndarray | None,
    targets: np.ndarray | None,
) -> Trial:
    """How one runtime's answers compare with the reference's."""
    answers: Any = one.probabilities
    count = len(answers)
    same, largest = _same(answers, reference), float(np.abs(answers - reference).max())
    near = _same(answers, floats) if floats is not None and role != "float" else None
    reasons, accuracy = [], None
    if same < _AGREE and largest > _NEAR:
        reasons.append(
            f"it names another emotion than on {where} on {1 - same:.1%} of {count} faces, "
            f"expected {1 - _AGREE:.0%} at most"
        )
    if role == "float" and largest > _FLOAT:
        reasons.append(f"a probability is {largest:.3f} from {where}'s, expected {_FLOAT} at most")
    if near is not None and near < _HALF and np.abs(answers - floats).max() > _NEAR:
        reasons.append(f"it names the emotion of the float model on {near:.1%} of {count} faces")
    if targets is not None:
        right, known = answers.argmax(axis=1) == targets, reference.argmax(axis=1) == targets
        accuracy = float(right.mean())
        # Standard error of a paired difference: the root of how many faces changed sides, by all.
        error = float(np.sqrt((right != known).sum())) / count
        if known.mean() - accuracy > _DROP + 2 * error:
            reasons.append(
                f"it names {accuracy:.1%} of {count} faces rightly, {where} {known.mean():.1%}"
            )
    return Trial(one.version, not reasons, count, same, largest, near, accuracy, "; ".join(reasons))


def _fits(one: Answer, floats: np.ndarray | None) -> bool:
    """Whether answers are probabilities, as many as the float model's."""
    answers = one.probabilities
    if answers is None or (floats is not None and answers.shape != floats.shape):
        return False
    return bool(np.isfinite(answers).all() and (np.abs(answers.sum(axis=1) - 1) < 0.02).all())


def _same(answers: Any, others: Any) -> float:
    return float((answers.argmax(axis=1) == others.argmax(axis=1)).mean())
