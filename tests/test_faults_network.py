"""Network cameras whose server comes late, goes silent or sends rubbish."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from live_sources import QUICK, closed, value
from stream_servers import HttpCamera, RtspCamera, jpeg
from tiny_tflite import tiny_bundle

from edgefer.edge.cameras import open_camera

pytestmark = [
    pytest.mark.edge,
    pytest.mark.slow,
    pytest.mark.usefixtures("nothing_is_left"),
]

ROOT = Path(__file__).resolve().parents[1]
PICTURES = [jpeg(number) for number in range(30)]
CARE = replace(QUICK, stall=1)


@pytest.mark.parametrize("kind", [HttpCamera, RtspCamera])
def test_a_server_that_goes_silent_is_connected_to_again(kind, capsys):
    with kind(PICTURES) as server, closed(open_camera(server.address, care=CARE)) as camera:
        camera.until(59)
        assert camera.reconnects == 1
    assert "gave no picture for 1 seconds" in capsys.readouterr().err


def test_a_server_that_comes_late_is_waited_for(capsys):
    with HttpCamera([]) as early:
        pass
    camera = open_camera(early.address, care=CARE)
    with HttpCamera(PICTURES, early.port), closed(camera):
        camera.until(0)
        assert camera.reconnects == 0
    assert "gives no stream" in capsys.readouterr().err


def test_rubbish_between_pictures_is_no_picture_and_stops_nothing():
    rubbish = [b"\xff\xd8\xff\xe0 rubbish", os.urandom(3000), PICTURES[5][:400], b"\xff\xd9" * 40]
    sends = PICTURES[:25] + rubbish + [jpeg(200)] * 25
    with HttpCamera(sends) as server, closed(open_camera(server.address, care=CARE)) as camera:
        while value(camera.until(camera.grabbed)[-1]) < 190:
            pass
    assert camera.grabbed >= 26


def test_ctrl_c_ends_a_run_whose_camera_hangs(tmp_path):
    bundle = tiny_bundle(tmp_path / "parts").folder
    with RtspCamera(PICTURES) as server:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "edgefer", "run", str(bundle), "--camera", server.address),
                *("--stall", "3600", "--sink", "live_sources:Loud"),
            ],
            env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            while int(process.stdout.readline()) < 29:
                pass
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "dropped; stopped by Ctrl-C" in errors
