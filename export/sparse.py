"""Set small weights to zero while the network learns to do without them.

Magnitude pruning after Zhu and Gupta, "To prune, or not to prune", 2017, by TensorFlow's Model
Optimization Toolkit. The model becomes a smaller download; it runs neither faster nor slower.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow_model_optimization as tfmot

from edgefer.errors import BundleError
from edgefer.faceset import FaceSet
from edgefer.keras import keras, with_policy
from edgefer.progress import say
from edgefer.report import Score

from .finetune import finetune, policy_of, score
from .recipe import ExportRecipe


@dataclass(frozen=True)
class Pruned:
    """A network after pruning.

    Attributes
    ----------
    model : keras.Model
        Without any trace of the toolkit, in float32.
    sparsity : dict of str to float
        Share of zeros in the weights of each layer that was pruned.
    before, after : Score, optional
        On the ``val`` split, where there is one.
    """

    model: Any
    sparsity: dict[str, float]
    before: Score | None
    after: Score | None


def prune(model: Any, faces: FaceSet, recipe: ExportRecipe) -> Pruned:
    """Prune the convolutions and dense layers of a network while training it further.

    The sparsity rises over the first two thirds of the steps as 1 - (1 - t)^3 does, and stays. A
    face's target is its label mixed with what the unpruned network answers to it and to its mirror
    image.

    Parameters
    ----------
    model : keras.Model
        It stays as it is.
    faces : FaceSet
        Its ``train`` split is trained on, its ``val`` split is scored before and after.
    recipe : ExportRecipe
        ``prune`` is the sparsity; epochs, batch, rate, teacher, precision and seed apply here.

    Returns
    -------
    Pruned

    Raises
    ------
    DataError
        If there is no ``train`` split.
    BundleError
        If a layer does not reach the sparsity.
    """
    train = faces.split("train")
    val = faces.split("val") if "val" in faces.split_names else None
    keras.utils.set_random_seed(recipe.seed)
    before = score(model, val)
    policy = policy_of(recipe)
    steps = -(-len(train) // recipe.batch)
    working = _wrapped(with_policy(model, policy), recipe.prune, recipe.epochs * steps)
    say(f"pruning to {recipe.prune:.0%} zeros on {len(train)} faces, {policy}")
    mask = tfmot.sparsity.keras.UpdatePruningStep()
    finetune(
        working,
        train,
        recipe,
        teacher=model,
        epochs=recipe.epochs,
        policy=policy,
        callbacks=[mask],
    )
    pruned = with_policy(tfmot.sparsity.keras.strip_pruning(working), "float32")
    return Pruned(pruned, _reached(pruned, recipe.prune), before, score(pruned, val))


def sparsity_of(model: Any) -> dict[str, float]:
    """Share of zeros in the kernel of every convolution and dense layer."""
    return {
        layer.name: float(np.mean(layer.kernel.numpy() == 0))
        for layer in model.submodules
        if _prunable(layer)
    }


def _prunable(layer: Any) -> bool:
    return isinstance(layer, keras.layers.Conv2D | keras.layers.Dense)


def _wrapped(model: Any, sparsity: float, total: int) -> Any:
    """Same network with every layer that can be pruned in the toolkit's wrapper."""
    # Wrapped one by one: the toolkit refuses a model that holds Rescaling as a whole.
    rise = max(total * 2 // 3, 1)
    every = max(rise // 40, 1)
    schedule = tfmot.sparsity.keras.PolynomialDecay(
        initial_sparsity=0.0,
        final_sparsity=sparsity,
        begin_step=0,
        # Masks change on multiples of the frequency only: the last change must fall on the end.
        end_step=rise // every * every,
        frequency=every,
    )

    def wrap(layer: Any) -> Any:
        if not _prunable(layer):
            return layer
        return tfmot.sparsity.keras.prune_low_magnitude(layer, pruning_schedule=schedule)

    return keras.models.clone_model(model, clone_function=wrap)


def _reached(model: Any, sparsity: float) -> dict[str, float]:
    """Sparsity of every layer, after none was found to have missed the target."""
    found = sparsity_of(model)
    sizes = {x.name: x.kernel.shape.num_elements() for x in model.submodules if _prunable(x)}
    # The toolkit rounds the number of zeros, so one weight may be missing.
    missed = {name: share for name, share in found.items() if share < sparsity - 1.5 / sizes[name]}
    if missed:
        named = ", ".join(f"{name} ({share:.2f})" for name, share in missed.items())
        raise BundleError(
            f"pruning to {sparsity:g} was missed by {named}. Give it more steps with --epochs, or "
            "a smaller --prune."
        )
    return found
