"""Where in a face a network looks for an emotion."""

from typing import Any

import cv2
import numpy as np

from edgefer.keras import keras, tf


def heat_maps(model: Any, patches: np.ndarray, emotions: np.ndarray) -> np.ndarray | None:
    """How much each place of a face speaks for an emotion.

    Grad-CAM of Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via
    Gradient-based Localization", ICCV 2017: the last convolution's maps, each weighted by the mean
    gradient of the emotion's score before the softmax; what is negative is cut off.

    Parameters
    ----------
    model : keras.Model
        As a `Backbone` builds it.
    patches : ndarray of uint8, shape (N, S, S)
    emotions : ndarray of int, shape (N,)
        The class asked about, for each face.

    Returns
    -------
    ndarray of float32, shape (N, S, S), or None
        0 to 1 in each face, all 0 where nothing speaks for it. None for a network without
        convolutions of its own, such as an ensemble.
    """
    found = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    if not found:
        return None
    # What normalization and activation make of the last convolution, before any more pooling.
    sides = found[-1].output.shape[1:3]
    maps = [
        layer.output
        for layer in model.layers
        if len(layer.output.shape) == 4 and layer.output.shape[1:3] == sides
    ]
    both = keras.Model(model.inputs, [maps[-1], _scores(model)])
    parts = [
        _maps(both, patches[i : i + 128], emotions[i : i + 128])
        for i in range(0, len(patches), 128)
    ]
    return np.concatenate(parts)


def _scores(model: Any) -> Any:
    """What the softmax is taken of: a sure answer's probability has no gradient left."""
    last = model.layers[-1]
    if not isinstance(last, keras.layers.Dense):
        return last.input
    linear = keras.layers.Dense.from_config({**last.get_config(), "activation": "linear"})
    scores = linear(last.input)
    linear.set_weights(last.get_weights())
    return scores


def _maps(both: Any, patches: np.ndarray, emotions: np.ndarray) -> np.ndarray:
    faces = tf.constant(patches[..., None], tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(faces)
        maps, scores = both(faces, training=False)
        wanted = tf.gather(scores, emotions[:, None], batch_dims=1)
    weights = tf.reduce_mean(tape.gradient(wanted, maps), axis=(1, 2), keepdims=True)
    small = tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1)).numpy()
    size = patches.shape[1:]
    large = np.stack([cv2.resize(each, size, interpolation=cv2.INTER_CUBIC) for each in small])
    large = np.maximum(large, 0)
    return np.asarray(large / np.maximum(large.max(axis=(1, 2), keepdims=True), 1e-12), np.float32)
