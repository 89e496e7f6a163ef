"""What a face is to be answered with: labels, votes in the labels' own words, teachers."""

from dataclasses import replace

import numpy as np
import pytest

from edgefer.faceset import FaceSet
from edgefer.facewriter import write_faceset
from edgefer.labels import FER7
from edgefer.train.recipe import TrainRecipe
from edgefer.train.targets import labels_told_by, soft_targets

PLAIN = TrainRecipe(votes=0.0, smoothing=0.0)
SAD, NEUTRAL = FER7.names.index("sad"), FER7.names.index("neutral")


@pytest.fixture
def faces(tmp_path):
    """Annotators say neutral to half of the sad faces; two faces were shown to nobody."""
    with write_faceset(tmp_path / "set", FER7, 48, source="x") as writer:
        for i in range(200):
            votes = [0] * 7
            votes[SAD if i % 4 == 0 else NEUTRAL] = 10
            writer.add(
                np.full((48, 48), i, np.uint8), "sad" if i % 2 == 0 else "neutral", votes=votes
            )
        writer.add(np.full((48, 48), 201, np.uint8), "happy")
        writer.add(np.full((48, 48), 202, np.uint8), "sad")
    return FaceSet.load(tmp_path / "set")


def test_without_votes_and_smoothing_the_label_is_the_target(faces):
    assert np.array_equal(soft_targets(faces, PLAIN), np.eye(7, dtype=np.float32)[faces.targets])


def test_smoothing_spreads_over_all_labels(faces):
    targets = soft_targets(faces, replace(PLAIN, smoothing=0.07))
    np.testing.assert_allclose(targets[-1], np.eye(7)[SAD] * 0.93 + 0.01, rtol=1e-5)


def test_votes_are_taken_for_what_they_tell_of_the_label(faces):
    """Two thirds of the faces that annotators call neutral are labeled so, one third is sad."""
    told = labels_told_by(faces.votes[:200], faces.targets[:200], 7)
    np.testing.assert_allclose(told[1, [SAD, NEUTRAL]], [1 / 3, 2 / 3], atol=0.01)
    assert told[0, SAD] > 0.95
    np.testing.assert_allclose(told.sum(axis=1), 1)


def test_votes_take_their_share_and_shift_no_emotion(faces):
    targets = soft_targets(faces, replace(PLAIN, votes=0.6))
    assert targets[1, NEUTRAL] == pytest.approx(0.4 + 0.6 * 2 / 3, abs=0.01)
    assert np.array_equal(targets[-2:], np.eye(7, dtype=np.float32)[faces.targets[-2:]])
    np.testing.assert_allclose(targets.mean(axis=0), np.bincount(faces.targets) / 202, atol=0.005)


def test_votes_may_be_taken_as_they_are(faces):
    targets = soft_targets(faces, replace(PLAIN, votes=0.6, translate=False))
    np.testing.assert_allclose(targets[2, [SAD, NEUTRAL]], [0.4, 0.6], rtol=1e-6)


def test_votes_on_faces_of_one_emotion_tell_of_it(faces):
    told = labels_told_by(faces.votes[:3], np.full(3, SAD), 7)
    assert np.array_equal(told, np.tile(np.eye(7)[SAD], (3, 1)))


def test_teachers_take_their_share_of_the_rest(faces):
    taught = np.tile(np.eye(7, dtype=np.float32)[0], (202, 1))
    targets = soft_targets(faces, replace(PLAIN, taught=0.25), taught=taught)
    assert targets[-1, 0] == pytest.approx(0.25)
    assert targets[-1, SAD] == pytest.approx(0.75)
