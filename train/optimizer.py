"""What a network is fitted by: loss, optimizer and learning rate of a recipe."""

from typing import Any

from edgefer.keras import keras, scaled

from .recipe import TrainRecipe
from .thaw import fading

MOMENTUM = 0.9  # of sgd


def loss_of(recipe: TrainRecipe) -> Any:
    """Cross-entropy with soft targets, focal if asked for."""
    if recipe.focal:
        return keras.losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=recipe.focal)
    return keras.losses.CategoricalCrossentropy()


def optimizer_of(recipe: TrainRecipe, steps: int, policy: str, *, stages: int = 0) -> Any:
    """Optimizer for so many steps an epoch, under a Keras policy, for a network of so many stages.

    The learning rate of early stages fades as the recipe says.
    """
    known = {"adamw": keras.optimizers.AdamW, "sgd": keras.optimizers.SGD}
    momentum = {"momentum": MOMENTUM, "nesterov": True} if recipe.optimizer == "sgd" else {}
    made = fading(known[recipe.optimizer], stages, recipe.fade)
    return scaled(made(_rate(recipe, steps), weight_decay=recipe.weight_decay, **momentum), policy)


def _rate(recipe: TrainRecipe, steps: int) -> Any:
    """Learning rate: a schedule over steps, or the number that a plateau lowers."""
    if recipe.schedule == "plateau":
        return recipe.rate
    warmup = min(recipe.warmup, recipe.epochs - 1) * steps
    return keras.optimizers.schedules.CosineDecay(
        0.0 if warmup else recipe.rate,
        recipe.epochs * steps - warmup,
        warmup_target=recipe.rate if warmup else None,
        warmup_steps=warmup,
    )
