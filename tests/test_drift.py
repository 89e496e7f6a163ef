"""Faces that are no longer like those of the calibration, and who is told."""

import json
from dataclasses import replace

import numpy as np
import pytest
from loops import ListCamera
from scenes import Scene
from sinking import frame, until
from test_reference import REFERENCE

from edgefer.edge.drift import Drift
from edgefer.edge.faces import Reader
from edgefer.edge.reading import Frame
from edgefer.edge.sinks import Vitals, lost, open_sink
from edgefer.edge.sinks.warnings import WarningSink
from edgefer.edge.stream import run
from edgefer.edge.track import Followed, Follower
from edgefer.edge.watcher import Watcher
from edgefer.edge.words import Words
from edgefer.errors import EdgeferError
from edgefer.labels import labels_of
from edgefer.preprocess import Box

pytestmark = pytest.mark.edge

NEAR, FAR = Box(0, 0, 96, 96), Box(0, 0, 40, 40)
GRAIN = np.random.default_rng(0).integers(-40, 40, (48, 48))
DARK, SMALL = Words("dark.", "어두움"), Words("small.", "작음")
SURE, DOUBTFUL = np.array([0.9]), np.array([0.4])


class Fixed:
    """Every face is happy, as surely as told."""

    labels, size = labels_of("two", "happy", "sad"), 48

    def __init__(self, sure):
        self.sure = sure

    def __call__(self, patches):
        return np.tile([self.sure, 1 - self.sure], (len(patches), 1)).astype(np.float32)


def patch(grey=130) -> np.ndarray:
    return np.clip(grey + GRAIN, 0, 255).astype(np.uint8)[None]


def watch(seconds, *, patches, box=NEAR, sure=SURE, drift=None, since=0.0) -> Drift:
    """Show these faces ten times a second for so long."""
    drift = drift or Drift(REFERENCE, "int8", 48)
    for tick in range(int(10 * seconds)):
        drift.see(since + tick / 10, patches, [box] * len(patches), sure)
    return drift


