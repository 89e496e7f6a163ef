"""Tell a person that something fails: once, and once more when it works again."""

import sys
import time
from collections.abc import Callable
from contextlib import suppress

QUIET = 60.0  # seconds between two tales of the same thing
REASONS = 4  # told of one trouble


def say(line: str) -> None:
    """A line on standard error, whole, from whichever thread."""
    # Where nobody listens any more, a thread goes on without words.
    with suppress(OSError, ValueError):
        # On a terminal the console's live line has to go first.
        sys.stderr.write(f"\r\033[K{line}\n" if sys.stderr.isatty() else f"{line}\n")
        sys.stderr.flush()


class Trouble:
    """What is to be told of something that fails again and again.

    A thing that fails and recovers all the time is told of once a minute, so that a year of it
    fills no log.
    """

    def __init__(
        self, name: str = "", *, say: Callable[[str], None] = say, quiet: float = QUIET
    ) -> None:
        """Speak of a thing.

        Parameters
        ----------
        name : str
            What begins every line, where lines do not name the thing themselves; holds no password.
        say : callable
            Takes a line.
        quiet : float
            Seconds after a recovery in which no new trouble is told of.
        """
        self._begin, self._say, self._quiet = f"{name}: " if name else "", say, quiet
        self._told: set[str] = set()
        self._mended: float | None = None

    def failed(self, why: str) -> None:
        """Something failed; told if it is news: the first time, or for another reason."""
        if why in self._told or (not self._told and self._is_quiet()):
            return
        if len(self._told) == REASONS:
            return
        self._told.add(why)
        self._say(f"{self._begin}{why}")

    def mended(self, how: str) -> None:
        """It works; told if it was told to fail."""
        if self._told:
            self._told, self._mended = set(), time.monotonic()
            self._say(f"{self._begin}{how}")

    def _is_quiet(self) -> bool:
        return self._mended is not None and time.monotonic() - self._mended < self._quiet
