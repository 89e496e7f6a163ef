"""Search for a recipe: ranges, a study that survives kills, workers that share it."""

import csv
import json
import os
import shlex
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
from click.testing import CliRunner
from toys import toy_faces
from waiting import until

from edgefer.errors import EdgeferError
from edgefer.train.commands import train
from edgefer.train.recipe import TrainRecipe
from edgefer.train.space import RANGES, Range, SearchRecipe, parse_over

pytest.importorskip("tensorflow", reason="training needs TensorFlow")
optuna = pytest.importorskip("optuna", reason="a search needs Optuna")
pytestmark = pytest.mark.train

TINY = TrainRecipe(
    width=2, depth=4, dropout=0.4, epochs=2, batch=32, warmup=0, patience=0, precision="float32"
)
OVER = "rate=1e-3:1e-1,dropout=0.1:0.6,optimizer=adamw|sgd"
OPTIONS = ["--width", 2, "--depth", 4, "--batch", 32, "--warmup", 0, "--patience", 0]
OPTIONS += ["--precision", "float32"]
SMALL = SearchRecipe(TINY, parse_over(OVER, TINY), trials=2)


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return toy_faces(tmp_path_factory.mktemp("search") / "faces", each=8)


@pytest.fixture(scope="module")
def found(faces, tmp_path_factory):
    from edgefer.train.search import search
    from edgefer.train.search_files import write_search

    result = search(faces, SMALL, tmp_path_factory.mktemp("found") / "study")
    write_search(result)
    return result


def opened(folder, recipe=SMALL, digest="some"):
    from edgefer.train.study_folder import StudyFolder

    return StudyFolder(folder, recipe, digest)


def state_after(*accuracies):
    from edgefer.train.checkpoints import State

    log = [{"epoch": i + 1, "val_accuracy": value} for i, value in enumerate(accuracies)]
    return State(epoch=len(log), best_accuracy=max(accuracies), log=log)


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("rate", {"rate": RANGES["rate"]}),
        ("weight-decay, flip", {n: RANGES[n] for n in ("weight_decay", "flip")}),
        ("rate=1e-5:1", {"rate": Range(1e-5, 1.0, log=True)}),  # still by factors
        ("dropout=0.1:0.6", {"dropout": Range(0.1, 0.6)}),
        ("width=2:4", {"width": Range(2, 4, log=True)}),
        ("batch=32|64", {"batch": Range(choices=(32, 64))}),
        ("optimizer=sgd | adamw", {"optimizer": Range(choices=("sgd", "adamw"))}),
        ("flip=yes|no", {"flip": Range(choices=(True, False))}),
        ("lower,schedule", {n: RANGES[n] for n in ("lower", "schedule")}),
    ],
)
def test_ranges_are_read_as_they_are_typed(text, ranges):
    assert parse_over(text, TINY) == ranges


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'' cannot be searched. Known: rate, weight-decay, dropout"),
        ("rats", "'rats' cannot be searched. Known: rate"),
        ("epochs=1:5", "'epochs' cannot be searched"),
        ("rate,rate", "rate is named twice"),
        ("rate=", "rate= is no range, such as rate=0.0001:0.01"),
        ("rate=0.1", "rate=0.1 is no range"),
        ("rate=0.1:0.01", "its low end comes first"),
        ("rate=0:1", "searched by factors: its low end is more than 0"),
        ("rate=a:b", "rate: 'a' is no number, such as rate=0.0001:0.01"),
        ("rate=nan:1", "rate=nan:1 is no range"),
        ("rate=1e-3:inf", "rate is inf"),
        ("width=2.5:4", "width: '2.5' is no whole number"),
        ("dropout=0.1:2", "dropout is 2, expected 0 to below 1"),
        ("optimizer=adamw:sgd", "expected optimizer=adamw|sgd"),
        ("optimizer=adamw|adam", "'adam' is not one of adamw, sgd"),
        ("optimizer=sgd|sgd", "names a choice twice"),
        ("flip=0|1", "flip: '0' is no yes or no, expected flip=no|yes"),
        ("lower", "lower does nothing with schedule cosine. Fix --schedule plateau"),
    ],
)
def test_nonsense_is_named(text, said):
    with pytest.raises(EdgeferError) as error:
        parse_over(text, TINY)
    assert said in str(error.value)


