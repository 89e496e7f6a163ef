"""The loop: every face in every frame is read, and every sink gets it."""

import gc
import threading
import tracemalloc

import numpy as np
import pytest
from loops import (
    LEFT,
    RIGHT,
    BrightClassifier,
    ListCamera,
    ListSink,
    both,
    bright,
    nobody,
    scene,
)
from scenes import Scene

from edgefer.edge.faces import Reader
from edgefer.edge.reading import Frame
from edgefer.edge.stream import run
from edgefer.edge.track import Followed, Follower
from edgefer.edge.watcher import Watcher
from edgefer.preprocess import Box

pytestmark = pytest.mark.edge


def test_faces_are_numbered_from_left_to_right_and_read_in_one_batch():
    classifier, sink = BrightClassifier(), ListSink()
    run(Watcher(both(), Reader(classifier)), ListCamera(scene()), [sink])
    assert sink.got == [(0, [(0, LEFT, "happy"), (1, RIGHT, "sad")])]
    assert classifier.batches == [2]


def test_a_reading_holds_every_probability():
    (reading,) = Reader(BrightClassifier())(Frame(0, 0.0, scene(left=204)), [Followed(0, LEFT)])
    assert reading.probabilities == pytest.approx({"happy": 0.8, "sad": 0.2})
    assert reading.confidence == pytest.approx(0.8)


def test_every_sink_gets_every_frame_also_empty_ones():
    sinks = [ListSink(), ListSink()]
    run(bright(nobody()), ListCamera(*[scene()] * 3), sinks)
    assert [sink.got for sink in sinks] == [[(0, []), (1, []), (2, [])]] * 2


def test_a_followed_face_keeps_its_number_from_frame_to_frame():
    sink = ListSink()
    run(bright(both()), ListCamera(*[scene()] * 12), [sink])
    assert [[face for face, *_ in faces] for _, faces in sink.got] == [[0, 1]] * 12


def test_pictures_of_a_folder_are_followed_by_nobody():
    sink, detector = ListSink(), Scene(LEFT)
    run(bright(Follower(detector)), ListCamera(*[scene()] * 3, named=True), [sink])
    assert [faces[0][0] for _, faces in sink.got] == [0, 1, 2]
    assert detector.asked == ["all"] * 3


@pytest.mark.parametrize(
    ("seconds", "numbers"),
    [
        ((0, 0.1, 2.0, 2.0), [0, 0, 0, 0]),  # as a slow board has it
        ((0, 0.1, 3600, 3600.1), [0, 0, 1, 1]),  # an outage
        ((5, 5.1, 0, 0.1), [0, 0, 1, 1]),  # a clock that was set back
        ((0, 3, 6, 9), [0, 1, 2, 3]),  # one picture in three seconds
    ],
)
def test_a_number_is_not_given_on_to_who_stands_there_after_a_pause(seconds, numbers):
    class Timed(ListCamera):
        def __iter__(self):
            yield from (Frame(*of, scene()) for of in enumerate(seconds))

    sink = ListSink()
    run(bright(Follower(Scene(LEFT))), Timed(), [sink])
    assert [faces[0][0] for _, faces in sink.got] == numbers


def test_fifty_faces_are_read_in_one_batch():
    classifier, sink = BrightClassifier(), ListSink()
    crowd = [Box(30 * x, 30 * y, 25, 25) for x in range(10) for y in range(5)]
    image = np.full((200, 320, 3), 200, np.uint8)
    run(Watcher(Follower(Scene(*crowd)), Reader(classifier)), ListCamera(image, image), [sink])
    assert classifier.batches == [50, 50]
    assert [len(faces) for _, faces in sink.got] == [50, 50]


def test_a_face_at_the_border_is_read():
    sink = ListSink()
    corners = [Box(-5, -5, 20, 20), Box(50, 30, 20, 20)]
    run(bright(Follower(Scene(*corners))), ListCamera(*[scene()] * 3), [sink])
    assert [[box for _, box, _ in faces] for _, faces in sink.got] == [corners] * 3


def test_an_unsure_answer_is_left_out():
    sink = ListSink()
    run(bright(both(), min_confidence=0.9), ListCamera(scene(255, 100)), [sink])
    assert sink.got == [(0, [(0, LEFT, "happy")])]


def test_a_thread_may_run_too():
    results = []
    work = threading.Thread(
        target=lambda: results.append(run(bright(both()), ListCamera(scene()), []))
    )
    work.start()
    work.join()
    assert results[0].frames == 1


def test_a_long_run_holds_no_more_memory_than_a_short_one():
    held = []

    def look(frame):
        if frame.index in (200, 1200):
            gc.collect()  # what is free and kept for later counts as held
            held.append(tracemalloc.get_traced_memory()[0])

    class Forgetful(ListSink):
        def write(self, frame, readings):
            self.then(frame)

    tracemalloc.start()
    try:
        camera = ListCamera(*[scene()] * 1201)
        classifier = BrightClassifier()
        classifier.batches = type("Nothing", (), {"append": lambda self, _: None})()
        run(Watcher(both(), Reader(classifier)), camera, [Forgetful(look)])
    finally:
        tracemalloc.stop()
    assert held[1] - held[0] < 20_000
