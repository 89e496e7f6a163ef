"""Waiting for what happens in another thread or process."""

import time


def until(happens, seconds=30.0):
    """Wait for something to become true; what it is then."""
    end = time.monotonic() + seconds
    while not (found := happens()):
        assert time.monotonic() < end, f"did not happen within {seconds} seconds"
        time.sleep(0.01)
    return found
