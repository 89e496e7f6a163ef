"""Set small weights to zero while the network learns to do without them.

Magnitude pruning after Zhu and Gupta, "To prune, or not to prune", 2017, and two zeros in every
four weights after Mishra et al., "Accelerating Sparse Deep Neural Networks", 2021, by TensorFlow's
Model Optimization Toolkit. The model becomes a smaller download; it runs neither faster nor slower.
"""

from typing import Any

import numpy as np
import tensorflow_model_optimization as tfmot

from edgefer.errors import BundleError
from edgefer.faceset import FaceSet
from edgefer.keras import keras, with_policy
from edgefer.progress import say

from .finetune import finetune, policy_of, score
from .kernels import Compressed, is_weighted, kernels_of, require_sparse
from .recipe import TWO_OF_FOUR, ExportRecipe


def sparsify(model: Any, faces: FaceSet, recipe: ExportRecipe) -> Compressed:
    """Prune the convolutions and dense layers of a network while training it further.

    A share rises over the first two thirds of the steps as 1 - (1 - t)^3 does, and stays; 2:4 is
    there from the second step on. A face's target is its label mixed with what the unpruned network
    answers.

    Parameters
    ----------
    model : keras.Model
        It stays as it is.
    faces : FaceSet
        Its ``train`` split is trained on, its ``val`` split is scored before and after.
    recipe : ExportRecipe
        ``sparsity`` is the share or 2:4; epochs, batch, rate, teacher, precision and seed apply.

    Returns
    -------
    Compressed
        Its ``layers``: the share of zeros in the weights of each that was pruned.

    Raises
    ------
    DataError
        If there is no ``train`` split.
    BundleError
        If a layer does not reach the sparsity, or 2:4 fits none.
    """
    train = faces.split("train")
    val = faces.split("val") if "val" in faces.split_names else None
    left_out = _left_out(model, recipe.sparsity)
    keras.utils.set_random_seed(recipe.seed)
    before = score(model, val)
    policy = policy_of(recipe)
    steps = -(-len(train) // recipe.batch)
    if left_out:
        say(f"2:4 leaves out {', '.join(left_out)}: four does not divide the number of inputs")
    say(f"pruning to {recipe.sparsity} on {len(train)} faces, {policy}")
    working = _wrapped(with_policy(model, policy), recipe, recipe.epochs * steps, left_out)
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
    require_sparse(kernels_of(pruned), recipe.sparsity, "pruning")
    reached = {name: x for name, x in sparsity_of(pruned).items() if name not in left_out}
    return Compressed(pruned, reached, before, score(pruned, val), left_out)


def sparsity_of(model: Any) -> dict[str, float]:
    """Share of zeros in the weights of every convolution and dense layer."""
    return {name: float(np.mean(kernel == 0)) for name, kernel in kernels_of(model).items()}


def _left_out(model: Any, sparsity: str) -> tuple[str, ...]:
    """Layers that 2:4 does not fit; the toolkit would pass over them without a word."""
    if sparsity != TWO_OF_FOUR:
        return ()
    kernels = kernels_of(model)
    odd = tuple(name for name, kernel in kernels.items() if kernel.shape[-1] % 4)
    if len(odd) == len(kernels):
        raise BundleError(
            "2:4 fits no layer of this network: four divides the number of inputs of none. Give a "
            "share, such as --sparsity 0.5."
        )
    return odd


def _wrapped(model: Any, recipe: ExportRecipe, total: int, left_out: tuple[str, ...]) -> Any:
    """Same network with every layer that is to be pruned in the toolkit's wrapper."""
    # Wrapped one by one: the toolkit refuses a model that holds Rescaling as a whole.
    rise = max(total * 2 // 3, 1)
    every = max(rise // 40, 1)
    schedule = tfmot.sparsity.keras.PolynomialDecay(
        initial_sparsity=0.0,
        final_sparsity=recipe.share,
        begin_step=0,
        # Masks change on multiples of the frequency only: the last change must fall on the end.
        end_step=rise // every * every,
        frequency=every,
    )
    pattern = {"sparsity_m_by_n": (2, 4)} if recipe.sparsity == TWO_OF_FOUR else {}

    def wrap(layer: Any) -> Any:
        if not is_weighted(layer) or layer.name in left_out:
            return layer
        return tfmot.sparsity.keras.prune_low_magnitude(layer, schedule, **pattern)

    return keras.models.clone_model(model, clone_function=wrap)
