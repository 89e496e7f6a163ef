"""``edgefer bench``: what it holds and marks; how long something took is nobody's claim."""

import json
from itertools import count
from typing import ClassVar

import numpy as np
import pytest
from click.testing import CliRunner
from tiny_tflite import tiny_bundle
from videos import save_video

from edgefer.bundle import Bundle, write_bundle
from edgefer.edge.bench import bench
from edgefer.edge.bench_table import to_text
from edgefer.edge.commands import COMMANDS
from edgefer.edge.reading import Frame
from edgefer.edge.thermal import Heat
from edgefer.edge.wishes import Wishes
from edgefer.errors import CameraError
from edgefer.preprocess import Box

pytestmark = pytest.mark.edge

(COMMAND,) = (command for command in COMMANDS if command.name == "bench")
STEPS = [
    "read",
    "detect",
    "frame",
    "search",
    "classify float, 1 face",
    "classify float, 4 faces",
    "classify int8, 1 face",
    "classify int8, 4 faces",
]
COOL = Heat({"cpu": 50.0})


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return tiny_bundle(tmp_path_factory.mktemp("bench") / "parts")


class Interrupted:
    """A camera at whose second opening somebody presses Ctrl-C."""

    opened = count()

    def __init__(self):
        self.number = next(self.opened)

    def __iter__(self):
        for index in range(8):
            if self.number:
                raise KeyboardInterrupt
            yield Frame(index, index / 30, np.zeros((60, 80, 3), np.uint8))

    def close(self): ...


def test_every_step_is_timed_for_every_number_of_threads(bundle):
    result = bench(bundle, threads=(1, 2), frames=3, heat=lambda: COOL)
    assert [trial.threads for trial in result.trials] == [1, 2]
    for trial in result.trials:
        assert [timing.name for timing in trial.timings] == STEPS
        assert (trial.frames, trial.faces) == (3, 3)
        assert all(0 < timing.p50 <= timing.p95 <= timing.p99 for timing in trial.timings)
        assert trial.fps > 0
    assert result.complete
    assert not result.throttled


def test_json_says_what_it_was_measured_on(bundle):
    typed = [str(bundle.folder), "--frames", "2", "--threads", "1", "--json"]
    done = CliRunner().invoke(COMMAND, typed)
    about = json.loads(done.stdout)
    assert about["bundle_digest"] == bundle.digest
    assert {"cpu", "cores", "system", "python"} == set(about["machine"])
    assert {"edgefer", "numpy"} <= set(about["versions"])
    assert about["runtime"].startswith("LiteRT")
    assert about["peak_rss_mb"] > 20
    (trial,) = about["trials"]
    assert set(trial["before"]) == set(trial["after"]) == set(Heat().to_json())
    assert set(trial["steps"][0]["milliseconds"]) == {"p50", "p95", "p99"}
    assert trial["steps"][-1]["precision"] == "int8"


def test_by_default_one_thread_and_every_core_are_tried(bundle):
    done = CliRunner().invoke(COMMAND, [str(bundle.folder), "--frames", "1"])
    assert done.exit_code == 0, done.output
    assert "\n1 thread: " in done.stdout
    assert all(step in done.stdout for step in STEPS)
    assert "drawing a person" in done.stdout


@pytest.mark.parametrize(
    ("heats", "marked"),
    [
        ([COOL, Heat({"cpu": 81.0}, ("throttled",))], ("throttled",)),  # it still is
        ([COOL, Heat({"cpu": 70.0}, (), ("throttled",))], ("throttled",)),  # it was in between
        ([Heat({}, ("under-voltage",)), Heat({})], ("under-voltage",)),  # it was at the start
        ([Heat({}, (), ("throttled",)), Heat({}, (), ("throttled",))], ()),  # long ago
    ],
)
def test_a_board_that_was_slowed_down_is_marked(bundle, heats, marked):
    looks = iter([heats[0]])
    result = bench(bundle, frames=1, heat=lambda: next(looks, heats[1]))
    (trial,) = result.trials
    assert trial.throttled == marked
    assert result.to_json()["throttled"] is bool(marked)
    assert ("THROTTLED" in to_text(result)) is bool(marked)


