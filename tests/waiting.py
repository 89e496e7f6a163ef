"""Waiting for what happens in another thread or process."""

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


def until(happens, seconds=30.0):
    """Wait for something to become true; what it is then."""
    end = time.monotonic() + seconds
    while not (found := happens()):
        assert time.monotonic() < end, f"did not happen within {seconds} seconds"
        time.sleep(0.01)
    return found


@contextmanager
def program(command, *, seconds=120.0, **options) -> Iterator[subprocess.Popen]:
    """A process that ends with the test, and before it where the test waits for it too long."""
    with subprocess.Popen(command, **options) as process:
        late = threading.Timer(seconds, process.kill)
        late.start()
        try:
            yield process
        finally:
            late.cancel()
            process.kill()
