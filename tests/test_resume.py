"""A training that was killed or stopped goes on as if nothing had happened."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from toys import toy_faces
from trainings import QUICK, Killed, checkpoints, ended_alike, weights
from waiting import until

from edgefer.bundle import Bundle
from edgefer.cli import edgefer
from edgefer.errors import EdgeferError
from edgefer.labels import KOREAN7

pytest.importorskip("tensorflow", reason="training needs TensorFlow")

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def korean(tmp_path_factory):
    return toy_faces(tmp_path_factory.mktemp("korean") / "set", labels=KOREAN7)


def test_a_resume_with_other_options_names_them(tmp_path):
    from edgefer.train.checkpoints import Checkpoints

    (tmp_path / "run").mkdir()
    then = {"recipe": {"epochs": 200, "rate": 0.1}, "face set": "a" * 64}
    np.savez(tmp_path / "run" / "state.npz", identity=json.dumps(then))
    now = {"recipe": {"epochs": 20, "rate": 0.1}, "face set": "b" * 64}
    with pytest.raises(EdgeferError, match="epochs 200 then, 20 now, another face set"):
        Checkpoints(tmp_path / "run", now, resume=True, force=False)


def test_a_resume_of_nothing_says_that_it_starts_anew(tmp_path, capsys):
    from edgefer.train.checkpoints import Checkpoints

    Checkpoints(tmp_path / "run", {}, resume=True, force=False)
    assert f"nothing to go on with in {tmp_path / 'run'}" in capsys.readouterr().err
    Checkpoints(tmp_path / "other", {}, resume=False, force=False)
    assert not capsys.readouterr().err


def test_a_killed_training_resumes_to_the_same_epochs(faces, tmp_path):
    words = ["train", "base", str(faces.folder), "-o", str(tmp_path / "out"), "--epochs", "8"]
    words += ["--width", "8", "--depth", "4", "--precision", "float32"]
    state = tmp_path / "out.run" / "state.npz"
    running = subprocess.Popen([sys.executable, "-m", "edgefer", *words], stderr=subprocess.DEVNULL)
    try:
        until(lambda: state.exists() or running.poll() is not None, 120)
        os.kill(running.pid, signal.SIGKILL)
    finally:
        running.wait()
    assert running.returncode == -signal.SIGKILL
    assert not (tmp_path / "out").exists()

    refused = CliRunner().invoke(edgefer, words)
    assert "Go on with --resume" in str(refused.exception)

    other = CliRunner().invoke(edgefer, [*words, "--resume", "--rate", "1"])
    assert "rate 0.002 then, 1.0 now" in str(other.exception)

    done = CliRunner().invoke(edgefer, [*words, "--resume"])
    assert done.exit_code == 0, done.stderr
    bundle = Bundle.load(tmp_path / "out")
    bundle.verify()
    assert bundle.history[0].scores["epochs"] == 8
    assert len((tmp_path / "out" / "log.csv").read_text().splitlines()) == 9


def test_a_resumed_plateau_goes_on_with_the_lowered_rate(faces, tmp_path):
    from edgefer.train.base import build_network
    from edgefer.train.fit import fit

    recipe = replace(QUICK, schedule="plateau", patience=30, epochs=1, rate=1e-3)
    train, val = faces.split("train"), faces.split("val")
    model = build_network(recipe, 7, faces.size)
    _, state = fit(model, train, val, recipe, checkpoints(tmp_path / "run"))
    assert state.rate == pytest.approx(1e-3)

    saved = dict(np.load(tmp_path / "run" / "state.npz"))
    saved["state"] = np.array(str(saved["state"]).replace(f'"rate": {state.rate}', '"rate": 1e-4'))
    np.savez(tmp_path / "run" / "state.npz", **saved)
    again = checkpoints(tmp_path / "run", resume=True)
    _, state = fit(model, train, val, replace(recipe, epochs=2), again)
    assert state.log[1]["rate"] == pytest.approx(1e-4)


def test_one_seed_gives_one_network(faces, korean, tmp_path):
    from edgefer.train.base import train_base
    from edgefer.train.transfer import train_transfer

    recipe = replace(QUICK, epochs=1)
    bases = [train_base(faces, recipe, tmp_path / name) for name in "ab"]
    assert all(map(np.array_equal, *map(weights, bases)))
    moved = [train_transfer(bases[0], korean, recipe, tmp_path / name) for name in "cd"]
    assert all(map(np.array_equal, *map(weights, moved)))
    other = train_base(faces, replace(recipe, seed=1), tmp_path / "e")
    assert not np.array_equal(weights(bases[0])[0], weights(other)[0])


@pytest.mark.parametrize(
    "choices",
    [
        {"precision": "mixed_float16", "optimizer": "sgd", "balance_by": "sampler"},
        {"average": 0.9}
        | {"erase": 0.5, "mixup": 0.2, "cutmix": 1.0, "noise": 9.0, "shear": 0.1, "focal": 1.0},
    ],
)
def test_a_resumed_training_is_the_whole_one_to_the_bit(faces, tmp_path, choices):
    from edgefer.train.base import build_network
    from edgefer.train.fit import fit

    recipe = replace(QUICK, width=4, dropout=0.4, epochs=3, **choices)
    train = faces.split("train").select(np.arange(96))
    model = build_network(recipe, 7, faces.size)
    fit(model, train, train, recipe, checkpoints(tmp_path / "whole"))
    with pytest.raises(Killed):
        fit(model, train, train, recipe, checkpoints(tmp_path / "killed", dies_after=1))
    fit(model, train, train, recipe, checkpoints(tmp_path / "killed", resume=True))
    assert ended_alike(tmp_path / "whole", tmp_path / "killed")
