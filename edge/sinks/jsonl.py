"""Readings as JSON, one object a line."""

import json
import sys
from collections.abc import Sequence

from edgefer.errors import EdgeferError

from ..reading import Frame, Reading
from .logfile import LogFile, LogOutlet
from .options import parse_rotation, split_options
from .outlet import Entry, clock
from .queued import Queued

START = b'{"index":'  # of every line


def open_jsonl(where: str, *, force: bool = False) -> "Queued | JsonlPipe":
    """A log of one JSON object per reading, one reading per line.

    Parameters
    ----------
    where : str
        A file, or ``-`` for standard output. ``PATH?max=10MB&keep=5`` begins a new file at that
        size, ``PATH?time=utc`` adds the time of day to each line.
    force : bool
        Begin an existing file anew.

    Raises
    ------
    EdgeferError
        If nothing can be written there, or the file holds something else.
    """
    path, options = split_options(where, ("max", "keep", "time"))
    if path == "-":
        if options:
            raise EdgeferError("jsonl:- takes no options: they are for files.")
        return JsonlPipe()
    if options.get("time", "utc") != "utc":
        raise EdgeferError(f"time={options['time']} is not known. Type: jsonl:PATH?time=utc.")
    line = timed if "time" in options else _line
    file = LogFile(path, START, parse_rotation(options), force=force)
    return Queued(LogOutlet(file, line), path)


class JsonlPipe:
    """The same on standard output. Whoever reads it sets the pace, and its end is the run's."""

    def write(self, frame: Frame, readings: Sequence[Reading]) -> None:
        try:
            for reading in readings:
                sys.stdout.write(_dump(reading.to_json(frame)))
            if readings:
                sys.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise EdgeferError(f"cannot write standard output: {error.strerror}.") from error

    def close(self) -> None:
        """Standard output stays open."""


def _line(entry: Entry) -> bytes:
    return _dump(entry.row).encode()


def timed(entry: Entry) -> bytes:
    """A row as a line, with the time of day."""
    return _dump(entry.row | {"time": clock(entry.time)}).encode()


def _dump(row: dict[str, object]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"
