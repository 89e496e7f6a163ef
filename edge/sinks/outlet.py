"""What a queue hands over, and what it asks of who takes it."""

from collections import deque
from datetime import datetime, timezone
from typing import Any, NamedTuple, Protocol


class Entry(NamedTuple):
    """A reading, or another row, on its way out.

    Attributes
    ----------
    run : str
        Names the run; the numbers of another begin anew.
    number : int
        Its place among the rows of this sink's run, from 0. A gap is what was left out, and a
        number that comes twice is the same row.
    time : float
        When the loop wrote it, in seconds since 1970.
    name : str
        The picture's file, where the source is a folder.
    row : dict
        `Reading.to_json`, where it is a reading.
    """

    run: str
    number: int
    time: float
    name: str
    row: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """What goes over a network: the row, and what tells it from all others."""
        about = {"run": self.run, "number": self.number, "time": clock(self.time)}
        return about | ({"name": self.name} if self.name else {}) | self.row


class Refused(Exception):
    """Raised by an outlet for entries that will never be taken, however often they are sent."""


class Outlet(Protocol):
    """Where a queue's entries go; it works in the queue's thread and may take its time.

    An outlet that gives up entries which it took counts them in ``dropped``.
    """

    def send(self, waiting: deque[Entry]) -> float | None:
        """Take all entries from the left, removing each when it is safe.

        It may raise OSError, after which what is left is tried again; `Refused`, after which it is
        not; and EdgeferError, which ends the run.

        Parameters
        ----------
        waiting : deque of Entry
            Oldest first; may be empty.

        Returns
        -------
        float or None
            Seconds after which it wants to be called although nothing is new.
        """
        ...

    def close(self) -> None:
        """Finish what was begun; called once, by the same thread."""
        ...


def clock(seconds: float) -> str:
    """A moment since 1970 as ISO 8601, in UTC, to the millisecond."""
    when = datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds")
    return when.replace("+00:00", "Z")
