"""A frame's way from faces to readings, in one object."""

from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from loops import ListCamera
from scenes import Scene
from tiny_tflite import tiny_bundle

from edgefer.edge.faces import Reader
from edgefer.edge.reading import Frame
from edgefer.edge.run_command import run as COMMAND
from edgefer.edge.steady import Steady
from edgefer.edge.stream import run
from edgefer.edge.summary import Summary
from edgefer.edge.track import Follower
from edgefer.edge.watcher import PAUSE, Watcher
from edgefer.labels import labels_of
from edgefer.preprocess import Box

pytestmark = pytest.mark.edge

FACE = Box(0, 0, 20, 20)


class Blinking:
    """Happy with every second batch, sad with the others."""

    labels, size = labels_of("two", "happy", "sad"), 8

    def __init__(self):
        self.batches = 0

    def __call__(self, patches):
        self.batches += 1
        return np.array([(0.9, 0.1) if self.batches % 2 else (0.2, 0.8)] * len(patches), np.float32)


def watch(seconds, *, name="", **options):
    """Numbers and emotions of one face at these times."""
    watcher = Watcher(Follower(Scene(FACE)), Reader(Blinking()), **options)
    image = np.zeros((40, 40), np.uint8)
    told = [watcher(Frame(index, time, image, name)) for index, time in enumerate(seconds)]
    return [[(reading.face, reading.emotion) for reading in readings] for readings in told]


THIRTIETHS = [index / 30 for index in range(4)]


def test_who_is_seen_again_and_again_is_one_and_steady():
    assert watch(THIRTIETHS, steady=Steady(0.2)) == [[(0, "happy")]] * 4


def test_pictures_of_a_folder_have_nothing_to_do_with_one_another():
    emotions = ("happy", "sad", "happy", "sad")
    told = watch(THIRTIETHS, name="a.png", steady=Steady(0.2))
    assert told == [[(number, emotion)] for number, emotion in enumerate(emotions)]


def test_after_a_pause_everybody_is_somebody_new():
    assert watch([0, PAUSE, 2 * PAUSE + 0.1]) == [[(0, "happy")], [(0, "sad")], [(1, "happy")]]


def test_an_answer_that_is_not_sure_enough_is_left_out():
    told = watch(THIRTIETHS, min_confidence=0.85)
    assert told == [[(0, "happy")], [], [(0, "happy")], []]


def test_the_summary_counts_what_was_left_out_and_why_a_face_was_not_read():
    summary = Summary(4, 4, 0, 2, 2, 1.0, {}, "an error", unread={"dark": 2}, left_out=1)
    assert "2 faces in 2 frames, 2 too poor to read: 2 dark (--quality), 1 left out" in str(summary)
    assert summary.to_json()["left_out"] == 1
    watcher = Watcher(Follower(Scene(FACE)), Reader(Blinking()), min_confidence=0.85)
    camera = ListCamera(*[np.zeros((40, 40), np.uint8)] * 4)
    assert run(watcher, camera, []).left_out == 2


@pytest.mark.parametrize(("times", "words"), [(1, "once"), (2, "twice"), (3, "3 times")])
def test_a_summary_says_how_often_the_camera_came_back(times, words):
    summary = Summary(4, 4, 0, 0, 0, 1.0, {}, "an error", reconnects=times)
    assert f"the camera came back {words}\n" in f"{summary}\n"
    assert "ms a frame" not in str(replace(summary, frames=0))


def test_a_bundle_that_knows_nothing_of_its_calibration_faces_says_so(tmp_path):
    typed = ["--camera", "synth", "--frames", "1", "--json"]
    known = CliRunner().invoke(COMMAND, ["small", *typed])
    unknown = CliRunner().invoke(COMMAND, [str(tiny_bundle(tmp_path / "parts").folder), *typed])
    assert known.exit_code == unknown.exit_code == 0
    assert "knows nothing of its calibration faces" not in known.stderr
    assert "--faces FACES" in unknown.stderr
