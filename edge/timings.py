"""What a benchmark found: how long each step took, and how warm it made the machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .thermal import Heat


@dataclass(frozen=True)
class Timing:
    """How long one step took.

    Attributes
    ----------
    step : str
        ``read`` a picture; ``detect``: find and follow faces as ``edgefer run`` does; ``frame``:
        that and reading the faces; ``search`` a whole picture with patience; ``classify``.
    count : int
        How often it was timed.
    p50, p95, p99 : float
        Percentiles, in milliseconds.
    precision : str
        Which model classified; empty for other steps.
    faces : int
        How many it classified at once; 0 for other steps.
    """

    step: str
    count: int
    p50: float
    p95: float
    p99: float
    precision: str = ""
    faces: int = 0

    @classmethod
    def of(
        cls, seconds: Sequence[float], step: str, precision: str = "", faces: int = 0
    ) -> "Timing":
        """Of these measurements, in seconds."""
        p50, p95, p99 = (float(ms) for ms in np.percentile(1000 * np.array(seconds), (50, 95, 99)))
        return cls(step, len(seconds), p50, p95, p99, precision, faces)

    @property
    def name(self) -> str:
        """What a table calls it."""
        if not self.faces:
            return self.step
        return f"{self.step} {self.precision}, {self.faces} face{'s' * (self.faces > 1)}"

    def to_json(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        times = {name: round(getattr(self, name), 4) for name in ("p50", "p95", "p99")}
        what = {"precision": self.precision, "faces": self.faces} if self.faces else {}
        return {"step": self.step, **what, "count": self.count, "milliseconds": times}


@dataclass(frozen=True)
class Trial:
    """Every step with one number of threads.

    Attributes
    ----------
    threads : int
    fps : float
        Frames a second that finding and reading faces allows; waiting for a camera is not counted.
    frames, faces : int
        Frames that were timed, and faces found in them.
    timings : tuple of Timing
    before, after : Heat
    throttled : tuple of str
        What slowed the machine down while this was measured; empty for a valid measurement.
    """

    threads: int
    fps: float
    frames: int
    faces: int
    timings: tuple[Timing, ...]
    before: Heat
    after: Heat
    throttled: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {
            "threads": self.threads,
            "fps": round(self.fps, 2),
            "frames": self.frames,
            "faces": self.faces,
            "steps": [timing.to_json() for timing in self.timings],
            "before": self.before.to_json(),
            "after": self.after.to_json(),
            "throttled": list(self.throttled),
        }


@dataclass(frozen=True)
class Bench:
    """How fast this machine is.

    Attributes
    ----------
    about : dict
        Machine, runtime, versions, bundle, camera, and how faces were found.
    trials : tuple of Trial
        One for each number of threads.
    peak_rss_mb : float
        Most memory that this process held, in MB of a million bytes, Python and OpenCV included.
    complete : bool
        Whether every trial was made; Ctrl-C leaves some out.
    """

    about: dict[str, Any]
    trials: tuple[Trial, ...]
    peak_rss_mb: float
    complete: bool

    @property
    def throttled(self) -> bool:
        """Whether heat or power slowed the machine down: its times are not what it can do."""
        return any(trial.throttled for trial in self.trials)

    def to_json(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {
            **self.about,
            "throttled": self.throttled,
            "complete": self.complete,
            "peak_rss_mb": round(self.peak_rss_mb, 1),
            "trials": [trial.to_json() for trial in self.trials],
        }
