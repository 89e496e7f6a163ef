"""A bundle's model as the device uses it: fits the bundle, or is refused."""

import numpy as np
import pytest
from tiny_tflite import LABELS, SIZE, band, tiny_bundle, tiny_tflite

from edgefer.edge.classifier import Classifier
from edgefer.errors import BundleError

pytestmark = pytest.mark.edge


@pytest.fixture
def bundle(tmp_path):
    return tiny_bundle(tmp_path / "parts")


@pytest.mark.parametrize("role", ["int8", "float"])
def test_both_models_of_a_bundle_answer_in_its_labels(bundle, role):
    classifier = Classifier(bundle, role)
    answers = classifier(np.stack([band(0), band(1), band(2)]))
    assert classifier.labels == LABELS
    assert answers.argmax(axis=1).tolist() == [0, 1, 2]


def test_no_faces_give_no_answers(bundle):
    answers = Classifier(bundle)(np.zeros((0, SIZE, SIZE), np.uint8))
    assert answers.shape == (0, 3)


@pytest.mark.parametrize(
    "patches",
    [
        np.zeros((1, SIZE, SIZE), np.float32),
        np.zeros((1, 2 * SIZE, 2 * SIZE), np.uint8),
        np.zeros((SIZE, SIZE), np.uint8),
    ],
    ids=["float", "size", "one"],
)
def test_what_is_no_stack_of_patches_is_a_mistake(bundle, patches):
    with pytest.raises(ValueError, match="expected uint8"):
        Classifier(bundle)(patches)


@pytest.mark.parametrize(
    "model",
    [tiny_tflite(np.uint8, size=24), tiny_tflite(np.uint8, classes=4)],
    ids=["size", "classes"],
)
def test_a_model_that_is_not_the_labels_or_size_of_its_bundle_is_refused(tmp_path, model):
    bundle = tiny_bundle(tmp_path / "parts", int8=model)
    with pytest.raises(BundleError, match="the bundle says 12 pixels and 3: happy, sad, neutral"):
        Classifier(bundle)


def test_a_changed_model_never_reaches_the_runtime(bundle):
    path = bundle.folder / "int8.tflite"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(BundleError, match=r"int8\.tflite was changed"):
        Classifier(bundle)
