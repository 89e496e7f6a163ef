"""What ends a run from outside: a terminal that is closed, and what goes on under nohup."""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from tiny_tflite import tiny_bundle
from waiting import program, until

from edgefer.edge.cameras.opencv import VideoFile
from edgefer.edge.signals import listening

pytestmark = pytest.mark.edge

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def hangups_are_heard():
    """Also where the tests themselves run under nohup; what they start inherits it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def command(tmp_path) -> list[str]:
    """A run that tells the console and a log."""
    bundle = tiny_bundle(tmp_path / "parts").folder
    run = [sys.executable, "-m", "edgefer", "run", str(bundle), "--camera", "synth"]
    return [*run, "--sink", "console", "--sink", f"jsonl:{tmp_path / 'log'}"]


def start(command, **options):
    return program(
        command,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@contextmanager
def on_a_terminal(command, first="", log=None):
    """Run a command on a terminal of its own, and close that once some of the log is written."""
    master, slave = os.openpty()
    # A session's first process that opens a terminal gets it as the one that it belongs to.
    script = f'{first} exec "$@" <"$0" >"$0"'
    with start(
        ["sh", "-c", script, os.ttyname(slave), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            until(lambda: process.poll() is not None or lines(log) > 10)
        finally:
            os.close(slave)
            os.close(master)
        yield process


def lines(log: Path) -> int:
    """How many whole lines it holds."""
    return sum(1 for _ in map(json.loads, log.read_text().splitlines())) if log.exists() else 0


def test_a_terminal_that_is_closed_leaves_whole_files_and_a_summary(command, tmp_path):
    log, video = tmp_path / "log", tmp_path / "out.avi"
    with on_a_terminal([*command, "--sink", f"video:{video}"], log=log) as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "0 dropped; the terminal was closed (SIGHUP)\n" in errors
    assert f"{sum(1 for _ in VideoFile(str(video)))} frames in" in errors
    assert lines(log) > 10


def test_what_ignores_hangups_goes_on_without_its_terminal(command, tmp_path):
    log = tmp_path / "log"
    with on_a_terminal(command, "trap '' HUP;", log) as process:
        before = lines(log)
        until(lambda: process.poll() is not None or lines(log) > before + 10)
        process.terminate()
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "stopped by SIGTERM" in errors


def test_what_was_started_under_nohup_ignores_hangups(command, tmp_path):
    log = tmp_path / "log"
    with start(["nohup", *command], stdout=subprocess.DEVNULL) as process:
        until(lambda: process.poll() is not None or lines(log) > 3)
        process.send_signal(signal.SIGHUP)
        before = lines(log)
        until(lambda: process.poll() is not None or lines(log) > before + 10)
        process.terminate()
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "stopped by SIGTERM" in errors


def test_a_hangup_that_is_told_twice_breaks_off_nothing():
    with listening() as signals:
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGHUP)
        assert signals.wait(lambda: "a frame") is None
    assert signals.came == "SIGHUP"


def test_a_hangup_ends_the_waiting_for_a_camera():
    with listening() as signals:
        assert signals.wait(lambda: os.kill(os.getpid(), signal.SIGHUP)) is None
    assert signals.came == "SIGHUP"
