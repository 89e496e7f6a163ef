"""Pictures with readings drawn in, and videos of them."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest
from sinking import frame, reading

from edgefer.edge.cameras.opencv import VideoFile
from edgefer.edge.sinks import open_sink
from edgefer.edge.sinks.drawing import draw_readings
from edgefer.edge.sinks.video import LOOK_AGAIN
from edgefer.errors import EdgeferError
from edgefer.preprocess import Box

pytestmark = pytest.mark.edge


# Drawing


def test_drawing_leaves_the_frame_alone():
    lent = frame()
    drawn = draw_readings(lent, [reading()])
    assert (lent.image == 60).all()
    assert (drawn != lent.image).any()


def test_without_faces_a_drawn_frame_is_the_frame():
    assert (draw_readings(frame(), []) == frame().image).all()


def test_the_bar_grows_with_confidence():
    def green(confidence):
        image = draw_readings(frame(shape=(200, 200, 3)), [reading("sad", confidence)])
        return (image == (80, 220, 60)).all(axis=2).sum()

    assert green(0.1) < green(0.5) < green(0.9)


@pytest.mark.parametrize("shape", [(96, 128), (96, 128, 3), (5, 5, 3)])
@pytest.mark.parametrize("box", [Box(-20, -20, 60, 60), Box(100, 80, 90, 90), Box(0, 0, 1, 1)])
def test_a_box_past_the_border_and_a_grey_frame_can_be_drawn(shape, box):
    drawn = draw_readings(frame(shape=shape), [reading("놀람", 1.0, box)])
    assert drawn.shape == (*shape[:2], 3)


# Video


def write_video(path, frames, **options) -> None:
    sink = open_sink(f"video:{path}", **options)
    for one in frames:
        sink.write(one, [reading()])
    sink.close()


def read_video(path):
    return [one.image for one in VideoFile(str(path))]


@pytest.mark.parametrize("name", ["결과.mp4", "out.avi"])
@pytest.mark.parametrize("count", [1, 3, 40])
def test_a_video_has_every_frame_of_a_file(tmp_path, name, count):
    write_video(tmp_path / name, [frame(i) for i in range(count)])
    images = read_video(tmp_path / name)
    assert len(images) == count
    assert images[0].shape == (96, 128, 3)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(("rate", "expected"), [(25.0, 25.0), (30000 / 1001, 30.0), (15.0, 15.0)])
def test_a_video_runs_as_fast_as_its_source(tmp_path, rate, expected):
    times = [round(1000 * i / rate) / 1000 for i in range(20)]  # a container's whole milliseconds
    write_video(tmp_path / "out.mp4", [frame(i, t) for i, t in enumerate(times)])
    video = cv2.VideoCapture(str(tmp_path / "out.mp4"))
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(expected)


def test_frames_that_a_live_camera_dropped_are_filled_up(tmp_path):
    taken = [*range(10), 20, 21]
    write_video(tmp_path / "out.mp4", [frame(i) for i in taken])
    assert len(read_video(tmp_path / "out.mp4")) == 22


def test_an_hour_of_silence_does_not_fill_the_disk(tmp_path):
    write_video(tmp_path / "out.mp4", [frame(i, i / 25 + 3600 * (i > 9)) for i in range(20)])
    assert len(read_video(tmp_path / "out.mp4")) == 20


def test_pictures_of_other_sizes_are_fitted_in(tmp_path):
    shapes = [(96, 128, 3), (400, 100, 3), (10, 10), (96, 128)]
    write_video(tmp_path / "out.avi", [frame(i, i, shape) for i, shape in enumerate(shapes)])
    assert [image.shape for image in read_video(tmp_path / "out.avi")] == [(96, 128, 3)] * 4


def test_an_existing_video_is_kept_unless_forced(tmp_path):
    (tmp_path / "out.mp4").write_bytes(b"precious")
    with pytest.raises(EdgeferError, match="Replace it with --force"):
        open_sink(f"video:{tmp_path / 'out.mp4'}")
    write_video(tmp_path / "out.mp4", [frame(0)], force=True)
    assert len(read_video(tmp_path / "out.mp4")) == 1


def test_a_video_in_a_place_that_takes_no_files_is_refused_at_once():
    with pytest.raises(EdgeferError, match=r"cannot write /proc/out\.mp4: "):
        open_sink("video:/proc/out.mp4")


def test_until_it_is_whole_a_video_has_another_name(tmp_path):
    sink = open_sink(f"video:{tmp_path / 'out.avi'}")
    for index in range(30):
        sink.write(frame(index), [])
    assert [path.name for path in tmp_path.iterdir()] == [".out.partial.avi"]
    sink.close()
    assert [path.name for path in tmp_path.iterdir()] == ["out.avi"]


def test_a_run_without_frames_leaves_no_video(tmp_path):
    write_video(tmp_path / "out.mp4", [])
    assert not list(tmp_path.iterdir())


# Of 300 frames; after 20 of them a file may grow to so many bytes. What is free is looked at every
# so many seconds.
SMALL_DISK = """
import resource, sys, time
sys.path.insert(0, sys.argv[1])
import numpy as np
from dataclasses import replace
from sinking import frame
from edgefer.edge.sinks import open_sink, video
from edgefer.errors import EdgeferError
video.LOOK_AGAIN = float(sys.argv[5])
sink = open_sink(f"video:{sys.argv[2]}")
noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
for index in range(300):
    if index == 20:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
    sink.write(replace(frame(index), image=noise), [])
    time.sleep(float(sys.argv[4]))
print("the run went on")
try:
    sink.close()
except EdgeferError as error:
    sys.exit(str(error))
"""


def record_on_small_disk(path, room, pause, look_again):
    here, given = Path(__file__).parent, [str(value) for value in (room, pause, look_again)]
    command = [sys.executable, "-c", SMALL_DISK, str(here), str(path), *given]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "the run went on\n"), done.stderr
    return done.stderr.splitlines()


@pytest.mark.parametrize("name", ["out.mp4", "out.avi"])
def test_a_disk_that_is_full_between_two_looks_leaves_no_video_and_an_error(tmp_path, name):
    told = record_on_small_disk(tmp_path / name, 1_000_000, 0, look_again=60)[-1]
    assert f"{name} was not written: of 300 frames 0 can be read in " in told
    assert f".out.partial{name[-4:]}. Is the disk full? Free some room" in told
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("name", ["out.mp4", "out.avi"])
def test_before_the_disk_is_full_a_video_ends_whole_and_the_run_goes_on(tmp_path, name):
    early, last = record_on_small_disk(tmp_path / name, 65_000_000, 0.01, LOOK_AGAIN)
    frames = len(read_video(tmp_path / name))
    assert 20 < frames < 300
    ends = f"{name} ends after {frames} frames: less than 64 MB are free there."
    assert early.endswith(f"{ends} Free some room, and record again. The run goes on.")
    assert last.endswith(f"{ends} Free some room, and record again.")


def test_a_disk_that_is_taken_away_ends_the_video_and_not_the_run(tmp_path, capsys):
    (tmp_path / "stick").mkdir()
    sink = open_sink(f"video:{tmp_path / 'stick' / 'out.avi'}")
    for index in range(10):
        sink.write(frame(index), [])
    shutil.rmtree(tmp_path / "stick")
    time.sleep(LOOK_AGAIN)
    sink.write(frame(10), [])
    sink.write(frame(11), [])
    assert capsys.readouterr().err.count("of 10 frames 0 can be read") == 1
    with pytest.raises(EdgeferError, match="was not written"):
        sink.close()
