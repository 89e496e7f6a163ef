"""Every way, size and seed of a study is drawn and calibrated once, also after an interruption."""

import pytest
from studies import SMALL, Counting, pixels
from toys import toy_faces

from edgefer.errors import DataError
from edgefer.export.draws import Task, chosen, run, tasks
from edgefer.export.recipe import StudyRecipe
from edgefer.export.select import usable
from edgefer.labels import KOREAN7


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return toy_faces(tmp_path_factory.mktemp("study") / "faces", people=6)


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    return toy_faces(tmp_path_factory.mktemp("study") / "other", labels=KOREAN7, each=12)


def test_every_way_size_and_seed_is_calibrated(faces, other, tmp_path):
    pools = {"": usable(faces), "other domain": usable(other)}
    trials = run(SMALL, pools, faces.split("val"), Counting(), tmp_path, look=pixels)
    found = {(trial.way, trial.size, trial.seed) for trial in trials}
    ways = {"random", "other half", "balanced", "spread", "other domain", "noise"}
    assert found == {(way, n, seed) for way in ways for n in (7, 14) for seed in range(3)}
    assert all(trial.faces == trial.size for trial in trials)


def test_an_interrupted_study_goes_on_where_it_was(faces, tmp_path):
    pools, judged = {"": usable(faces)}, faces.split("val")
    for name in ("whole", "kept"):
        (tmp_path / name).mkdir()
    whole = run(SMALL, pools, judged, Counting(), tmp_path / "whole", look=pixels)
    kept = tmp_path / "kept"
    with pytest.raises(KeyboardInterrupt):
        run(SMALL, pools, judged, Counting(stop=11), kept, look=pixels)
    rest = Counting()
    again = run(SMALL, pools, judged, rest, kept, look=pixels)
    assert len(rest.calls) == len(whole) - 11
    for one, two in zip(whole, again, strict=True):
        assert (one.way, one.size, one.seed) == (two.way, two.size, two.seed)
        assert (one.answers == two.answers).all()
    nothing = Counting()
    run(SMALL, pools, judged, nothing, kept, look=pixels)
    assert nothing.calls == []


def test_more_seeds_use_what_is_done(faces, tmp_path):
    pools, judged = {"": usable(faces)}, faces.split("val")
    run(StudyRecipe(seeds=2, sizes=(7,)), pools, judged, Counting(), tmp_path, look=pixels)
    more = Counting()
    run(StudyRecipe(seeds=3, sizes=(7,)), pools, judged, more, tmp_path, look=pixels)
    assert len(more.calls) == 5


def test_a_garbled_outcome_is_named(faces, tmp_path):
    pools, judged = {"": usable(faces)}, faces.split("val")
    (tmp_path / "random-7-0.json").write_text("{}")
    with pytest.raises(DataError, match="random-7-0.json cannot be read: 'answers'. Remove it"):
        run(SMALL, pools, judged, Counting(), tmp_path, look=pixels)


@pytest.mark.parametrize("seed", range(5))
def test_two_halves_share_no_face(faces, seed):
    pools = {"": usable(faces)}
    one, two = (chosen(Task(way, 40, seed), pools) for way in ("random", "other half"))
    assert len(one) == len(two) == 40
    assert not one.shared_with(two).faces


def test_halves_are_left_out_where_there_are_no_two(faces):
    pools = {"": usable(faces)}  # 126 faces
    ways = {(task.way, task.size) for task in tasks(StudyRecipe(sizes=(63, 64)), pools)}
    assert ("other half", 63) in ways
    assert ("other half", 64) not in ways
    assert ("random", 64) in ways


def test_no_calibration_face_judges(faces):
    pools = {"": usable(faces, [faces.split("val")])}
    for way in ("random", "balanced", "spread"):
        assert not chosen(Task(way, 70, 0), pools, pixels).shared_with(faces.split("val"))
