# ruff: noqa: E402  (what stands after importorskip needs TensorFlow)
import numpy as np
import pytest
from toys import taught, toy_model

pytest.importorskip("tensorflow", reason="equalization needs TensorFlow")
pytestmark = pytest.mark.train

from collapses import collapsed, residual

from edgefer.export.check import Check, answers
from edgefer.export.convert import to_int8
from edgefer.export.equalize import equalize, spread
from edgefer.keras import keras, probabilities
from edgefer.train.backbones.vgg_hufs import vgg_hufs

WAYS = {
    "vgg": ("stage2_1_norm", ("stage3_1_conv",)),
    "vgg, without pooling between": ("stage4_1_norm", ("stage4_2_conv",)),
    "residual": ("stage2_2_1_norm", ("stage2_2_2_conv",)),
    "residual, before two readers": ("stage1_1_norm", ("stage2_1_0_conv", "stage2_1_1_conv")),
}


@pytest.fixture(scope="module")
def models(faces):
    return {"vgg": toy_model(faces), "residual": taught(residual(7, faces.size), faces)}


def agreement(model, faces):
    """Share of faces that a network answers in int8 as it does in float."""
    made = to_int8(model, faces.split("train").patches)
    return Check.of(probabilities(model, faces.patches), answers(made, faces.patches)).agreement


@pytest.mark.parametrize("way", WAYS)
def test_a_network_that_collapses_in_int8_is_cured(models, faces, way):
    norm, readers = WAYS[way]
    broken = collapsed(models[way.partition(",")[0]], norm, readers)
    assert agreement(broken, faces) < 0.6
    assert agreement(equalize(broken, faces.split("train").patches), faces) > 0.95


@pytest.mark.parametrize("name", ["vgg", "residual"])
def test_float_answers_stay(models, faces, name):
    model, before = models[name], models[name].get_weights()
    equal = equalize(model, faces.patches)
    apart = np.abs(probabilities(model, faces.patches) - probabilities(equal, faces.patches))
    assert apart.max() < 1e-4
    assert any((a != b).any() for a, b in zip(before, equal.get_weights(), strict=True))
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


def test_numbers_come_nearer_to_each_other(models, faces):
    broken = collapsed(models["vgg"], *WAYS["vgg"])
    before = spread(broken, faces.patches)
    after = spread(equalize(broken, faces.patches, strength=1.0), faces.patches)
    assert before["stage2_1_conv"] > 100
    assert max(after.values()) == pytest.approx(1, rel=1e-3)


def test_a_flattened_network_with_biases_stays_the_same():
    keras.utils.set_random_seed(3)
    rng = np.random.default_rng(4)
    model = vgg_hufs(7, 48, width=4)
    # Fresh biases and normalizations are all zeros and ones.
    model.set_weights([w + rng.uniform(0, 0.05, w.shape) for w in model.get_weights()])
    patches = rng.integers(0, 256, (9, 48, 48), np.uint8)
    equal = equalize(model, patches)
    apart = np.abs(probabilities(model, patches) - probabilities(equal, patches))
    assert apart.max() < 1e-4
    assert (model.get_layer("dense1").kernel != equal.get_layer("dense1").kernel).numpy().any()


def test_a_channel_that_is_always_zero_stays(models, faces):
    dead = collapsed(models["vgg"], *WAYS["vgg"], factor=1.0)
    norm = dead.get_layer("stage2_1_norm")
    off = np.where(np.arange(norm.gamma.shape[0]) == 2, 0.0, 1.0)
    norm.gamma.assign(norm.gamma * off)
    norm.beta.assign(norm.beta * off)
    equal = equalize(dead, faces.patches)
    assert all(np.isfinite(weights).all() for weights in equal.get_weights())
    kernels = (each.get_layer("stage3_1_conv").kernel.numpy()[:, :, 2] for each in (dead, equal))
    before, after = (np.abs(kernel) > 0 for kernel in kernels)
    assert (before == after).all()


def test_a_network_whose_activations_have_a_ceiling_is_left_alone(faces):
    given = keras.Input((16, 16, 1))
    x = keras.layers.Conv2D(8, 3)(given)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.ReLU(6.0)(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(given, keras.layers.Dense(7, activation="softmax")(x))
    equal = equalize(model, faces.patches)
    assert all(
        (a == b).all() for a, b in zip(model.get_weights(), equal.get_weights(), strict=True)
    )
