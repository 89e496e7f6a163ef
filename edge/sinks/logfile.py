"""A file that lines are added to: whole ones, or none; it may begin anew when it is full."""

import fcntl
import os
import stat
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from edgefer.errors import EdgeferError, why

from .options import Rotation
from .outlet import Entry

MODE = 0o640  # of files about people: for the group at most


class LogFile:
    """Lines at the end of a file, on the disk at once and never in parts.

    What was there is added to, so that a service which starts again keeps its log. A file of
    anything else is left alone. A new one can be read by its owner and group; one that is there
    keeps its mode. With a limit, a full ``PATH`` becomes ``PATH.1``, that one ``PATH.2``, and so
    on. A file that somebody moves away or deletes is begun anew.

    Attributes
    ----------
    path : Path
    head : bytes
        First line of every file; it may be set later, before the first write.
    """

    def __init__(
        self,
        path: str,
        start: bytes,
        rotation: Rotation,
        *,
        force: bool = False,
        head: bytes = b"",
        what: str = "readings",
    ) -> None:
        """Open a log.

        Parameters
        ----------
        path : str
        start : bytes
            How a file of this kind begins.
        rotation : Rotation
        force : bool
            Begin an existing file anew.
        head : bytes
        what : str
            What it holds, for the error.

        Raises
        ------
        EdgeferError
            If nothing can be written there, the file holds something else, or another process
            writes it.
        """
        self.head = head
        self.path, self._rotation = Path(path), rotation
        self._file = -1
        self._regular = self._torn = False
        try:
            if not force and self.path.is_file() and self.path.stat().st_size:
                _require(self.path, start, what)
                print(f"adding to {path}", file=sys.stderr)
            self._open()
            if force:
                self.clear()
        except BlockingIOError as error:
            self.close()
            raise EdgeferError(f"{path} is written by another run: choose another name.") from error
        except OSError as error:
            self.close()
            raise EdgeferError(f"cannot write {path}: {error.strerror}.") from error

    def write(self, lines: deque[bytes]) -> int:
        """Add as many lines as the file at hand holds, at least one; how many.

        Raises
        ------
        OSError
            If they cannot be written; none of them is then.
        """
        try:
            if self._file < 0 or self._was_moved():
                self._open()
            size = os.fstat(self._file).st_size
            if size and self._regular and not self._fits(size, lines[0]):
                self._rotate()
                size = 0
            data = (b"\n" if self._torn else b"") + (b"" if size else self.head)
            number = 0
            for line in lines:
                if number and not self._fits(size + len(data), line):
                    break
                data += line
                number += 1
            append(self._file, data)
            self._torn = False
        except OSError:
            # The next attempt opens the file anew: the disk may be another one by then.
            with suppress(OSError):
                self.close()
            raise
        return number

    def clear(self) -> None:
        """Begin the file anew."""
        if self._regular:
            os.ftruncate(self._file, 0)
            self._torn = False

    def close(self) -> None:
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def _open(self) -> None:
        self.close()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._file = os.open(self.path, flags, MODE)
        self._regular = stat.S_ISREG(os.fstat(self._file).st_mode)
        if self._regular:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # A line that a power cut left half-written must not swallow the first new one.
        self._torn = self._regular and _is_torn(self.path)

    def _fits(self, size: int, line: bytes) -> bool:
        limit = self._rotation.limit
        return limit is None or size + len(line) <= limit

    def _was_moved(self) -> bool:
        if not self._regular:
            return False
        try:
            return not os.path.samestat(os.fstat(self._file), self.path.stat())
        except FileNotFoundError:
            return True

    def _rotate(self) -> None:
        """Make room: each file takes the next number, as far as there is none missing."""
        numbers = range(1, self._rotation.keep + 1)
        names = [self.path.with_name(f"{self.path.name}.{number}") for number in numbers]
        free = next((i for i, name in enumerate(names) if not name.exists()), len(names) - 1)
        for i in range(free, 0, -1):
            names[i - 1].replace(names[i])
        mode = stat.S_IMODE(os.fstat(self._file).st_mode)
        self.path.replace(names[0])
        self._open()
        os.fchmod(self._file, mode)


class LogOutlet:
    """An outlet that makes a line of each reading.

    A disk that is full for a while ends no run; a file that nothing could ever be written to is an
    error at the end.
    """

    def __init__(self, file: LogFile, line: Callable[[Entry], bytes]) -> None:
        self._file, self._line = file, line
        self._wrote = False
        self._error: OSError | None = None

    def send(self, waiting: deque[Entry]) -> None:
        lines = deque(self._line(entry) for entry in waiting)
        while lines:
            try:
                number = self._file.write(lines)
            except OSError as error:
                self._error = error
                raise
            self._wrote = True
            for _ in range(number):
                lines.popleft()
                waiting.popleft()

    def close(self) -> None:
        self._file.close()
        if self._error is not None and not self._wrote:
            raise EdgeferError(
                f"nothing could be written to {self._file.path}, from beginning to end: "
                f"{why(self._error)}. Make room, or choose another file."
            ) from self._error


def append(file: int, data: bytes) -> None:
    """Add all of this to the end of an open file, or nothing.

    Raises
    ------
    OSError
        If there is no room.
    """
    before = os.fstat(file).st_size
    left = memoryview(data)
    try:
        while left:
            left = left[os.write(file, left) :]
    except OSError:
        # A disk that is full in the middle of a line still takes the line back; a device does not.
        with suppress(OSError):
            os.ftruncate(file, before)
        raise


def _require(path: Path, start: bytes, what: str) -> None:
    with path.open("rb") as file:
        found = file.read(len(start))
    if not start.startswith(found):
        raise EdgeferError(
            f"{path} exists and holds no {what}. Replace it with --force, or choose another name."
        )


def _is_torn(path: Path) -> bool:
    """Whether a file ends in the middle of a line."""
    with path.open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"
