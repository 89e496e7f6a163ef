from dataclasses import replace

import numpy as np
import pytest
from toys import toy_faces

from edgefer.faceset import FaceSet
from edgefer.facewriter import write_faceset
from edgefer.labels import FER7
from edgefer.train.recipe import TrainRecipe

pytest.importorskip("tensorflow", reason="training needs TensorFlow")
pytestmark = pytest.mark.train
STILL = TrainRecipe(flip=False, rotate=0.0, shift=0.0, zoom=0.0, light=0.0)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return toy_faces(tmp_path_factory.mktemp("base") / "set", each=40, size=48)


@pytest.fixture(scope="module")
def faces(base):
    return base.take(np.arange(64))[..., None].astype(np.float32)


def changed(faces, recipe, seed=(3, 4)):
    from edgefer.keras import tf
    from edgefer.train.augment import augment

    return augment(tf.constant(faces), recipe, tf.constant(seed)).numpy()


def test_nothing_asked_for_changes_nothing(faces):
    np.testing.assert_allclose(changed(faces, STILL), faces, atol=1e-3)


@pytest.mark.parametrize(
    "change",
    [
        {"flip": True},
        {"rotate": 20.0},
        {"shear": 0.2},
        {"shift": 0.2},
        {"zoom": 0.2},
        {"light": 0.3},
        {"noise": 10.0},
        {"erase": 1.0},
    ],
)
def test_every_augmentation_changes_faces_by_its_seed_and_keeps_their_range(faces, change):
    recipe = replace(STILL, **change)
    new = changed(faces, recipe)
    assert np.abs(new - faces).max() > 20
    assert new.min() >= 0
    assert new.max() <= 255.001
    np.testing.assert_array_equal(new, changed(faces, recipe))
    assert np.abs(new - changed(faces, recipe, (3, 5))).max() > 20


def test_a_mirrored_face_is_the_face_from_right_to_left(faces):
    new = changed(faces, replace(STILL, flip=True))
    same = np.abs(new - faces).max(axis=(1, 2, 3)) < 0.01
    mirrored = np.abs(new - faces[:, :, ::-1]).max(axis=(1, 2, 3)) < 0.01
    assert (same ^ mirrored).all()
    assert 8 < mirrored.sum() < 56


def test_a_sheared_line_leans():
    line = np.zeros((1, 49, 49, 1), np.float32)
    line[:, :, 24] = 255
    for seed in range(4):
        new = changed(line, replace(STILL, shear=0.3), (seed, 0))[0, :, :, 0]
        across = new @ np.arange(49) / new.sum(axis=1)
        slopes = np.diff(across[4:-4])
        assert np.ptp(slopes) < 0.2
        assert abs(slopes.mean()) <= 0.3
        assert across[24] == pytest.approx(24, abs=0.1)
    assert abs(slopes.mean()) > 0.01


def test_noise_is_of_a_strength_between_one_and_the_asked_and_fills_the_range():
    grey = np.linspace(100, 150, 48, dtype=np.float32)[None, None, :, None].repeat(48, 1)
    new = changed(grey.repeat(200, 0), replace(STILL, noise=5.0))
    assert (new.min(axis=(1, 2, 3)) == 0).all()
    assert new.max(axis=(1, 2, 3)) == pytest.approx(255, abs=0.01)
    # The stretch is undone by what a column's mean spans.
    columns = new.mean(axis=1)[..., 0]
    scale = 50 / (columns[:, -1] - columns[:, 0])
    spread = new.std(axis=1)[..., 0].mean(axis=1) * scale
    assert 0.8 < spread.min() < 2
    assert 4 < spread.max() < 5.5


