"""Photos to patches: a plan, its shards, and what must not be mixed in."""

import re

import numpy as np
import pytest
from aihub_photos import draw_photo
from aihub_tree import make_tree

from edgefer.errors import DataError
from edgefer.faceset import FaceSet
from edgefer.labels import KOREAN7
from edgefer.preprocess import Box
from edgefer.train.datasets import workers
from edgefer.train.datasets.gather import import_photos
from edgefer.train.datasets.plan import CropRecipe, Photo, Plan, write_plan
from edgefer.train.datasets.sources import scan
from edgefer.train.datasets.workers import do_shard, results, run_plan

SMALL = CropRecipe()


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


def done(out):
    """Files of the shards that are done."""
    return list(out.with_name(out.name + ".import").glob("*/done/*.npz"))


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
