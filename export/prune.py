"""Make a network thinner: cut the channels that it needs least, and train it further.

Filter pruning in rounds. Unlike weights set to zero, a channel that is gone saves time on every
runtime. Widths stay multiples of 16, because runtimes compute 61 channels as slowly as 64.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgefer.faceset import FaceSet
from edgefer.keras import keras, with_policy
from edgefer.progress import say
from edgefer.report import Score

from .channels import Network
from .convert import to_float
from .cut import cut, plan
from .finetune import finetune, policy_of, score
from .latency import milliseconds, share_for
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
    milliseconds : dict of str to float
        Time for one face, ``before`` and ``after``, in this machine's LiteRT; empty if it was not
        asked for.
    before, after : Score, optional
        On the ``val`` split, where there is one.
    """

    model: Any
    widths: dict[str, tuple[int, int]]
    macs: tuple[int, int]
    milliseconds: dict[str, float]
    before: Score | None
    after: Score | None


def prune(
    model: Any,
    faces: FaceSet,
    recipe: ExportRecipe,
    *,
    convert: Callable[[Any], bytes] = to_float,
) -> Thinner:
    """Cut whole channels until a network costs a share of its work, and train it between.

    One epoch follows each round of cutting, the others the last. A face's
    target is its label mixed with what the network before pruning answers (Hinton et al.,
    "Distilling the Knowledge in a Neural Network", 2015).

    Parameters
    ----------
    model : keras.Model
        It stays as it is.
    faces : FaceSet
        Its ``train`` split is trained on, its ``val`` split is scored before and after.
    recipe : ExportRecipe
        ``macs`` is the share of the multiplications to keep, or ``latency`` the share of the time;
        ``rank`` is how channels are compared, ``multiple`` what widths stay a multiple of; epochs,
        batch, rate, teacher, precision and seed apply here.
    convert : callable
        Gives the TFLite model that ``latency`` is measured on.

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
    # Before anything long begins: can it be done at all?
    if recipe.latency:
        scores = rank(model, first, train, recipe)
        share = share_for(model, first, scores, recipe.latency, recipe.multiple, convert)
    else:
        share = recipe.macs
        even = [np.ones(each.width) for each in first.channels]
        plan(first, even, share * first.macs(), recipe.multiple)
    before = score(model, val)
    policy, working = policy_of(recipe), model
    say(f"cutting channels to {share:.0%} of the work on {len(train)} faces, {policy}")
    rounds = max(1, min(ROUNDS, recipe.epochs // 3))
    for done in range(1, rounds + 1):
        network = Network.of(working)
        goal = first.macs() * share ** (done / rounds)
        scores = rank(working, network, train, recipe)
        working = cut(working, network, plan(network, scores, goal, recipe.multiple))
        say(f"round {done}/{rounds}: {Network.of(working).macs() / first.macs():.0%} of the work")
        epochs = recipe.epochs - rounds + 1 if done == rounds else 1
        trained = with_policy(working, policy)
        finetune(
            trained, train, recipe, teacher=model, epochs=epochs, start=done - 1, policy=policy
        )
        working = with_policy(trained, "float32")
    network, times = Network.of(working), {}
    if recipe.latency:
        times = milliseconds({"before": convert(model), "after": convert(working)})
    return Thinner(
        working,
        {
            old.name: (old.width, new.width)
            for old, new in zip(first.channels, network.channels, strict=True)
            if old.width != new.width
        },
        (first.macs(), network.macs()),
        times,
        before,
        score(working, val),
    )
