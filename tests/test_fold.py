# ruff: noqa: E402  (what stands after importorskip needs TensorFlow)
import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="networks are built by TensorFlow")
pytestmark = pytest.mark.train

from edgefer.errors import BundleError
from edgefer.export.fold import folded
from edgefer.keras import keras, probabilities
from edgefer.plugins import resolve
from edgefer.train.backbones import BACKBONES

L = keras.layers


def shaken(model):
    """The network with normalizations that do something, of both signs."""
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, L.BatchNormalization):
            shape = layer.get_weights()[0].shape
            parts = rng.normal(0.3, 1, shape), *rng.normal(0, 0.3, (2, *shape))
            layer.set_weights([*parts, rng.uniform(0.5, 2, shape)])
    return model


def network(*layers):
    given = x = keras.Input((12, 12, 1))
    for layer in layers:
        x = layer(x)
    return keras.Model(given, x)


def kinds(model):
    return {type(layer).__name__ for layer in model.layers}


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("vgg", set()),
        ("vgg_hufs_gap", {"DepthwiseConv2D"}),
        ("resnet50", {"ZeroPadding2D", "Add", "ReLU", "Flatten"}),
    ],
)
def test_a_backbone_answers_as_before(name, left):
    model = shaken(resolve(name, BACKBONES)(7, 36, width=2))
    patches = np.random.default_rng(1).integers(0, 256, (6, 36, 36)).astype(np.uint8)
    found = folded(model)
    after = found.model.predict_on_batch(patches[..., None] * np.float32(found.scale))
    np.testing.assert_allclose(after, probabilities(model, patches), atol=2e-5)
    assert (found.scale, found.first) == (1 / 255, ("stage1_1_conv",))
    plain = {"InputLayer", "Conv2D", "MaxPooling2D", "GlobalAveragePooling2D", "Dense"}
    assert kinds(found.model) - plain == left


def test_a_normalization_behind_a_branch_keeps_its_place():
    given = keras.Input((12, 12, 1))
    x = L.Conv2D(4, 3, padding="same", name="conv")(given)
    both = L.Add()([L.BatchNormalization(name="norm")(x), x])
    model = shaken(keras.Model(given, L.Dense(3, activation="softmax")(L.Flatten()(both))))
    patches = np.random.default_rng(1).uniform(0, 1, (6, 12, 12, 1)).astype(np.float32)
    after = folded(model).model.predict_on_batch(patches)
    np.testing.assert_allclose(after, model.predict_on_batch(patches), atol=1e-5)


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ([L.Rescaling(1 / 127.5, -1, name="shifted"), L.Conv2D(2, 3)], "shifted rescales in a way"),
        ([L.Conv2D(2, 3), L.Rescaling(2.0, name="late")], "late rescales in a way"),
        ([L.MaxPooling2D(name="early"), L.Conv2D(2, 3)], "early reads the patch"),
        (
            [L.Flatten(), L.Dense(4, activation="relu"), L.BatchNormalization(name="norm")],
            "flatten.* reads the patch",
        ),
        (
            [L.Conv2D(2, 3), L.Flatten(), L.Dense(4, "relu"), L.BatchNormalization(name="norm")],
            "norm normalizes what an activation gives",
        ),
        ([layer := L.Conv2D(1, 3, name="twice"), layer], "twice stands in several places"),
    ],
)
def test_what_cannot_be_folded_is_named(layers, words):
    with pytest.raises(BundleError, match=words):
        folded(network(*layers))
