"""What of a run may be changed while it goes on, and how far."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from edgefer.errors import EdgeferError

# From which value to which, as on the command line.
RANGES: dict[str, tuple[Any, Any]] = {
    "unsure": (0, 1),
    "smooth": (0, 60),
    "min_face": (24, 10_000),
    "neighbors": (1, 1000),
    "every": (1, 10_000),
}


@dataclass(frozen=True)
class Settings:
    """Options of ``edgefer run`` that may be changed while it goes on.

    Attributes
    ----------
    unsure, smooth : float
        As for `edgefer.edge.steady.Steady`.
    quality : bool
        Whether faces that are too poor are refused.
    min_face, neighbors, every : int
        As for `edgefer.edge.wishes.Wishes`.
    """

    unsure: float
    smooth: float
    quality: bool
    min_face: int
    neighbors: int
    every: int

    def changed(self, changes: Mapping[str, object]) -> "Settings":
        """These settings with others for some names.

        Raises
        ------
        EdgeferError
            If there is no such setting, or a value is of another kind or out of range.
        """
        now = asdict(self)
        for name, value in changes.items():
            if name not in now:
                raise EdgeferError(f"there is no setting {name!r}. There are {', '.join(now)}.")
            now[name] = _checked(name, value, type(now[name]))
        return replace(self, **now)

    def options(self, before: "Settings") -> str:
        """What differs from other settings, as it is typed."""
        then = asdict(before)
        return " ".join(
            f"--{name.replace('_', '-')} {_typed(value)}"
            for name, value in asdict(self).items()
            if value != then[name]
        )


def _checked(name: str, value: Any, kind: type) -> Any:
    if kind is bool:
        if not isinstance(value, bool):
            raise EdgeferError(f"{name} is true or false, and {value!r} is neither.")
        return value
    low, high = RANGES[name]
    fits = not isinstance(value, bool) and isinstance(value, (int, kind))
    if not fits or not low <= value <= high:
        what = "whole number" if kind is int else "number"
        raise EdgeferError(f"{name} is a {what} from {low} to {high}, and {value!r} is none.")
    return kind(value) + 0  # of -0.0 it makes 0.0


def _typed(value: bool | float) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else f"{value:g}"
