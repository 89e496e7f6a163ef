"""Float and int8 side by side on a live stream: what quantization changes there, unlabeled."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from edgefer.bundle import Bundle
from edgefer.errors import BackendError
from edgefer.labels import Labels

from .classifier import Classifier

BINS = 10  # of the margins, each a tenth wide
SHADOW = "shadow"
PRECISIONS = ("int8", "float", SHADOW)


class Model(Protocol):
    """What reads faces: a `Classifier`, or a `Shadow` of two."""

    labels: Labels
    size: int

    def __call__(self, patches: np.ndarray) -> np.ndarray:
        """Probabilities, float32 (N, K), of patches, uint8 (N, S, S)."""
        ...


@dataclass(frozen=True)
class Agreement:
    """How often two models answered alike.

    Nobody knows which of them was right: that takes labeled faces, and ``edgefer compare``.

    Attributes
    ----------
    labels : Labels
        What rows and columns of ``moves`` stand for.
    moves : ndarray of int64, shape (K, K)
        Rows are what float answered, columns what int8 did.
    margins : ndarray of int64, shape (2, BINS)
        Faces by float's margin, its highest probability less its second, in tenths from 0 to 1:
        first the faces that int8 answered alike, then those it answered otherwise.
    """

    labels: Labels
    moves: np.ndarray
    margins: np.ndarray

    @property
    def faces(self) -> int:
        """Faces that both models judged."""
        return int(self.moves.sum())

    @property
    def agreed(self) -> int:
        """Faces that both answered alike."""
        return int(np.trace(self.moves))

    @property
    def by_emotion(self) -> dict[str, tuple[int, int]]:
        """How often float answered each emotion, and how often int8 did so too."""
        counts = zip(self.moves.sum(axis=1).tolist(), np.diag(self.moves).tolist(), strict=True)
        return dict(zip(self.labels.names, counts, strict=True))

    def to_json(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {
            "faces": self.faces,
            "agreed": self.agreed,
            "agreement": _share(self.agreed, self.faces),
            "emotions": {
                emotion: {"faces": faces, "agreed": agreed, "agreement": _share(agreed, faces)}
                for emotion, (faces, agreed) in self.by_emotion.items()
            },
            "float_to_int8": self.moves.tolist(),
            "margins": {
                "edges": [round(i / BINS, 3) for i in range(BINS + 1)],
                "agreed": self.margins[0].tolist(),
                "disagreed": self.margins[1].tolist(),
            },
        }

    def __str__(self) -> str:
        if not self.faces:
            return "float and int8: no face to compare"
        lines = [
            f"float and int8 answered {self.agreed:,} of {self.faces:,} faces alike "
            f"({_percent(self.agreed, self.faces)})",
            "what float answered    faces    alike",
        ]
        lines += [
            f"  {emotion:18} {faces:>7,} {_percent(agreed, faces):>8}"
            for emotion, (faces, agreed) in self.by_emotion.items()
            if faces
        ]
        lines.append("float's margin         alike  otherwise")
        lines += [
            f"  {i / BINS:.1f} to {(i + 1) / BINS:.1f}         {alike:>7,} {other:>10,}"
            for i, (alike, other) in enumerate(self.margins.T.tolist())
            if alike or other
        ]
        return "\n".join(lines)


class Shadow:
    """An int8 model that answers, and its float twin that is asked the same and only counted.

    Attributes
    ----------
    labels : Labels
        What the answers count in.
    size : int
        Side of the patches it takes, in pixels.
    """

    def __init__(self, before: Model, after: Model) -> None:
        """Put two models side by side.

        Parameters
        ----------
        before, after : Model
            The float and the int8 model of one bundle.

        Raises
        ------
        ValueError
            If they differ in labels or size.
        """
        if (before.labels, before.size) != (after.labels, after.size):
            raise ValueError("the two models tell other emotions apart, or take other patches")
        self.labels, self.size = after.labels, after.size
        self._before, self._after = before, after
        self._moves = np.zeros((len(self.labels), len(self.labels)), np.int64)
        self._margins = np.zeros((2, BINS), np.int64)

    def __call__(self, patches: np.ndarray) -> np.ndarray:
        """Probabilities, float32 (N, K), of patches, uint8 (N, S, S): the int8 model's.

        Raises
        ------
        BackendError
            If a model answers with what is no number.
        """
        shares = {"float": self._before(patches), "int8": self._after(patches)}
        for role, each in shares.items():
            if not np.isfinite(each).all():
                raise BackendError(f"the {role} model answers with no numbers. Export it again.")
        was, is_now = (each.argmax(axis=1) for each in shares.values())
        np.add.at(self._moves, (was, is_now), 1)
        two = np.sort(shares["float"], axis=1)[:, -2:]
        margins = np.clip((np.ptp(two, axis=1) * BINS).astype(np.int64), 0, BINS - 1)
        np.add.at(self._margins, ((was != is_now).astype(np.int64), margins), 1)
        return shares["int8"]

    @property
    def agreement(self) -> Agreement:
        """What was counted so far; does not change any more."""
        return Agreement(self.labels, self._moves.copy(), self._margins.copy())


def open_model(
    bundle: Bundle, precision: str, *, backend: str = "auto", threads: int = 1
) -> Classifier | Shadow:
    """What ``--precision`` names: a model of a bundle, or both as a `Shadow`.

    The errors are those of `Classifier`.
    """
    if precision != SHADOW:
        return Classifier(bundle, precision, backend=backend, threads=threads)
    before, after = (
        Classifier(bundle, role, backend=backend, threads=threads) for role in ("float", "int8")
    )
    return Shadow(before, after)


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %"
