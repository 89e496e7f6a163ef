# ruff: noqa: E402  (what stands after importorskip needs TensorFlow)
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from toys import toy_bundle, toy_faces, toy_model

pytest.importorskip("tensorflow", reason="training needs TensorFlow")
pytestmark = pytest.mark.train

from edgefer.bundle import Bundle
from edgefer.cli import edgefer
from edgefer.errors import BundleError, EdgeferError
from edgefer.export.audit import audit, require_int8
from edgefer.export.convert import to_int8
from edgefer.keras import load_model, probabilities
from edgefer.labels import HUFS5
from edgefer.seen import Seen
from edgefer.train.distill import ask, train_distill
from edgefer.train.ensemble import fit_weights, make_ensemble
from edgefer.train.recipe import TrainRecipe
from edgefer.train.transfer import train_transfer

QUICK = TrainRecipe(
    width=4, depth=4, epochs=3, batch=32, dropout=0.1, warmup=0, precision="float32"
)


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return toy_faces(tmp_path_factory.mktemp("faces") / "set")


@pytest.fixture(scope="module")
def bundles(faces, tmp_path_factory):
    """A network that learned something, and one that did not."""
    folder = tmp_path_factory.mktemp("bundles")
    good = toy_bundle(folder / "good", toy_model(faces), faces)
    return good, toy_bundle(folder / "poor", toy_model(faces, epochs=1), faces)


def answers(bundle, faces):
    return probabilities(load_model(bundle.path("keras")), faces.take(np.arange(len(faces))))


def test_an_ensemble_answers_the_mean_and_names_its_members(bundles, faces, tmp_path):
    made = make_ensemble(bundles, faces, tmp_path / "both")
    made.verify()
    mean = (answers(bundles[0], faces) + answers(bundles[1], faces)) / 2
    np.testing.assert_allclose(answers(made, faces), mean, atol=1e-6)
    step = made.history[-1]
    assert step.recipe["member 2"] == bundles[1].digest
    assert [member["weight"] for member in step.scores["members"].values()] == [0.5, 0.5]
    val = faces.splits == "val"
    right = (mean.argmax(axis=1) == faces.targets)[val].mean()
    table = np.array(step.scores["val"]["confusion"])
    assert table.trace() / table.sum() == pytest.approx(right)


def test_weights_lean_to_the_better_network(bundles, faces, tmp_path):
    made = make_ensemble(bundles, faces, tmp_path / "both", weighted=True)
    good, poor = (member["weight"] for member in made.history[-1].scores["members"].values())
    assert good > 0.8 > poor
    mixed = good * answers(bundles[0], faces) + poor * answers(bundles[1], faces)
    np.testing.assert_allclose(answers(made, faces), mixed, atol=1e-3)


def test_weights_are_the_most_likely_ones():
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 3, 400)
    networks = [rng.dirichlet(np.ones(3), 400) for _ in range(3)]
    networks[1][np.arange(400), targets] += 0.7
    networks[1] /= networks[1].sum(axis=1, keepdims=True)

    def loss(weights):
        right = np.tensordot(weights, networks, axes=1)[np.arange(400), targets]
        return -np.log(right).mean()

    found = fit_weights(networks, targets)
    assert found.sum() == pytest.approx(1)
    assert all(loss(found) <= loss(rng.dirichlet(np.ones(3))) + 1e-9 for _ in range(300))


def test_an_ensemble_is_whole_in_int8(bundles, faces, tmp_path):
    made = make_ensemble(bundles, faces, tmp_path / "both")
    data = to_int8(load_model(made.path("keras")), faces.split("train").patches[:16])
    require_int8(audit(data))


def test_an_ensemble_of_others_labels_or_of_one_is_refused(bundles, faces, tmp_path):
    with pytest.raises(BundleError, match="is named twice"):
        make_ensemble([*bundles, bundles[0]], faces, tmp_path / "out")
    with pytest.raises(BundleError, match="two bundles or more"):
        make_ensemble(bundles[:1], faces, tmp_path / "out")
    other = toy_faces(tmp_path / "other", labels=HUFS5)
    with pytest.raises(BundleError, match="Both must be the same"):
        make_ensemble(bundles, other, tmp_path / "out")
    large = toy_faces(tmp_path / "large", size=24)
    with pytest.raises(BundleError, match="--size 16"):
        make_ensemble(bundles, large, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_ensemble_is_not_carried_over(bundles, faces, tmp_path):
    made = make_ensemble(bundles, faces, tmp_path / "both")
    with pytest.raises(EdgeferError, match="distilling it into one network first"):
        train_transfer(made, faces, QUICK, tmp_path / "out")


def test_teachers_are_asked_for_a_face_and_its_mirror_image(bundles, faces):
    few = faces.select(np.arange(5))
    first, second = (load_model(bundle.path("keras")) for bundle in bundles)
    patches = few.take(np.arange(5))
    views = [
        probabilities(model, view)
        for model in (first, second)
        for view in (patches, patches[:, :, ::-1])
    ]
    np.testing.assert_allclose(ask(bundles, few), np.mean(views, axis=0), atol=1e-5)
    softer = ask(bundles, few, 3.0)
    np.testing.assert_allclose(softer.sum(axis=1), 1, atol=1e-5)
    assert softer.max() < ask(bundles, few).max()


def test_a_student_learns_what_its_teachers_say(bundles, faces, tmp_path):
    """Its targets are the teachers' alone here: it comes to answer as they do, right or wrong."""
    deep = replace(QUICK, depth=TrainRecipe().depth)
    recipe = replace(deep, taught=1.0, epochs=12, rate=4e-3, flip=False, rotate=0.0)
    made = train_distill(bundles[:1], faces, recipe, tmp_path / "out")
    step = made.history[-1]
    assert step.stage == "train distill"
    assert step.recipe["teacher 1"] == bundles[0].digest
    assert Seen.load(made).has_faces(faces.split("train")).all()
    agree = answers(made, faces).argmax(axis=1) == answers(bundles[0], faces).argmax(axis=1)
    assert agree.mean() > 0.6


def test_a_student_that_is_not_taught_is_refused(bundles, faces, tmp_path):
    with pytest.raises(EdgeferError, match="--taught is 0"):
        train_distill(bundles, faces, QUICK, tmp_path / "out")


def test_the_commands_say_what_came_of_it(bundles, faces, tmp_path):
    paths = [str(bundle.folder) for bundle in bundles]
    both = str(tmp_path / "both")
    found = CliRunner().invoke(
        edgefer, ["train", "ensemble", *paths, "--faces", str(faces.folder), "-o", both]
    )
    assert found.exit_code == 0, found.output
    assert f"{paths[0]}: weight 0.50, train" in found.output
    small = ["-o", str(tmp_path / "small"), "--width", "4", "--epochs", "1", "--depth", "4"]
    found = CliRunner().invoke(edgefer, ["train", "distill", both, str(faces.folder), *small])
    assert found.exit_code == 0, found.output
    assert "epoch 1 of 1" in found.output
    made = Bundle.load(tmp_path / "small")
    assert made.history[-1].recipe["taught"] == 0.7
