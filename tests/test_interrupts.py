"""Ctrl-C: where a finalizer swallows it, and where it has to wait."""

import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest

from edgefer.interrupts import interrupts_wait

PROGRAM = """
import os, signal
from edgefer.interrupts import hear_interrupts, stop_if_asked

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


@pytest.fixture
def plain_handler():
    """Nobody else remembers that Ctrl-C was pressed."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press_and_start(deaf):
    """Press Ctrl-C, then start a process, and note which signals it does not hear."""
    with interrupts_wait():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)
        command = ["cat", "/proc/self/status"]
        status = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        deaf.append(int(re.search(r"^SigBlk:\s*(\w+)", status, re.M)[1], 16))


@pytest.mark.parametrize("threads", [0, 1])  # another thread may hear what the main one does not
def test_an_interrupt_that_waits_comes_at_the_end(threads, plain_handler):
    over = threading.Event()
    others = [threading.Thread(target=over.wait) for _ in range(threads)]
    for other in others:
        other.start()
    deaf = []
    try:
        with pytest.raises(KeyboardInterrupt):
            press_and_start(deaf)
    finally:
        over.set()
    assert [blocked >> (signal.SIGINT - 1) & 1 for blocked in deaf] == [1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_another_thread_may_start_processes_too():
    done = []

    def work():
        with interrupts_wait():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done
