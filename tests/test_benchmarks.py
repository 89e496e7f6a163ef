"""What benchmarks count, and that they run on a clip."""

import importlib
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from toys import toy_faces

from edgefer.edge.cameras.captured import open_live
from edgefer.edge.cameras.care import Care
from edgefer.edge.reading import Reading
from edgefer.preprocess import Box

pytestmark = pytest.mark.edge

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    """A benchmark by its name, as a module."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module


@pytest.fixture
def clip(shared, tmp_path):
    """A folder of one clip."""
    folder = tmp_path / "clips"
    folder.mkdir()
    (folder / "hungry.mkv").symlink_to(shared / "clips" / "hungry.mkv")
    return folder


def printed(name, *arguments) -> list[str]:
    """Lines that a benchmark prints."""
    command = [sys.executable, BENCHMARKS / name, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def told(face, emotion) -> Reading:
    return Reading(face, Box(0, 0, 48, 48), emotion, 1.0, {"happy": 0.0, "sad": 0.0, emotion: 1.0})


def test_a_change_is_short_if_it_comes_soon_after_the_one_before(benchmark):
    emotions = {0.0: "happy", 1.0: "sad", 1.3: "happy", 2.0: "sad", 3.0: "sad"}
    video = [(seconds, [told(0, emotion)]) for seconds, emotion in emotions.items()]
    assert benchmark("steady").changed([video], 0.0) == (3, 1)


def test_two_faces_that_stay_as_they_are_change_nothing(benchmark):
    video = [(i / 30, [told(0, "happy"), told(1, "sad")]) for i in range(30)]
    assert benchmark("steady").changed([video, video], 0.0) == (0, 0)


def test_smoothing_tells_a_change_of_the_face_later(benchmark):
    late = [benchmark("steady").late(smooth) for smooth in (0.0, 0.1, 0.2, 0.4)]
    assert late[0] == 0
    assert late == sorted(set(late))


def test_smoothing_keeps_changes_of_a_clip_back(clip):
    rows = [line.split() for line in printed("steady.py", clip)[3:]]
    changes = [int(row[1]) for row in rows]
    assert [row[0] for row in rows] == ["0.0", "0.1", "0.2", "0.4"]
    assert changes[0] > max(changes[1:])


def test_light_that_is_too_much_stays_white(benchmark):
    face = np.full((48, 48), 200, np.uint8)
    assert (benchmark("worsening").lit(2)(face) == 255).all()


@pytest.mark.parametrize(
    ("way", "how"), [("lit", 0.5), ("blurred", 1), ("moved", 6), ("small", 24), ("noisy", 5)]
)
def test_a_worse_face_is_a_patch_still(benchmark, way, how):
    face = np.tile(np.arange(0, 240, 5, dtype=np.uint8), (48, 1))
    face[20:30, 20:30] = 0
    worse = getattr(benchmark("worsening"), way)(how)(face)
    assert (worse.shape, worse.dtype) == (face.shape, face.dtype)
    assert (worse != face).any()


def test_the_gate_leaves_a_clip_alone_and_refuses_its_faces_made_dark(clip, tmp_path):
    toy_faces(tmp_path / "faces", each=4, size=48)
    lines = printed("quality.py", tmp_path / "faces", clip)
    rows = lines[lines.index("clips, 49: 0 refused") + 3 : -2]
    refused = {line[:28].strip(): line[28:].split()[0] for line in rows}
    assert (refused["light times 0.5"], refused["light times 0.12"]) == ("0%", "100%")


def test_pictures_of_a_process_tell_when_they_were_taken(benchmark):
    captured, began = benchmark("captured"), time.monotonic()
    cost = captured.measured(open_live("captured:Dated", "64x48", "camera 7", Care()), 5)
    assert 0 < cost.later < 1000 * (time.monotonic() - began)
    assert cost.mb > 1
