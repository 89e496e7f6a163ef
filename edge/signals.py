"""SIGINT, SIGTERM and SIGHUP, heard between two frames."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

T = TypeVar("T")


class Signals:
    """SIGINT, SIGTERM and SIGHUP as a request to stop after the frame at hand.

    While the loop waits for a camera there is no frame at hand, and a signal ends the waiting. A
    second signal ends everything, but for SIGHUP: that is nobody's impatience.

    Attributes
    ----------
    came : str
        The last one's name; empty if none came.
    """

    def __init__(self) -> None:
        self.came = ""
        self._waiting = False

    def wait(self, read: Callable[[], T | None]) -> T | None:
        """What this gives, or none once a signal came."""
        try:
            self._waiting = True
            frame = None if self.came else read()
            self._waiting = False
            return frame
        except KeyboardInterrupt:
            if not self.came:
                raise
            return None
        finally:
            self._waiting = False

    def handle(self, number: int, _: FrameType | None) -> None:
        """What happens when one comes."""
        # A terminal that is closed says so twice: the shell does, and then the kernel.
        if self.came and number == signal.SIGHUP:
            return
        again, self.came = bool(self.came), signal.Signals(number).name
        if self._waiting or again:
            raise KeyboardInterrupt


@contextmanager
def listening() -> Iterator[Signals]:
    """Listen to signals for a while; only the main thread can."""
    signals = Signals()
    if threading.current_thread() is not threading.main_thread():
        yield signals
        return
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, signals.handle) for number in numbers}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
