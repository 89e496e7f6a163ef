"""What a network is fitted by: loss, optimizer and learning rate of a recipe."""

from typing import Any

from edgefer.keras import keras, scaled

from .recipe import TrainRecipe

MOMENTUM = 0.9  # of sgd


def loss_of(recipe: TrainRecipe) -> Any:
    """Cross-entropy with soft targets, focal if asked for."""
    if recipe.focal:
        return keras.losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=recipe.focal)
    return keras.losses.CategoricalCrossentropy()


def optimizer_of(recipe: TrainRecipe, steps: int, policy: str) -> Any:
    """Optimizer for so many steps an epoch, under a Keras policy."""
    rate, decay = _rate(recipe, steps), recipe.weight_decay
    if recipe.optimizer == "sgd":
        made = keras.optimizers.SGD(rate, momentum=MOMENTUM, nesterov=True, weight_decay=decay)
    else:
        made = keras.optimizers.AdamW(rate, weight_decay=decay)
    return scaled(made, policy)


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
