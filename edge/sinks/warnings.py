"""Warnings of a run: what is wrong with its camera, its pictures or its faces."""

from collections.abc import Iterator, Sequence

from ..reading import Frame, Reading
from ..trouble import say
from ..words import Words
from .jsonl import timed
from .logfile import LogFile, LogOutlet
from .options import parse_rotation, split_options
from .queued import Queued
from .vitals import Vitals

START = b'{"warning":'  # of every line


class WarningSink:
    """Tells on standard error when a warning begins and when it is over."""

    def __init__(self) -> None:
        """Warn of nothing yet."""
        self._told: tuple[Words, ...] = ()

    def write(self, frame: Frame, readings: Sequence[Reading]) -> None:
        """Readings do not matter here."""

    def tell(self, vitals: Vitals) -> None:
        """Take what there is to warn of now."""
        if vitals.blind:  # a camera that is lost says so there itself, and why
            return
        for warning, begins in _news(self._told, vitals.warnings):
            say(f"warning: {warning}" if begins else f"no longer: {warning}")
        self._told = vitals.warnings

    def close(self) -> None:
        """Nothing is open."""


class WarningLog(Queued):
    """Tells the same in a file: one JSON object for each warning that begins or ends."""

    def __init__(self, file: LogFile, name: str) -> None:
        """Warn of nothing yet."""
        self._told: tuple[Words, ...] = ()
        super().__init__(LogOutlet(file, timed), name, kind="warning")

    def write(self, frame: Frame, readings: Sequence[Reading]) -> None:
        """Readings do not matter here."""

    def tell(self, vitals: Vitals) -> None:
        """Take what there is to warn of now."""
        news = _news(self._told, vitals.warnings)
        self.put([{"warning": warning, "begins": begins} for warning, begins in news])
        self._told = vitals.warnings


def open_warnings(where: str, *, force: bool = False) -> WarningLog:
    """A file of one JSON object for each warning that begins or ends.

    Parameters
    ----------
    where : str
        ``PATH`` or ``PATH?max=10MB&keep=5``.
    force : bool
        Begin an existing file anew.

    Raises
    ------
    EdgeferError
        If nothing can be written there, or the file holds something else.
    """
    path, options = split_options(where, ("max", "keep"))
    file = LogFile(path, START, parse_rotation(options), force=force, what="warnings")
    return WarningLog(file, path)


def _news(before: tuple[Words, ...], now: tuple[Words, ...]) -> Iterator[tuple[str, bool]]:
    """Each warning that begins or is over, and whether it begins."""
    yield from ((warning.english, True) for warning in now if warning not in before)
    yield from ((warning.english, False) for warning in before if warning not in now)