def test_a_video_is_measured_and_its_password_is_not_shown(bundle, tmp_path):
    save_video(tmp_path / "password=secret.avi", 8)
    result = bench(bundle, camera=str(tmp_path / "password=secret.avi"), frames=100)
    assert result.trials[0].frames == 3  # five of eight warm up
    assert result.trials[0].faces == 0
    assert "secret" not in to_text(result) + json.dumps(result.to_json())


def test_too_short_a_video_is_refused(bundle, tmp_path):
    save_video(tmp_path / "short.avi", 4)
    with pytest.raises(CameraError, match="5 warm up. Take a longer video"):
        bench(bundle, camera=str(tmp_path / "short.avi"))


def test_a_bundle_without_a_float_model_is_measured(bundle, tmp_path):
    one = write_bundle(
        tmp_path / "one",
        labels=bundle.labels,
        size=bundle.size,
        files={"int8": bundle.path("int8")},
        history=[],
    )
    result = bench(Bundle.load(one.folder), frames=1)
    assert [timing.precision for timing in result.trials[0].timings] == [*[""] * 4, "int8", "int8"]


class Recording:
    """A detector that notes what it is asked; one face, always there."""

    asked: ClassVar[list[str]] = []
    box = Box(40, 40, 80, 80)

    def __init__(self, wishes):
        self.asked.append(f"opened for faces of {wishes.min_face}, {wishes.threads} threads")

    def __call__(self, image):
        self.asked.append("all")
        return [self.box]

    def quick(self, image, known):
        self.asked.append("quick")
        return []

    def near(self, image, place):
        self.asked.append("near")
        return [self.box]


def test_faces_are_followed_as_in_a_run(bundle):
    Recording.asked.clear()
    typed = ["--detector", "test_bench:Recording", "--min-face", "70", "--every", "4"]
    typed += ["--frames", "11", "--threads", "2", "--json"]
    done = CliRunner().invoke(COMMAND, [str(bundle.folder), *typed])
    assert done.exit_code == 0, done.output
    asked = Recording.asked
    assert asked.pop(0) == "opened for faces of 70, 2 threads"
    assert asked.pop(0) == "all"  # the first picture
    assert (asked.count("near"), asked.count("quick"), asked.count("all")) == (15, 3, 3)
    about = json.loads(done.stdout)
    assert (about["detection"]["min_face"], about["detection"]["every"]) == (70, 4)
    (trial,) = about["trials"]
    counts = {row["step"]: row["count"] for row in trial["steps"][:4]}
    assert counts == {"read": 11, "detect": 11, "frame": 11, "search": 3}
    assert trial["faces"] == 11


def test_a_search_of_every_frame_is_measured_as_such(bundle):
    result = bench(bundle, frames=3, wishes=Wishes(every=1))
    assert "a search of every frame with patience" in to_text(result)
    assert "one frame in 10" in to_text(bench(bundle, frames=1))


def test_an_option_that_the_detector_has_no_use_for_is_refused(bundle):
    typed = [str(bundle.folder), "--detector", "yunet", "--cascade", "alt"]
    done = CliRunner().invoke(COMMAND, typed)
    assert done.exit_code == 2
    assert "yunet has no --cascade" in done.output


def test_ctrl_c_keeps_what_was_measured(bundle):
    typed = [str(bundle.folder), "--camera", "test_bench:Interrupted"]
    typed += ["--threads", "1", "--threads", "2"]
    done = CliRunner().invoke(COMMAND, typed)
    assert done.exit_code == 130
    assert "1 thread: " in done.stdout
    assert "2 threads" not in done.stdout
    assert "stopped by Ctrl-C" in done.stdout
