"""What a model is used to: the look of its calibration faces, and how sure it may be."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgefer.bundle import Bundle
from edgefer.untrusted import parse, shown, to_list, understood

ROLE = "reference"  # of the bundle's file
SHARES = (0.01, 0.1, 0.5, 0.9, 0.99)  # of the faces that lie below each quantile

_HALF_STEP = 1 / 512  # of int8's answers: one of 0 is somewhere below
_LARGEST = 1e6


@dataclass(frozen=True)
class Confidence:
    """How sure a model is of its answers, and how much of that is right.

    Attributes
    ----------
    quantiles : tuple of float
        Of the highest probability on the calibration faces, at `SHARES`.
    temperature : float or None
        What its probabilities are rescaled by: see `rescale`. None if no labelled faces told.
    faces : int
        Labelled faces that told.
    error : tuple of float
        Expected calibration error on them, as the model answers and rescaled, 0..1.
    """

    quantiles: tuple[float, ...]
    temperature: float | None = None
    faces: int = 0
    error: tuple[float, ...] = ()


@dataclass(frozen=True)
class Reference:
    """What the calibration faces look like, and how sure each model is of them.

    Attributes
    ----------
    faces : int
        How many they are.
    light : tuple of float
        Quantiles of their mean grey, 0..255, at `SHARES`.
    sharpness : tuple of float
        The same of `sharpness`.
    models : mapping of str to Confidence
        By role: ``float``, ``int8``.
    """

    faces: int
    light: tuple[float, ...]
    sharpness: tuple[float, ...]
    models: Mapping[str, Confidence]

    @classmethod
    def load(cls, bundle: Bundle) -> "Reference | None":
        """Reference of a bundle; None if it has none, as those without calibration faces.

        Raises
        ------
        BundleError
            If the file is garbled.
        """
        if ROLE not in bundle.files:
            return None
        where = bundle.folder / bundle.files[ROLE]
        with understood(where, "Export the bundle again."):
            return cls.of(parse(where, bundle.read(ROLE)))

    @classmethod
    def of(cls, about: Mapping[str, Any]) -> "Reference":
        """From what `save` wrote, nothing of which is taken on trust."""
        if about["format"] != 1:
            raise ValueError(f"format {shown(about['format'])}, expected 1")
        return cls(
            int(_number(about["faces"])),
            _quantiles(about["light"]),
            _quantiles(about["sharpness"]),
            {str(role): _confidence(each) for role, each in about["models"].items()},
        )

    def save(self, path: Path) -> Path:
        """Write it as JSON."""
        path.write_text(json.dumps({"format": 1, **asdict(self)}, indent=2) + "\n", "utf-8")
        return path

    def confidence(self) -> dict[str, dict[str, Any]]:
        """How sure each model may be, short, for the bundle's history."""
        return {
            role: {"temperature": each.temperature, "faces": each.faces, "error": list(each.error)}
            for role, each in self.models.items()
            if each.temperature is not None
        }

    def temperature(self, role: str) -> float | None:
        """What a model's probabilities are rescaled by; None if nobody knows."""
        return self.models[role].temperature if role in self.models else None


def rescale(shares: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities, float (N, K), each to the power of ``1 / temperature`` and summing to 1 again.

    It is temperature scaling [1]_ of the logits that a softmax hides: above 1 the model becomes
    less sure, below it surer, and no answer changes. A share of 0 counts as half a step of int8, or
    as half of the row's least, whichever is less.

    .. [1] Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    """
    least = np.where(shares > 0, shares, 1.0).min(axis=1, keepdims=True)
    known = np.where(shares > 0, shares, np.minimum(_HALF_STEP, least / 2))
    powers = known.astype(np.float64) ** (1 / temperature)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def sharpness(patches: np.ndarray) -> np.ndarray:
    """Variance of the Laplacian over that of the grey values, shape (N,); 0 for a flat patch.

    The variance of the Laplacian alone [1]_ falls with the light as the square, and would call a
    dim face blurred. Noise counts as sharp.

    Parameters
    ----------
    patches : ndarray of uint8, shape (N, S, S)

    .. [1] Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000.
    """
    grey = patches.astype(np.float32)
    middle = grey[:, 1:-1, 1:-1]
    beside = grey[:, :-2, 1:-1] + grey[:, 2:, 1:-1] + grey[:, 1:-1, :-2] + grey[:, 1:-1, 2:]
    edges = (4 * middle - beside).var(axis=(1, 2))
    return np.asarray(edges / np.maximum(grey.var(axis=(1, 2)), 1))


def light(patches: np.ndarray) -> np.ndarray:
    """Mean grey of each patch, uint8 (N, S, S): float (N,), 0..255."""
    return np.asarray(patches.mean(axis=(1, 2)))


def _confidence(about: Mapping[str, Any]) -> Confidence:
    temperature = about["temperature"]
    if temperature is not None:
        temperature = _number(temperature)
        if not 0.01 <= temperature <= 100:
            raise ValueError(f"temperature {temperature}")
    return Confidence(
        _quantiles(about["quantiles"]),
        temperature,
        int(_number(about["faces"])),
        tuple(_number(each) for each in to_list(about["error"])),
    )


def _quantiles(value: Any) -> tuple[float, ...]:
    numbers = tuple(_number(each) for each in to_list(value))
    if len(numbers) != len(SHARES) or sorted(numbers) != list(numbers):
        raise ValueError(f"quantiles {shown(value)}, expected {len(SHARES)} that rise")
    return numbers


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{shown(repr(value))}, expected a number")
    if not (math.isfinite(value) and 0 <= value <= _LARGEST):
        raise ValueError(f"{shown(repr(value))}, expected 0 to {_LARGEST:g}")
    return float(value)
