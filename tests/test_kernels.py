# ruff: noqa: E402  (what stands after importorskip needs TensorFlow)
import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the models are made by TensorFlow")
pytestmark = pytest.mark.train

from edgefer.errors import BundleError
from edgefer.export.convert import to_float, to_int8
from edgefer.export.kernels import kernels_in, kernels_of, require_clusters, require_sparse
from edgefer.keras import keras

HALF = np.array([[0, 1, 0, 2], [0, 0, 3, 4.0]])
UNEVEN = np.array([[0, 0, 0, 1], [2, 3, 4, 0.0]])  # half zeros, but not in every four
ODD = np.ones((4, 3, 3, 1))


@pytest.mark.parametrize(
    ("sparsity", "kernels"),
    [
        ("", {"dense": ODD}),  # nothing was asked
        ("0.5", {"half": HALF, "uneven": UNEVEN}),
        ("0.6", {"half": HALF}),  # one weight of eight may be missing
        ("2:4", {"half": HALF, "left out": ODD}),
    ],
)
def test_enough_zeros_pass(sparsity, kernels):
    require_sparse(kernels, sparsity, "pruning")


@pytest.mark.parametrize(
    ("sparsity", "kernels", "words"),
    [
        ("0.75", {"half": HALF}, r"after pruning the sparsity 0.75 is missed by half \(0.50\)"),
        ("2:4", {"half": HALF, "uneven": UNEVEN}, r"2:4 is missed by uneven \(0.50\)"),
        ("0.3", {"a": ODD, "half": HALF, "b": ODD}, r"missed by a \(0.00\), b \(0.00\)"),
    ],
)
def test_layers_with_too_few_zeros_are_named(sparsity, kernels, words):
    with pytest.raises(BundleError, match=words):
        require_sparse(kernels, sparsity, "pruning")


def test_clusters_are_counted_for_the_layer_or_for_each_output():
    require_clusters({"half": HALF}, 5, "clustering", whole=True)
    require_clusters({"half": HALF}, 3, "conversion")
    with pytest.raises(BundleError, match=r"more than 4 different weights in half \(5\)"):
        require_clusters({"half": HALF}, 4, "clustering", whole=True)
    with pytest.raises(BundleError, match=r"after conversion .* 2 different weights in half \(3\)"):
        require_clusters({"half": HALF}, 2, "conversion")


def test_a_file_has_the_weights_of_the_network():
    layers = keras.layers
    given = keras.Input((16, 16, 1))
    x = layers.DepthwiseConv2D(3)(layers.Conv2D(4, 3, activation="relu", name="conv")(given))
    answer = layers.Dense(5, activation="softmax", name="dense")(layers.GlobalAveragePooling2D()(x))
    network = keras.Model(given, answer)
    rng = np.random.default_rng(0)
    for layer in (network.layers[1], network.layers[-1]):
        kernel, bias = layer.get_weights()
        kernel = rng.normal(size=kernel.shape)
        kernel.ravel()[::3] = 0
        layer.set_weights([kernel, bias + 0.1])
    found = kernels_of(network)
    assert set(found) == {"conv", "dense"}  # weights of a channel alone are not counted
    conv, dense = found["conv"], found["dense"]
    assert (conv.shape, dense.shape) == ((4, 3, 3, 1), (5, 4))
    for kernel, stored in zip((conv, dense), kernels_in(to_float(network)).values(), strict=True):
        assert np.array_equal(kernel, stored)
    patches = rng.integers(0, 256, (8, 16, 16)).astype(np.uint8)
    int8 = kernels_in(to_int8(network, patches, per_channel_dense=True))
    for kernel, stored in zip((conv, dense), int8.values(), strict=True):
        assert (stored[kernel == 0] == 0).all()
        # Each output has a scale of its own: its largest weight is 127 steps.
        for real, steps in zip(kernel, stored, strict=True):
            assert np.abs(real - steps / 127 * np.abs(real).max()).max() < np.abs(real).max() / 200
