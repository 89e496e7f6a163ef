"""Training for real, on a few drawn faces: pipeline, fit, kill and resume, transfer."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from trainings import QUICK, checkpoints, draw, weights

from edgefer.errors import DataError, EdgeferError
from edgefer.labels import FER7, KOREAN7
from edgefer.seen import Seen
from edgefer.train.recipe import TrainRecipe

pytest.importorskip("tensorflow", reason="training needs TensorFlow")

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return draw(tmp_path_factory.mktemp("base") / "set", "base", people=40, takes=2)


@pytest.fixture(scope="module")
def korean(tmp_path_factory):
    return draw(tmp_path_factory.mktemp("korean") / "set", "korean", people=20, takes=2)


@pytest.fixture(scope="module")
def trained(base, tmp_path_factory):
    from edgefer.train.base import train_base

    recipe = replace(QUICK, epochs=8, rate=4e-3)
    return train_base(base, recipe, tmp_path_factory.mktemp("trained") / "bundle")


def test_an_epoch_has_every_face_once_and_its_own_order(base):
    from edgefer.train.pipeline import training_batches
    from edgefer.train.targets import soft_targets

    still = replace(QUICK, flip=False, rotate=0.0, shift=0.0, zoom=0.0, light=0.0, votes=0.0)
    train = base.split("train")
    targets = soft_targets(train, still)

    def shown(epoch):
        batches = training_batches(train, still, targets, epoch)
        return np.concatenate([faces.numpy() for faces, _, _ in batches])

    epochs = [shown(epoch) for epoch in (0, 0, 1)]
    assert (epochs[0] == epochs[1]).all()
    assert (epochs[0] != epochs[2]).any()
    for epoch in epochs:
        found = {face.tobytes() for face in epoch.astype(np.uint8)[..., 0]}
        assert found == {patch.tobytes() for patch in train.patches}


@pytest.mark.parametrize("size", [16, 48, 96])
def test_the_network_takes_any_side(size):
    from edgefer.train.backbones.vgg import vgg

    model = vgg(5, size, width=8, depth=8, dropout=0.1)
    assert model(np.zeros((2, size, size, 1), np.float32)).shape == (2, 5)


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_each_step_is_traced_once(base, tmp_path, precision):
    from tracing import Traced, traced

    from edgefer.train.fit import fit

    few = base.split("train").select(np.arange(32))
    fit(traced(7, 48), few, few, replace(QUICK, precision=precision), checkpoints(tmp_path / "run"))
    assert Traced.traces == 1


def test_training_learns_and_the_bundle_tells_how(base, trained):
    step = trained.history[0]
    assert step.scores["val"]["accuracy"] > 0.25  # chance is .14
    assert np.sum(step.scores["test"]["confusion"]) == len(base.split("test"))
    assert step.recipe["epochs"] == 8
    assert step.facesets == {"faces": base.digest}
    assert "tensorflow" in step.versions
    assert Seen.load(trained).has_faces(base).sum() == len(base.split("train"))
    assert step.scores["computed"].startswith("float32 on ")
    trained.verify()
    assert len((trained.folder / "log.csv").read_text().splitlines()) == 9
    assert trained.path("curves").read_bytes().startswith(b"\x89PNG")
    assert not trained.folder.with_name("bundle.run").exists()


def test_a_training_leaves_other_files_beside_its_own_alone(base, tmp_path):
    from edgefer.train.checkpoints import Checkpoints

    kept = Checkpoints(tmp_path / "out.run", {}, resume=False, force=False)
    (tmp_path / "out.run" / "state.npz").touch()
    (tmp_path / "out.run" / "notes.txt").write_text("mine")
    (tmp_path / "out.run" / "more").mkdir()
    kept.clear()
    found = sorted(path.name for path in (tmp_path / "out.run").iterdir())
    assert found == ["more", "notes.txt"]


def test_the_best_epoch_is_kept(base, trained):
    from edgefer.keras import load_model
    from edgefer.train.fit import score

    best = max(
        float(line.split(",")[-1])
        for line in (trained.folder / "log.csv").read_text().splitlines()[1:]
    )
    model = load_model(trained.path("keras"))
    assert score(model, base.split("val")).accuracy == pytest.approx(best, abs=1e-6)


def test_a_plateau_halves_the_rate_and_patience_ends_it(base, tmp_path):
    from edgefer.train.base import train_base

    recipe = replace(QUICK, schedule="plateau", lower_after=1, patience=3, epochs=40, rate=1e-9)
    bundle = train_base(base, recipe, tmp_path / "out")
    rates = [
        float(line.split(",")[1])
        for line in (tmp_path / "out" / "log.csv").read_text().splitlines()[1:]
    ]
    assert len(rates) < 40
    assert {round(now / before, 3) for before, now in pairwise(rates)} == {1.0, 0.5}
    assert bundle.history[0].scores["epochs"] == len(rates)


def test_float16_scales_the_loss():
    from edgefer.keras import keras
    from edgefer.train.optimizer import optimizer_of

    made = optimizer_of(QUICK, 3, "mixed_float16")
    assert isinstance(made, keras.mixed_precision.LossScaleOptimizer)


def test_dropout_masks_differ_from_step_to_step_and_from_layer_to_layer():
    from edgefer.keras import keras, tf
    from edgefer.train.dropout import repeatable

    faces = keras.Input((1000,))
    answers = [keras.layers.Dropout(0.3, name=name)(faces) for name in "ab"]
    step = tf.Variable(0, dtype=tf.int64)
    model = repeatable(keras.Model(faces, answers), 0, step)
    ones = np.ones((1, 1000), np.float32)
    first, other = (mask.numpy() for mask in model(ones, training=True))
    assert (first != other).any()
    assert (model(ones, training=True)[0].numpy() == first).all()
    step.assign(1)
    assert (model(ones, training=True)[0].numpy() != first).any()
    assert 0.2 < (first == 0).mean() < 0.4
    assert (model(ones, training=False)[0].numpy() == 1).all()
    assert not model.weights


def test_transfer_speaks_the_new_labels_and_reports_before(trained, korean, tmp_path):
    from edgefer.train.transfer import train_transfer

    renames = {"surprise": "anxious"}
    recipe = replace(QUICK, width=99)
    bundle = train_transfer(trained, korean, recipe, tmp_path / "out", renames=renames)
    assert bundle.labels == KOREAN7
    assert [step.stage for step in bundle.history] == ["train base", "train transfer"]
    before = bundle.history[1].scores["before"]["test"]
    assert set(before["recall"]) == {"angry", "happy", "sad", "neutral", "anxious"}
    assert before["faces"] == 5 * 4
    assert bundle.history[1].recipe["width"] == QUICK.width
    assert Seen.load(bundle).is_whole(bundle)


def test_frozen_stages_stay_as_they_are(trained, korean, tmp_path):
    from edgefer.train.transfer import train_transfer

    bundle = train_transfer(trained, korean, replace(QUICK, frozen=2), tmp_path / "out")
    same = [np.array_equal(a, b) for a, b in zip(weights(trained), weights(bundle), strict=True)]
    per_stage = 5  # a convolution: its kernel and four of BatchNormalization
    assert all(same[: 2 * per_stage])
    assert not any(same[2 * per_stage : -2 - 0][::5])


def test_more_frozen_stages_than_there_are_is_refused(trained, korean, tmp_path):
    from edgefer.train.transfer import train_transfer

    with pytest.raises(EdgeferError, match="--frozen is 99, the network has 4 stages"):
        train_transfer(trained, korean, replace(QUICK, frozen=99), tmp_path / "out")


def test_no_face_of_an_emotion_that_both_know_is_nothing_to_score(trained, korean):
    from edgefer.keras import load_model
    from edgefer.labels import translate
    from edgefer.train.transfer import shared_scores

    alien = korean.select(korean.targets == KOREAN7.index("hurt"))
    model = load_model(trained.path("keras"))
    assert shared_scores(model, alien, translate(FER7, KOREAN7)) == {}


def test_a_new_head_begins_with_what_both_know(trained):
    from edgefer.keras import load_model
    from edgefer.labels import translate
    from edgefer.train.transfer import new_head

    old = load_model(trained.path("keras"))
    kernel = old.layers[-1].get_weights()[0].copy()
    new = new_head(old, KOREAN7, translate(FER7, KOREAN7)).layers[-1].get_weights()[0]
    assert (new[:, KOREAN7.index("sad")] == kernel[:, FER7.index("sad")]).all()
    assert new.shape[1] == 7


def test_mixed_precision_trains_and_saves_float32(base, tmp_path):
    from edgefer.train.base import train_base

    recipe = replace(QUICK, precision="mixed_bfloat16", epochs=1)
    bundle = train_base(base, recipe, tmp_path / "out")
    assert all(array.dtype == np.float32 for array in weights(bundle))


def test_patches_of_another_size_are_refused_with_what_to_type(trained, tmp_path):
    from edgefer.train.transfer import train_transfer

    large = draw(tmp_path / "set", "korean", size=64)
    with pytest.raises(DataError, match="--size 48"):
        train_transfer(trained, large, QUICK, tmp_path / "out")


def test_a_backbone_that_is_none_is_one_error(base, tmp_path):
    from edgefer.train.base import train_base

    for name, said in (
        ("os.path:join", "os.path:join has no width to choose: leave --width out"),
        ("os.path:exists", "does not fit .*backbones.Backbone"),
        ("test_train:no_network", "makes a str.*backbones.Backbone"),
    ):
        own = {"width": None, "depth": None, "dropout": None} if name == "os.path:exists" else {}
        with pytest.raises(EdgeferError, match=said):
            train_base(base, replace(QUICK, backbone=name, **own), tmp_path / "out")


def no_network(classes, size, **choices):
    return "nothing"


def test_a_place_where_no_state_can_be_kept_is_one_error(tmp_path):
    from edgefer.train.checkpoints import Checkpoints

    (tmp_path / "file").touch()
    with pytest.raises(EdgeferError, match=r"cannot write to .*out\.run"):
        Checkpoints(tmp_path / "file" / "out.run", {}, resume=False, force=False)


def test_emotions_without_a_face_are_said_before_the_training(base, tmp_path, capsys):
    from edgefer.train.base import train_base

    few = base.select(np.isin(base.targets, [3, 4]))
    train_base(few, replace(QUICK, width=4, epochs=1), tmp_path / "out")
    said = capsys.readouterr().err
    assert "no face of the split train shows angry, disgust, fear, surprise, neutral" in said


def test_one_emotion_alone_is_refused(base, tmp_path):
    from edgefer.train.base import train_base

    with pytest.raises(DataError, match="one emotion"):
        train_base(base.select(base.targets == 3), QUICK, tmp_path / "out")


def test_an_existing_bundle_is_refused_before_the_work(base, trained):
    from edgefer.train.base import train_base

    with pytest.raises(EdgeferError, match="--force"):
        train_base(base, QUICK, trained.folder)


@pytest.mark.parametrize(
    "choice",
    [
        {"schedule": "step"},
        {"epochs": 0},
        {"rate": 0.0},
        {"precision": "float8"},
        {"votes": 1.5},
        {"zoom": float("nan")},
        {"frozen": -1},
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(choice):
    with pytest.raises(EdgeferError):
        TrainRecipe(**choice)
