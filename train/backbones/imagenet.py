"""Begin with weights that were trained on ImageNet, from a file of the user's."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from edgefer.errors import EdgeferError, why
from edgefer.keras import keras

# Keras's weights want BGR less these means, in 0..255; a grey value stands in all three channels.
MEANS = np.array([103.939, 116.779, 123.68], np.float32)
FILES = {
    "resnet50": "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "vgg19": "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
}
_NAMES = (
    (re.compile(r"conv1()_conv"), "stage1_1"),
    (re.compile(r"conv(\d)_block(\d)_(\d)_conv"), "stage{}_{}_{}"),
    (re.compile(r"block(\d)_conv(\d)"), "stage{}_{}"),
)


def start_from_imagenet(model: Any, path: Path) -> None:
    """Give a network's convolutions the weights of a file for `keras.applications`.

    The colors' kernels of the first convolution are added up, the scale and the means of Keras's
    preprocessing are put into its weights, biases into the normalizations that follow. On grey
    pictures the features are those of Keras's network (but for the border of the first
    convolution); the dense layers stay as they are.

    Parameters
    ----------
    model : keras.Model
        A ``resnet50`` or ``vgg19`` of the usual width.
    path : Path
        A file without its top: `FILES` has the names under which Keras publishes them.

    Raises
    ------
    EdgeferError
        If the network or the file does not fit.
    """
    if model.name not in FILES:
        raise EdgeferError(
            f"ImageNet weights fit {' and '.join(FILES)}, not {model.name}. Leave --weights out."
        )
    made = {"resnet50": keras.applications.ResNet50, "vgg19": keras.applications.VGG19}
    source = made[model.name](include_top=False, weights=None, input_shape=(None, None, 3))
    try:
        source.load_weights(path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EdgeferError(
            f"{path} cannot be taken as the weights of {model.name}: {why(error)}. Expected is "
            f"{FILES[model.name]}."
        ) from error
    for layer in source.layers:
        if isinstance(layer, keras.layers.Conv2D):
            _carry(source, layer, model)


def _carry(source: Any, layer: Any, model: Any) -> None:
    """One convolution and its normalization."""
    pattern, ours = next(pair for pair in _NAMES if pair[0].fullmatch(layer.name))
    name = pattern.sub(lambda found: ours.format(*found.groups()), layer.name)
    kernel, bias = layer.get_weights()
    if kernel.shape[2] == len(MEANS):
        bias = bias - np.einsum("hwio,i->o", kernel, MEANS)
        kernel = 255 * kernel.sum(axis=2, keepdims=True)
    conv, norm = model.get_layer(f"{name}_conv"), model.get_layer(f"{name}_norm")
    if conv.kernel.shape != kernel.shape:
        raise EdgeferError(
            f"{name} has kernels {tuple(conv.kernel.shape)}, the ImageNet weights {kernel.shape}. "
            "Leave --width out."
        )
    conv.set_weights([kernel])
    theirs = layer.name.replace("_conv", "_bn")
    if any(other.name == theirs for other in source.layers):
        other = source.get_layer(theirs)
        gamma, beta, mean, variance = other.get_weights()
        gamma = gamma * np.sqrt((variance + norm.epsilon) / (variance + other.epsilon))
    else:
        variance, mean, beta = np.ones_like(bias), np.zeros_like(bias), np.zeros_like(bias)
        gamma = np.sqrt(variance + norm.epsilon)
    norm.set_weights([gamma, beta, mean - bias, variance])
