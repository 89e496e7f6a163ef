"""The loop: every frame to every sink, the counts right, and a clean end whatever ends it."""

import gc
import os
import signal
import threading
import time
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from scenes import Scene

from edgefer.edge.faces import Reader
from edgefer.edge.reading import Frame
from edgefer.edge.sinks import Stop
from edgefer.edge.stream import run
from edgefer.edge.track import Followed, Follower
from edgefer.edge.watcher import Watcher
from edgefer.edge.wishes import Wishes
from edgefer.edge.words import Words
from edgefer.errors import CameraError, EdgeferError
from edgefer.labels import labels_of
from edgefer.preprocess import Box

pytestmark = pytest.mark.edge

LEFT, RIGHT = Box(0, 0, 20, 20), Box(40, 10, 20, 20)


class BrightClassifier:
    """Bright faces are happy, dark ones sad."""

    labels, size = labels_of("two", "happy", "sad"), 8

    def __init__(self):
        self.batches = []

    def __call__(self, patches):
        self.batches.append(len(patches))
        happy = patches.mean(axis=(1, 2), dtype=np.float64) / 255
        return np.stack([happy, 1 - happy], axis=1).astype(np.float32)


class ListCamera:
    """A camera of these pictures; an error among them is raised."""

    def __init__(self, *images, dropped=0):
        self.images, self.dropped, self.closed = images, dropped, 0

    def __iter__(self):
        for index, image in enumerate(self.images):
            if isinstance(image, Exception):
                raise image
            yield Frame(index, index / 30, image)

    def close(self):
        self.closed += 1


class ListSink:
    """Keeps what it gets; ``then`` is called with every frame."""

    def __init__(self, then=lambda frame: None):
        self.got, self.then, self.closed = [], then, 0

    def write(self, frame, readings):
        self.got.append((frame.index, [(r.face, r.box, r.emotion) for r in readings]))
        self.then(frame)

    def close(self):
        self.closed += 1


def scene(left=255, right=0) -> np.ndarray:
    """A bright face on the left, a dark one on the right."""
    image = np.full((40, 64, 3), 128, np.uint8)
    image[:20, :30], image[10:30, 36:] = left, right
    return image


def both():
    return Follower(Scene(RIGHT, LEFT), Wishes(min_face=24))


def nobody():
    return Follower(Scene())


def bright(follower, **options):
    return Watcher(follower, Reader(BrightClassifier()), **options)


def fail(error):
    def raise_it(*_):
        raise error

    return raise_it


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


def test_the_summary_counts():
    boxes = iter([[LEFT], [], [LEFT, RIGHT], [RIGHT]])
    camera = ListCamera(*[scene()] * 4, dropped=7)
    follower = Follower(lambda image: next(boxes), Wishes(every=1))
    summary = run(bright(follower), camera, [])
    assert (summary.grabbed, summary.frames, summary.dropped) == (11, 4, 7)
    assert (summary.faces, summary.frames_with_face) == (4, 3)
    assert list(summary.milliseconds) == ["read", "detect", "classify", "sinks"]
    assert sum(summary.milliseconds.values()) * 4 <= 1000 * summary.seconds
    assert summary.fps == pytest.approx(4 / summary.seconds)
    assert "4 frames" in str(summary)


def test_what_a_camera_grabbed_was_looked_at_or_dropped():
    camera = ListCamera(*[scene()] * 9, dropped=3)
    camera.grabbed = 7
    failing = ListSink(then=lambda frame: frame.index == 3 and fail(EdgeferError("full"))())
    summaries = []
    with pytest.raises(EdgeferError):
        run(bright(both()), camera, [failing], report=summaries.append)
    # Three were read; the fourth was at hand when the sink failed.
    assert (summaries[0].grabbed, summaries[0].frames, summaries[0].dropped) == (7, 3, 4)


def test_what_the_camera_does_not_tell_is_reckoned():
    camera = ListCamera(*[scene()] * 9, dropped=3)
    summary = run(bright(both()), camera, [], max_frames=5)
    assert (summary.grabbed, summary.frames, summary.dropped) == (8, 5, 3)
    assert summary.to_json()["grabbed"] == 8


