"""The network that a device runs: normalization, scaling and dropout gone from it, folded or done.

A normalization is a factor and a shift for each channel. Behind a convolution or dense layer they
go into its weights and bias. Behind a ReLU the factor's size goes through, into the layer before,
and a 1x1 convolution of each channel alone takes the sign and the shift; it stays in its place, so
that the zeros which the next layer pads with stay zeros.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgefer.errors import BundleError
from edgefer.keras import keras, tf

from .kernels import is_weighted


@dataclass(frozen=True)
class Folded:
    """A network as a device runs it.

    Attributes
    ----------
    model : keras.Model
        Takes the patch times ``scale``, answers what the network did that it was made of.
    scale : float
        What a ``Rescaling`` at the beginning multiplied with; 1 where there was none.
    first : tuple of str
        Convolutions and dense layers that read the patch.
    """

    model: Any
    scale: float
    first: tuple[str, ...]


def folded(model: Any) -> Folded:
    """Fold the normalizations of a network; drop what only training needs.

    Parameters
    ----------
    model : keras.Model
        A functional model of one input, whose layers stand in one place each; it stays as it is.

    Raises
    ------
    BundleError
        If a layer stands where it cannot be folded; it is named.
    """
    return _Folding(model).done()


@dataclass
class _Part:
    """A layer of the new network."""

    layer: Any
    sources: list[str]
    weights: list[np.ndarray] = field(default_factory=list)


class _Folding:
    """Walks through a network, from the pixels to the answers."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.parts: dict[str, _Part] = {}
        # What stands in a layer's place: itself, or the part that it went into.
        self.place: dict[str, str] = {}
        self.readers: dict[str, int] = {}
        self.scale = 1.0
        self.pixels: set[str] = set()
        self.first: list[str] = []
        for layer in model.layers:
            for name in _sources(layer):
                self.readers[name] = self.readers.get(name, 0) + 1
        for layer in model.layers:
            if len(layer.inbound_nodes) != 1:
                raise BundleError(f"{layer.name} stands in several places: it cannot be folded.")
            self.read(layer, _sources(layer))

    def read(self, layer: Any, sources: list[str]) -> None:
        where = [self.place[name] for name in sources]
        kind = type(layer)
        if isinstance(layer, keras.layers.InputLayer):
            self.pixels.add(layer.name)
            self.add(_Part(layer, []))
        elif isinstance(layer, keras.layers.Rescaling):
            self.rescale(layer, where[0])
        elif "Dropout" in kind.__name__ or "Noise" in kind.__name__:
            self.place[layer.name] = where[0]
        elif isinstance(layer, keras.layers.BatchNormalization):
            self.normalize(layer, sources[0], where[0])
        elif _is_relu(layer):
            self.rectify(layer, sources[0], where[0])
        else:
            self.carry(layer, where)

    def add(self, part: _Part) -> None:
        self.parts[part.layer.name] = part
        self.place[part.layer.name] = part.layer.name

    def rescale(self, layer: Any, where: str) -> None:
        if where not in self.pixels or np.any(layer.offset) or np.ndim(layer.scale):
            raise BundleError(
                f"{layer.name} rescales in a way that cannot be folded. Expected is one factor and "
                "no offset, right behind the input."
            )
        self.scale *= float(layer.scale)
        self.place[layer.name] = where

    def normalize(self, layer: Any, source: str, where: str) -> None:
        factor, shift = _affine(layer)
        before = self.parts[where]
        alone = self.readers[source] == 1 and before.layer.name not in self.pixels
        kind = _activation(before.layer) if is_weighted(before.layer) else ""
        if alone and kind == "linear":
            _scale(before, factor, shift)
            self.place[layer.name] = where
            return
        if len(layer.output_shape) != 4:
            raise BundleError(
                f"{layer.name} normalizes what an activation gives to a dense layer. Build it as "
                "Dense -> BatchNormalization -> ReLU."
            )
        if alone and kind == "relu":
            # The sign is a weight that int8 has exactly, whatever the other channels'.
            _scale(before, np.abs(factor), np.zeros_like(shift))
            factor = np.sign(factor)
        each = keras.layers.DepthwiseConv2D(1, name=layer.name)
        self.add(_Part(each, [where], [factor[None, None, :, None], shift]))

    def rectify(self, layer: Any, source: str, where: str) -> None:
        before = self.parts[where].layer
        if is_weighted(before) and _activation(before) == "linear" and self.readers[source] == 1:
            before.activation = keras.activations.relu
            self.place[layer.name] = where
        else:
            self.add(_Part(keras.layers.ReLU(name=layer.name), [where]))

    def carry(self, layer: Any, where: list[str]) -> None:
        config = layer.get_config() | {"dtype": "float32"}
        weights = [np.asarray(one) for one in layer.get_weights()]
        if is_weighted(layer) and not layer.use_bias:
            config["use_bias"] = True
            weights.append(np.zeros(weights[0].shape[-1], np.float32))
        if set(where) & self.pixels:
            if isinstance(layer, keras.layers.ZeroPadding2D):
                self.pixels.add(layer.name)
            elif is_weighted(layer):
                self.first.append(layer.name)
            else:
                raise BundleError(f"{layer.name} reads the patch; expected is a convolution.")
        self.add(_Part(type(layer).from_config(config), where, weights))

    def done(self) -> Folded:
        made: dict[str, Any] = {}
        for name, part in self.parts.items():
            if not part.sources:
                made[name] = keras.Input(self.model.input_shape[1:], name=name)
                continue
            given = [made[source] for source in part.sources]
            made[name] = part.layer(given if len(given) > 1 else given[0])
            part.layer.set_weights(part.weights)
        start = self.place[self.model.input_names[0]]
        end = self.place[self.model.output_names[0]]
        model = keras.Model(made[start], made[end], name=self.model.name)
        return Folded(model, self.scale, tuple(self.first))


def _sources(layer: Any) -> list[str]:
    if isinstance(layer, keras.layers.InputLayer):
        return []
    return [tensor.node.layer.name for tensor in _tensors(layer)]


def _tensors(layer: Any) -> Iterator[Any]:
    yield from tf.nest.flatten(layer.input)


def _is_relu(layer: Any) -> bool:
    if isinstance(layer, keras.layers.ReLU):
        return layer.max_value is None and not float(layer.threshold or layer.negative_slope or 0)
    return isinstance(layer, keras.layers.Activation) and _activation(layer) == "relu"


def _activation(layer: Any) -> str:
    return str(layer.activation.__name__)


def _affine(layer: Any) -> tuple[np.ndarray, np.ndarray]:
    """Normalization as a factor and a shift: (x - mean) / sqrt(variance + eps) * gamma + beta."""
    mean, variance = (np.asarray(x, float) for x in (layer.moving_mean, layer.moving_variance))
    factor = 1 / np.sqrt(variance + layer.epsilon)
    if layer.scale:
        factor = factor * np.asarray(layer.gamma)
    shift = -mean * factor
    if layer.center:
        shift = shift + np.asarray(layer.beta)
    return factor.astype(np.float32), shift.astype(np.float32)


def _scale(part: _Part, factor: np.ndarray, shift: np.ndarray) -> None:
    """Multiply what a convolution or dense layer gives, and add to it."""
    kernel, bias = part.weights
    part.weights = [kernel * factor, bias * factor + shift]
