# ruff: noqa: E402  (what stands after importorskip needs TensorFlow)
from dataclasses import replace

import numpy as np
import pytest
from toys import toy_faces, toy_model

pytest.importorskip("tensorflow", reason="training needs TensorFlow")
pytestmark = pytest.mark.train

from edgefer.export.finetune import _batches, finetune, score, soft_targets
from edgefer.export.recipe import ExportRecipe
from edgefer.keras import probabilities
from edgefer.train.backbones.vgg import vgg

RECIPE = ExportRecipe(batch=32, rate=0.01, precision="float32")


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return toy_faces(tmp_path_factory.mktemp("toys") / "faces").split("train")


@pytest.fixture(scope="module")
def model(faces):
    return toy_model(faces)


def test_an_untrained_network_learns(faces):
    fresh = vgg(7, faces.size, width=4, dropout=0.1)
    finetune(fresh, faces, soft_targets(fresh, faces, 0.0), RECIPE, epochs=20)
    assert score(fresh, faces).accuracy > 0.5  # one in seven by chance


def test_targets_mix_labels_with_the_answers_to_a_face_and_its_mirror_image(model, faces):
    found = soft_targets(model, faces, 0.25)
    both = probabilities(model, faces.patches) + probabilities(model, faces.patches[..., ::-1])
    np.testing.assert_allclose(found, 0.75 * np.eye(7)[faces.targets] + 0.125 * both, atol=1e-6)


def pictures(faces, recipe, epoch):
    return np.concatenate([x for x, _ in _batches(faces, np.eye(7)[faces.targets], recipe, epoch)])


def test_every_epoch_moves_the_faces_otherwise_and_the_same_seed_alike(faces):
    first = pictures(faces, RECIPE, 0)
    assert first.shape == (len(faces), 16, 16, 1)
    assert np.abs(first - pictures(faces, RECIPE, 1)).mean() > 10
    assert np.array_equal(first, pictures(faces, RECIPE, 0))
    assert not np.array_equal(first, pictures(faces, replace(RECIPE, seed=1), 0))


def test_a_moved_face_is_still_that_face_or_its_mirror_image(faces):
    one = faces.select(np.zeros(50, int))
    face = one.patches[0].astype(float)
    sides = (face, face[:, ::-1])
    for moved in pictures(one, RECIPE, 0)[..., 0]:
        assert max(np.corrcoef(moved.ravel(), side.ravel())[0, 1] for side in sides) > 0.8