def test_the_summary_tells_what_the_camera_counted_itself():
    camera = ListCamera(*[scene()] * 4, dropped=3)
    camera.grabbed = 9  # it lost sight of two
    summary = run(bright(both()), camera, [])
    assert (summary.grabbed, summary.frames, summary.dropped) == (9, 4, 3)


def test_closing_takes_no_time_of_the_run_and_begins_with_the_camera():
    camera, sink, order = ListCamera(scene()), ListSink(), []
    camera.close = lambda: order.append("camera")
    sink.close = lambda: order.append("sink") or time.sleep(0.3)
    summary = run(bright(both()), camera, [sink])
    assert order == ["camera", "sink"]
    assert 0 < summary.seconds < 0.3


class Ear(ListSink):
    """A sink that keeps what it is told of the run."""

    def __init__(self):
        super().__init__()
        self.heard = []

    def tell(self, vitals):
        self.heard.append(vitals)


def test_a_picture_that_waits_in_the_camera_is_not_yet_dropped():
    class Ahead(ListCamera):
        """With every second picture it has taken the next one already."""

        def __iter__(self):
            for frame in super().__iter__():
                self.grabbed = self.dropped + frame.index + 1 + frame.index % 2
                yield frame

    ear = Ear()
    run(bright(both()), Ahead(*[scene()] * 5, dropped=2), [ear])
    assert [vitals.totals["dropped"] for vitals in ear.heard] == [2] * 5
    assert [vitals.totals["grabbed"] for vitals in ear.heard] == [3, 4, 5, 6, 7]


def test_how_the_run_goes_is_asked_once_a_frame_and_only_for_those_who_listen():
    class Asked(ListSink):
        asked = 0

        @property
        def states(self):
            self.asked += 1
            return {"asked": self.asked}

    alone, heard, ears = Asked(), Asked(), [Ear(), Ear()]
    run(bright(both()), ListCamera(*[scene()] * 3), [alone])
    assert alone.asked == 0
    run(bright(both()), ListCamera(*[scene()] * 3), [heard, *ears])
    assert [vitals.states["asked"] for vitals in ears[0].heard] == [1, 2, 3]
    assert ears[0].heard == ears[1].heard


def test_what_a_camera_warns_of_is_told_first():
    class Doubtful(Reader):
        warnings = (Words("most faces are dark.", "어두움"),)

    camera, ear = ListCamera(scene()), Ear()
    camera.warnings = (Words("camera 0 is frozen.", "멈춤"),)
    summary = run(Watcher(both(), Doubtful(BrightClassifier())), camera, [ear])
    assert summary.warnings == ("camera 0 is frozen.", "most faces are dark.")
    assert ear.heard[0].warnings == (*camera.warnings, *Doubtful.warnings)


def test_a_followed_face_keeps_its_number_from_frame_to_frame():
    sink = ListSink()
    run(bright(both()), ListCamera(*[scene()] * 12), [sink])
    assert [[face for face, *_ in faces] for _, faces in sink.got] == [[0, 1]] * 12


def test_pictures_of_a_folder_are_followed_by_nobody():
    class Folder(ListCamera):
        def __iter__(self):
            return (replace(frame, name=f"{frame.index}.png") for frame in super().__iter__())

    sink, detector = ListSink(), Scene(LEFT)
    run(bright(Follower(detector)), Folder(*[scene()] * 3), [sink])
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


def test_the_summary_in_words():
    summary = run(bright(Follower(Scene(LEFT))), ListCamera(scene()), [])
    assert str(summary).startswith("1 frame in ")
    assert "\n1 face in 1 frame\n" in str(summary)
    assert "stopped by Ctrl-C" in str(replace(summary, ended="SIGINT"))


def test_an_unsure_answer_is_left_out():
    sink = ListSink()
    run(bright(both(), min_confidence=0.9), ListCamera(scene(255, 100)), [sink])
    assert sink.got == [(0, [(0, LEFT, "happy")])]


