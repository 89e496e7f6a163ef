"""Messages on the disk, in order, until they have arrived."""

import fcntl
import os
import re
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

from edgefer.errors import EdgeferError

from .logfile import append

SEGMENT = 1_000_000  # bytes of a file
LIMIT = 100_000_000  # bytes of all
SYNC = 4.0  # seconds from which a message is safe from a power cut; a kill costs nothing


class Spool:
    """A queue in a folder: lines in numbered files, and a note of how far they have arrived.

    What was read and has not arrived is read again by the next process, so that a message may come
    twice and none is lost. Where the disk may take no more, the oldest file that is not being
    read is given up.

    Attributes
    ----------
    dropped : int
        Messages given up.
    unsafe : int
        Messages that a power cut would cost.
    """

    def __init__(self, folder: Path, *, limit: int = LIMIT, segment: int = SEGMENT) -> None:
        """Open a folder; what an earlier process left in it comes first.

        Raises
        ------
        EdgeferError
            If it cannot be written, or another process uses it.
        """
        self.dropped = self.unsafe = 0
        self._folder, self._limit, self._segment = folder, limit, min(segment, limit // 4)
        self._writer, self._since = -1, 0.0  # since when there is something unsafe
        self._flying: deque[tuple[int, int]] = deque()  # file, and where the message ends in it
        self._sizes: dict[int, int] = {}
        self._counts: dict[int, int] = {}  # messages that have not arrived
        self._last = 0  # number of the newest file
        self._read = (0, 0)  # file, and how far it was read
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._note = os.open(folder / "arrived", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            self._load()
        except BlockingIOError as error:
            raise EdgeferError(
                f"{folder} is used by another run. Name another folder, or another topic."
            ) from error
        except OSError as error:
            raise EdgeferError(
                f"cannot write {folder}: {error.strerror}. Name another with ?spool=FOLDER."
            ) from error

    def __len__(self) -> int:
        """Messages that have not arrived."""
        return sum(self._counts.values())

    def append(self, messages: Sequence[bytes]) -> None:
        """Keep messages, single lines each: all or none.

        Raises
        ------
        OSError
            If there is no room.
        """
        data = b"".join(message + b"\n" for message in messages)
        if self._sizes.get(self._last, self._segment) >= self._segment or self._writer < 0:
            self._begin()
        self._make_room(len(data))
        append(self._writer, data)
        self._sizes[self._last] += len(data)
        self._counts[self._last] += len(messages)
        if not self.unsafe:
            self._since = time.monotonic()
        self.unsafe += len(messages)

    def sync(self, after: float = SYNC) -> None:
        """Make messages safe that have waited for so many seconds; to be called now and then.

        Raises
        ------
        OSError
            If the disk fails.
        """
        if self.unsafe and time.monotonic() - self._since >= after:
            os.fdatasync(self._writer)
            self.unsafe = 0

    def read(self, count: int) -> list[bytes]:
        """The next messages, in order, each given out once."""
        found: list[bytes] = []
        while len(found) < count:
            number, offset = self._read
            if number in self._sizes:
                lines = self._lines(number, offset, count - len(found))
                for line in lines:
                    offset += len(line)
                    self._flying.append((number, offset))
                found += [line[:-1] for line in lines]
                self._read = (number, offset)
            if len(found) < count:
                later = [other for other in self._sizes if other > number]
                if not later:
                    break
                self._read = (min(later), 0)
        return found

    def arrived(self, count: int) -> None:
        """The oldest messages that were read have arrived."""
        if not count:
            return
        for _ in range(count):
            number, offset = self._flying.popleft()
            if number in self._counts:
                self._counts[number] -= 1
                if not self._counts[number]:
                    self._forget(number)
        # Written in place: no room is needed, and what is torn only repeats a file.
        with suppress(OSError):
            os.pwrite(self._note, f"{number:012} {offset:012}\n".encode(), 0)

    def close(self) -> None:
        """Let go of the folder; what it holds is kept."""
        if self._writer >= 0:
            with suppress(OSError):
                os.fsync(self._writer)
            os.close(self._writer)
            self._writer = -1
        os.close(self._note)
        os.close(self._lock)

    def _load(self) -> None:
        """See what is there."""
        note = re.fullmatch(rb"(\d{12}) (\d{12})\n", os.pread(self._note, 26, 0))
        number, offset = (int(note[1]), int(note[2])) if note else (0, 0)
        self._last = number  # the numbers of files that are gone are not used again
        for path in sorted(self._folder.glob("*.spool")):
            if not re.fullmatch(r"\d{12}", path.stem):
                continue
            this = int(path.stem)
            data = path.read_bytes()
            whole = data.rfind(b"\n") + 1
            if whole < len(data):  # a power cut came in the middle of a line
                os.truncate(path, whole)
            begin = offset if this == number and data[offset - 1 : offset] == b"\n" else 0
            left = 0 if this < number else data.count(b"\n", begin)
            if not left:
                path.unlink()
                continue
            self._sizes[this], self._counts[this] = whole, left
            if len(self._sizes) == 1:
                self._read = (this, begin)
            self._last = max(self._last, this)
        if not self._sizes:
            self._read = (self._last + 1, 0)

    def _lines(self, number: int, offset: int, count: int) -> list[bytes]:
        """So many lines of a file."""
        try:
            with self._path(number).open("rb") as file:
                file.seek(offset)
                return [line for line in islice(file, count) if line.endswith(b"\n")]
        except FileNotFoundError:
            # Somebody emptied the folder.
            self.dropped += self._counts[number]
            self._forget(number)
            return []

    def _begin(self) -> None:
        """Begin the next file, when the one before is safe."""
        self.sync(0)
        number = self._last + 1
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        writer = os.open(self._path(number), flags, 0o600)
        if self._writer >= 0:
            os.close(self._writer)
        self._writer, self._last = writer, number
        self._sizes[number] = self._counts[number] = 0

    def _make_room(self, size: int) -> None:
        """Give up the oldest files that nobody reads, until so many bytes may come."""
        while sum(self._sizes.values()) + size > self._limit:
            idle = [n for n in sorted(self._sizes) if n > self._read[0] and n != self._last]
            if not idle:
                return
            self.dropped += self._counts[idle[0]]
            self._forget(idle[0])

    def _forget(self, number: int) -> None:
        if number == self._last and self._writer >= 0:
            # An open file keeps its room on the disk, also when it is deleted.
            os.close(self._writer)
            self._writer, self.unsafe = -1, 0
        with suppress(FileNotFoundError):
            self._path(number).unlink()
        del self._sizes[number], self._counts[number]

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:012}.spool"