def test_a_share_of_the_faces_loses_a_rectangle_of_one_grey():
    faces = np.random.default_rng(0).uniform(0, 255, (400, 48, 48, 1)).astype(np.float32)
    new = changed(faces, replace(STILL, erase=0.5))
    holes = np.abs(new - faces) > 0.5
    hit = holes.any(axis=(1, 2, 3))
    assert 0.4 < hit.mean() < 0.6
    shares = holes[hit].mean(axis=(1, 2, 3))
    assert 0.015 < shares.min() < 0.04
    assert 0.16 < shares.max() < 0.22
    for face, hole in zip(new[hit], holes[hit], strict=True):
        rows, columns = np.nonzero(hole.any(axis=1))[0], np.nonzero(hole.any(axis=0))[0]
        part = face[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert np.ptp(part) < 0.01


def mixed(pictures, targets, weights, **choices):
    from edgefer.keras import tf
    from edgefer.train.augment import mix

    batch = tuple(map(tf.constant, (pictures, targets, weights)))
    return [part.numpy() for part in mix(batch, replace(STILL, **choices), tf.constant([1, 2]))]


@pytest.mark.parametrize("choices", [{"mixup": 0.4}, {"cutmix": 1.0}])
def test_mixed_faces_have_targets_mixed_by_the_same_shares(choices):
    count = 200
    # The grey of each picture is its own: what is in a mixed one can be told.
    own = np.arange(count, dtype=np.float32)
    pictures = np.ones((count, 16, 16, 1), np.float32) * own[:, None, None, None]
    targets = np.eye(count, dtype=np.float32)
    weights = np.where(own < 100, 1, 3).astype(np.float32)
    new, shares, heavier = mixed(pictures, targets, weights, **choices)
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)
    assert ((shares > 1e-6).sum(axis=1) <= 2).all()
    assert ((shares > 0.05).sum(axis=1) == 2).mean() > 0.3
    # Undo the weights: the grey must be the mean of the two by their shares of the picture.
    plain = shares * heavier[:, None] / weights
    np.testing.assert_allclose(plain.sum(axis=1), 1, atol=1e-4)
    np.testing.assert_allclose(new.mean(axis=(1, 2, 3)), plain @ own, rtol=1e-3, atol=1e-2)


def test_both_mixtures_take_turns():
    from edgefer.keras import tf
    from edgefer.train.augment import mix

    pictures = np.arange(64, dtype=np.float32)[:, None, None, None] * np.ones((1, 16, 16, 1))
    batch = (tf.constant(pictures, tf.float32), tf.eye(64), tf.ones(64))
    recipe, kinds = replace(STILL, mixup=0.4, cutmix=1.0), set()
    for step in range(20):
        new = mix(batch, recipe, tf.constant([1, step]))[0].numpy()
        kinds.add("mixup" if (np.ptp(new, axis=(1, 2, 3)) < 1e-3).all() else "cutmix")
    assert kinds == {"mixup", "cutmix"}


def test_a_batch_stays_as_it_is_where_nothing_is_mixed(faces):
    targets, weights = np.eye(64, dtype=np.float32), np.ones(64, np.float32)
    assert all(map(np.array_equal, mixed(faces, targets, weights), (faces, targets, weights)))


@pytest.mark.parametrize(("balance", "ratio"), [(0.0, 1.0), (0.5, 2.0), (1.0, 4.0)])
def test_balance_lifts_a_rare_emotion(tmp_path, balance, ratio):
    from edgefer.train.pipeline import face_weights

    with write_faceset(tmp_path / "set", FER7, 48, source="x") as writer:
        for i in range(10):
            writer.add(np.full((48, 48), i, np.uint8), "happy" if i < 8 else "fear")
    weights = face_weights(FaceSet.load(tmp_path / "set"), balance)
    assert weights[-1] / weights[0] == pytest.approx(ratio)
    assert weights.mean() == pytest.approx(1)


@pytest.mark.parametrize("by", ["weights", "sampler", "both"])
def test_a_rare_emotion_weighs_more_or_is_shown_more_often(base, by):
    from edgefer.train.pipeline import balanced

    common, rare = (np.flatnonzero(base.targets == target) for target in (3, 4))
    few = base.select(np.concatenate([common, rare[:9]]))
    recipe = TrainRecipe(balance=1.0, balance_by=by)
    order, weights = balanced(few, recipe, 0)
    rare = few.targets == 4
    ratio = weights[rare].mean() / weights[~rare].mean()
    assert ratio == pytest.approx(1 if by == "sampler" else (~rare).sum() / rare.sum())
    assert len(order) == len(few)
    if by == "weights":
        assert sorted(order) == list(range(len(few)))
    else:
        assert rare[order].mean() == pytest.approx(0.5, abs=0.2)
        assert (order != balanced(few, recipe, 1)[0]).any()
