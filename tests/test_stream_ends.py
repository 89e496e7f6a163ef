"""A run ends cleanly, whatever ends it: its frames, a sink, a camera, a signal."""

import os
import signal
import threading
import time

import pytest
from loops import ListCamera, ListSink, both, bright, fail, scene

from edgefer.edge.sinks import Stop
from edgefer.edge.stream import run
from edgefer.errors import CameraError, EdgeferError

pytestmark = pytest.mark.edge


def test_a_run_stops_after_as_many_frames_as_asked_for():
    camera = ListCamera(*[scene()] * 5, AssertionError("one frame too many"))
    assert run(bright(both()), camera, [], max_frames=5).frames == 5


def test_closing_takes_no_time_of_the_run_and_begins_with_the_camera():
    camera, sink, order, began = ListCamera(scene()), ListSink(), [], time.monotonic()
    camera.close = lambda: order.append(("camera", time.monotonic()))
    sink.close = lambda: order.append(("sink", time.sleep(0.3)))
    summary = run(bright(both()), camera, [sink])
    assert [what for what, _ in order] == ["camera", "sink"]
    assert 0 < summary.seconds <= order[0][1] - began


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