@pytest.mark.parametrize("name", RANGES)
def test_every_usual_range_is_possible(name):
    schedule = "plateau" if name.startswith("lower") else "cosine"
    assert parse_over(name, replace(TINY, schedule=schedule))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--over", "rats"], "'rats' cannot be searched"),
        (["--rate", "0.1"], "--rate is given and searched: leave one of them out"),
        (["--over", "votes"], "has no votes: searching over them would change nothing"),
        (["--over", "depth=2:8"], "vgg has 4 stages, a depth of 2 cannot fill them"),
    ],
)
def test_a_mistake_shows_before_any_work(faces, tmp_path, options, said):
    words = ["search", str(faces.folder), "-o", str(tmp_path / "study"), *options]
    done = CliRunner().invoke(train, words)
    assert isinstance(done.exception, EdgeferError)
    assert said in str(done.exception)
    assert not list(tmp_path.iterdir())


def test_a_living_workers_trial_is_its_own_and_a_dead_ones_is_taken_over(tmp_path):
    study = opened(tmp_path / "study", replace(SMALL, trials=3))
    one, two = study.claim(), opened(tmp_path / "study").claim()
    assert [one.trial.number, two.trial.number] == [0, 1]
    study.report(one, state_after(0.5))
    one.lock.close()  # as the system does when a worker is killed
    again = opened(tmp_path / "study").claim()
    assert again.trial.number == 0
    assert again.recipe == one.recipe
    study.report(again, state_after(0.5, 0.75))
    study.finish(again, 0.75)
    third = study.claim()
    assert third.trial.number == 2
    assert study.claim() is None
    two.lock.close()
    third.lock.close()
    assert study.trials()[0].intermediate_values == {0: 0.5, 1: 0.75}


def test_a_trial_that_ends_every_worker_is_given_up(tmp_path):
    from edgefer.train.study_folder import ENDS

    study = opened(tmp_path / "study", replace(SMALL, trials=3))
    for _ in range(ENDS + 1):
        claim = study.claim()
        assert claim.trial.number == 0
        claim.lock.close()
    claim = study.claim()
    assert claim.trial.number == 1
    assert study.trials()[0].user_attrs["failed"] == f"ended after epoch 0 {ENDS + 1} times"
    study.report(claim, state_after(0.5))  # an epoch further, it begins to count anew
    claim.lock.close()
    claim = study.claim()
    assert claim.trial.number == 1
    claim.lock.close()


def test_the_fixed_recipe_is_tried_first(tmp_path):
    beyond = SearchRecipe(TINY, parse_over("rate=0.1:0.2", TINY))
    for recipe, first in ((SMALL, True), (beyond, False)):
        claim = opened(tmp_path / str(first), recipe).claim()
        assert (claim.recipe == TINY) is first
        claim.lock.close()


def test_what_is_worse_than_the_median_is_stopped_early(faces, tmp_path):
    from edgefer.train.search_result import SearchResult

    study = opened(tmp_path / "study", replace(SMALL, trials=7))
    for accuracy in (0.5, 0.6, 0.7, 0.8, 0.9):
        claim = study.claim()
        study.report(claim, state_after(accuracy))
        study.report(claim, state_after(accuracy, accuracy))
        study.finish(claim, accuracy)
    claim = study.claim()
    with pytest.raises(optuna.TrialPruned):
        study.report(claim, state_after(0.65))
    study.finish(claim, None)
    study.finish(study.claim(), None, failed="out of memory")
    assert study.claim() is None
    result = SearchResult.of(faces, replace(SMALL, trials=7), study)
    assert [trial.state for trial in result.trials[4:]] == ["done", "stopped early", "failed"]
    assert [trial.number for trial in result.ranked] == [4, 3, 2, 1, 0]
    assert sum(result.importances.values()) == pytest.approx(1)
    assert "7 of 7 trials: 5 done, 1 stopped early, 1 failed" in result.to_text()


def test_a_study_without_a_finished_trial_says_so(faces, tmp_path):
    from edgefer.train.search_result import SearchResult

    study = opened(tmp_path / "study")
    study.claim().lock.close()
    with pytest.raises(EdgeferError, match="no trial of .* is done: 1 running"):
        SearchResult.of(faces, SMALL, study).to_text()


