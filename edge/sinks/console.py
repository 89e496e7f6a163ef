"""Readings for a person: a line when what is seen changes, and a live line on a terminal."""

import os
import shutil
import sys
import time
from collections.abc import Sequence
from typing import TextIO

from ..quality import FLAWS
from ..reading import Frame, Reading
from ..steady import UNSURE

HOLD = 0.3  # seconds that a change must last to earn a line
REFRESH = 0.1  # seconds between two states of the live line
BAR = 20


class ConsoleSink:
    """Tells what is seen, and when it changed.

    A frame that differs for a moment earns no line. Pictures of a folder get a line each, with
    their name. On a terminal the last line is alive: bars of confidence for the faces of now.
    """

    def __init__(self, file: TextIO | None = None) -> None:
        """Write to a stream; standard output if left out."""
        self._file = file or sys.stdout
        self._live = self._file.isatty()
        self._seen: tuple[str, ...] | None = None
        self._line = ""
        self._since = 0.0
        self._told = True
        self._refreshed = 0.0

    def write(self, frame: Frame, readings: Sequence[Reading]) -> None:
        if frame.name:
            self._print(f"{frame.name}  {_describe(readings)}")
            return
        seen = tuple(reading.emotion for reading in readings)
        if seen != self._seen:
            self._tell(frame.seconds)
            self._seen, self._since, self._told = seen, frame.seconds, False
            self._line = f"{_clock(frame.seconds)}  {_describe(readings)}"
        elif not self._told:
            self._tell(frame.seconds)
        if self._live and time.monotonic() - self._refreshed > REFRESH:
            self._refreshed = time.monotonic()
            self._write("\r\033[K" + _live_line(frame, readings)[: _columns() - 1])

    def close(self) -> None:
        if self._live:
            self._write("\r\033[K")
        if not self._told:
            self._print(self._line)

    def _tell(self, now: float) -> None:
        """Print the state so far if it lasted."""
        if not self._told and now - self._since >= HOLD:
            self._print(self._line)
            self._told = True

    def _print(self, line: str) -> None:
        self._write(("\r\033[K" if self._live else "") + line + "\n")

    def _write(self, text: str) -> None:
        # A terminal that cannot show Hangul is no reason to stop.
        encoding = self._file.encoding or "utf-8"
        try:
            self._file.write(text.encode(encoding, "replace").decode(encoding))
            self._file.flush()
        except OSError:
            if not self._live:
                raise
            # The terminal was closed. Whether that ends the run is for SIGHUP to say.
            with open(os.devnull, "wb") as nothing:
                os.dup2(nothing.fileno(), self._file.fileno())
            self._live = False


def _describe(readings: Sequence[Reading]) -> str:
    return ", ".join(f"{r.emotion} {_share(r)}".rstrip() for r in readings) or "nobody"


def _live_line(frame: Frame, readings: Sequence[Reading]) -> str:
    faces = (
        f"{r.emotion:<11} {'#' * round(BAR * r.confidence):.<{BAR}} {_share(r):>4}"
        for r in readings
    )
    return f"{_clock(frame.seconds)}  {'   '.join(faces) or 'nobody'}"


def _share(reading: Reading) -> str:
    if reading.flaw:
        return f"({FLAWS[reading.flaw].english})"
    # Behind "unsure" it would read as how unsure it is.
    return "" if reading.emotion == UNSURE else f"{reading.confidence:.0%}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes):3}:{rest:04.1f}"


def _columns() -> int:
    return shutil.get_terminal_size().columns
