"""The machine behind `edgefer data aihub`: shards, workers, a kill, a cluster."""

import csv
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from aihub_tree import draw_photo, make_tree

from edgefer.errors import DataError
from edgefer.faceset import FaceSet
from edgefer.labels import KOREAN7
from edgefer.preprocess import Box
from edgefer.train.datasets import workers
from edgefer.train.datasets.gather import import_photos
from edgefer.train.datasets.plan import SHARD, CropRecipe, Photo, Plan, write_plan
from edgefer.train.datasets.sources import scan
from edgefer.train.datasets.workers import do_shard, results, run_plan

ROOT = Path(__file__).resolve().parents[1]
PHOTOS = 2000
SMALL = CropRecipe()


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


def wait_for(claim, seconds=120):
    end = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.slow
def test_every_photo_of_two_thousand_is_a_face_or_dropped(tree, whole):
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
    wait_for(lambda: len(done(out)) >= 5)
    kill(first)
    before = done(out)
    assert 5 <= len(before) < PHOTOS // SHARD
    assert not out.exists()
    second = start(tree[0], out, "--workers", "2")
    wait_for(lambda: len(done(out)) > len(before) + 3)
    kill(second)
    between = done(out)
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
        wait_for(lambda: len(done(out)) >= 5)
        os.killpg(workers[0].pid, signal.SIGKILL)
        status, text = finish(run)
        assert status == 0, text
    assert FaceSet.load(out).digest == whole.digest


@contextmanager
def cluster(folder):
    """A Dask scheduler and two workers on this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1"]
    commands = [
        [*dask, "--port", address.rpartition(":")[2], "--no-dashboard"],
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
        wait_for(lambda: (folder / "dask0.log").read_text().count("Register worker") == 2, 60)
        yield address, running[1:]
    finally:
        for process in running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """A download of some photos without anything wrong, as planned photos."""
    root = tmp_path_factory.mktemp("few")
    truths = make_tree(root, photos=70, packing="folders", troubles=False, large=999)
    known = {truth.name: truth for truth in truths}
    return [
        Photo(name, entry, known[name].emotion, "train", known[name].person, (), (known[name].box,))
        for entry in scan([root])
        if (name := entry.name.rpartition("/")[2]) in known
    ]


def gather(photos, out, recipe=SMALL, **choices):
    return import_photos(
        photos, out, KOREAN7, recipe, source="a test", licence="none", workers=1, **choices
    )


def test_the_work_of_another_plan_is_not_mixed_in(few, tmp_path):
    plan = write_plan(tmp_path / "out.import", few, CropRecipe(), about="data aihub --size 48")
    do_shard(str(plan.folder), 0)
    for changed in ({"recipe": CropRecipe(size=64)}, {"photos": few[1:]}):
        with pytest.raises(DataError, match=r"interrupted import.*--size 48.*--force"):
            gather(changed.get("photos", few), tmp_path / "out", changed.get("recipe", SMALL))
    assert len(done(tmp_path / "out")) == 1
    gather(few, tmp_path / "out", CropRecipe(size=64), force=True)
    assert FaceSet.load(tmp_path / "out").size == 64


def test_a_photo_that_changed_makes_another_plan(few, tmp_path):
    plan = write_plan(tmp_path / "p", few, CropRecipe(), about="then")
    changed = few[0].entry._replace(stamp=1)
    others = [Photo(**{**vars(few[0]), "entry": changed}), *few[1:]]
    with pytest.raises(DataError, match="of other photos"):
        write_plan(tmp_path / "p", others, CropRecipe(), about="now")
    assert len(list(Plan.load(plan.folder))) == len(few)
    assert list((tmp_path / "p").iterdir()) == [plan.folder]


def test_a_worker_still_busy_with_another_plan_mixes_nothing_in(few, tmp_path, monkeypatch):
    """An orphan of `kill -9`, or a cluster's worker after Ctrl-C."""
    old = write_plan(tmp_path / "p", few, CropRecipe(crop="annotated"), about="then")
    read, new = workers.read, []

    def meanwhile(entry):
        if not new:
            new.append(write_plan(tmp_path / "p", few, CropRecipe(), about="now", force=True))
        return read(entry)

    monkeypatch.setattr(workers, "read", meanwhile)
    with pytest.raises(FileNotFoundError):
        do_shard(str(old.folder), 0)
    with pytest.raises(FileNotFoundError):
        do_shard(str(old.folder), 1)
    assert not list((tmp_path / "p").rglob("*.npz"))
    run_plan(new[0], workers=1)
    assert {row["crop"] for _, row, _ in results(new[0]) if "crop" in row} == {"haar"}