@pytest.mark.parametrize(
    ("recipe", "digest", "said"),
    [
        (SMALL, "other", "another search: face set some then, other now"),
        (replace(SMALL, fixed=replace(TINY, width=3)), "some", "width 2 then, 3 now"),
        (replace(SMALL, fixed=replace(TINY, seed=1)), "some", "seed 0 then, 1 now"),
        (
            replace(SMALL, over=SMALL.over | {"dropout": Range(0.0, 0.5)}),
            "some",
            "dropout 0.1:0.6 then, 0:0.5 now",
        ),
        (replace(SMALL, over={"rate": SMALL.over["rate"]}), "some", "optimizer adamw|sgd then"),
    ],
)
def test_another_search_in_the_folder_is_refused(tmp_path, recipe, digest, said):
    opened(tmp_path / "study")
    with pytest.raises(EdgeferError) as error:
        opened(tmp_path / "study", recipe, digest)
    assert said in str(error.value)
    opened(tmp_path / "study", replace(SMALL, trials=100))  # more trials are the same search


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(EdgeferError, match=r"holds no search.json"):
        opened(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_search_tells_what_it_found(found):
    rows = list(csv.DictReader((found.folder / "trials.csv").read_text().splitlines()))
    assert [(row["trial"], row["state"], row["epochs"]) for row in rows] == [
        (str(number), "done", "2") for number in range(2)
    ]
    assert found.winner.accuracy == max(float(f"{t.accuracy}") for t in found.trials)
    assert (found.folder / "search.png").read_bytes().startswith(b"\x89PNG")
    assert "flatters" in found.to_text()
    assert json.loads(json.dumps(found.to_json()))["winner"] == found.winner.number
    assert not list(found.folder.rglob("state.npz"))


def test_the_command_for_the_winner_trains_its_recipe(found):
    words = shlex.split(found.command)
    assert words[:3] == ["edgefer", "train", "base"]
    given = train.commands["base"].make_context("base", words[3:]).params
    made = TrainRecipe(**{n: v for n, v in given.items() if hasattr(TrainRecipe, n)})
    assert made == found.full
    assert made == replace(TINY, **found.winner.choices, epochs=60)


def test_a_seed_makes_one_study_whole_or_in_parts(faces, found, tmp_path):
    from edgefer.train.search import search

    search(faces, replace(SMALL, trials=1), tmp_path / "study")
    parts = search(faces, SMALL, tmp_path / "study")
    assert parts.trials == found.trials
    again = search(faces, SMALL, tmp_path / "study")
    assert again.trials == found.trials


@pytest.fixture
def start(faces):
    """Starts the command; what still runs when the test is over is killed."""
    running = []

    def start(out, *options):
        words = ["train", "search", faces.folder, "-o", out, "--over", OVER, *OPTIONS, *options]
        command = [sys.executable, "-m", "edgefer", *map(str, words)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        running.append(subprocess.Popen(command, start_new_session=True, **pipes))
        return running[-1]

    yield start
    for process in running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.slow
def test_a_killed_search_goes_on_with_the_trial_it_was_in(start, faces, tmp_path):
    from edgefer.train.search import search

    out, long = tmp_path / "study", replace(SMALL, fixed=replace(TINY, epochs=5))
    killed = start(out, "--trials", 2, "--epochs", 5)
    until(lambda: (out / "trials" / "1" / "state.npz").exists() or killed.poll() is not None, 120)
    assert killed.poll() is None, killed.stderr.read()
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    states = [trial.state.name for trial in opened(out, long, faces.digest).trials()]
    assert states == ["COMPLETE", "RUNNING"]
    first = (out / "trials" / "0" / "log.txt").read_text()
    result = search(faces, long, out)
    assert [trial.state for trial in result.trials] == ["done"] * 2
    assert [len(trial.epochs) for trial in result.trials] == [5] * 2
    assert (out / "trials" / "0" / "log.txt").read_text() == first
    assert (out / "trials" / "1" / "log.txt").read_text().count("epoch 1/5") == 1


@pytest.mark.slow
def test_two_workers_share_one_study(start, tmp_path):
    done = start(tmp_path / "study", "--trials", 2, "--epochs", 2, "--workers", 2, "--json")
    printed, said = done.communicate(timeout=180)
    assert done.returncode == 0, said
    result = json.loads(printed)
    assert [trial["trial"] for trial in result["trials"]] == [0, 1]
    ran = [line.split()[1] for line in said.splitlines() if "  rate " in line]
    assert sorted(ran) == ["0", "1"]
    assert "Traceback" not in said


@pytest.mark.slow
def test_ctrl_c_says_how_to_go_on(start, tmp_path):
    stopped = start(tmp_path / "study", "--trials", 2, "--epochs", 10000)
    until(lambda: list(tmp_path.rglob("state.npz")), 120)
    stopped.send_signal(signal.SIGINT)
    _, said = stopped.communicate(timeout=60)
    assert stopped.returncode == 130
    assert said.splitlines()[-1].endswith("study: the same command goes on")
