"""What a run counts and tells of itself, while it goes and when it is over."""

from dataclasses import replace

import pytest
from loops import (
    LEFT,
    RIGHT,
    BrightClassifier,
    Ear,
    ListCamera,
    ListSink,
    both,
    bright,
    fail,
    scene,
)
from scenes import Scene

from edgefer.edge.faces import Reader
from edgefer.edge.stream import run
from edgefer.edge.track import Follower
from edgefer.edge.watcher import Watcher
from edgefer.edge.wishes import Wishes
from edgefer.edge.words import Words
from edgefer.errors import EdgeferError

pytestmark = pytest.mark.edge


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


def test_the_summary_in_words():
    summary = run(bright(Follower(Scene(LEFT))), ListCamera(scene()), [])
    assert str(summary).startswith("1 frame in ")
    assert "\n1 face in 1 frame\n" in str(summary)
    assert "stopped by Ctrl-C" in str(replace(summary, ended="SIGINT"))


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
