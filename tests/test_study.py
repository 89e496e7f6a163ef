"""A study of calibration faces, as it is typed, and what it refuses."""

import json

import pytest
from click.testing import CliRunner
from studies import SMALL, Counting, pixels
from toys import SIZE, toy_faces

from edgefer.bundle import Bundle
from edgefer.errors import DataError, EdgeferError
from edgefer.export.commands import calib
from edgefer.export.draws import run
from edgefer.export.recipe import StudyRecipe
from edgefer.export.select import usable
from edgefer.export.study import identity_of, study
from edgefer.labels import FER7, KOREAN7


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return toy_faces(tmp_path_factory.mktemp("study") / "faces", people=6)


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    return toy_faces(tmp_path_factory.mktemp("study") / "other", labels=KOREAN7, each=12)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"seeds": 1}, "--seeds 1 is not from 2 to 20"),
        ({"seeds": 21}, "--seeds 21 is not from 2 to 20"),
        ({"sizes": ()}, "not different numbers"),
        ({"sizes": (10, 0)}, "--sizes 10,0 are not different numbers above zero"),
        ({"sizes": (10, 10)}, "--sizes 10,10"),
    ],
)
def test_a_recipe_out_of_range_is_refused(options, said):
    with pytest.raises(EdgeferError, match=said):
        StudyRecipe(**options)


@pytest.fixture
def unread(tmp_path):
    """A bundle whose files are never asked for: mistakes show before."""
    return Bundle(tmp_path / "bundle", FER7, SIZE, {}, {}, ())


def test_mistakes_are_told_before_the_work(faces, unread, tmp_path):
    out = tmp_path / "out"
    for recipe, said in (
        (StudyRecipe(split="train"), "--split train is what is calibrated on"),
        (StudyRecipe(split="test"), "has no split 'test'"),
        (StudyRecipe(), "126 different faces to calibrate on, fewer than 400"),
    ):
        with pytest.raises(DataError, match=said):
            study(unread, faces, recipe, out)
    large = toy_faces(tmp_path / "large", size=24, each=4)
    with pytest.raises(DataError, match="takes patches of 16 pixels, those of .* have 24"):
        study(unread, faces, SMALL, out, against=large)
    assert not out.exists()
    assert not out.with_name("out.run").exists()


def test_labels_that_share_nothing_are_refused(faces, tmp_path):
    stranger = Bundle(tmp_path / "bundle", KOREAN7, SIZE, {}, {}, ())
    odd = faces.relabel(FER7, {1: 1, 2: 2})  # disgust and fear, which korean7 lacks
    with pytest.raises(DataError, match="none of which the val split"):
        study(stranger, odd, SMALL, tmp_path / "out")


def test_another_study_in_progress_is_refused(faces, unread, tmp_path):
    kept = tmp_path / "out.run"
    kept.mkdir()
    (kept / "identity.json").write_text(json.dumps({"bundle": "other"}))
    with pytest.raises(EdgeferError, match="an interrupted study with other format, bundle"):
        study(unread, faces, SMALL, tmp_path / "out")


def test_a_folder_of_something_else_is_not_thrown_away(faces, unread, tmp_path):
    (tmp_path / "out.run").mkdir()
    (tmp_path / "out.run" / "precious").write_text("x")
    with pytest.raises(DataError, match="holds no identity.json"):
        study(unread, faces, SMALL, tmp_path / "out", force=True)
    assert (tmp_path / "out.run" / "precious").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--study", "b", "--select", "spread"], "--select does not go with --study BUNDLE"),
        (["--study", "b", "--per-emotion", "4"], "--per-emotion does not go with --study"),
        (["--seeds", "4"], "--seeds is for --study BUNDLE"),
        (["--against", "f"], "--against is for --study BUNDLE"),
        (["--json"], "--json is for --study BUNDLE"),
        (["--study", "b", "--sizes", "ten"], "name numbers of faces, such as 10,100"),
    ],
)
def test_wrong_usage_is_told(options, said):
    result = CliRunner().invoke(calib, ["faces", "-o", "out", *options])
    assert result.exit_code == 2
    assert said in result.output


@pytest.mark.train
def test_the_command_goes_on_with_a_study_and_reports_it(trained, faces, other, tmp_path):
    out, kept = tmp_path / "out", tmp_path / "out.run"
    kept.mkdir()
    identity = identity_of(trained, faces, "val", other)
    (kept / "identity.json").write_text(json.dumps(identity))
    pools = {"": usable(faces), "other domain": usable(other)}
    recipe = StudyRecipe(seeds=2, sizes=(8,))
    # All but the last two calibrations, which take seconds each.
    with pytest.raises(KeyboardInterrupt):
        run(recipe, pools, faces.split("val"), Counting(stop=10), kept, look=pixels)
    options = ["--against", str(other.folder), "--seeds", "2", "--sizes", "8", "--json"]
    command = [str(faces.folder), "-o", str(out), "--study", str(trained.folder), *options]
    result = CliRunner().invoke(calib, command)
    assert result.exit_code == 0, result.output
    assert "10 of 12 calibrations are already done" in result.stderr
    told = json.loads(result.stdout)
    rows = {row["way"]: row for row in told["rows"]}
    assert set(rows) == {*("random", "other half", "balanced", "spread", "other domain", "noise")}
    # The stand-in answers by brightness; what was really calibrated answers as the network does.
    assert rows["random"]["agreement"] < 0.4
    assert rows["other domain"]["drops"][1] < rows["other domain"]["drops"][0] - 0.2
    assert (told["faces"], told["split"]) == (42, "val")
    assert told["command"].endswith("--seeds 2 --sizes 8 --seed 0")
    assert {path.name for path in out.iterdir()} == {"study.json", "study.md", "study.html"}
    assert not kept.exists()
    from edgefer.keras import load_model, probabilities

    val = faces.split("val")
    right = probabilities(load_model(trained.path("keras")), val.patches).argmax(1) == val.targets
    assert told["float_accuracy"] == pytest.approx(right.mean())
