"""Share out the range of numbers among a network's channels before it is quantized."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgefer.errors import BundleError
from edgefer.keras import keras, probabilities

from .channels import Channels, Network

# Equal in exact arithmetic; 1e-6 was the most on the packaged networks.
_SAME = 1e-3
_BATCH = 128


def equalize(model: Any, patches: np.ndarray, *, strength: float = 0.75) -> Any:
    """Same network, its channels scaled so that one int8 scale serves all of them better.

    A convolution's numbers share one scale in int8: a channel that is a thousand times larger than
    the others leaves them nothing. As ReLU and pooling let a positive factor through, channel i can
    be divided by s(i) where it is made, its normalization, if its readers' weights are multiplied
    by s(i). With a(i) the largest number that the channel showed on the faces and w(i) the largest
    weight that reads it, s(i) = a(i)^strength / w(i)^(1 - strength), relative to the median.

    Sources: Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction",
    ICCV 2019; with activations instead of the maker's weights, which have a scale for each channel
    here, as in Xiao et al., "SmoothQuant", ICML 2023.

    Parameters
    ----------
    model : keras.Model
        It stays as it is.
    patches : ndarray of uint8, shape (N, S, S)
        Calibration faces.
    strength : float
        1 makes all channels' numbers equally large, 0 all weights that read them.

    Returns
    -------
    keras.Model
        Answers as before, but for rounding; a network without channels to scale comes back as a
        copy.

    Raises
    ------
    BundleError
        If its answers differ by more than rounding, which would be a mistake here.
    """
    groups = [each for each in Network.of(model).channels if _can_scale(model, each)]
    ranges = _ranges(model, groups, patches)
    equal = model.__class__.from_config(model.get_config())
    equal.set_weights(model.get_weights())
    for group, largest in zip(groups, ranges, strict=True):
        _rescale(equal, group, _factors(equal, group, largest, strength))
    apart = float(np.abs(probabilities(model, patches) - probabilities(equal, patches)).max())
    if not apart <= _SAME:
        raise BundleError(
            f"equalized, the network's probabilities are up to {apart:.4f} from what they were, "
            f"expected {_SAME} at most: it cannot be equalized. Try: --rung int8."
        )
    return equal


def spread(model: Any, patches: np.ndarray) -> Mapping[str, float]:
    """By the name of the first maker, how unequal channels are: the largest number over the median.

    A thousand means that most channels have a quarter of one step of int8's range.
    """
    groups = [each for each in Network.of(model).channels if each.makers and each.readers]
    found = {}
    for group, largest in zip(groups, _ranges(model, groups, patches), strict=True):
        alive = largest[largest > 0]
        found[group.name] = float(alive.max() / np.median(alive)) if len(alive) else 1.0
    return found


def _can_scale(model: Any, group: Channels) -> bool:
    """Whether a factor can be put in where the channels are made and taken out where read."""
    if group.fixed or not group.scalable or not group.readers:
        return False
    layers = [model.get_layer(name) for name in group.scalers]
    norms = [each for each in layers if isinstance(each, keras.layers.BatchNormalization)]
    return all(each.scale and each.center for each in norms)


def _ranges(model: Any, groups: list[Channels], patches: np.ndarray) -> list[np.ndarray]:
    """Largest number of each channel that its readers take, of each group float (width,)."""
    reads = [[model.get_layer(name).input for name in group.readers] for group in groups]
    if not groups:
        return []
    seen = keras.Model(model.input, reads)
    found = [np.zeros(group.width) for group in groups]
    for start in range(0, len(patches), _BATCH):
        faces = patches[start : start + _BATCH, ..., None].astype(np.float32)
        for i, (group, parts) in enumerate(zip(groups, seen.predict_on_batch(faces), strict=True)):
            for part in parts if isinstance(parts, list) else [parts]:
                # Behind a Flatten channel c stands at c, c + width, ...
                rows = np.abs(part.reshape(-1, group.width)).max(axis=0)
                found[i] = np.maximum(found[i], rows)
    return found


def _factors(model: Any, group: Channels, largest: np.ndarray, strength: float) -> np.ndarray:
    """What to divide each channel by, float (width,); a channel that is always 0 stays."""
    weights = np.max([_reading(model, name, group.width) for name in group.readers], axis=0)
    alive = (largest > 0) & (weights > 0)
    factors = np.ones(group.width)
    if alive.any():
        wanted = largest[alive] ** strength / weights[alive] ** (1 - strength)
        factors[alive] = wanted / np.median(wanted)
    return factors


def _reading(model: Any, name: str, width: int) -> np.ndarray:
    """Largest weight with which a layer reads each channel, float (width,)."""
    kernel = np.abs(model.get_layer(name).kernel.numpy())
    return kernel.max(axis=-1).reshape(-1, width).max(axis=0)


def _rescale(model: Any, group: Channels, factors: np.ndarray) -> None:
    """Divide the channels where they are made, multiply the weights that read them."""
    for name in group.scalers:
        layer = model.get_layer(name)
        norm = isinstance(layer, keras.layers.BatchNormalization)
        parts = [layer.gamma, layer.beta] if norm else [layer.kernel, layer.bias]
        # A layer without bias has None there.
        for part in filter(lambda each: each is not None, parts):
            part.assign(part.numpy() / factors)
    for name in group.readers:
        kernel = model.get_layer(name).kernel
        shape = kernel.shape
        rows = kernel.numpy().reshape(-1, group.width, shape[-1]) * factors[:, None]
        kernel.assign(rows.reshape(shape))
