"""Ctrl-C where Python alone loses it, or lets it through at a bad moment."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class _Interrupt:
    """Whether Ctrl-C was pressed."""

    came = False

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Raise KeyboardInterrupt, and remember it: a finalizer that it hits swallows it."""
        self.came = True
        signal.default_int_handler(number, frame)


_INTERRUPT = _Interrupt()


def hear_interrupts() -> None:
    """From now on `stop_if_asked` knows of Ctrl-C. Only the main thread can listen."""
    _INTERRUPT.came = False
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _INTERRUPT.handle)


def stop_if_asked() -> None:
    """Raise KeyboardInterrupt if one was swallowed on its way, as TensorFlow's finalizers do."""
    if _INTERRUPT.came:
        raise KeyboardInterrupt


@contextmanager
def interrupts_wait() -> Iterator[None]:
    """A Ctrl-C in here is answered at the end, and never by processes that start meanwhile.

    A terminal sends it to all processes, and one should answer. They inherit what this thread does
    not let through. This process needs more: the signal may reach another of its threads, and
    Python has the main one answer all the same. Only the main one can have that wait.
    """
    came = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal came
        came = True

    handler = signal.getsignal(signal.SIGINT)  # None if it was not set in Python
    main = threading.current_thread() is threading.main_thread() and handler is not None
    if main:
        signal.signal(signal.SIGINT, note)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if main:
            signal.signal(signal.SIGINT, handler)
        if came:
            signal.raise_signal(signal.SIGINT)
