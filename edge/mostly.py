"""Tell that something is so most of the time, and later that it no longer is."""

import math

MEMORY = 60.0  # seconds; what was seen `t` seconds ago counts exp(-t / MEMORY) as much
GAP = 1.0  # seconds that a picture speaks for, at most: an hour with nobody there says nothing
WARN, QUIET = 0.5, 0.25  # share from which it is told, and below which it no longer is


class Weight:
    """How much a picture counts beside those before it."""

    def __init__(self, memory: float = MEMORY) -> None:
        """Nothing was seen yet; `memory` is a time constant in seconds."""
        self._memory = memory
        self._last: float | None = None

    def __call__(self, seconds: float) -> float:
        """Weight, 0..1, of a picture taken then; of the first one nothing."""
        passed = 0.0 if self._last is None else min(max(seconds - self._last, 0.0), GAP)
        self._last = seconds
        return 1 - math.exp(-passed / self._memory)


class Mostly:
    """A share of the last while, from 0 at the start.

    Attributes
    ----------
    share : float
        0..1.
    told : bool
        Whether it was more than `WARN`, and not below `QUIET` since.
    """

    def __init__(self) -> None:
        """It was not so yet."""
        self.share, self.told = 0.0, False

    def see(self, part: float, weight: float) -> None:
        """Take a picture: which part of it is so, 0..1, and how much it counts."""
        self.share += weight * (part - self.share)
        self.told = self.share > WARN or (self.told and self.share >= QUIET)
