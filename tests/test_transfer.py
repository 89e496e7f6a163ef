# ruff: noqa: E402  (what stands after importorskip needs TensorFlow)
from dataclasses import replace

import numpy as np
import pytest
from toys import toy_bundle, toy_faces, toy_model
from trainings import Killed, checkpoints, ended_alike

pytest.importorskip("tensorflow", reason="training needs TensorFlow")
pytestmark = pytest.mark.train

from edgefer.errors import DataError, EdgeferError
from edgefer.keras import keras, load_model, tf
from edgefer.labels import HUFS5
from edgefer.seen import Seen
from edgefer.train.fit import fit
from edgefer.train.optimizer import optimizer_of
from edgefer.train.pipeline import training_batches
from edgefer.train.recipe import TrainRecipe
from edgefer.train.scores import score_table
from edgefer.train.targets import soft_targets
from edgefer.train.thaw import count_stages, freeze, frozen_stages, require_stages
from edgefer.train.together import Together
from edgefer.train.transfer import train_transfer

QUICK = TrainRecipe(epochs=3, batch=32, dropout=0.1, warmup=0, precision="float32")


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    return toy_faces(tmp_path_factory.mktemp("old") / "set")


@pytest.fixture(scope="module")
def new(tmp_path_factory):
    """Other emotions: three of them are the old ones."""
    return toy_faces(tmp_path_factory.mktemp("new") / "set", labels=HUFS5, each=20)


@pytest.fixture(scope="module")
def bundle(old, tmp_path_factory):
    return toy_bundle(tmp_path_factory.mktemp("bundle") / "base", toy_model(old), old)


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ({}, [0, 0, 0, 0]),
        ({"frozen": 2}, [2, 2, 2, 2]),
        ({"head": 2}, [4, 4, 0, 0]),
        ({"head": 1, "thaw": 1}, [4, 3, 2, 1, 0, 0]),
        ({"thaw": 2}, [3, 3, 2, 2, 1, 1, 0]),
        ({"head": 1, "thaw": 1, "frozen": 2}, [4, 3, 2, 2]),
        ({"head": 2, "frozen": 1}, [4, 4, 1, 1]),
    ],
)
def test_stages_join_in_from_the_last(choices, expected):
    recipe = replace(QUICK, **choices)
    assert [frozen_stages(recipe, 4, epoch) for epoch in range(len(expected))] == expected


def moved(before, after):
    """Stages whose weights or statistics changed; 0 stands for the last layers."""
    return {
        int(layer.name[5]) if layer.name.startswith("stage") else 0
        for layer, other in zip(before.layers, after.layers, strict=True)
        for old, new in zip(layer.get_weights(), other.get_weights(), strict=True)
        if not np.array_equal(old, new)
    }


def test_what_is_frozen_stays_to_the_bit_its_statistics_too(bundle, old, tmp_path):
    model, found = load_model(bundle.path("keras")), []
    after = keras.models.clone_model(model)

    def look(state):
        saved = np.load(tmp_path / "run" / "state.npz")
        after.set_weights([saved[f"w{i}"] for i in range(len(model.get_weights()))])
        found.append(moved(model, after))

    recipe = replace(QUICK, head=1, thaw=1, epochs=5, patience=0)
    kept = checkpoints(tmp_path / "run")
    fit(model, old.split("train"), old.split("val"), recipe, kept, report=look)
    assert found == [{0}, {0, 4}, {0, 3, 4}, {0, 2, 3, 4}, {0, 1, 2, 3, 4}]


def test_stages_that_never_join_in_are_told_of(bundle, capsys):
    model = load_model(bundle.path("keras"))
    require_stages(model, replace(QUICK, head=1, thaw=1, epochs=3))
    assert "the first 2 of 4 stay as they are" in capsys.readouterr().err
    require_stages(model, replace(QUICK, head=1, thaw=1, epochs=5))
    require_stages(model, replace(QUICK, frozen=2, epochs=1))
    assert not capsys.readouterr().err


def test_a_transfer_killed_while_stages_join_in_is_the_whole_one(bundle, old, tmp_path):
    recipe = replace(QUICK, head=1, thaw=1, fade=0.5, epochs=4)
    train = old.split("train")

    def run(name, **choices):
        model = load_model(bundle.path("keras"))
        fit(model, train, train, recipe, checkpoints(tmp_path / name, **choices))

    run("whole")
    with pytest.raises(Killed):
        run("killed", dies_after=2)
    run("killed", resume=True)
    assert ended_alike(tmp_path / "whole", tmp_path / "killed")


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_early_stages_take_shorter_steps(optimizer):
    recipe = replace(
        QUICK, optimizer=optimizer, schedule="plateau", rate=0.1, weight_decay=0.0, fade=0.5
    )
    names = ["stage1_1_conv/kernel", "stage3_2_norm/beta", "stage4_1_conv/kernel", "drop/kernel"]
    weights = [tf.Variable([1.0, 2.0], name=name) for name in names]
    optimizer_of(recipe, 1, "float32", stages=4).apply_gradients(
        [(tf.constant([0.3, -0.3]), weight) for weight in weights]
    )
    steps = np.array([np.abs(weight.numpy() - [1, 2]).mean() for weight in weights])
    np.testing.assert_allclose(steps / steps[-1], [0.5**4, 0.5**2, 0.5, 1], rtol=1e-5)


