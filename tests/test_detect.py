"""The face detector: finds drawn and real faces, leaves the rest alone, says when OpenCV cannot."""

import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from edgefer.detect import FaceDetector
from edgefer.edge.cameras import open_camera
from edgefer.preprocess import Box
from edgefer.synth import find_population, stream

pytestmark = pytest.mark.edge


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    height = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    shared = max(0, width) * max(0, height)
    return shared / (one.w * one.h + other.w * other.h - shared)


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector()


@pytest.fixture(scope="module")
def moment():
    return next(stream(1, find_population("base")))


def test_a_drawn_face_is_found_where_it_is(detector, moment):
    (box,) = detector(moment.image)
    assert overlap(box, moment.faces[0].box) > 0.7


def test_grey_and_color_give_the_same_boxes(detector, moment):
    assert detector(moment.image[..., 0]) == detector(moment.image)


def test_the_largest_face_comes_first(detector, moment):
    image = moment.image
    small = image[::2, ::2]
    boxes = detector(np.vstack([np.hstack([small, small[:, ::-1]]), image]))
    assert len(boxes) == 3
    assert [box.w for box in boxes] == sorted((box.w for box in boxes), reverse=True)


def test_a_face_smaller_than_asked_for_is_left_out(moment):
    side = moment.faces[0].box.w
    assert FaceDetector(min_size=side * 2)(moment.image) == []


@pytest.mark.parametrize("shape", [(1, 1), (10, 300), (23, 23), (480, 640, 3)])
def test_a_picture_without_a_face_gives_no_boxes(detector, shape):
    assert detector(np.full(shape, 120, np.uint8)) == []


def test_a_real_face_is_found_in_nearly_every_frame(detector, shared):
    clip = open_camera(str(shared / "clips" / "again.mkv"))
    found = [bool(detector(frame.image)) for frame in clip]
    clip.close()
    assert len(found) == 77
    assert sum(found) >= 70


def test_a_street_without_faces_gives_almost_none(detector, shared):
    clip = open_camera(str(shared / "clips" / "no_face.mp4"))
    alarms = [len(detector(frame.image)) for frame in islice(clip, 0, None, 12)]
    clip.close()
    assert len(alarms) == 100
    assert sum(alarms) <= 1


@pytest.mark.parametrize(
    ("library", "message"),
    [
        ("", "OpenCV 9.9 has no CascadeClassifier; edgefer needs OpenCV 4"),
        ("class CascadeClassifier: pass", "OpenCV 9.9 comes without a readable haarcascade"),
    ],
)
def test_an_opencv_that_cannot_detect_is_named(tmp_path, library, message):
    # The system may have the cascades in /usr/share: an OpenCV that lacks both is an older one.
    if library and list(Path("/usr/share").glob("opencv*/haarcascades")):
        pytest.skip("this system brings its own cascades")
    (tmp_path / "cv2.py").write_text(f"__version__ = '9.9'\n{library}\n", encoding="utf-8")
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from edgefer.detect import FaceDetector\n"
        "from edgefer.errors import BackendError\n"
        "try:\n    FaceDetector()\nexcept BackendError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert message in done.stdout, done.stderr