def test_a_run_stops_after_as_many_frames_as_asked_for():
    camera = ListCamera(*[scene()] * 5, AssertionError("one frame too many"))
    assert run(bright(both()), camera, [], max_frames=5).frames == 5


def test_a_sink_may_end_the_run_and_the_others_still_get_the_frame():
    asking, other = ListSink(then=fail(Stop())), ListSink()
    camera = ListCamera(*[scene()] * 9)
    summary = run(bright(both()), camera, [asking, other])
    assert (summary.frames, summary.ended) == (1, "asked to")
    assert len(other.got) == 1
    assert (asking.closed, other.closed, camera.closed) == (1, 1, 1)


def test_a_failing_sink_closes_everything_and_the_summary_still_comes():
    summaries, good = [], ListSink()
    bad = ListSink(then=lambda frame: frame.index == 2 and fail(EdgeferError("disk full"))())
    camera = ListCamera(*[scene()] * 9)
    with pytest.raises(EdgeferError, match="disk full"):
        run(bright(both()), camera, [good, bad], report=summaries.append)
    assert (good.closed, bad.closed, camera.closed) == (1, 1, 1)
    assert (summaries[0].frames, summaries[0].ended) == (2, "an error")


def test_a_sink_that_fails_to_close_keeps_no_other_open():
    first, last = ListSink(), ListSink()
    bad = ListSink()
    bad.close = fail(EdgeferError("cannot finish"))
    camera = ListCamera(scene())
    with pytest.raises(EdgeferError, match="cannot finish"):
        run(bright(both()), camera, [first, bad, last])
    assert (first.closed, last.closed, camera.closed) == (1, 1, 1)


def test_a_camera_that_fails_closes_everything_and_the_summary_still_comes():
    summaries, sink = [], ListSink()
    camera = ListCamera(scene(), CameraError("unplugged"))
    with pytest.raises(CameraError, match="unplugged"):
        run(bright(both()), camera, [sink], report=summaries.append)
    assert (sink.closed, camera.closed) == (1, 1)
    assert summaries[0].frames == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_after_the_frame_at_hand(number):
    before = signal.getsignal(number)
    sink = ListSink(then=lambda frame: frame.index == 3 and os.kill(os.getpid(), number))
    later = ListSink()
    summary = run(bright(both()), ListCamera(*[scene()] * 99), [sink, later])
    assert (summary.frames, summary.ended) == (4, number.name)
    assert len(later.got) == 4
    assert (sink.closed, later.closed) == (1, 1)
    assert signal.getsignal(number) is before


class SilentCamera(ListCamera):
    """A camera that never gives a picture."""

    def __iter__(self):
        threading.Event().wait()
        yield


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_waiting_for_a_camera(number):
    sink = ListSink()
    threading.Timer(0.1, os.kill, (os.getpid(), number)).start()
    summary = run(bright(both()), SilentCamera(), [sink])
    assert (summary.frames, summary.ended, sink.closed) == (0, number.name, 1)


def test_a_second_signal_ends_a_sink_that_hangs():
    def twice(frame):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    sink = ListSink(then=twice)
    with pytest.raises(KeyboardInterrupt):
        run(bright(both()), ListCamera(scene()), [sink])
    assert sink.closed == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_a_run_finishes_breaks_off_nothing(number):
    unheard, summaries = [], []
    before = signal.signal(number, lambda *_: unheard.append("would have ended the process"))
    try:
        first, last = ListSink(), ListSink()
        last.close = lambda: os.kill(os.getpid(), number)  # which is closed first
        run(bright(both()), ListCamera(scene()), [first, last], report=summaries.append)
    finally:
        signal.signal(number, before)
    assert unheard == []
    assert first.closed == 1
    assert summaries[0].ended == "the camera ended"


def test_a_second_signal_ends_a_sink_that_does_not_finish():
    summaries, sink, other = [], ListSink(), ListSink()
    sink.close = lambda: [os.kill(os.getpid(), signal.SIGTERM) for _ in range(2)]
    with pytest.raises(KeyboardInterrupt):
        run(bright(both()), ListCamera(scene()), [other, sink], report=summaries.append)
    assert (other.closed, len(summaries)) == (1, 1)


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
