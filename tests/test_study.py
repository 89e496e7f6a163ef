import json
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from click.testing import CliRunner
from toys import SIZE, toy_bundle, toy_faces, toy_model

from edgefer.bundle import Bundle
from edgefer.errors import DataError, EdgeferError
from edgefer.export.commands import calib
from edgefer.export.draws import Task, chosen, run, tasks
from edgefer.export.findings import fewer, findings, halves
from edgefer.export.recipe import StudyRecipe
from edgefer.export.select import Features, usable
from edgefer.export.study import identity_of, study
from edgefer.export.study_page import save, to_html
from edgefer.export.study_words import headline, sentences, to_markdown, to_text
from edgefer.export.trials import Study, Trial
from edgefer.labels import FER7, KOREAN7

SMALL = StudyRecipe(seeds=3, sizes=(7, 14))


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return toy_faces(tmp_path_factory.mktemp("study") / "faces", people=6)


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    return toy_faces(tmp_path_factory.mktemp("study") / "other", labels=KOREAN7, each=12)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory, faces):
    pytest.importorskip("tensorflow", reason="a study needs TensorFlow")
    return toy_bundle(tmp_path_factory.mktemp("bundle") / "b", toy_model(faces, epochs=4), faces)


def pixels(faces):
    """Stands for a network: the pixels themselves are the features."""
    return Features({"pixels": faces.patches.reshape(len(faces), -1).astype(np.float32)})


class Counting:
    """Stands for the converter: counts, and may be interrupted."""

    def __init__(self, stop=None):
        self.calls = []
        self.stop = stop

    def __call__(self, patches):
        if len(self.calls) == self.stop:
            raise KeyboardInterrupt
        self.calls.append(patches)
        return lambda judged: judged.mean(axis=(1, 2)).astype(int) % 7


def measured(wrong, *, faces=3000, seeds=10, sizes=(10, 40), fixed=False):
    """A study of a perfect float model whose int8 models err on so many faces, by way or size."""
    targets = np.arange(faces) % 7
    trials = []
    for seed in range(seeds):
        for size in sizes:
            for i, way in enumerate(("random", "other half", "balanced", "spread", "noise")):
                rng = np.random.default_rng([i, size, 0 if fixed else seed])
                errs = rng.choice(faces, wrong.get(way, wrong.get(size, 20)), replace=False)
                answers = targets.copy()
                answers[errs] = (answers[errs] + 1) % 7
                trials.append(Trial(way, size, seed, size, answers))
    return Study("toy", "faces", "val", FER7, targets, targets, tuple(trials))


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


def test_equal_results_make_no_difference_here():
    same = measured({})
    assert headline(same) == "How the calibration faces are chosen makes no difference here."
    said = sentences(same)
    assert said[1].startswith("Spread against random makes no difference here: ")
    assert sum("makes no difference here" in line for line in said) == 5


def test_a_difference_is_said_with_its_size_and_p():
    told = measured({"spread": 140})  # 4 points of 3,000 faces more than the others
    assert headline(told).startswith("Spread loses 4.00 points more than random. Spread loses 4.00")
    line = next(line for line in sentences(told) if line.startswith("Spread loses"))
    assert re.match(r"Spread loses 4\.00 points more than random \(95 % \+3\.\d\d to \+4", line)
    assert "p .008)" in line  # .002, the least of ten seeds, times the four questions
    assert line.endswith("It shows at every size and on every emotion.")
    assert "balanced" not in line


def test_a_gain_is_a_smaller_loss():
    told = measured({"spread": 20, "random": 140, "balanced": 140})
    assert headline(told).startswith("Spread loses 4.00 points less than random.")


def test_too_few_faces_are_said_to_be_too_few():
    told = measured({}, faces=140)
    assert headline(told) == (
        "Too few draws or faces to tell whether the choice of calibration faces matters."
    )


def test_a_rare_emotion_is_not_passed_over_in_silence():
    whole = measured({})
    targets = whole.targets.copy()
    targets[targets == 1] = 0
    targets[:30] = 1  # thirty faces of disgust
    trials = [
        Trial(t.way, t.size, t.seed, t.faces, (t.answers - whole.targets + targets) % 7)
        for t in whole.trials
    ]
    told = Study("toy", "faces", "val", FER7, targets, targets, tuple(trials))
    line = next(line for line in sentences(told) if line.startswith("Spread against random"))
    assert "makes no difference here" in line
    assert line.endswith("Too few to tell on disgust.")