def test_early_stages_decay_as_slowly_as_they_learn():
    recipe = replace(QUICK, schedule="plateau", rate=0.1, weight_decay=0.5, fade=0.5)
    names = ["stage1_1_conv/kernel", "stage4_1_conv/kernel", "drop/kernel"]
    weights = [tf.Variable([1.0, 2.0], name=name) for name in names]
    optimizer = optimizer_of(recipe, 1, "float32", stages=4)
    optimizer.apply_gradients([(tf.zeros(2), weight) for weight in weights])
    left = np.array([weight.numpy()[0] for weight in weights])
    np.testing.assert_allclose(1 - left, 0.05 * np.array([0.5**4, 0.5, 1]), rtol=1e-4)
    assert optimizer.weight_decay == 0.5


def test_networks_without_stages_need_none_unless_they_are_asked_for():
    given = keras.Input((4,))
    model = keras.Model(given, keras.layers.Dense(2)(given), name="mine")
    assert count_stages(model) == 0
    require_stages(model, QUICK)
    for choice in ({"head": 1}, {"thaw": 1}, {"fade": 0.5}):
        with pytest.raises(EdgeferError, match="mine has no stages"):
            require_stages(model, replace(QUICK, **choice))


def test_freezing_is_taken_back():
    from edgefer.train.backbones.vgg import vgg

    model = vgg(3, 16, width=4)
    freeze(model, 4)
    assert {layer.name for layer in model.layers if layer.trainable and layer.weights} == {
        "probabilities"
    }
    freeze(model, 0)
    assert all(layer.trainable for layer in model.layers)


def test_faces_together_are_those_of_both(old, tmp_path):
    more = toy_faces(tmp_path / "more", each=30)
    both = Together(old, more, 0.5, 7)
    assert len(both) == len(old) + len(old) // 2
    rows = np.array([0, len(old), 3, len(both) - 1])
    patches = both.take(rows)
    assert np.array_equal(patches[[0, 2]], old.take(rows[[0, 2]]))
    known = {
        patch.tobytes(): target for patch, target in zip(more.patches, more.targets, strict=True)
    }
    for row in range(len(old), len(both)):
        assert known[both.take([row])[0].tobytes()] == both.targets[row]
    assert np.array_equal(Together(old, more, 0.5, 7).take(rows), patches)
    assert len(Together(old, more, 9.0, 7)) == len(old) + len(more)  # no more than there are
    batches = training_batches(both, QUICK, soft_targets(both, QUICK), 0)
    shown = [faces.numpy() for faces, _, _ in batches]
    assert sum(map(len, shown)) == len(both)


def test_a_transfer_tells_what_it_cost_on_the_old_faces(bundle, old, new, tmp_path):
    made = train_transfer(bundle, new, QUICK, tmp_path / "out", old=old)
    step = made.history[-1]
    assert step.recipe["base"] == bundle.digest
    assert step.facesets["old"] == old.digest
    before, after = step.scores["old before"], step.scores["old after"]
    assert set(before) == set(after) == {"val"}  # what the base was not trained on
    assert before["val"]["faces"] == after["val"]["faces"] > 20
    assert set(before["val"]["recall"]) == {"angry", "happy", "sad", "neutral"}
    text = score_table(made.labels, step.scores)
    assert "val, before      val, after" in text
    assert f"{100 * before['val']['accuracy']:.1f}" in text


def test_replay_keeps_what_was_known(bundle, old, new, tmp_path):
    """New faces that contradict the old ones, at a rate that forgets."""
    turned = replace(new, targets=(new.targets + 1) % 5)
    recipe = replace(QUICK, epochs=8, rate=2e-3, flip=False, rotate=0.0, patience=0)
    kept = {
        share: train_transfer(
            bundle, turned, replace(recipe, replay=share), tmp_path / str(share), old=old
        )
        for share in (0.0, 2.0)
    }
    after = {
        share: made.history[-1].scores["old after"]["val"]["accuracy"]
        for share, made in kept.items()
    }
    assert after[2.0] > after[0.0] + 0.1
    assert Seen.load(kept[2.0]).has_faces(new.split("train")).all()


def test_what_a_transfer_cannot_do_is_said_first(bundle, old, new, tmp_path):
    with pytest.raises(EdgeferError, match="name the base's with --old"):
        train_transfer(bundle, new, replace(QUICK, replay=0.5), tmp_path / "out")
    large = toy_faces(tmp_path / "large", size=24)
    with pytest.raises(DataError, match="--size 16"):
        train_transfer(bundle, new, QUICK, tmp_path / "out", old=large)
    assert not list(tmp_path.glob("out*"))
