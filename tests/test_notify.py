"""What systemd is told: a real datagram socket listens, as the service manager's does."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from waiting import program

from edgefer.edge.cameras.care import Care
from edgefer.edge.cameras.live import LiveCamera
from edgefer.edge.notify import under_systemd
from edgefer.edge.reading import Frame
from edgefer.errors import CameraError

pytestmark = pytest.mark.edge

ROOT = Path(__file__).resolve().parents[1]
FRAME = Frame(0, 0.0, np.zeros((4, 4), np.uint8))


class LostCamera:
    lost = True


class Manager:
    """The other end of the socket."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address.replace("@", "\0"))
        self.socket.settimeout(20)

    def __next__(self) -> list[str]:
        return self.socket.recv(4096).decode().splitlines()

    def rest(self) -> list[str]:
        """Every line that is there already."""
        self.socket.setblocking(False)
        lines = []
        while True:
            try:
                lines += next(self)
            except BlockingIOError:
                return lines


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    address = {"path": str(tmp_path / "notify"), "abstract": f"@edgefer-test-{os.getpid()}"}
    listening = Manager(address[request.param])
    listening.address = address[request.param]
    yield listening
    listening.socket.close()


def told(manager, camera=None, **environment):
    (sink,) = under_systemd(camera, {"NOTIFY_SOCKET": manager.address, **environment})
    return sink


def test_ready_and_stopping_are_said_once(manager):
    sink = told(manager)
    assert next(manager) == ["READY=1", "STATUS=waiting for the first frame"]
    sink.write(FRAME, [])
    sink.close()
    assert next(manager) == ["STOPPING=1", "STATUS=stopping after 1 frames"]
    assert manager.rest() == []


def test_a_frame_is_a_sign_of_life(manager):
    sink = told(manager, WATCHDOG_USEC="20000")
    next(manager)
    sink.write(FRAME, [])
    beat, status = next(manager)
    sink.close()
    assert beat == "WATCHDOG=1"
    assert status.startswith("STATUS=1 frames, ")


def test_one_frame_is_one_sign_of_life_and_a_loop_that_hangs_is_silent(manager):
    sink = told(manager, WATCHDOG_USEC="20000")
    sink.write(FRAME, [])
    time.sleep(0.4)
    sink.close()
    assert manager.rest().count("WATCHDOG=1") == 1


def test_without_a_frame_there_is_no_sign_of_life(manager):
    sink = told(manager, WATCHDOG_USEC="20000")
    time.sleep(0.2)
    sink.close()
    assert "WATCHDOG=1" not in manager.rest()


def test_a_camera_that_is_opened_again_is_a_sign_of_life(manager):
    sink = told(manager, LostCamera(), WATCHDOG_USEC="20000")
    next(manager)
    for _ in range(3):
        beat, status = next(manager)
        assert beat == "WATCHDOG=1"
        assert status.endswith("the camera is lost and opened again")
    sink.close()


def test_a_live_camera_tells_that_it_is_lost():
    def unplugged():
        raise CameraError("camera 0 is not there.")

    camera = LiveCamera(None, "camera 0", care=Care(), reopen=unplugged, missing=CameraError("no"))
    assert not camera.lost
    with pytest.raises(CameraError):
        next(iter(camera))
    assert camera.lost
    camera.close()


@pytest.mark.parametrize(
    "environment",
    [
        {},  # nobody watches
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "20000", "WATCHDOG_PID": "1"},  # somebody else is watched
    ],
)
def test_who_is_not_watched_sends_no_sign_of_life(manager, environment):
    sink = told(manager, LostCamera(), **environment)
    time.sleep(0.1)
    sink.close()
    assert "WATCHDOG=1" not in manager.rest()


def test_a_manager_that_goes_away_is_no_error(manager):
    sink = told(manager)
    manager.socket.close()
    sink.write(FRAME, [])
    sink.close()


def test_without_a_manager_nothing_is_told():
    assert under_systemd(None, {}) == []


def test_an_address_of_another_kind_is_told_and_left(capsys):
    assert under_systemd(None, {"NOTIFY_SOCKET": "vsock:2:1234"}) == []
    assert "NOTIFY_SOCKET is vsock:2:1234" in capsys.readouterr().err


def test_a_run_is_ready_alive_and_stopping(tmp_path):
    manager = Manager(str(tmp_path / "notify"))
    command = [sys.executable, "-m", "edgefer", "run", "small", "--camera", "synth", "--json"]
    environment = {
        "PYTHONPATH": str(ROOT),
        "NOTIFY_SOCKET": str(tmp_path / "notify"),
        "WATCHDOG_USEC": "200000",
    }
    with program(
        command, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        assert next(manager)[0] == "READY=1"
        assert next(manager)[0] == "WATCHDOG=1"
        run.terminate()
        run.communicate(timeout=60)
    lines = manager.rest()
    manager.socket.close()
    assert lines.count("STOPPING=1") == 1
    assert run.returncode == 0
