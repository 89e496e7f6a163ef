"""`edgefer data aihub` as it is typed: workers, a cluster, a kill, Ctrl-C, a full disk."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from aihub_tree import make_tree
from brokers import free_port
from waiting import until

from edgefer.faceset import FaceSet
from edgefer.train.datasets.plan import SHARD

ROOT = Path(__file__).resolve().parents[1]
PHOTOS = 9 * SHARD


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp("aihub")
    return root, make_tree(root, photos=PHOTOS, people=40, large=100)


@pytest.fixture(scope="module")
def whole(tree, tmp_path_factory):
    """What an undisturbed import on one worker gives."""
    out = tmp_path_factory.mktemp("one") / "korean"
    assert finish(start(tree[0], out, "--workers", "1"))[0] == 0
    return FaceSet.load(out)


def start(source, out, *options, **choices):
    """The real command in a process group of its own."""
    command = [sys.executable, "-m", "edgefer", "data", "aihub", source, "-o", out, *options]
    return subprocess.Popen(
        list(map(str, command)),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **choices,
    )


def finish(process):
    """Its status and what it said on standard error."""
    text = process.communicate()[1]
    return process.returncode, text


def kill(process):
    """As a power cut would."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def done(out):
    """Shards that are done, and when."""
    folder = out.with_name(out.name + ".import")
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*/done/*.npz")}


def children(pid):
    """Processes that one has started."""
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


@pytest.mark.slow
def test_every_photo_is_a_face_or_dropped(tree, whole):
    with (whole.folder / "dropped.csv").open(encoding="utf-8", newline="") as file:
        names = {row["origin"] for row in csv.DictReader(file)} | set(whole.origins)
    plain = {name.replace("&", "_") for name in names}
    assert all(truth.name.replace("&", "_") in plain for truth in tree[1])
    assert len(whole) > 0.85 * PHOTOS


@pytest.mark.slow
def test_two_workers_give_the_same_digest(tree, whole, tmp_path):
    assert finish(start(tree[0], tmp_path / "out", "--workers", "2"))[0] == 0
    assert FaceSet.load(tmp_path / "out").digest == whole.digest
    assert not (tmp_path / "out.import").exists()


@pytest.mark.slow
def test_a_killed_import_goes_on_and_repeats_nothing(tree, whole, tmp_path):
    out = tmp_path / "out"
    first = start(tree[0], out, "--workers", "2")
    until(lambda: len(done(out)) >= 2, 120)
    kill(first)
    before = done(out)
    assert 2 <= len(before) < PHOTOS // SHARD
    assert not out.exists()
    second = start(tree[0], out, "--workers", "2")
    until(lambda: len(done(out)) > len(before) + 1, 120)
    kill(second)
    between = done(out)
    assert not out.exists()
    assert before.items() <= between.items()  # not one of them was written again
    third = start(tree[0], out, "--workers", "2")
    text = finish(third)[1]
    assert f"going on: {len(between)} of" in text
    assert FaceSet.load(out).digest == whole.digest


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_gives_the_same_digest(tree, whole, tmp_path):
    pytest.importorskip("distributed")
    out = tmp_path / "out"
    with cluster(tmp_path) as (address, workers):
        run = start(tree[0], out, "--cluster", address)
        until(lambda: len(done(out)) >= 2, 120)
        os.killpg(workers[0].pid, signal.SIGKILL)
        status, text = finish(run)
        assert status == 0, text
    assert FaceSet.load(out).digest == whole.digest


@contextmanager
def cluster(folder):
    """A Dask scheduler and two workers on this machine."""
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1"]
    commands = [
        [*dask, "--port", str(port), "--no-dashboard"],
        *([[*worker, "--no-dashboard", "--host", "127.0.0.1", "--no-nanny"]] * 2),
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    running = []
    try:
        for number, command in enumerate(commands):
            with (folder / f"dask{number}.log").open("w") as log:
                running.append(
                    subprocess.Popen(
                        command,
                        cwd=folder,
                        env=environment,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                    )
                )
        until(lambda: (folder / "dask0.log").read_text().count("Register worker") == 2, 60)
        yield address, running[1:]
    finally:
        for process in running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_what_was_done_stays(tmp_path):
    make_tree(tmp_path / "tree", photos=80, people=8, troubles=False, large=999)
    out = tmp_path / "out"
    # No file may grow past 100 kB, as if the disk were full: a shard has 64 patches of 2,304 bytes.
    command = [sys.executable, "-m", "edgefer", "data", "aihub", tmp_path / "tree", "-o", out]
    limited = f"ulimit -f 100; exec {' '.join(map(str, command))} --workers 1"
    result = subprocess.run(["bash", "-c", limited], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 1
    assert re.search(
        r"^Error: cannot read or write: .*File too large.*goes on from there", result.stderr, re.M
    )
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.rglob("*.partial"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.import", "tree"]
    assert finish(start(tmp_path / "tree", out))[0] == 0
    assert len(FaceSet.load(out)) > SHARD


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_is_one_line(tree):
    status, text = finish(start(tree[0], "/proc/out"))
    assert status == 1
    (line,) = (line for line in text.splitlines() if line.startswith("Error"))
    assert "cannot write" in line


@pytest.mark.slow
def test_a_cluster_that_does_not_answer_says_how_to_start_one(tree, tmp_path):
    pytest.importorskip("distributed")
    run = start(tree[0], tmp_path / "out", "--cluster", "tcp://127.0.0.1:1")
    status, text = finish(run)
    assert status == 1
    assert "no Dask scheduler answers at tcp://127.0.0.1:1. Start one with: dask scheduler" in text
    assert "Traceback" not in text


@pytest.mark.slow
@pytest.mark.parametrize("shards", [0, 1])  # while its workers start; and at work
def test_ctrl_c_says_that_the_same_command_goes_on(tree, tmp_path, shards):
    out = tmp_path / "out"
    run = start(tree[0], out, "--workers", "2")
    until(lambda: len(children(run.pid)) >= 2 and len(done(out)) >= shards, 120)
    os.killpg(run.pid, signal.SIGINT)
    status, text = finish(run)
    assert status != 0
    assert "the same command goes on from there" in text
    assert "Traceback" not in text
    (plan,) = (tmp_path / "out.import").glob("*/plan.json")
    assert json.loads(plan.read_text())["photos"] >= PHOTOS
