# ruff: noqa: E402  (what stands after importorskip needs TensorFlow)
"""What edgefer export will not write, through the real command: one line, and no bundle."""

import numpy as np
import pytest
from click.testing import CliRunner
from toys import SIZE, toy_bundle, toy_face, toy_faces

pytest.importorskip("tensorflow", reason="export needs TensorFlow")
pytestmark = pytest.mark.train

from edgefer.cli import edgefer
from edgefer.errors import EdgeferError
from edgefer.export.calibration import make_calibration
from edgefer.faceset import FaceSet
from edgefer.facewriter import write_faceset
from edgefer.keras import keras
from edgefer.labels import FER7, labels_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("refusals")


@pytest.fixture(scope="module")
def faces(folder):
    return toy_faces(folder / "faces")


@pytest.fixture(scope="module")
def calibration(folder, faces):
    return make_calibration(faces, folder / "calibration", per_emotion=4)


def bundle_of(folder, faces, activation):
    """A network of one convolution with this activation."""
    layers = keras.layers
    given = x = keras.Input((SIZE, SIZE, 1))
    for layer in (
        layers.Conv2D(4, 3),
        activation,
        layers.GlobalAveragePooling2D(),
        layers.Dense(7, activation="softmax"),
    ):
        x = layer(x)
    return toy_bundle(folder, keras.Model(given, x), faces)


@pytest.fixture(scope="module")
def trained(folder, faces):
    return bundle_of(folder / "trained", faces, keras.layers.ReLU())


@pytest.fixture
def refused(tmp_path, trained):
    """Type edgefer export; the error that ends it with 1, and no bundle is written."""

    def export(calibration, *options, bundle=trained):
        out = tmp_path / "out"
        typed = [bundle.folder, "--int8", "--calib", calibration, "-o", out, *options]
        result = CliRunner().invoke(edgefer, ["export", *map(str, typed)])
        assert isinstance(result.exception, EdgeferError)  # one line, and exit status 1
        assert not out.exists()
        return str(result.exception)

    return export


def written(out, patches, *, labels=FER7, emotion="happy"):
    with write_faceset(out, labels, SIZE, source="a test") as writer:
        for patch in patches:
            writer.add(patch, emotion, split="train")
    return FaceSet.load(out).folder


def test_an_operator_that_stays_in_float_is_named(folder, faces, calibration, refused):
    bundle = bundle_of(folder / "elu", faces, keras.layers.ELU(name="bend"))
    said = refused(calibration.folder, bundle=bundle)
    assert "the int8 model is not whole" in said
    assert "ELU (float32) of bend" in said


def test_noise_is_refused(tmp_path, refused):
    noise = np.random.default_rng(0).integers(0, 256, (30, SIZE, SIZE)).astype(np.uint8)
    assert "looks like noise" in refused(written(tmp_path / "noise", noise))


def smooth(count):
    rng = np.random.default_rng(1)
    return [toy_face(3, rng) for _ in range(count)]


def test_faces_of_one_emotion_are_refused(tmp_path, refused):
    said = refused(written(tmp_path / "happy", smooth(30)))
    assert "are happy. int8 takes its ranges from these faces" in said
    assert "edgefer calib FACESET" in said


def test_faces_without_emotions_are_refused(tmp_path, refused):
    labels = labels_of("people", "face")
    folder = written(tmp_path / "people", smooth(30), labels=labels, emotion="face")
    assert "has no other label: they may show one emotion only" in refused(folder)


def test_faces_that_judge_the_model_are_refused(tmp_path, faces, refused):
    shared = written(tmp_path / "shared", faces.split("val").patches)
    said = refused(shared, "--sparsity", "0.5", "--faces", faces.folder)
    assert "shares 42 faces with the val split" in said
    assert "which judges the model" in said


def test_a_split_that_judges_is_refused_by_itself(faces, refused):
    assert "faces of the splits val and test, which judge the model" in refused(faces.folder)
