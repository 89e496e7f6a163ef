"""A bounded queue before whatever may block: the loop never waits for a disk or a network."""

import random
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from typing import Any

from edgefer.errors import EdgeferError, why

from ..reading import Frame, Reading
from ..trouble import Trouble, say
from .outlet import Entry, Outlet, Refused

SIZE = 4096  # readings: two minutes of one face, some megabytes
BATCH = 256  # readings that are handed over at once
RETRY = (0.5, 30.0)  # seconds between attempts: the first, and the longest
PATIENCE = 5.0  # seconds that a run's end waits for what is on its way


class Queued:
    """A sink whose outlet may block, fail and come back.

    Readings, or other rows, wait in memory, up to a bound; beyond it the oldest are left out and
    counted. What the outlet cannot do is told once, tried again for ever, and told again when it
    works.

    Attributes
    ----------
    name : str
        What messages call it.
    fault : str
        Why the last attempt failed; empty if it did not.
    """

    def __init__(
        self,
        outlet: Outlet,
        name: str,
        *,
        size: int = SIZE,
        linger: float = 0.0,
        retry: tuple[float, float] = RETRY,
        patience: float = PATIENCE,
        kind: str = "reading",
        now: Callable[[], float] = time.time,
    ) -> None:
        """Begin to hand over.

        Parameters
        ----------
        outlet : Outlet
        name : str
            What messages call it; holds no password.
        size : int
            Rows that may wait.
        linger : float
            Seconds in which rows are gathered before they are handed over together.
        retry : tuple of float
            Seconds until the first new attempt, and the most between two; each wait is twice the
            one before.
        patience : float
            Seconds that closing waits for what is on its way.
        kind : str
            What messages call a row.
        now : callable
            Gives seconds since 1970, for readers alone: a clock that is set moves nothing else.
        """
        self.name, self.fault = name, ""
        self._kind, self._now = kind, now
        self._outlet, self._size, self._linger = outlet, size, linger
        self._first, self._longest = retry
        self._patience, self._deadline = patience, 0.0
        self._run = f"{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
        self._number = self._dropped = 0
        self._lost = 0  # since it last worked
        self._broken, self._slow = Trouble(name), Trouble(name)
        self._fresh = threading.Condition()
        self._waiting: deque[Entry] = deque()
        self._batch: deque[Entry] = deque()
        self._wait = 0.0  # seconds until what was not taken is tried again; 0 if nothing was
        self._closed = False
        self._failure: EdgeferError | None = None
        self._thread = threading.Thread(target=self._work, name=f"sink {name}", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Rows that never arrived."""
        return self._dropped + int(getattr(self._outlet, "dropped", 0))

    def write(self, frame: Frame, readings: Sequence[Reading]) -> None:
        name = frame.name.encode(errors="replace").decode()  # a file's name may be no Unicode
        self.put([reading.to_json(frame) for reading in readings], name)

    def put(self, rows: Sequence[dict[str, Any]], name: str = "") -> None:
        """Take rows for the outlet, of a picture's file if it has a name.

        Raises
        ------
        EdgeferError
            If the outlet met what ends the run.
        """
        self._raise()
        if not rows:
            return
        now = self._now()
        with self._fresh:
            for row in rows:
                if len(self._waiting) >= self._size:
                    self._waiting.popleft()
                    self._lose(1)
                self._waiting.append(Entry(self._run, self._number, now, name, row))
                self._number += 1
            self._fresh.notify()

    def close(self) -> None:
        with self._fresh:
            # What fails already gets one more attempt.
            self._deadline = time.monotonic() + (0 if self._wait else self._patience)
            self._closed = True
            self._fresh.notify()
        self._thread.join(2 * self._patience)
        left = len(self._waiting) + len(self._batch)
        if left:
            with self._fresh:
                self._lose(left)
            some = count(left, self._kind)
            say(f"{self.name}: {some} left undelivered, {self.dropped} lost in all")
        self._raise()

    def _raise(self) -> None:
        """Raise what ends the run, once."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _work(self) -> None:
        """Hand over until closed; what ends the run is kept for the loop."""
        try:
            try:
                self._hand_over()
            finally:
                self._outlet.close()
        except EdgeferError as error:
            self._failure = error
        except Exception as error:  # there is no later attempt at closing
            say(f"{self.name}: {_reason(error)}")

    def _hand_over(self) -> None:
        again: float | None = 0.0  # what an earlier run left behind is begun at once
        while True:
            closing = self._gather(again)
            if closing and not self._batch:
                return
            again = self._deliver()
            if closing and self._wait:
                if time.monotonic() > self._deadline:
                    return
                time.sleep(min(self._wait, self._first))

    def _gather(self, again: float | None) -> bool:
        """Wait for readings, for the time to try again or for the end; whether it is the end."""
        with self._fresh:
            if self._batch:
                self._fresh.wait_for(lambda: self._closed, again)
            else:
                self._fresh.wait_for(lambda: self._closed or self._waiting, again)
                if self._linger and self._waiting:
                    full = min(BATCH, self._size)
                    self._fresh.wait_for(
                        lambda: self._closed or len(self._waiting) >= full, self._linger
                    )
            while self._waiting and len(self._batch) < BATCH:
                self._batch.append(self._waiting.popleft())
            return self._closed

    def _deliver(self) -> float | None:
        """Let the outlet take what waits; seconds until it is to be called again."""
        something = bool(self._batch)
        try:
            again = self._outlet.send(self._batch)
        except OSError as error:
            self.fault = _reason(error)
            self._wait = min(2 * self._wait or self._first, self._longest)
            wait = f"up to {self._size} {self._kind}s wait"
            self._broken.failed(f"{self.fault}; trying again, {wait}")
            return self._wait * random.uniform(0.8, 1.2)  # boards that failed together come apart
        except EdgeferError:
            raise
        except Exception as error:
            with self._fresh:
                self._lose(len(self._batch))
            self._batch.clear()
            self.fault, self._wait = _reason(error), 0.0
            self._broken.failed(f"{self.fault}; such {self._kind}s are left out")
            return None
        self._wait = 0.0
        if something:
            self._tell()
        return again

    def _tell(self) -> None:
        """After something was taken: say that it works, or that it is too slow."""
        with self._fresh:
            lost, waits = self._lost, bool(self._waiting)
            self._lost = 0
        if self.fault:
            self.fault = ""
            self._broken.mended(f"works again; {count(lost, self._kind)} lost meanwhile")
        elif lost:
            self._slow.failed(f"slower than the camera; the oldest {self._kind}s are left out")
        elif not waits:
            self._slow.mended("keeps up again")

    def _lose(self, number: int) -> None:
        self._dropped += number
        self._lost += number


def count(number: int, kind: str = "reading") -> str:
    """So many readings, or others of a kind."""
    return f"{number} {kind}{'' if number == 1 else 's'}"


def _reason(error: Exception) -> str:
    """What went wrong; a mistake in the program shows its kind."""
    expected = isinstance(error, OSError | EdgeferError | Refused)
    return why(error) if expected and str(error) else f"{type(error).__name__}: {error}"
