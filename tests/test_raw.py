"""Bare pixels from a pipe: sizes, formats, what is cut short, and what is no picture at all."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from live_sources import closed
from tiny_tflite import tiny_bundle
from videos import picture

from edgefer.edge.cameras import open_camera
from edgefer.edge.cameras.care import Care
from edgefer.edge.cameras.live import LiveCamera
from edgefer.edge.cameras.raw import RawVideo
from edgefer.errors import CameraError

pytestmark = pytest.mark.edge

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def pipe():
    """Both ends of a pipe; the first is closed at the end."""
    ends = os.pipe()
    yield ends
    os.close(ends[0])


def colors() -> np.ndarray:
    """Blue on the left, dark grey on the right."""
    image = picture(60, (4, 8, 3))
    image[:, :4] = (250, 10, 20)
    return image


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("", lambda image: image),
        (":bgr24", lambda image: image),
        (":RGB24", lambda image: image[..., ::-1]),
        (":gray", lambda image: cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)),
        (":gray8", lambda image: cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)),
        (":yuyv422", lambda image: cv2.cvtColor(image, cv2.COLOR_BGR2YUV_YUY2)),
        (":yuv420p", lambda image: cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420)),
        (":nv12", lambda image: nv12(cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420))),
    ],
)
def test_every_format_gives_the_picture(pipe, name, data):
    image = colors()
    os.write(pipe[1], np.ascontiguousarray(data(image)).tobytes())
    os.close(pipe[1])
    video = RawVideo(f"8x4{name}", pipe[0])
    found, shown = video.read()
    assert found
    wanted = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if "gray" in name else image
    np.testing.assert_allclose(shown.astype(int), wanted, atol=3)  # 601 in integers, and back
    with pytest.raises(EOFError):
        video.read()


def nv12(i420: np.ndarray) -> np.ndarray:
    """The same picture with its two colors taking turns."""
    brightness, blue, red = np.split(i420.ravel(), [32, 40])
    return np.concatenate([brightness, np.stack([blue, red], axis=1).ravel()])


def test_a_picture_may_come_in_pieces(pipe):
    video = RawVideo("8x4", pipe[0])
    data = colors().tobytes()
    os.write(pipe[1], data[:50])
    with pytest.raises(TimeoutError):
        video.read()
    os.write(pipe[1], data[50:])
    assert (video.read()[1] == colors()).all()
    os.close(pipe[1])


def test_a_stream_that_is_cut_short_loses_its_last_picture_and_says_so(pipe, capsys):
    os.write(pipe[1], (colors().tobytes() * 3)[:-10])
    os.close(pipe[1])
    with closed(LiveCamera(RawVideo("8x4", pipe[0]), "standard input", may_end=True)) as camera:
        assert [*camera.until(1)][-1].index == 1
        with pytest.raises(StopIteration):
            camera.until(2)
    assert camera.grabbed == 3
    assert capsys.readouterr().err == (
        "standard input ended after 86 of a picture's 96 bytes. Are its size and format as given?\n"
    )


def test_rubbish_is_pictures_like_any_other(pipe):
    os.write(pipe[1], os.urandom(960))
    os.close(pipe[1])
    with closed(LiveCamera(RawVideo("8x4", pipe[0]), "standard input", may_end=True)) as camera:
        camera.until(9)
    assert camera.grabbed == 10


def test_a_pipe_that_falls_silent_is_an_error(pipe):
    os.write(pipe[1], colors().tobytes())
    video, care = RawVideo("8x4", pipe[0]), Care(stall=0.2, retries=None)
    with closed(LiveCamera(video, "standard input", may_end=True, care=care)) as camera:
        camera.until(0)
        with pytest.raises(CameraError, match="standard input gave no picture for 0.2 seconds"):
            camera.until(1)
    os.close(pipe[1])


def test_nothing_at_all_is_an_error(pipe):
    os.close(pipe[1])
    with (
        closed(LiveCamera(RawVideo("8x4", pipe[0]), "standard input", may_end=True)) as camera,
        pytest.raises(CameraError, match="standard input gives no frames"),
    ):
        camera.until(0)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("-", "-: does not say what comes: type the size and one of bgr24"),
        ("-:640x480:mjpeg", "-:640x480:mjpeg does not say"),
        ("-:640", "-:640 does not say"),
        ("-:99999x99999:bgr24", "pictures of 99999x99999 are too large"),
        ("-:0x480", "there are no bgr24 pictures of 0x480 pixels"),
        ("-:641x480:yuyv422", "there are no yuyv422 pictures of 641x480 pixels"),
        ("-:640x481:nv12", "there are no nv12 pictures of 640x481 pixels"),
    ],
)
def test_what_cannot_come_is_said(source, message):
    with pytest.raises(CameraError, match=message):
        open_camera(source)


def test_a_terminal_gives_no_pictures():
    ends = os.openpty()
    with pytest.raises(
        CameraError, match="that is a terminal. Type, for example: ffmpeg -re -i FILE"
    ):
        RawVideo("8x4", ends[1])
    for end in ends:
        os.close(end)


def test_a_run_reads_its_standard_input(tmp_path):
    bundle = tiny_bundle(tmp_path / "parts").folder
    done = subprocess.run(
        [sys.executable, "-m", "edgefer", "run", str(bundle), "--camera", "-:64x48", "--json"],
        input=picture(9).tobytes() * 5,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=60,
    )
    summary = json.loads(done.stdout)
    assert done.returncode == 0
    assert summary["frames"] + summary["dropped"] == 5
    assert summary["ended"] == "the camera ended"
