"""Golden vectors: patches whose answers are known, to tell whether a runtime computes rightly.

A runtime may load a model and answer nonsense. The patches are drawn, never photographs of people,
so they may travel with the bundle.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgefer.arrays import GARBLED, read_arrays
from edgefer.bundle import Bundle
from edgefer.untrusted import understood

ROLE = "golden"  # of the bundle's file

# These compute int8 step by step as LiteRT's reference kernels do; anything else is accelerated.
_BUILTIN = {"builtin", "tflite-runtime"}
# Eight patches of 224 pixels take 400 kB; a file that would unpack to more than this is refused.
_MOST = 2**24


@dataclass(frozen=True)
class Golden:
    """Patches, and what each model of a bundle answers.

    Attributes
    ----------
    patches : ndarray of uint8, shape (N, S, S)
        Drawn faces, and a ramp.
    answers : mapping of str to ndarray of float32, shape (N, K)
        Probabilities by LiteRT without delegates, of each role.
    tolerances : mapping of str to (float, float)
        How far a probability may be from them, of each role: on runtimes with the same kernels, and
        on accelerated ones.
    """

    patches: np.ndarray
    answers: Mapping[str, np.ndarray]
    tolerances: Mapping[str, tuple[float, float]]

    def __post_init__(self) -> None:
        count, *sides = self.patches.shape
        if self.patches.dtype != np.uint8 or len(sides) != 2 or sides[0] != sides[1] or not count:
            raise ValueError(f"patches {self.patches.dtype} {self.patches.shape}")
        for role, answers in self.answers.items():
            if answers.dtype != np.float32 or answers.shape[:1] != (count,) or answers.ndim != 2:
                raise ValueError(f"answers of {role}: {answers.dtype} {answers.shape}")
            if not np.isfinite(answers).all():
                raise ValueError(f"answers of {role}: not all are numbers")
            if not all(0 <= far <= 1 for far in self.tolerances[role]):
                raise ValueError(f"tolerances of {role}: {self.tolerances[role]}")

    @classmethod
    def load(cls, bundle: Bundle) -> "Golden | None":
        """Golden vectors of a bundle; None if it has none, as those of edgefer's first versions.

        Raises
        ------
        BundleError
            If the file is garbled, or is for other patches or other labels than the bundle's.
        """
        if ROLE not in bundle.files:
            return None
        with understood(bundle.folder / bundle.files[ROLE], "Get it again.", GARBLED):
            golden = cls._read(bundle.read(ROLE))
            wide = {answers.shape[1] for answers in golden.answers.values()}
            if golden.patches.shape[1] != bundle.size or wide - {len(bundle.labels)}:
                raise ValueError(f"patches {golden.patches.shape} with {wide or 'no'} answers each")
            return golden

    @classmethod
    def _read(cls, data: bytes) -> "Golden":
        arrays = read_arrays(data, _MOST)
        roles = [name.partition(".")[2] for name in arrays if name.startswith("answers.")]
        return cls(
            arrays["patches"],
            {role: arrays[f"answers.{role}"] for role in roles},
            {role: _pair(arrays[f"tolerances.{role}"]) for role in roles},
        )

    def save(self, path: Path) -> Path:
        """Write an ``.npz``; the same vectors give the same bytes."""
        arrays = {"patches": self.patches}
        for role in sorted(self.answers):
            arrays[f"answers.{role}"] = self.answers[role]
            arrays[f"tolerances.{role}"] = np.array(self.tolerances[role], np.float64)
        with path.open("wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # no key is allow_pickle
        return path

    def tolerance(self, role: str, runtime: str) -> float:
        """How far a probability may be off on a backend of this name."""
        return self.tolerances[role][0 if runtime in _BUILTIN else 1]

    def check(self, answers: np.ndarray, role: str, runtime: str) -> str | None:
        """What is wrong with a runtime's answers to the patches; None if nothing is.

        Where the golden answer is clear, its first emotion further than twice the tolerance above
        the second, an answer within the tolerance names the same emotion.

        Parameters
        ----------
        answers : ndarray of float, shape (N, K)
            Probabilities.
        role : str
            The model that gave them; of one that was not recorded nothing is known to be wrong.
        runtime : str
            Name of the backend, such as ``litert``.
        """
        if role not in self.answers:
            return None
        right, most = self.answers[role], self.tolerance(role, runtime)
        if answers.shape != right.shape:
            return f"it gives {answers.shape} probabilities for {right.shape}"
        distance = np.abs(answers - right).max(axis=1)
        # The other way round would let NaN pass.
        far = ~(distance <= most)
        if not far.any():
            return None
        named = int((answers.argmax(axis=1) != right.argmax(axis=1)).sum())
        return (
            f"on {far.sum()} of {len(far)} golden patches a probability is off by more than "
            f"{most:.2g}, by {distance.max():.2g} at most, and {named} are given another emotion"
        )


def _pair(values: np.ndarray) -> tuple[float, float]:
    near, far = values.tolist()
    return float(near), float(far)
