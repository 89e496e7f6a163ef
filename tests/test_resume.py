"""A training that was killed or stopped goes on as if nothing had happened."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from trainings import QUICK, draw, weights

from edgefer.bundle import Bundle
from edgefer.errors import EdgeferError

pytest.importorskip("tensorflow", reason="training needs TensorFlow")

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return draw(tmp_path_factory.mktemp("base") / "set", "base", 40)


@pytest.fixture(scope="module")
def korean(tmp_path_factory):
    return draw(tmp_path_factory.mktemp("korean") / "set", "korean", 20)


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


def test_a_killed_training_resumes_to_the_same_epochs(base, tmp_path):
    command = [sys.executable, "-m", "edgefer", "train", "base", str(base.folder), "-o"]
    command += [str(tmp_path / "out"), "--width", "8", "--epochs", "4", "--precision", "float32"]
    state = tmp_path / "out.run" / "state.npz"
    running = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        while not state.exists() and running.poll() is None:
            time.sleep(0.05)  # waits for the first checkpoint
        os.kill(running.pid, signal.SIGKILL)
    finally:
        running.wait()
    assert running.returncode == -signal.SIGKILL
    assert not (tmp_path / "out").exists()

    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "--resume" in refused.stderr

    other = subprocess.run(
        [*command, "--resume", "--rate", "1"], capture_output=True, text=True, check=False
    )
    assert other.returncode == 1
    assert "rate 0.002 then, 1.0 now" in other.stderr

    done = subprocess.run([*command, "--resume"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    bundle = Bundle.load(tmp_path / "out")
    bundle.verify()
    assert bundle.history[0].scores["epochs"] == 4
    assert len((tmp_path / "out" / "log.csv").read_text().splitlines()) == 5


def test_a_resumed_plateau_goes_on_with_the_lowered_rate(base, tmp_path):
    from edgefer.train.backbones.vgg import vgg
    from edgefer.train.checkpoints import Checkpoints
    from edgefer.train.fit import fit

    recipe = replace(QUICK, schedule="plateau", patience=30, epochs=1, rate=1e-3)
    train, val = base.split("train"), base.split("val")
    first = Checkpoints(tmp_path / "run", {}, resume=False, force=False)
    model = vgg(7, 48, width=8, depth=8, dropout=0.1)
    _, state = fit(model, train, val, recipe, first)
    assert state.rate == pytest.approx(1e-3)

    saved = dict(np.load(tmp_path / "run" / "state.npz"))
    saved["state"] = np.array(str(saved["state"]).replace(f'"rate": {state.rate}', '"rate": 1e-4'))
    np.savez(tmp_path / "run" / "state.npz", **saved)
    again = Checkpoints(tmp_path / "run", {}, resume=True, force=False)
    _, state = fit(model, train, val, replace(recipe, epochs=2), again)
    assert state.log[1]["rate"] == pytest.approx(1e-4)


def test_one_seed_gives_one_network(base, korean, tmp_path):
    from edgefer.train.base import train_base
    from edgefer.train.transfer import train_transfer

    recipe, few = replace(QUICK, epochs=1), base.select(np.arange(0, len(base), 4))
    bases = [train_base(few, recipe, tmp_path / name) for name in "ab"]
    assert all(map(np.array_equal, *map(weights, bases)))
    moved = [train_transfer(bases[0], korean, recipe, tmp_path / name) for name in "cd"]
    assert all(map(np.array_equal, *map(weights, moved)))
    other = train_base(few, replace(recipe, seed=1), tmp_path / "e")
    assert not np.array_equal(weights(bases[0])[0], weights(other)[0])


@pytest.mark.parametrize(
    "choices",
    [
        {"precision": "float32"},
        {"precision": "mixed_float16"},
        {"average": 0.9, "optimizer": "sgd", "balance_by": "sampler"},
        {"erase": 0.5, "mixup": 0.2, "cutmix": 1.0, "noise": 9.0, "shear": 0.1, "focal": 1.0},
    ],
)
def test_a_resumed_training_is_the_whole_one_to_the_bit(base, tmp_path, choices):
    from edgefer.keras import keras
    from edgefer.train.backbones.vgg import vgg
    from edgefer.train.checkpoints import Checkpoints
    from edgefer.train.fit import fit

    recipe = replace(QUICK, dropout=0.4, epochs=3, **choices)
    train = base.split("train").select(np.arange(96))
    keras.utils.set_random_seed(0)
    model = vgg(7, 48, width=4, depth=8, dropout=0.4)

    class Killed(Exception):
        pass

    class Dying(Checkpoints):
        def save(self, state, *rest):
            super().save(state, *rest)
            if state.epoch == 1:
                raise Killed

    whole = Checkpoints(tmp_path / "whole", {}, resume=False, force=False)
    fit(model, train, train, recipe, whole)
    with pytest.raises(Killed):
        fit(
            model,
            train,
            train,
            recipe,
            Dying(tmp_path / "killed", {}, resume=False, force=False),
        )
    resumed = Checkpoints(tmp_path / "killed", {}, resume=True, force=False)
    fit(model, train, train, recipe, resumed)
    states = [np.load(tmp_path / name / "state.npz") for name in ("whole", "killed")]
    assert set(states[0]) == set(states[1])
    assert all(np.array_equal(states[0][name], states[1][name]) for name in states[0])
