# ruff: noqa: E402  (what stands after importorskip needs TensorFlow)
import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="rounding needs TensorFlow")
pytestmark = pytest.mark.train

from edgefer.export.convert import to_int8
from edgefer.export.kernels import kernels_in
from edgefer.export.rounding import round_first
from edgefer.keras import keras
from edgefer.train.backbones.vgg_hufs import vgg_hufs


@pytest.fixture(scope="module")
def patches(faces):
    return faces.split("train").patches


def wide(side):
    """A network that reads the pixels through filters with more weights than can all be tried."""
    given = keras.Input((side, side, 1))
    x = keras.layers.Rescaling(1 / 255)(given)
    x = keras.layers.Conv2D(4, 5, use_bias=False, name="first")(x)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization(name="norm")(x))
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(given, keras.layers.Dense(7, activation="softmax")(x))


def first(model):
    """Weights that read the pixels, (filters, weights)."""
    layer = next(each for each in model.layers if isinstance(each, keras.layers.Conv2D))
    kernel = layer.kernel.numpy()
    return layer, kernel.reshape(-1, kernel.shape[-1]).T


def nearest(model):
    """The same network with every first weight at the nearest place of the grid."""
    other = model.__class__.from_config(model.get_config())
    other.set_weights(model.get_weights())
    layer, filters = first(other)
    steps = np.abs(filters).max(axis=1, keepdims=True) / 127
    layer.kernel.assign((np.round(filters / steps) * steps).T.reshape(layer.kernel.shape))
    return other


def given(model, name, patches):
    """What a layer gives, the filters last."""
    seen = keras.Model(model.input, model.get_layer(name).output)
    numbers = seen.predict_on_batch(patches[..., None].astype(np.float32))
    return numbers.reshape(-1, numbers.shape[-1]).astype(np.float64)


def test_every_weight_is_on_the_grid_of_its_filter_and_next_to_what_it_was(model, patches):
    _, before = first(model)
    _, after = first(round_first(model, patches))
    steps = np.abs(before).max(axis=1, keepdims=True) / 127
    places = after / steps
    assert np.abs(places - np.round(places)).max() < 1e-3
    assert (np.abs(after - before) < steps * 1.001).all()
    assert np.abs(after).max(axis=1) == pytest.approx(np.abs(before).max(axis=1), rel=1e-6)
    assert (places.round() != (before / steps).round()).any()


@pytest.mark.parametrize("kind", ["nine weights", "twenty-five weights"])
def test_what_the_filters_give_varies_less_than_with_the_nearest_weights(model, patches, kind):
    whole = model if kind == "nine weights" else wide(patches.shape[1])
    layer, _ = first(whole)
    meant = given(whole, layer.name, patches)
    chosen, plain = (
        (given(each, layer.name, patches) - meant).std(axis=0)
        for each in (round_first(whole, patches), nearest(whole))
    )
    assert (chosen <= plain * 1.001).all()
    assert chosen.mean() < 0.8 * plain.mean()


@pytest.mark.parametrize("kind", ["normalization", "bias"])
def test_the_mean_is_taken_back(model, patches, kind):
    keras.utils.set_random_seed(5)
    whole = model
    if kind == "bias":
        patches = np.repeat(np.repeat(patches[:40], 3, axis=1), 3, axis=2)
        whole = vgg_hufs(7, patches.shape[1], width=4)
    layer, _ = first(whole)
    name = "stage1_1_norm" if kind == "normalization" else layer.name
    meant = given(whole, name, patches).mean(axis=0)
    made = given(round_first(whole, patches), name, patches).mean(axis=0)
    assert made == pytest.approx(meant, abs=1e-3 * np.abs(meant).max())


def test_the_file_holds_the_weights_that_were_chosen(model, patches):
    rounded = round_first(model, patches)
    _, filters = first(rounded)
    steps = np.abs(filters).max(axis=1, keepdims=True) / 127
    stored = next(iter(kernels_in(to_int8(rounded, patches)).values())).reshape(filters.shape)
    # Where a normalization's factor is negative, so is every weight that it is folded into.
    signs = np.sign((stored * filters).sum(axis=1, keepdims=True))
    assert (stored == signs * np.round(filters / steps)).all()


def test_zeros_stay_zeros_and_the_network_stays_as_it_was(model, patches):
    thin = model.__class__.from_config(model.get_config())
    thin.set_weights(model.get_weights())
    layer, _ = first(thin)
    kernel = layer.kernel.numpy()
    kernel[0, 0, :, ::2], kernel[:, :, :, 1] = 0, 0
    layer.kernel.assign(kernel)
    before = thin.get_weights()
    _, after = first(round_first(thin, patches))
    assert (after.T.reshape(kernel.shape)[kernel == 0] == 0).all()
    assert all((a == b).all() for a, b in zip(before, thin.get_weights(), strict=True))