def test_a_plan_cut_off_by_the_power_is_written_again(few, tmp_path):
    plan = write_plan(tmp_path / "p", few, CropRecipe(), about="a test")
    do_shard(str(plan.folder), 0)
    before = plan.result(0).stat().st_mtime_ns
    (plan.folder / "plan.json").write_text("")
    (plan.folder / "plan" / "000001.json").write_text("")
    with pytest.raises(DataError, match="which cannot be read"):
        write_plan(tmp_path / "p", few[1:], CropRecipe(), about="another")
    again = write_plan(tmp_path / "p", few, CropRecipe(), about="a test")
    assert again == plan
    assert len(list(again)) == len(few)
    assert plan.result(0).stat().st_mtime_ns == before


def test_a_face_that_haar_does_not_find_counts_against_it(few, tmp_path):
    marked = [photo for photo in few if photo.boxes][:20]
    data, _ = draw_photo("room", "happy", "nobody", nobody=True)
    (tmp_path / "room.jpg").write_bytes(data)
    (entry,) = scan([tmp_path])
    rooms = [
        Photo("1", entry, "happy", boxes=(Box(400, 300, 300, 400),)),
        Photo("2", entry, "happy", boxes=(Box(500, 300, 300, 300),)),
        Photo("3", entry, "happy"),  # nobody said that there is a face
        Photo("4", reason="the photo is missing", boxes=(Box(500, 300, 300, 300),)),
    ]
    alone = gather(marked, tmp_path / "alone")
    both = gather(rooms + marked, tmp_path / "both")
    assert (both.found, both.annotated) == (alone.found, alone.annotated + 2)
    assert both.recall == round(both.found / both.annotated, 4) < 1
    fallen = gather(rooms + marked, tmp_path / "fallen", CropRecipe(crop="both"))
    assert fallen.recall == both.recall
    assert fallen.crops["annotated"] == 2


def test_an_existing_face_set_is_refused_before_any_work(few, tmp_path):
    gather(few, tmp_path / "out")
    with pytest.raises(DataError, match="--force"):
        gather(iter([]), tmp_path / "out")
    assert not (tmp_path / "out.import").exists()


def test_what_is_wrong_with_the_machine_drops_no_photo(few, tmp_path):
    away = few[0].entry._replace(path=str(tmp_path / "not mounted.jpg"))
    photos = [Photo(**{**vars(few[0]), "entry": away}), *few[1:]]
    with pytest.raises(DataError, match="cannot read or write: .*not mounted.*goes on from there"):
        gather(photos, tmp_path / "out")
    assert not done(tmp_path / "out")


def test_a_second_import_of_the_same_name_waits_its_turn(few, tmp_path):
    def slow():
        yield few[0]
        with pytest.raises(DataError, match="another import is at work in .*out.import"):
            gather(few, tmp_path / "out")
        yield from few[1:]

    gather(slow(), tmp_path / "out")
    assert len(FaceSet.load(tmp_path / "out")) > 60
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_damaged_shard_is_thrown_away_and_made_again(few, tmp_path):
    plan = write_plan(tmp_path / "p", few, CropRecipe(), about="a test")
    run_plan(plan, workers=1)
    sums = [patch.sum() for _, _, patch in results(plan) if patch is not None]
    plan.result(0).write_bytes(plan.result(0).read_bytes()[:100])
    with pytest.raises(DataError, match="damaged and thrown away"):
        list(results(plan))
    run_plan(plan, workers=1)
    assert [patch.sum() for _, _, patch in results(plan) if patch is not None] == sums


