"""What happens to cameras in a cupboard: each fault, what it costs, and that nobody has to help."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from itertools import islice, pairwise
from pathlib import Path

import pytest
from stream_servers import HttpCamera, RtspCamera, jpeg
from tiny_tflite import tiny_bundle

from edgefer.edge import cameras
from edgefer.edge.cameras import open_camera
from edgefer.edge.cameras.captured import open_live
from edgefer.edge.cameras.care import Care
from edgefer.errors import CameraError

pytestmark = [pytest.mark.edge, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[1]
QUICK = Care(stall=0.5, retries=None, first_wait=0.05, longest_wait=0.1)
LIMIT = 30  # seconds after which a test is no longer patient


def captured(video: str, where: object = "", care: Care = QUICK):
    return open_live(f"stuck_videos:{video}", str(where), "camera 7", care)


def held() -> tuple[int, int, int]:
    """Threads, open files and child processes."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return threading.active_count(), len(os.listdir("/proc/self/fd")), len(children.split())


@contextmanager
def closed(camera):
    """Close a camera; after that all counts are right, and nothing is held any more."""
    given = []

    def take(count):
        frames = list(islice(camera.frames, count))
        given.extend(frames)
        return frames

    camera.frames = iter(camera)
    camera.take = take
    try:
        yield camera
    finally:
        work = threading.Thread(target=camera.close)
        work.start()
        work.join(LIMIT)
        assert not work.is_alive()
    assert camera.grabbed == len(given) + camera.dropped
    assert [frame.index for frame in given] == sorted({frame.index for frame in given})
    times = [frame.seconds for frame in given]
    assert all(before <= after for before, after in pairwise(times))


@pytest.fixture(autouse=True)
def nothing_is_left():
    before = held()
    yield
    assert held() == before


def wait_for(claim) -> None:
    for _ in range(100 * LIMIT):
        if claim():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen")


def values(frames) -> list[int]:
    return [round(frame.image.mean()) for frame in frames]


def test_unplugged_and_plugged_in_again(tmp_path, capsys):
    device = tmp_path / "video7"
    device.touch()
    with closed(captured("Pluggable", device)) as camera:
        camera.take(3)
        device.unlink()
        said = []
        wait_for(lambda: said.append(capsys.readouterr().err) or "".join(said))
        device.touch()
        before = camera.grabbed
        camera.take(4)  # one may have been waiting
    assert camera.reconnects == 1
    assert camera.grabbed > before
    lines = ("".join(said) + capsys.readouterr().err).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("camera 7 stopped giving frames. Check the cable")
    assert lines[1].startswith("camera 7 gives pictures after ")


def test_a_read_that_never_returns_costs_no_picture_that_was_read(tmp_path, capsys):
    device = tmp_path / "video7"
    device.touch()
    with closed(captured("Stuck", device)) as camera:
        assert values(camera.take(9)) == [1, 2, 3] * 3  # the device was let go, twice
    assert (camera.grabbed, camera.dropped, camera.reconnects) == (9, 0, 2)
    assert capsys.readouterr().err.count("camera 7 gave no picture for 0.5 seconds") == 2


def test_a_decoder_that_crashes_takes_nothing_with_it(capsys):
    with closed(captured("Crashing")) as camera:
        assert values(camera.take(6)) == [1, 2, 3] * 2
    assert (camera.grabbed, camera.dropped, camera.reconnects) == (6, 0, 1)
    assert "the process that reads camera 7 ended (signal 11). It is opened again." in (
        capsys.readouterr().err
    )


def test_many_losses_later_no_more_is_held_than_at_first(tmp_path):
    device = tmp_path / "video7"
    device.touch()
    with closed(captured("Crashing", device)) as camera:
        camera.take(5)
        first = held()
        camera.take(15)
        assert held() == first
    assert (camera.grabbed, camera.dropped, camera.reconnects) == (20, 0, 6)


def test_a_camera_may_be_closed_while_its_driver_hangs(tmp_path):
    device = tmp_path / "video7"
    device.touch()
    with closed(captured("Stuck", device, Care(stall=3600))) as camera:
        camera.take(3)
    with closed(captured("Stuck", device)) as camera:  # it is free
        camera.take(3)
    assert (camera.grabbed, camera.dropped) == (3, 0)


def test_a_driver_that_hangs_ends_with_the_program_that_was_killed(tmp_path):
    device = tmp_path / "video7"
    device.touch()
    program = (
        f"import sys; sys.path[:] = {sys.path!r}\n"
        "from test_faults_sources import *\n"
        f"camera = captured('Steady')\n"
        "print(next(iter(camera)).index, camera._video._process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    pid = done.stdout.split()[1]
    wait_for(lambda: not Path(f"/proc/{pid}").exists())
