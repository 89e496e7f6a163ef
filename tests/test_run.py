"""``edgefer run``, as typed: files, drawn people, signals, pipes, and all that can be wrong."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from tiny_tflite import tiny_bundle
from videos import save_video

from edgefer.edge.cameras.opencv import VideoFile
from edgefer.edge.run_command import run
from edgefer.errors import EdgeferError

pytestmark = pytest.mark.edge

ROOT = Path(__file__).resolve().parents[1]
EDGEFER = [sys.executable, "-m", "edgefer"]
KEYS = ["index", "seconds", "face", "box", "emotion", "confidence", "flaw", "probabilities"]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    return tiny_bundle(tmp_path_factory.mktemp("run") / "parts").folder


def start(*arguments, python=sys.executable, **options) -> subprocess.Popen:
    return subprocess.Popen(
        [python, "-m", "edgefer", "run", *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.mark.parametrize("options", [["--sink", "console"], ["--json"]])
def test_a_full_disk_under_the_output_is_one_line(bundle, options):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*EDGEFER, "run", bundle, "--camera", "synth", "--frames", "3", *options],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("Error: No space left on device: the output")
    assert "Traceback" not in done.stderr


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("precision", ["int8", "float"])
def test_drawn_people_are_read_to_the_console(bundle, precision):
    done = CliRunner().invoke(
        run, [str(bundle), "--camera", "synth", "--frames", "4", "--precision", precision]
    )
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("  0:00.0  ")
    assert "4 frames" in done.stderr


def test_json_is_one_document_and_nothing_else(bundle):
    done = CliRunner().invoke(run, [str(bundle), "--camera", "synth", "--frames", "3", "--json"])
    summary = json.loads(done.stdout)
    assert (summary["grabbed"], summary["frames"], summary["dropped"]) == (3, 3, 0)
    assert summary["faces"] == 3
    assert set(summary["milliseconds"]) == {"read", "detect", "classify", "sinks"}


def test_json_and_readings_do_not_share_standard_output(bundle):
    done = CliRunner().invoke(
        run, [str(bundle), "--camera", "synth", "--json", "--sink", "console"]
    )
    assert done.exit_code == 2
    assert "leave out console" in done.output


def test_a_real_clip_gives_a_face_in_nearly_every_frame(bundle, shared, tmp_path):
    log = tmp_path / "again.jsonl"
    clip = shared / "clips" / "again.mkv"
    done = CliRunner().invoke(
        run, [str(bundle), "--camera", str(clip), "--sink", f"jsonl:{log}", "--json"]
    )
    found = rows(log)
    assert json.loads(done.stdout)["frames"] == 77
    assert len({row["index"] for row in found}) >= 70
    assert {row["face"] for row in found} == {0}
    assert all(list(row) == KEYS for row in found)
    assert all(sum(row["probabilities"].values()) == pytest.approx(1, abs=1e-3) for row in found)


def test_a_clip_that_loops_is_read_for_ever(bundle, tmp_path):
    save_video(tmp_path / "clip.avi", 4)
    clip = str(tmp_path / "clip.avi")
    done = CliRunner().invoke(
        run, [str(bundle), "--camera", clip, "--loop", "--frames", "10", "--json"]
    )
    assert json.loads(done.stdout)["frames"] == 10


def test_options_of_the_detector_reach_it(bundle):
    arguments = [str(bundle), "--camera", "synth", "--frames", "2", "--json", "--min-face", "400"]
    assert json.loads(CliRunner().invoke(run, arguments).stdout)["faces"] == 0


@pytest.mark.parametrize(
    "options", [["--every", "1"], ["--cascade", "alt2"], ["--neighbors", "1", "--scale", "1.1"]]
)
def test_a_face_is_followed_however_it_is_searched(bundle, tmp_path, options):
    log = tmp_path / "log.jsonl"
    arguments = [str(bundle), "--camera", "synth", "--frames", "6", "--sink", f"jsonl:{log}"]
    assert CliRunner().invoke(run, [*arguments, *options]).exit_code == 0
    assert [row["face"] for row in rows(log)] == [0] * 6


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_whole_files_and_a_summary(bundle, tmp_path, number):
    log, video = tmp_path / "log.jsonl", tmp_path / "out.mp4"
    process = start(
        bundle, "--camera", "synth", "--sink", f"jsonl:{log}", "--sink", f"video:{video}"
    )
    while process.poll() is None and (not log.exists() or log.stat().st_size < 4000):
        time.sleep(0.05)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    said = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}[number]
    assert f"dropped; stopped by {said}" in errors
    images = sum(1 for _ in VideoFile(str(video)))
    assert images > max(row["index"] for row in rows(log)) > 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.jsonl", "out.mp4"]


def test_a_run_has_as_many_threads_as_it_was_told(bundle, tmp_path, monkeypatch):
    # NumPy's OpenBLAS would start one a core, and each patch would wait for all of them.
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    log = tmp_path / "log.jsonl"
    process = start(bundle, "--camera", "synth", "--sink", f"jsonl:{log}")
    while process.poll() is None and (not log.exists() or not log.stat().st_size):
        time.sleep(0.05)
    threads = len(list(Path(f"/proc/{process.pid}/task").iterdir()))
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert threads == 3, errors  # the loop, the log's, and the sensors'


def test_a_reader_that_goes_away_ends_the_run_without_a_traceback(bundle):
    with start(bundle, "--camera", "synth", "--sink", "jsonl:-") as process:
        assert json.loads(process.stdout.readline())["index"] == 0
        process.stdout.close()
        errors = process.stderr.read()
    assert "Traceback" not in errors
    assert "nobody reads the output any more" in errors


def test_a_log_that_took_nothing_is_told_after_the_summary_and_in_the_status(bundle):
    arguments = ["--camera", "synth", "--frames", "3", "--quality", "off"]
    process = start(bundle, *arguments, "--sink", "jsonl:/dev/full", "--sink", "console")
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert out
    *_, lost, error = errors.splitlines()
    assert lost == "/dev/full: 3 readings lost"
    assert error.startswith("Error: nothing could be written to /dev/full, from beginning to end")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--camera", "873"], "Error: there is no camera 873"),
        (["--camera", "rtsp://me:x@127.0.0.1:9/", "--retries", "0"], "Error: rtsp://***@127.0.0.1"),
        (["--camera", "nothing.mp4"], "Error: there is no file or folder 'nothing.mp4'"),
        (["--camera", "synth", "--sink", "nowhere"], "Error: there is no sink 'nowhere'"),
        (["--camera", "synth", "--backend", "x"], "Error: 'x' is not known. Built in: litert"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(bundle, tmp_path, arguments, message):
    process = start(bundle, *arguments, cwd=tmp_path)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert out == ""
    assert errors.startswith(message)
    assert len(errors.splitlines()) == 1


def test_a_bundle_with_a_flipped_byte_is_refused_by_name(tmp_path):
    bundle = tiny_bundle(tmp_path / "parts").folder
    data = bytearray((bundle / "int8.tflite").read_bytes())
    data[100] ^= 1
    (bundle / "int8.tflite").write_bytes(data)
    done = CliRunner().invoke(run, [str(bundle), "--camera", "synth"])
    assert isinstance(done.exception, EdgeferError)
    assert "int8.tflite was changed" in str(done.exception)


def test_a_video_is_not_replaced_unless_forced(bundle, tmp_path):
    video = tmp_path / "out.mp4"
    video.write_bytes(b"precious")
    arguments = [str(bundle), "--camera", "synth", "--frames", "2", "--sink", f"video:{video}"]
    refused = CliRunner().invoke(run, arguments)
    assert "--force" in str(refused.exception)
    assert video.read_bytes() == b"precious"
    assert CliRunner().invoke(run, [*arguments, "--force"]).exit_code == 0
    assert sum(1 for _ in VideoFile(str(video))) == 2


def test_a_folder_of_photos_is_read_with_its_names(bundle, tmp_path):
    for name in ("가.png", "나.png"):
        data = cv2.imencode(".png", np.zeros((80, 80, 3), np.uint8))[1].tobytes()
        (tmp_path / name).write_bytes(data)
    done = CliRunner().invoke(run, [str(bundle), "--camera", str(tmp_path)])
    assert done.stdout == "가.png  nobody\n나.png  nobody\n"


def test_it_runs_where_only_tflite_runtime_is_installed(bundle, tflite_python, tmp_path):
    log = tmp_path / "log.jsonl"
    process = start(
        *(bundle, "--camera", "synth:korean", "--frames", "3", "--sink", f"jsonl:{log}"),
        python=tflite_python,
        cwd=tmp_path,
    )
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert [row["index"] for row in rows(log)] == [0, 1, 2]