@pytest.mark.parametrize(
    ("told", "seen"),
    [
        ("darker", {"patches": patch(50)}),
        ("brighter", {"patches": np.full((1, 48, 48), 230, np.uint8) - patch(20) // 8}),
        ("less sharp", {"patches": np.linspace(90, 150, 48 * 48).reshape(1, 48, 48).astype("u1")}),
        ("smaller", {"patches": patch(), "box": FAR}),
        ("less surely", {"patches": patch(), "sure": DOUBTFUL}),
    ],
)
def test_a_minute_of_faces_that_are_unlike_is_a_warning(told, seen):
    assert any(told in warning.english for warning in watch(60, **seen).warnings)
    assert not watch(20, **seen).warnings


def test_a_warning_begins_and_ends_when_the_manual_says():
    assert not watch(41, patches=patch(50)).warnings
    assert watch(43, patches=patch(50)).warnings
    drift = watch(600, patches=patch(50))
    assert watch(82, patches=patch(), drift=drift, since=600.0).warnings
    assert not watch(2, patches=patch(), drift=drift, since=682.0).warnings


def test_faces_like_those_of_the_calibration_are_none():
    drift = watch(300, patches=patch())
    assert drift.warnings == ()
    assert set(drift.shares.values()) == {0.0}


def test_it_is_withdrawn_when_they_are_gone():
    drift = watch(60, patches=patch(50))
    assert len(drift.warnings) == 1
    watch(30, patches=patch(), drift=drift, since=60.0)
    assert len(drift.warnings) == 1  # not to and fro
    watch(60, patches=patch(), drift=drift, since=90.0)
    assert drift.warnings == ()


def test_half_of_two_faces_is_half():
    drift = watch(600, patches=np.concatenate([patch(50), patch()]), sure=np.array([0.9, 0.9]))
    assert drift.shares["dark"] == pytest.approx(0.5, abs=0.01)
    assert drift.warnings == ()


def test_an_hour_with_nobody_there_says_nothing():
    drift = watch(1, patches=patch())
    drift.see(3600.0, patch(50), [NEAR], SURE)
    assert drift.shares["dark"] < 0.02
    drift.see(1.0, patch(50), [NEAR], SURE)  # a file that begins anew
    assert drift.shares["dark"] < 0.04


def test_faces_that_a_gate_refused_are_dark_but_not_doubtful():
    drift = Drift(REFERENCE, "int8", 48)
    reader = Reader(Fixed(0.4), gate=lambda patches, boxes: np.array(["dark"]), drift=drift)
    dark = np.full((96, 96), 10, np.uint8)
    for second in range(60):
        (reading,) = reader(Frame(second, float(second), dark), [Followed(0, NEAR)])
        assert reading.emotion == "unsure"
    assert drift.shares["dark"] > 0.5
    assert drift.shares["doubtful"] == 0
    assert len(reader.warnings) == 2  # flat pictures are not sharp, either


def test_confidence_is_rescaled_and_drift_sees_it_as_it_was():
    bound = replace(REFERENCE.models["int8"], quantiles=(0.3, 0.58, 0.8, 0.9, 1.0))
    drift = Drift(replace(REFERENCE, models={"int8": bound}), "int8", 48)
    reader = Reader(Fixed(0.6), temperature=2.0, drift=drift)
    for second in range(60):
        (reading,) = reader(Frame(second, float(second), patch()[0]), [Followed(0, NEAR)])
    assert reading.confidence == pytest.approx(0.6**0.5 / (0.6**0.5 + 0.4**0.5), abs=1e-3)
    assert reading.confidence < 0.58
    assert sum(reading.probabilities.values()) == pytest.approx(1)
    assert drift.shares["doubtful"] == 0


def test_a_run_tells_its_sinks_and_its_summary(capsys):
    told = []

    class Ear:
        def write(self, frame, readings):
            """Not needed."""

        def tell(self, vitals):
            told.append(vitals.warnings)

        def close(self):
            """Nothing open."""

    drift = Drift(REFERENCE, "int8", 48, memory=0.01)
    reader = Reader(Fixed(0.9), drift=drift)
    camera = ListCamera(*[np.zeros((60, 60), np.uint8)] * 10)
    watcher = Watcher(Follower(Scene(Box(0, 0, 60, 60))), reader)
    summary = run(watcher, camera, [Ear(), WarningSink()])
    assert tuple(warning.english for warning in told[-1]) == summary.warnings != ()
    assert summary.to_json()["warnings"] == list(summary.warnings)
    assert f"warning: {summary.warnings[0]}" in str(summary)
    assert capsys.readouterr().err.count("warning: most faces are") == len(summary.warnings)


def test_a_warning_that_begins_and_ends_is_two_lines(tmp_path):
    path = tmp_path / "warnings.jsonl"
    sink = open_sink(f"warnings:{path}")
    for warnings in ((), (DARK,), (DARK,), (DARK, SMALL), ()):
        sink.write(frame(), [])
        sink.tell(Vitals(warnings=warnings))
    sink.close()
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    told = [(row["warning"], row["begins"]) for row in rows]
    assert told == [("dark.", True), ("small.", True), ("dark.", False), ("small.", False)]
    assert all(row["time"].endswith("Z") or "+" in row["time"] for row in rows)


def test_a_disk_that_is_full_for_a_while_costs_no_warning(tmp_path, capsys):
    path, disk = tmp_path / "warnings", tmp_path / "disk"
    path.symlink_to("/dev/full")
    sink = open_sink(f"warnings:{path}")
    sink.tell(Vitals(warnings=(DARK,)))
    until(lambda: sink.fault)
    path.unlink()
    path.symlink_to(disk)
    until(lambda: not sink.fault)
    sink.close()
    assert json.loads(disk.read_text())["warning"] == "dark."
    assert sink.dropped == 0
    assert capsys.readouterr().err == (
        f"{path}: No space left on device; trying again, up to 4096 warnings wait\n"
        f"{path}: works again; 0 warnings lost meanwhile\n"
    )


def test_a_warning_that_the_end_finds_unwritten_is_counted_and_told(capsys):
    sink = open_sink("warnings:/dev/full")
    sink.tell(Vitals(warnings=(DARK,)))
    until(lambda: sink.fault)
    with pytest.raises(EdgeferError, match="nothing could be written to /dev/full"):
        sink.close()
    assert lost([sink]) == {"/dev/full": 1}
    assert "/dev/full: 1 warning left undelivered, 1 lost in all" in capsys.readouterr().err


def test_the_sink_wants_a_file_and_leaves_others_alone(tmp_path):
    with pytest.raises(EdgeferError, match="warnings needs a file"):
        open_sink("warnings")
    (tmp_path / "notes.txt").write_text("milk, bread")
    with pytest.raises(EdgeferError, match="exists and holds no warnings"):
        open_sink(f"warnings:{tmp_path / 'notes.txt'}")
