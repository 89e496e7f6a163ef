"""Warnings of a run: that its faces are unlike those that the model was calibrated on."""

import json
from collections import deque
from collections.abc import Sequence
from time import time

from ..reading import Frame, Reading
from ..trouble import Trouble, say
from .logfile import LogFile
from .options import parse_rotation, split_options
from .queued import clock
from .vitals import Vitals

START = b'{"warning":'  # of every line


class WarningSink:
    """Tells each warning when it begins and when it is over: on standard error, or in a file."""

    def __init__(self, file: LogFile | None = None, name: str = "warnings") -> None:
        """Warn of nothing yet; without a file, on standard error."""
        self._file, self._trouble = file, Trouble(name)
        self._told: tuple[str, ...] = ()
        self._waiting: deque[bytes] = deque(maxlen=100)

    def write(self, frame: Frame, readings: Sequence[Reading]) -> None:
        """Readings do not matter here."""

    def tell(self, vitals: Vitals) -> None:
        if vitals.warnings == self._told:
            return
        for warning in (*vitals.warnings, *self._told):
            if (warning in vitals.warnings) != (warning in self._told):
                self._tell(warning, begins=warning in vitals.warnings)
        self._told = vitals.warnings

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _tell(self, warning: str, *, begins: bool) -> None:
        if self._file is None:
            say(f"warning: {warning}" if begins else f"no longer: {warning}")
            return
        row = {"warning": warning, "begins": begins, "time": clock(time())}
        self._waiting.append((json.dumps(row, ensure_ascii=False) + "\n").encode())
        try:
            while self._waiting:
                for _ in range(self._file.write(self._waiting)):
                    self._waiting.popleft()
            self._trouble.mended("works again")
        except OSError as error:
            self._trouble.failed(f"{error.strerror}; tried again with the next warning")


def open_warnings(where: str, *, force: bool = False) -> WarningSink:
    """A file of one JSON object for each warning that begins or ends.

    Parameters
    ----------
    where : str
        ``PATH`` or ``PATH?max=10MB&keep=5``.
    force : bool
        Begin an existing file anew.
    """
    path, options = split_options(where, ("max", "keep"))
    return WarningSink(LogFile(path, START, parse_rotation(options), force=force), path)
