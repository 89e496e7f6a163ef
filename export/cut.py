"""Choose the channels that a network can spare, and build it without them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgefer.errors import EdgeferError

from .channels import Network


def plan(
    network: Network, scores: list[np.ndarray], goal: float, multiple: int
) -> dict[int, np.ndarray]:
    """Which channels to keep so that a network costs no more than ``goal`` multiplications.

    Greedy: of all ways to bring one width down to the next multiple, the one that loses least score
    for each multiplication it saves, until the goal is met.

    Parameters
    ----------
    network : Network
        What there is.
    scores : list of ndarray, each of shape (width,)
        What each channel is worth, in the order of ``network.channels``.
    goal : float
        Multiplications for one face.
    multiple : int
        What widths stay a multiple of; none falls below it.

    Returns
    -------
    dict of int to ndarray
        Positions of the channels to keep, ascending, where any are cut.

    Raises
    ------
    EdgeferError
        If the goal cannot be met.
    """
    order = [np.argsort(score, kind="stable")[::-1] for score in scores]  # best first
    widths = {i: each.width for i, each in enumerate(network.channels)}
    cuttable = [i for i, each in enumerate(network.channels) if not each.fixed]
    while network.macs(widths) > goal:
        ways = []
        for i in cuttable:
            thinner = (widths[i] - 1) // multiple * multiple
            if thinner >= multiple:
                lost = scores[i][order[i][thinner : widths[i]]].sum()
                saved = network.macs(widths) - network.macs({**widths, i: thinner})
                ways.append((lost / max(saved, 1), i, thinner))
        if not ways:
            share = network.macs(widths) / network.macs()
            raise EdgeferError(
                f"the network cannot be made that thin: with every width down to {multiple} it "
                f"still costs {share:.2f} of its multiplications. Name more than that, or a "
                "smaller --multiple."
            )
        _, i, thinner = min(ways)
        widths[i] = thinner
    return {
        i: np.sort(order[i][: widths[i]]) for i in cuttable if widths[i] < network.channels[i].width
    }


def cut(model: Any, network: Network, kept: Mapping[int, np.ndarray]) -> Any:
    """Same network without the channels that are not kept, int positions by channels' position."""
    makes: dict[str, np.ndarray] = {}
    norms: dict[str, np.ndarray] = {}
    reads: dict[str, np.ndarray] = {}
    for i, channels in kept.items():
        each = network.channels[i]
        makes |= dict.fromkeys(each.makers, channels)
        norms |= dict.fromkeys(each.norms, channels)
        for name, repeats in each.readers.items():
            # Behind a Flatten channel c stands at c, c + width, ...
            places = np.arange(repeats)[:, None] * each.width + channels
            reads[name] = places.ravel()
    config = model.get_config()
    for layer in config["layers"]:
        if layer["config"]["name"] in makes:
            width = "filters" if "filters" in layer["config"] else "units"
            layer["config"][width] = len(makes[layer["config"]["name"]])
    thinner = model.__class__.from_config(config)
    for layer in model.layers:
        weights = layer.get_weights()
        if layer.name in norms:
            weights = [row[norms[layer.name]] for row in weights]
        if layer.name in reads:
            weights[0] = weights[0].take(reads[layer.name], axis=-2)
        if layer.name in makes:
            weights = [row.take(makes[layer.name], axis=-1) for row in weights]
        thinner.get_layer(layer.name).set_weights(weights)
    return thinner
