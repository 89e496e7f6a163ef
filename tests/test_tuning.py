"""Settings that are changed while a run goes on."""

import threading

import pytest
from scenes import Scene
from sinking import frame
from test_watcher import FACE, Blinking

from edgefer.edge.detectors import DETECTORS, open_detector
from edgefer.edge.faces import Reader
from edgefer.edge.quality import flaws
from edgefer.edge.settings import Settings
from edgefer.edge.steady import Steady
from edgefer.edge.track import Follower
from edgefer.edge.tuning import Tuning
from edgefer.edge.watcher import Watcher
from edgefer.edge.wishes import Wishes
from edgefer.errors import BackendError, EdgeferError

pytestmark = pytest.mark.edge

START = Settings(unsure=0.4, smooth=0.2, quality=True, min_face=60, neighbors=4, every=10)


class Own(Scene):
    """A detector that knows what it was opened for."""

    def __init__(self, wishes):
        if wishes.min_face == 666:
            raise BackendError("there is none of that size.")
        super().__init__(FACE)
        self.wishes = wishes


class Touchy:
    def __init__(self, wishes):
        raise ValueError("not with me")


OWN = Wishes("test_tuning:Own")


@pytest.fixture
def watcher():
    reader = Reader(Blinking(), gate=flaws)
    return Watcher(Follower(open_detector(OWN), OWN), reader, Steady(0.2, unsure=0.4))


def test_what_is_asked_for_is_set_with_the_next_frame(watcher):
    tuning = Tuning(watcher)
    tuning.ask({"unsure": 0.5, "smooth": 1})
    tuning.ask({"min_face": 80, "every": 20, "quality": False})
    assert (watcher.steady.unsure, watcher.follower.wishes.min_face) == (0.4, 60)
    tuning.write(frame(), [])
    assert (watcher.steady.unsure, watcher.steady.smooth, watcher.reader.gate) == (0.5, 1.0, None)
    assert watcher.follower.wishes == Wishes("test_tuning:Own", min_face=80, every=20)
    assert watcher.follower.detector.wishes == watcher.follower.wishes
    tuning.ask({"quality": True})
    tuning.write(frame(), [])
    assert watcher.reader.gate is flaws


def test_a_face_that_is_followed_stays_the_same_one(watcher):
    tuning = Tuning(watcher)
    before = watcher.find(frame(0))
    tuning.ask({"neighbors": 6})
    tuning.write(frame(0), [])
    assert watcher.find(frame(1)) == before
    assert watcher.follower.detector.wishes.neighbors == 6


def test_a_pace_alone_opens_no_other_detector(watcher):
    tuning, detector = Tuning(watcher), watcher.follower.detector
    tuning.ask({"every": 3})
    tuning.write(frame(), [])
    assert watcher.follower.detector is detector
    assert watcher.follower.wishes.every == 3


def test_what_cannot_be_opened_changes_nothing_and_ends_no_run(watcher, capsys):
    tuning = Tuning(watcher)
    tuning.ask({"min_face": 666, "unsure": 0.9})
    tuning.write(frame(), [])
    assert (watcher.steady.unsure, watcher.follower.wishes) == (0.4, OWN)
    assert tuning.to_json()["now"]["min_face"] == 60
    tuning.close()
    assert capsys.readouterr().err == "not tuned: there is none of that size.\n"


def test_each_change_and_what_to_type_for_all_of_them_are_told(watcher, capsys):
    tuning = Tuning(watcher)
    for changes in ({"unsure": 0.5}, {"quality": False}, {"unsure": 0.45}, {}):
        tuning.ask(changes)
        tuning.write(frame(), [])
    assert tuning.to_json()["typed"] == "--unsure 0.45 --quality off"
    tuning.close()
    assert capsys.readouterr().err.splitlines() == [
        "tuned: --unsure 0.5",
        "tuned: --quality off",
        "tuned: --unsure 0.45",
        "tuned while it ran; to begin so: --unsure 0.45 --quality off",
    ]


def test_who_goes_back_to_the_start_is_told_nothing_at_the_end(watcher, capsys):
    tuning = Tuning(watcher)
    for changes in ({"smooth": 2.0}, tuning.to_json()["start"]):
        tuning.ask(changes)
        tuning.write(frame(), [])
    tuning.close()
    assert capsys.readouterr().err == "tuned: --smooth 2\ntuned: --smooth 0.2\n"


def test_a_detector_is_asked_for_nothing_that_it_has_no_use_for(watcher):
    watcher.follower.wishes = Wishes("yunet")
    tuning = Tuning(watcher)
    assert "neighbors" not in tuning.to_json()["now"]
    with pytest.raises(EdgeferError, match="neighbors cannot be changed: yunet has none"):
        tuning.ask({"neighbors": 3})


@pytest.mark.parametrize("name", ["min_face", "neighbors", "every"])
def test_where_faces_are_covered_nobody_lets_fewer_of_them_be_found(watcher, name):
    tuning = Tuning(watcher, covered=True)
    assert name not in tuning.to_json()["now"]
    with pytest.raises(EdgeferError, match=f"{name} cannot be changed: faces are covered"):
        tuning.ask({name: 1000})
    tuning.ask({"unsure": 0.5, "smooth": 1.0, "quality": False})
    assert tuning.to_json()["typed"] == "--unsure 0.5 --smooth 1 --quality off"


def test_who_asks_waits_for_no_detector_that_takes_its_time(watcher, monkeypatch):
    asked, opened = threading.Event(), threading.Event()

    class Slow(Own):
        def __init__(self, wishes):
            super().__init__(wishes)
            opened.set()
            assert asked.wait(30)

    monkeypatch.setitem(DETECTORS, "slow", Slow)
    watcher.follower.wishes = Wishes("slow")
    tuning = Tuning(watcher)
    tuning.ask({"min_face": 70})
    loop = threading.Thread(target=tuning.write, args=(frame(), []))
    loop.start()
    assert opened.wait(30)
    tuning.ask({"unsure": 0.7})  # would wait for ever
    asked.set()
    loop.join()
    tuning.write(frame(), [])
    assert (watcher.follower.wishes.min_face, watcher.steady.unsure) == (70, 0.7)


def test_a_detector_of_ones_own_that_fails_ends_no_run(watcher, capsys):
    watcher.follower.wishes = Wishes("test_tuning:Touchy")
    tuning = Tuning(watcher)
    tuning.ask({"min_face": 70})
    tuning.write(frame(), [])
    assert watcher.follower.wishes.min_face == 60
    assert capsys.readouterr().err == "not tuned: not with me\n"


def test_a_zero_has_no_sign():
    assert START.changed({"smooth": -0.0}).options(START) == "--smooth 0"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"unsure": 1.01}, "unsure is a number from 0 to 1, and 1.01 is none"),
        ({"unsure": float("nan")}, "nan is none"),
        ({"unsure": True}, "True is none"),
        ({"unsure": "0.5"}, "'0.5' is none"),
        ({"smooth": -1}, "from 0 to 60"),
        ({"min_face": 23}, "whole number from 24"),
        ({"min_face": 60.5}, "whole number"),
        ({"every": 0}, "from 1 to"),
        ({"every": 10**300}, "from 1 to"),
        ({"neighbors": None}, "None is none"),
        ({"quality": 1}, "true or false"),
        ({"quality": "on"}, "true or false"),
        ({"threads": 64}, "there is no setting 'threads'"),
        ({"detector": "os:system"}, "there is no setting 'detector'"),
    ],
)
def test_what_cannot_be_is_refused_whole(changes, message):
    with pytest.raises(EdgeferError, match=message):
        START.changed({"unsure": 0.7} | changes)
