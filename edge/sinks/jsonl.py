"""Readings as JSON, one object a line."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TextIO

from edgefer.errors import EdgeferError

from ..reading import Frame, Reading

START = b'{"index":'  # of every line


class JsonlSink:
    """One JSON object per reading, one reading per line, on the disk at once.

    A file of readings that is there is added to, so that a service which starts again keeps its
    log; the index starts at 0 again. A file of anything else is left alone.
    """

    def __init__(self, path: str, *, force: bool = False) -> None:
        """Open a log.

        Parameters
        ----------
        path : str
            A file, or ``-`` for standard output.
        force : bool
            Begin an existing file anew.

        Raises
        ------
        EdgeferError
            If nothing can be written there, or the file holds something else.
        """
        self._path = path
        try:
            torn = False
            if path != "-" and not force and Path(path).is_file() and Path(path).stat().st_size:
                _require_readings(Path(path))
                torn = _is_torn(Path(path))
                print(f"adding to {path}", file=sys.stderr)
            self._file = sys.stdout if path == "-" else _open(path, "w" if force else "a")
            # A line that a power cut left half-written must not swallow the first new one.
            if torn:
                self._file.write("\n")
        except OSError as error:
            raise EdgeferError(f"cannot write {path}: {error.strerror}.") from error

    def write(self, frame: Frame, readings: Sequence[Reading]) -> None:
        try:
            for reading in readings:
                self._file.write(json.dumps(reading.to_json(frame), ensure_ascii=False) + "\n")
        except BrokenPipeError:
            raise
        except OSError as error:
            raise EdgeferError(f"cannot write {self._path}: {error.strerror}.") from error

    def close(self) -> None:
        if self._file is sys.stdout:
            return
        try:
            self._file.close()
        except OSError as error:
            raise EdgeferError(f"cannot write {self._path}: {error.strerror}.") from error


def _open(path: str, mode: Literal["w", "a"]) -> TextIO:
    return open(path, mode, buffering=1, encoding="utf-8")


def _require_readings(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(len(START))
    if not START.startswith(start):
        raise EdgeferError(
            f"{path} exists and holds no readings. Replace it with --force, or choose another name."
        )


def _is_torn(path: Path) -> bool:
    """Whether a file ends in the middle of a line."""
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) != b"\n"
