"""Make a network thinner: cut the channels that it needs least, and train it further.

Filter pruning in rounds. Unlike weights set to zero, a channel that is gone saves time on every
runtime. Widths stay multiples of 16, because runtimes compute 61 channels as slowly as 64.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgefer.errors import EdgeferError
from edgefer.faceset import FaceSet
from edgefer.keras import keras, with_policy
from edgefer.progress import say
from edgefer.report import Score

from .channels import Network
from .finetune import finetune, policy_of, score, soft_targets
from .rank import rank
from .recipe import ExportRecipe

ROUNDS = 4


@dataclass(frozen=True)
class Thinner:
    """A network after channels were cut.

    Attributes
    ----------
    model : keras.Model
        In float32.
    widths : dict of str to tuple of int
        Channels before and after, by the first layer that makes them, where any were cut.
    macs : tuple of int
        Multiplications for one face, before and after.
    before, after : Score, optional
        On the ``val`` split, where there is one.
    """

    model: Any
    widths: dict[str, tuple[int, int]]
    macs: tuple[int, int]
    before: Score | None
    after: Score | None


def prune(model: Any, faces: FaceSet, recipe: ExportRecipe) -> Thinner:
    """Cut whole channels until a network costs a share of its multiplications, training between.

    A third of the epochs lie between the rounds of cutting, the others behind the last. A face's
    target is its label mixed with what the network before pruning answers (Hinton et al.,
    "Distilling the Knowledge in a Neural Network", 2015).

    Parameters
    ----------
    model : keras.Model
        It stays as it is.
    faces : FaceSet
        Its ``train`` split is trained on, its ``val`` split is scored before and after.
    recipe : ExportRecipe
        ``macs`` is the share to keep, ``rank`` how channels are compared, ``multiple`` what widths
        stay a multiple of; epochs, batch, rate, teacher, precision and seed apply here.

    Returns
    -------
    Thinner

    Raises
    ------
    DataError
        If there is no ``train`` split.
    EdgeferError
        If the network cannot be made that thin.
    """
    train = faces.split("train")
    val = faces.split("val") if "val" in faces.split_names else None
    keras.utils.set_random_seed(recipe.seed)
    first = Network.of(model)
    goal = recipe.macs * first.macs()
    # Before anything long begins: can it be done at all?
    plan(first, [np.ones(each.width) for each in first.channels], goal, recipe.multiple)
    before, targets = score(model, val), soft_targets(model, train, recipe.teacher)
    policy, working = policy_of(recipe), model
    say(f"cutting channels to {recipe.macs:.0%} of the work on {len(train)} faces, {policy}")
    rounds = max(1, min(ROUNDS, recipe.epochs // 3))
    for done in range(1, rounds + 1):
        network = Network.of(working)
        step = first.macs() * recipe.macs ** (done / rounds)
        found = rank(working, network, train, recipe)
        working = cut(working, network, plan(network, found, step, recipe.multiple))
        say(f"round {done}/{rounds}: {Network.of(working).macs() / first.macs():.0%} of the work")
        last = done == rounds
        epochs = recipe.epochs - rounds + 1 if last else 1
        trained = with_policy(working, policy)
        finetune(trained, train, targets, recipe, epochs=epochs, start=done - 1, policy=policy)
        working = with_policy(trained, "float32")
    network = Network.of(working)
    return Thinner(
        working,
        {
            old.name: (old.width, new.width)
            for old, new in zip(first.channels, network.channels, strict=True)
            if old.width != new.width
        },
        (first.macs(), network.macs()),
        before,
        score(working, val),
    )


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
