"""Drivers that crash, hang or send rubbish; what that does to a run is in test_faults_loop.py."""

import os
import resource
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from live_sources import captured, closed, held, no_more, value
from stuck_videos import Odd
from waiting import until

from edgefer.edge.cameras.care import Care
from edgefer.errors import CameraError

pytestmark = [
    pytest.mark.edge,
    pytest.mark.slow,
    pytest.mark.usefixtures("nothing_is_left"),
]


def test_a_decoder_that_crashes_takes_nothing_with_it(capsys):
    with closed(captured("Crashing")) as camera:
        frames = camera.until(5)
        assert camera.reconnects == 1
    assert all(value(frame) == 1 + frame.index % 3 for frame in frames)
    assert "the process that reads camera 7 ended (signal 11). It is opened again." in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize("left", [0, 2])  # none for the socket, or none for the process
def test_a_camera_that_is_lost_while_no_file_can_be_opened_is_opened_later(left):
    with closed(captured("Crashing")) as camera:
        camera.until(0)
        with few_files(left):
            until(lambda: camera.lost)
            time.sleep(0.3)  # in which it is tried several times
        camera.until(5)
    assert camera.reconnects >= 1


def test_a_camera_for_which_no_file_can_be_opened_is_an_error():
    with few_files(2), pytest.raises(CameraError, match=r"to read camera 7: Too many open files\."):
        captured("Crashing")


@contextmanager
def few_files(left):
    """A process that may open so many files, and no more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    files = []
    try:
        with suppress(OSError):
            while True:
                files.append(os.open(os.devnull, os.O_RDONLY))
        while left:
            os.close(files.pop())
            left -= 1
        yield
    finally:
        for file in files:
            os.close(file)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_many_losses_later_no_more_is_held_than_at_first(tmp_path):
    device = tmp_path / "video7"
    device.touch()
    with closed(captured("Crashing", device)) as camera:
        camera.until(1)
        first = held()
        camera.until(15)
        assert camera.reconnects == 5
        until(lambda: no_more(first))


def test_a_camera_may_be_closed_while_its_driver_hangs(tmp_path):
    device = tmp_path / "video7"
    device.touch()
    with closed(captured("Stuck", device, Care(stall=3600))) as camera:
        camera.until(2)
    with closed(captured("Stuck", device)) as camera:  # it is free
        camera.until(2)
    assert camera.grabbed == 3


def test_a_driver_that_hangs_while_it_opens_is_an_error():
    with pytest.raises(CameraError, match="camera 7 did not open within 0.5 seconds"):
        captured("Closed", care=Care(opening=0.5))


def test_a_driver_that_hangs_ends_with_the_program_that_was_killed():
    program = (
        f"import os, signal, sys; sys.path[:] = {sys.path!r}\n"
        "from live_sources import captured\n"
        "camera = captured('Asleep')\n"
        "print(*open(f'/proc/self/task/{os.getpid()}/children').read().split(), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    (reader,) = done.stdout.split()
    until(lambda: not Path(f"/proc/{reader}").exists())


def test_pictures_of_any_size_are_taken_and_what_is_none_is_not(tmp_path):
    with closed(captured("Odd")) as camera:
        frames = camera.until(6)
    # Four in a row were no pictures: one loss, of place 4.
    shown = [*Odd.SHOWN[:4], None, *Odd.SHOWN[8:]]
    for frame in frames:
        assert (frame.image == shown[min(frame.index, 6)]).all()
    assert camera.dropped >= 1
    assert camera.reconnects == 0


def test_a_picture_that_changes_is_not_called_frozen(capsys):
    with closed(captured("Steady", care=Care(frozen=0.1))) as camera:
        for index in range(30):
            camera.until(index)
            assert camera.warnings == ()
    assert capsys.readouterr().err == ""


def test_so_many_tries_and_no_more(tmp_path, capsys):
    device = tmp_path / "video7"
    device.touch()
    care = Care(retries=2, first_wait=0.01, longest_wait=0.02)
    with closed(captured("Pluggable", device, care)) as camera:
        camera.until(0)
        device.unlink()
        with pytest.raises(CameraError, match=r"there is no video7. Tried again 2 time"):
            camera.until(9999)
    assert capsys.readouterr().err.count("opened again") == 1


def test_a_camera_that_is_missing_at_the_start_is_an_error_at_once(tmp_path):
    with pytest.raises(CameraError, match="there is no video7"):
        captured("Pluggable", tmp_path / "video7")


def test_a_source_that_comes_and_goes_is_tried_ever_less_often_but_never_given_up():
    care = Care(first_wait=0.5, longest_wait=30)
    waits = [care.wait(tries) for tries in range(100_000)]
    assert 0.25 <= waits[0] <= 0.5
    assert all(15 <= wait <= 30 for wait in waits[6:])
    assert len(set(waits[6:])) > 1000