def test_a_shard_that_is_done_is_left_alone(few, tmp_path):
    plan = write_plan(tmp_path / "p", few, CropRecipe(), about="a test")
    do_shard(str(plan.folder), 0)
    before = plan.result(0).stat().st_mtime_ns
    do_shard(str(plan.folder), 0)
    assert plan.result(0).stat().st_mtime_ns == before
    assert not list(tmp_path.rglob("*.partial"))


def test_another_version_of_the_work_is_refused(few, tmp_path):
    plan = write_plan(tmp_path / "p", few, CropRecipe(), about="a test")
    text = (plan.folder / "plan.json").read_text()
    (plan.folder / "plan.json").write_text(re.sub('"version": .*?,', '"version": 0,', text))
    with pytest.raises(DataError, match="another version"):
        do_shard(str(plan.folder), 0)


def test_nothing_in_the_photos_is_one_error_and_leaves_nothing(tmp_path):
    photos = [Photo(f"{i}.jpg", reason="unknown") for i in range(3)]
    with pytest.raises(DataError, match="none of 3 records and photos gave a face: 3 unknown"):
        gather(photos, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_source_that_is_none_leaves_nothing_but_what_was_there(few, tmp_path):
    def broken():
        yield from few
        raise DataError("the download is damaged")

    (tmp_path / "out.import").mkdir()
    (tmp_path / "out.import" / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="damaged"):
        gather(broken(), tmp_path / "out")
    assert [path.name for path in tmp_path.rglob("*")] == ["out.import", "mine.txt"]


def test_progress_is_told_without_a_terminal(few, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("edgefer.train.datasets.watch._OFTEN", 0.01)
    monkeypatch.setattr("edgefer.train.datasets.watch._SELDOM", 0.02)
    gather(few, tmp_path / "out")
    assert re.search(rf"\d+ of {len(few)} photos, \d+/s; \d+ left out", capsys.readouterr().err)


def test_patches_do_not_depend_on_the_order_of_shards(few, tmp_path):
    plans = [write_plan(tmp_path / name, few, CropRecipe(), about="") for name in "ab"]
    for number in range(plans[0].shards):
        do_shard(str(plans[0].folder), number)
    for number in reversed(range(plans[1].shards)):
        do_shard(str(plans[1].folder), number)
    one, other = ([patch for *_, patch in results(plan)] for plan in plans)
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_what_was_done_stays(tmp_path):
    make_tree(tmp_path / "tree", photos=140, people=20, troubles=False, large=999)
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
    assert len(FaceSet.load(out)) > 120


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    make_tree(tmp_path / "tree", photos=14, troubles=False, large=999)
    status, text = finish(start(tmp_path / "tree", "/proc/out"))
    assert status == 1
    (line,) = (line for line in text.splitlines() if line.startswith("Error"))
    assert "cannot write" in line


@pytest.mark.slow
def test_a_cluster_that_does_not_answer_says_how_to_start_one(tmp_path):
    pytest.importorskip("distributed")
    make_tree(tmp_path / "tree", photos=14, troubles=False, large=999)
    run = start(tmp_path / "tree", tmp_path / "out", "--cluster", "tcp://127.0.0.1:1")
    status, text = finish(run)
    assert status == 1
    assert "no Dask scheduler answers at tcp://127.0.0.1:1. Start one with: dask scheduler" in text
    assert "Traceback" not in text


def test_ctrl_c_says_that_the_same_command_goes_on(tmp_path):
    make_tree(tmp_path / "tree", photos=400, troubles=False, large=999)
    out = tmp_path / "out"
    run = start(tmp_path / "tree", out, "--workers", "2")
    wait_for(lambda: len(done(out)) >= 1)
    os.killpg(run.pid, signal.SIGINT)
    status, text = finish(run)
    assert status != 0
    assert "the same command goes on from there" in text
    assert "Traceback" not in text
    (plan,) = (tmp_path / "out.import").glob("*/plan.json")
    assert json.loads(plan.read_text())["photos"] == 400
