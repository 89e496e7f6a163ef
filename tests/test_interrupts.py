"""Ctrl-C: where a finalizer swallows it, and where it has to wait."""

import subprocess
import sys

import pytest

SWALLOWED = """
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


def said(program):
    """What a program prints, and what it says on standard error."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.split(), done.stderr


def test_what_a_finalizer_swallows_is_remembered():
    printed, noise = said(SWALLOWED)
    assert printed == ["swallowed", "stopped"]
    assert "Exception ignored" in noise


# Whether a process that starts now does not hear Ctrl-C, by Linux's own account.
STARTED = """
import os, signal, subprocess, threading
from edgefer.interrupts import interrupts_wait

def tell():
    about = subprocess.run(["cat", "/proc/self/status"], capture_output=True, text=True).stdout
    blocked = int(about.partition("SigBlk:")[2].split()[0], 16)
    print("deaf" if blocked >> signal.SIGINT - 1 & 1 else "hears", flush=True)

def wait(pressed):
    with interrupts_wait():
        if pressed:
            os.kill(os.getpid(), signal.SIGINT)
        tell()
"""
MAIN = """
try:
    wait(pressed=True)
except KeyboardInterrupt:
    print("stopped")
"""
THREAD = "threading.Thread(target={}, daemon=True).start()"
AFTER = """
tell()
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""


@pytest.mark.parametrize(
    "before",
    ["", THREAD.format("threading.Event().wait")],  # which hears what the main one does not
    ids=["one thread", "two threads"],
)
def test_an_interrupt_waits_while_processes_start_that_never_hear_it(before):
    assert said(STARTED + before + MAIN + AFTER)[0] == ["deaf", "stopped", "hears", "True"]


def test_another_thread_may_start_such_processes_too():
    work = "thread = threading.Thread(target=wait, args=(False,)); thread.start(); thread.join()"
    assert said(STARTED + work + AFTER)[0] == ["deaf", "hears", "True"]


WORKERS = """
import signal
from multiprocessing import resource_tracker
from joblib import Parallel, delayed
from edgefer.interrupts import interrupts_wait

def blocked(_):
    with open("/proc/self/status") as about:
        return int(about.read().partition("SigBlk:")[2].split()[0], 16) >> signal.SIGINT - 1 & 1

resource_tracker.ensure_running()
with interrupts_wait():
    print(*Parallel(n_jobs=2)([delayed(blocked)(number) for number in range(2)]))
"""


def test_the_workers_of_an_import_never_hear_it():
    pytest.importorskip("joblib", reason="an import needs joblib")
    assert said(WORKERS)[0] == ["1", "1"]
