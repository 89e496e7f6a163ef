"""Ctrl-C, also where a finalizer swallows it."""

import subprocess
import sys

PROGRAM = """
import os, signal
from edgefer.progress import hear_interrupts, stop_if_asked

class Finalized:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(100000):
            pass

hear_interrupts()
stop_if_asked()
one = Finalized()
del one
print("swallowed")
try:
    stop_if_asked()
except KeyboardInterrupt:
    print("stopped")
"""


def test_what_a_finalizer_swallows_is_remembered():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["swallowed", "stopped"]
    assert "Exception ignored" in done.stderr
