"""Round the weights that read the pixels so that what they give changes least.

A patch's pixels are 0..255 and bright on the whole, so the first convolution adds up rounding
errors of one sign times large numbers: of all that rounding weights costs the packaged network, it
costs most there. Each weight may go up or down. With δ what rounding adds to the weights of a
filter, and C the covariance of the pixels under it, the error of what the filter gives varies by
δᵀCδ; its mean is taken back by the bias, which has 32 bits.

Source: Nagel et al., "Up or Down? Adaptive Rounding for Post-Training Quantization", ICML 2020; of
nine weights all 512 ways are tried here.
"""

from itertools import product
from typing import Any

import numpy as np

from edgefer.keras import keras, tf

from .channels import Network

_MOST = 127  # the largest weight of a filter in int8
_TRIED = 12  # weights of which every way to round them is tried
_BATCH = 16


def round_first(model: Any, patches: np.ndarray) -> Any:
    """Same network with the weights that read the pixels on the grid of int8.

    Parameters
    ----------
    model : keras.Model
        It stays as it is.
    patches : ndarray of uint8, shape (N, S, S)
        Calibration faces.

    Returns
    -------
    keras.Model
        Zeros stay zeros, and the largest weight of each filter stays: by it the converter scales
        the filter, so that it finds the weights chosen here on its grid.
    """
    network = Network.of(model)
    rounded = model.__class__.from_config(model.get_config())
    rounded.set_weights(model.get_weights())
    for name in network.channels[0].readers:
        layer = rounded.get_layer(name)
        if isinstance(layer, keras.layers.Conv2D):
            _round(rounded, layer, network, patches)
    return rounded


def _round(model: Any, layer: Any, network: Network, patches: np.ndarray) -> None:
    kernel = layer.kernel.numpy()
    filters = kernel.reshape(-1, kernel.shape[-1]).T.astype(np.float64)
    mean, squares = _moments(model, layer, patches)
    shifted = _mean_of(model, layer, network)
    # Where nothing can take the mean of the error back, it is an error like the rest.
    cost = squares - np.outer(mean, mean) if shifted is not None else squares
    made = np.array([_nearest(weights, cost) for weights in filters])
    layer.kernel.assign(made.T.reshape(kernel.shape).astype(np.float32))
    if shifted is not None:
        values, sign = shifted
        values.assign(values.numpy() + sign * ((made - filters) @ mean))


def _mean_of(model: Any, layer: Any, network: Network) -> tuple[Any, int] | None:
    """What a shift of a layer's numbers can be taken back in, and the sign to do it with."""
    if layer.use_bias:
        return layer.bias, -1
    norms = [name for each in network.channels if layer.name in each.makers for name in each.norms]
    return (model.get_layer(norms[0]).moving_mean, 1) if norms else None


def _moments(model: Any, layer: Any, patches: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (n,) and mean products (n, n) of the numbers under a filter."""
    before = keras.Model(model.input, layer.input)
    rows, columns = layer.kernel_size
    count, total, squares = 0, 0.0, 0.0
    for start in range(0, len(patches), _BATCH):
        faces = patches[start : start + _BATCH, ..., None].astype(np.float32)
        seen = tf.image.extract_patches(
            before.predict_on_batch(faces),
            [1, rows, columns, 1],
            [1, *layer.strides, 1],
            [1, *layer.dilation_rate, 1],
            layer.padding.upper(),
        ).numpy()
        under = seen.reshape(-1, seen.shape[-1]).astype(np.float64)
        count += len(under)
        total = total + under.sum(axis=0)
        squares = squares + under.T @ under
    return np.asarray(total / count), np.asarray(squares / count)


def _nearest(weights: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """Weights on the grid of their largest, each rounded up or down."""
    step = np.abs(weights).max() / _MOST
    if step == 0:
        return weights
    exact = weights / step
    rounded = np.round(exact)
    free = np.flatnonzero(np.abs(exact - rounded) > 1e-6)
    if len(free) > _TRIED:
        return _descended(exact, rounded, free, cost) * step
    ups = np.array(list(product((0, 1), repeat=len(free))), np.float64)
    errors = np.tile(rounded - exact, (len(ups), 1))
    errors[:, free] = (np.floor(exact) - exact)[free] + ups
    costs = np.einsum("ki,ij,kj->k", errors, cost, errors)
    return np.round(exact + errors[costs.argmin()]) * step


def _descended(
    exact: np.ndarray, rounded: np.ndarray, free: np.ndarray, cost: np.ndarray
) -> np.ndarray:
    """One weight after the other goes to its other side, as long as that helps."""
    low, rounded = np.floor(exact), rounded.copy()
    while True:
        turns = np.where(rounded[free] > low[free], -1.0, 1.0)
        gains = 2 * turns * (cost[free] @ (rounded - exact)) + np.diag(cost)[free]
        best = gains.argmin()
        if gains[best] >= -1e-9:
            return rounded
        rounded[free[best]] += turns[best]
