"""What each channel of a network is worth."""

from collections.abc import Callable
from typing import Any

import numpy as np

from edgefer.faceset import FaceSet
from edgefer.keras import keras, tf

from .channels import Channels, Network
from .recipe import ExportRecipe

_FACES, _BATCH = 2048, 64


def rank(model: Any, network: Network, faces: FaceSet, recipe: ExportRecipe) -> list[np.ndarray]:
    """Score of every channel, in the order of the network: float64 (width,) each.

    Parameters
    ----------
    model : keras.Model
        The network.
    network : Network
        Its channels.
    faces : FaceSet
        Labelled faces that ``taylor`` looks at, some of each emotion. They are training faces:
        calibration faces may bear other labels than the network's.
    recipe : ExportRecipe
        ``rank`` says how:

        ``taylor`` : how much the loss would change without the channel, to first order. Molchanov
        et al., "Importance Estimation for Neural Network Pruning", CVPR 2019.
        ``norm`` : the size of the normalization's scale. Liu et al., "Learning Efficient
        Convolutional Networks through Network Slimming", ICCV 2017.
        ``l1`` : the sum of its filter's absolute weights. Li et al., "Pruning Filters for Efficient
        ConvNets", ICLR 2017.
    """
    ways: dict[str, Callable[[], list[np.ndarray]]] = {
        "taylor": lambda: _taylor(model, network, _some(faces, recipe.seed)),
        "norm": lambda: [_norm(model, each) for each in network.channels],
        "l1": lambda: [_l1(model, each) for each in network.channels],
    }
    return ways[recipe.rank]()


def _taylor(model: Any, network: Network, faces: FaceSet) -> list[np.ndarray]:
    """Square of gradient times value, summed over what scales a channel; mean over batches."""
    parts = {
        name: model.get_layer(name).trainable_weights
        for each in network.channels
        for name in each.norms or each.makers
    }
    variables = [variable for each in parts.values() for variable in each]
    loss = keras.losses.SparseCategoricalCrossentropy()

    def multiplied(patches: Any, targets: Any) -> list[Any]:
        with tf.GradientTape() as tape:
            cost = loss(targets, model(patches, training=False))
        slopes = tape.gradient(cost, variables)
        return [slope * variable for slope, variable in zip(slopes, variables, strict=True)]

    products = tf.function(multiplied)
    found = [np.zeros(each.width) for each in network.channels]
    for start in range(0, len(faces), _BATCH):
        rows = np.arange(start, min(start + _BATCH, len(faces)))
        patches = faces.take(rows)[..., None].astype(np.float32)
        values = iter(products(patches, faces.targets[rows]))
        change = {
            name: sum(_by_channel(next(values).numpy()) for _ in each)
            for name, each in parts.items()
        }
        for each, score in zip(network.channels, found, strict=True):
            if each.makers:
                score += sum(change[name] for name in each.norms or each.makers) ** 2
    return found


def _norm(model: Any, each: Channels) -> np.ndarray:
    """Absolute scale of the normalizations, as a share of the layer's mean."""
    scales = [np.abs(model.get_layer(name).get_weights()[0]) for name in each.norms]
    return _relative(scales, each) if scales else _l1(model, each)


def _l1(model: Any, each: Channels) -> np.ndarray:
    """Absolute weights of the filters, as a share of the layer's mean."""
    return _relative(
        [_by_channel(np.abs(model.get_layer(name).get_weights()[0])) for name in each.makers], each
    )


def _relative(scores: list[np.ndarray], each: Channels) -> np.ndarray:
    found = np.zeros(each.width)
    for score in scores:
        found += score / max(score.mean(), 1e-12)
    return found


def _by_channel(weights: np.ndarray) -> np.ndarray:
    """Sum over all but the last axis."""
    return weights.reshape(-1, weights.shape[-1]).sum(axis=0, dtype=np.float64)


def _some(faces: FaceSet, seed: int) -> FaceSet:
    """Some faces in random order; the same ones for the same seed."""
    chosen = np.random.default_rng(seed).permutation(len(faces))[:_FACES]
    return faces.select(np.sort(chosen)) if len(faces) > _FACES else faces
