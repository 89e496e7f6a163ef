# ruff: noqa: E402  (what stands after importorskip needs TensorFlow)
from dataclasses import replace

import numpy as np
import pytest
from toys import toy_faces

pytest.importorskip("tensorflow", reason="training needs TensorFlow")
pytestmark = pytest.mark.train

from tracing import Traced, traced

from edgefer.export.finetune import _batches, finetune, score
from edgefer.export.recipe import ExportRecipe
from edgefer.keras import probabilities
from edgefer.train.backbones.vgg import vgg

RECIPE = ExportRecipe(batch=32, rate=0.01, precision="float32")


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return toy_faces(tmp_path_factory.mktemp("toys") / "faces").split("train")


def test_an_untrained_network_learns(faces):
    fresh = vgg(7, faces.size, width=4, dropout=0.1)
    finetune(fresh, faces, replace(RECIPE, teacher=0.0), teacher=fresh, epochs=20)
    assert score(fresh, faces).accuracy > 0.5  # one in seven by chance


def test_each_step_is_traced_once(faces):
    network = traced(7, faces.size)
    finetune(network, faces, RECIPE, teacher=network, epochs=2)
    assert Traced.traces == 1


def test_a_pupil_learns_what_its_teacher_answers_whatever_the_labels(model, faces):
    misled = replace(faces, targets=(faces.targets + 1) % 7)
    fresh = vgg(7, faces.size, width=4, dropout=0.1)
    finetune(fresh, misled, replace(RECIPE, teacher=1.0), teacher=model, epochs=20)
    answers = [probabilities(each, faces.patches).argmax(axis=1) for each in (fresh, model)]
    assert np.mean(answers[0] == answers[1]) > 0.5


def test_the_teacher_answers_the_picture_that_the_pupil_sees(model, faces):
    recipe = replace(RECIPE, teacher=0.25)
    for (moved, targets), (_, labels) in zip(
        _batches(faces, recipe, model, 0),
        _batches(faces, replace(recipe, teacher=0.0), model, 0),
        strict=True,
    ):
        expected = 0.75 * labels.numpy() + 0.25 * model(moved, training=False).numpy()
        np.testing.assert_allclose(targets, expected, atol=1e-6)


def pictures(faces, recipe, epoch):
    return np.concatenate(
        [x for x, _ in _batches(faces, replace(recipe, teacher=0.0), None, epoch)]
    )


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
