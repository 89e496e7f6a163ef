"""Which channels of a network stand or fall together, and what each layer costs.

A convolution makes channels; normalization, ReLU, pooling and dropout hand them on; the next
convolutions and dense layers read them; an addition ties those of both its sides to each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgefer.keras import keras, tf

# What hands channels on as they are: a positive factor before it is a factor behind it.
_PASS = (
    keras.layers.ReLU,
    keras.layers.MaxPooling2D,
    keras.layers.AveragePooling2D,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalMaxPooling2D,
    keras.layers.ZeroPadding2D,
    keras.layers.Dropout,
    keras.layers.SpatialDropout2D,
    keras.layers.Flatten,
    keras.layers.Rescaling,
)
_HOMOGENEOUS = ("linear", "relu")


@dataclass
class Channels:
    """Channels that stand or fall together.

    Attributes
    ----------
    width : int
        How many.
    makers : list of str
        Convolutions and dense layers that give them.
    norms : list of str
        Normalizations that they pass.
    readers : dict of str to int
        Convolutions and dense layers that take them, with how many numbers of each channel they
        take: more than 1 behind a Flatten, where channel c stands at c, c + width, ...
    scalers : list of str
        For each way in, the last layer with weights: the normalization, else the maker. Their
        outputs times s and the readers' weights by s leave the network's answers as they are.
    fixed : bool
        The network's pixels or answers, or read by a layer that is not known here: not to be cut.
    scalable : bool
        Whether a positive factor goes through unharmed.
    """

    width: int
    makers: list[str] = field(default_factory=list)
    norms: list[str] = field(default_factory=list)
    readers: dict[str, int] = field(default_factory=dict)
    scalers: list[str] = field(default_factory=list)
    fixed: bool = False
    scalable: bool = True

    @property
    def name(self) -> str:
        """The first layer that makes them."""
        return self.makers[0] if self.makers else "faces"


@dataclass(frozen=True)
class Cost:
    """Multiplications of one layer: ``each`` times the channels it reads times those it makes.

    Attributes
    ----------
    layer : str
        A convolution or dense layer.
    each : int
        Kernel size times output pixels, or how many numbers of each channel a dense layer takes.
    reads, makes : int
        Positions in `Network.channels`.
    """

    layer: str
    each: int
    reads: int
    makes: int


@dataclass(frozen=True)
class Network:
    """The channels of a network and the cost of its layers.

    Attributes
    ----------
    channels : tuple of Channels
        In the order of the network.
    costs : tuple of Cost
        In the order of the network.
    """

    channels: tuple[Channels, ...]
    costs: tuple[Cost, ...]

    @classmethod
    def of(cls, model: Any) -> "Network":
        """Read a Keras model of one input and one output."""
        return _Reader(model).network()

    def macs(self, widths: Mapping[int, int] | None = None) -> int:
        """Multiplications for one face; with other widths, by position, where they are given."""
        wide = {i: one.width for i, one in enumerate(self.channels)} | dict(widths or {})
        return sum(cost.each * wide[cost.reads] * wide[cost.makes] for cost in self.costs)


class _Reader:
    """Walks through a network, from the pixels to the answers."""

    def __init__(self, model: Any) -> None:
        self.found: list[Channels] = []
        self.merged: dict[int, int] = {}
        # Behind each layer: its channels, numbers of each, and the last layers with weights.
        self.at: dict[str, tuple[int, int, list[str]]] = {}
        self.costs: list[tuple[str, int, int, int]] = []
        for layer in model.layers:
            self.read(layer)
        for name in model.output_names:
            self.channels(name).fixed = True

    def network(self) -> Network:
        """What was found, without the channels that were merged into others."""
        roots = [i for i in range(len(self.found)) if i not in self.merged]
        place = {root: position for position, root in enumerate(roots)}
        return Network(
            tuple(self.found[root] for root in roots),
            tuple(
                Cost(name, each, place[self.root(reads)], place[self.root(makes)])
                for name, each, reads, makes in self.costs
            ),
        )

    def root(self, i: int) -> int:
        while i in self.merged:
            i = self.merged[i]
        return i

    def channels(self, name: str) -> Channels:
        """Channels behind a layer."""
        return self.found[self.root(self.at[name][0])]

    def read(self, layer: Any) -> None:
        before = [tensor.node.layer.name for tensor in tf.nest.flatten(layer.input)]
        once = len(layer.inbound_nodes) == 1
        if isinstance(layer, keras.layers.InputLayer):
            self.new(layer).fixed = True
        elif once and isinstance(layer, keras.layers.Conv2D | keras.layers.Dense):
            self.weigh(layer, before[0])
        elif once and isinstance(layer, keras.layers.BatchNormalization):
            self.normalize(layer, before[0])
        elif once and isinstance(layer, keras.layers.Add):
            self.tie(layer, before)
        elif once and (isinstance(layer, _PASS) or _is_activation(layer)):
            self.hand_on(layer, before[0])
        else:
            # What is not known here may do anything to its channels.
            for name in before:
                self.channels(name).fixed = True
                self.channels(name).scalable = False
            self.new(layer).fixed = True

    def new(self, layer: Any) -> Channels:
        (shape, *_) = (
            layer.output_shape if isinstance(layer.output_shape, list) else [layer.output_shape]
        )
        self.at[layer.name] = (len(self.found), 1, [])
        self.found.append(Channels(int(shape[-1])))
        return self.found[-1]

    def weigh(self, layer: Any, before: str) -> None:
        """A convolution or dense layer reads channels and makes others."""
        read, repeats = self.channels(before), self.at[before][1]
        read.readers[layer.name] = repeats
        read.scalers += [name for name in self.at[before][2] if name not in read.scalers]
        made = self.new(layer)
        made.makers.append(layer.name)
        made.scalable = layer.activation.__name__ in _HOMOGENEOUS
        self.at[layer.name] = (self.at[layer.name][0], 1, [layer.name])
        if isinstance(layer, keras.layers.Conv2D):
            each = int(np.prod(layer.kernel_size) * np.prod(layer.output_shape[1:3]))
            if layer.groups > 1:
                read.fixed = made.fixed = True
        else:
            each = repeats
        self.costs.append((layer.name, each, self.at[before][0], self.at[layer.name][0]))

    def normalize(self, layer: Any, before: str) -> None:
        channels, (where, repeats, last) = self.channels(before), self.at[before]
        channels.norms.append(layer.name)
        # Behind an addition, or twice in a row, the factor would have to stand in two places.
        if len(last) != 1 or last[0] not in channels.makers:
            channels.scalable = False
        self.at[layer.name] = (where, repeats, [layer.name])

    def tie(self, layer: Any, before: Sequence[str]) -> None:
        """An addition: channel c of one side is channel c of the other."""
        first, *others = (self.root(self.at[name][0]) for name in before)
        for other in set(others) - {first}:
            kept, gone = self.found[first], self.found[other]
            kept.makers += gone.makers
            kept.norms += gone.norms
            kept.readers |= gone.readers
            kept.scalers += gone.scalers
            kept.fixed |= gone.fixed
            kept.scalable &= gone.scalable
            self.merged[other] = first
        last = [name for way in before for name in self.at[way][2]]
        self.at[layer.name] = (first, self.at[before[0]][1], list(dict.fromkeys(last)))

    def hand_on(self, layer: Any, before: str) -> None:
        where, repeats, last = self.at[before]
        if isinstance(layer, keras.layers.Flatten):
            repeats *= int(np.prod(layer.input_shape[1:])) // self.channels(before).width
        if not _is_homogeneous(layer):
            self.channels(before).scalable = False
        self.at[layer.name] = (where, repeats, last)


def _is_activation(layer: Any) -> bool:
    """Each number for itself, whatever the others are."""
    return isinstance(layer, keras.layers.Activation) and layer.activation.__name__ != "softmax"


def _is_homogeneous(layer: Any) -> bool:
    """Whether a positive factor goes through unharmed."""
    if isinstance(layer, keras.layers.ReLU):
        return layer.max_value is None and not float(layer.threshold)
    if isinstance(layer, keras.layers.Activation):
        return layer.activation.__name__ in _HOMOGENEOUS
    return True
