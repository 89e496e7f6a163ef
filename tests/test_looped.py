"""A file or a folder that starts again at its end: what becomes of it when it is gone."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from live_sources import QUICK
from tiny_tflite import tiny_bundle
from videos import picture, save_picture, save_video
from waiting import program, until

from edgefer.edge.cameras import open_camera
from edgefer.errors import CameraError

pytestmark = pytest.mark.edge

ROOT = Path(__file__).resolve().parents[1]


def test_a_file_that_loops_starts_again_and_its_time_goes_on(tmp_path):
    save_video(tmp_path / "clip.avi", 5)
    camera = open_camera(str(tmp_path / "clip.avi"), loop=True)
    frames = list(islice(camera, 12))
    camera.close()
    assert [frame.index for frame in frames] == list(range(12))
    np.testing.assert_allclose([frame.seconds for frame in frames], np.arange(12) / 25, atol=1e-3)
    assert [round(frame.image.mean(), -1) for frame in frames] == [10 * (i % 5) for i in range(12)]


def test_a_folder_that_loops_counts_what_it_left_out_each_time(tmp_path):
    save_picture(tmp_path / "a.png", picture(1))
    (tmp_path / "b.png").write_bytes(b"no")
    save_picture(tmp_path / "c.png", picture(3))
    camera = open_camera(str(tmp_path), loop=True)
    frames = list(islice(camera, 5))
    assert [(frame.index, frame.seconds, frame.name[0]) for frame in frames] == [
        *[(0, 0, "a"), (2, 2, "c"), (3, 4, "a"), (5, 6, "c"), (6, 8, "a")]
    ]
    assert camera.dropped == 2


@pytest.mark.parametrize("source", ["synth", "-:64x48"])
def test_what_has_no_end_does_not_loop(source):
    with pytest.raises(CameraError, match="--loop is for a file or a folder"):
        open_camera(source, loop=True)


def go(path) -> None:
    """Take a file away, as who puts a new one there does."""
    path.rename(path.with_suffix(".away"))


def come(path) -> None:
    path.with_suffix(".away").rename(path)


def spoil(text):
    def take(path) -> None:
        go(path)
        path.write_bytes(text)

    return take


TAKEN = {"gone": go, "empty": spoil(b""), "other": spoil(b"no video")}


@pytest.mark.parametrize("take", TAKEN.values(), ids=TAKEN)
def test_a_file_that_is_gone_is_waited_for_and_told(tmp_path, capsys, take):
    clip = tmp_path / "clip.avi"
    save_video(clip, 3)
    camera = open_camera(str(clip), loop=True, care=QUICK)
    camera.idle = lambda: waited.append((camera.lost, camera.warnings[0].english)) or come(clip)
    frames, waited = iter(camera), []
    given = list(islice(frames, 4))
    take(clip)
    given += islice(frames, 5)
    camera.close()
    assert [frame.index for frame in given] == list(range(9))
    assert waited == [(True, f"{clip} gives no pictures, and is opened again and again.")]
    assert (camera.lost, camera.warnings, camera.reconnects) == (False, (), 1)
    lost, found = capsys.readouterr().err.splitlines()
    assert lost.endswith("It is opened again.")
    assert found.startswith(f"{clip} gives pictures after ")


def test_a_folder_that_is_gone_is_waited_for(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    save_picture(folder / "a.png", picture(1))
    camera = open_camera(str(folder), loop=True, care=QUICK)
    camera.idle = lambda: come(folder)
    frames = iter(camera)
    next(frames)
    go(folder)
    assert next(frames).name == "a.png"
    assert camera.reconnects == 1


def test_what_never_gave_a_frame_is_not_waited_for(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no")
    with pytest.raises(CameraError, match="none of 1 picture"):
        list(open_camera(str(tmp_path), loop=True, care=QUICK))


@contextmanager
def start(folder, *options) -> Iterator[subprocess.Popen]:
    """A run of a clip that loops, which has begun; what it said until then is read."""
    save_video(folder / "clip.avi", 3)
    bundle = tiny_bundle(folder / "parts").folder
    camera = ["--camera", str(folder / "clip.avi"), "--loop"]
    sink = ["--sink", "live_sources:Loud", "--min-face", "24"]
    with (
        (folder / "said").open("w") as said,
        program(
            [sys.executable, "-m", "edgefer", "run", str(bundle), *camera, *sink, *options],
            env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
            stdout=said,
            stderr=subprocess.PIPE,
            text=True,
        ) as run,
    ):
        until(lambda: run.poll() is not None or (folder / "said").read_text())
        assert "knows nothing of its calibration faces" in run.stderr.readline()
        yield run


def test_a_run_goes_on_when_its_file_comes_back(tmp_path):
    clip, log = tmp_path / "clip.avi", tmp_path / "warnings"
    with start(tmp_path, "--sink", f"warnings:{log}") as run:
        shutil.copy(clip, clip.with_suffix(".away"))
        clip.unlink()
        assert run.stderr.readline() == f"there is no video file {clip}. It is opened again.\n"
        come(clip)
        assert run.stderr.readline().startswith(f"{clip} gives pictures after ")
        until(lambda: run.poll() is not None or log.read_text().count("\n") == 2)
        run.send_signal(signal.SIGTERM)
        _, errors = run.communicate(timeout=60)
    assert run.returncode == 0, errors
    assert "stopped by SIGTERM" in errors
    assert "the camera came back once" in errors
    told = [json.loads(line) for line in log.read_text().splitlines()]
    warning = f"{clip} gives no pictures, and is opened again and again."
    assert [(row["warning"], row["begins"]) for row in told] == [(warning, True), (warning, False)]


def test_a_run_that_is_not_to_wait_ends_with_an_error(tmp_path):
    with start(tmp_path, "--retries", "1") as run:
        (tmp_path / "clip.avi").unlink()
        _, errors = run.communicate(timeout=60)
    assert run.returncode == 1
    clip = tmp_path / "clip.avi"
    assert (
        errors.splitlines()[-1] == f"Error: there is no video file {clip}. Tried again 1 time(s)."
    )