def test_fewer_faces_are_set_beside_the_most():
    (contrast,) = fewer(measured({10: 200}))
    assert (contrast.one, contrast.other) == ("10 balanced", "40 balanced")
    assert contrast.difference == pytest.approx(180 / 3000)
    assert contrast.verdict == "more"


def test_halves_that_differ_by_chance_are_not_told_apart():
    found = halves(measured({}))
    assert [(half.size, half.pairs, half.differ) for half in found] == [(10, 10, 0), (40, 10, 0)]
    assert found[0].otherwise == pytest.approx(40 / 3000, abs=0.001)
    assert {half.differ for half in halves(measured({"other half": 90}))} == {10}


def test_an_emotion_that_alone_is_hurt_is_named():
    plain = measured({})
    hurt = []
    for trial in plain.trials:
        answers = trial.answers.copy()
        if trial.way == "spread":
            answers[(plain.targets == 1) & (np.arange(3000) % 5 == 0)] = 0
        hurt.append(Trial(trial.way, trial.size, trial.seed, trial.faces, answers))
    told = Study("toy", "faces", "val", FER7, plain.targets, plain.before, tuple(hurt))
    emotions = {each.name: each for each in findings(told)[1].emotions}
    assert emotions["disgust"].verdict == "more"
    assert emotions["happy"].verdict == "no difference"
    line = next(line for line in sentences(told) if line.startswith("Spread") and "random" in line)
    assert "It shows at every size and on disgust +" in line
    assert "happy" not in line


def test_what_shows_on_these_faces_only_is_marked():
    same = measured({}, faces=300)
    trials = []
    for trial in same.trials:
        answers = same.targets.copy()
        if trial.way == "spread":
            answers[[1, 8]] = 0  # every draw loses the same two faces of disgust
        trials.append(Trial(trial.way, trial.size, trial.seed, trial.faces, answers))
    told = Study("toy", "faces", "val", FER7, same.targets, same.before, tuple(trials))
    assert findings(told)[1].overall.verdict == "these faces only"
    line = next(line for line in sentences(told) if line.startswith("Spread loses"))
    assert "on these faces, but others might not show it" in line
    assert "disgust +4.65 (p .014, these faces only)" in line


def test_the_table_has_every_row():
    lines = to_text(measured({})).splitlines()
    rows = [line.split()[:2] for line in lines[3:11]]
    ways = ("random", "balanced", "spread", "noise")
    assert rows == [[way, size] for way in ways for size in ("10", "40")]
    assert lines[2].split()[-7:] == list(FER7.names)
    # 20 of 3,000 faces lost, in every row.
    assert all("+0.67" in line for line in lines[3:11])


def test_the_reports_stand_alone_and_hold_what_was_found(tmp_path):
    whole = measured({"noise": 900})
    save(whole, tmp_path / "out")
    told = json.loads((tmp_path / "out" / "study.json").read_text())
    assert len(told["rows"]) == 10
    assert told["findings"][1]["overall"]["verdict"] == "no difference"
    assert "| spread | 40 | +0.67 |" in to_markdown(whole)
    page = (tmp_path / "out" / "study.html").read_text()
    assert "src=" not in page
    assert "<script" not in page
    plots = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(plots) == 6
    for plot in plots:
        ET.fromstring(plot)
    # Noise lies far off: an arrow says where, and the others keep their scale.
    assert "↑ +30.00" in plots[0]


def test_names_in_the_page_are_escaped():
    odd = measured({})
    page = to_html(Study("<b>x", "<i>y", "val", odd.labels, odd.targets, odd.before, odd.trials))
    assert "<b>x" not in page
    assert "&lt;b&gt;x" in page


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
def test_the_command_goes_on_with_a_study_and_reports_it(bundle, faces, other, tmp_path):
    out, kept = tmp_path / "out", tmp_path / "out.run"
    kept.mkdir()
    identity = identity_of(bundle, faces, "val", other)
    (kept / "identity.json").write_text(json.dumps(identity))
    pools = {"": usable(faces), "other domain": usable(other)}
    recipe = StudyRecipe(seeds=2, sizes=(8,))
    # All but the last two calibrations, which take seconds each.
    with pytest.raises(KeyboardInterrupt):
        run(recipe, pools, faces.split("val"), Counting(stop=10), kept, look=pixels)
    options = ["--against", str(other.folder), "--seeds", "2", "--sizes", "8", "--json"]
    command = [str(faces.folder), "-o", str(out), "--study", str(bundle.folder), *options]
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
    right = probabilities(load_model(bundle.path("keras")), val.patches).argmax(1) == val.targets
    assert told["float_accuracy"] == pytest.approx(right.mean())
