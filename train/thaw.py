"""Which stages of a network learn, and how fast: early ones later and more slowly."""

import re
from typing import Any

from edgefer.errors import EdgeferError
from edgefer.keras import tf
from edgefer.progress import say

from .recipe import TrainRecipe

_STAGE = re.compile(r"stage(\d+)_")


def frozen_stages(recipe: TrainRecipe, stages: int, epoch: int) -> int:
    """How many of the first stages stay as they are in an epoch, counted from 0."""
    if epoch < recipe.head:
        return stages
    if not recipe.thaw:
        return recipe.frozen
    return max(recipe.frozen, stages - 1 - (epoch - recipe.head) // recipe.thaw)


def count_stages(model: Any) -> int:
    """How many stages a network has: their layers are named ``stage<number>_...``."""
    return max((stage_of(layer.name) for layer in model.layers), default=0)


def stage_of(name: str) -> int:
    """Stage of a layer or a weight; 0 where it belongs to none, as the last layers."""
    found = _STAGE.match(name)
    return int(found[1]) if found else 0


def require_stages(model: Any, recipe: TrainRecipe) -> None:
    """Raise unless a network has the stages that a recipe freezes."""
    there = count_stages(model)
    if recipe.frozen > there:
        raise EdgeferError(
            f"--frozen is {recipe.frozen}, the network has {there} stages. Type that or less."
        )
    if (recipe.head or recipe.thaw or recipe.fade < 1) and not there:
        raise EdgeferError(
            f"{model.name} has no stages, which --head, --thaw and --fade need: layers are to be "
            "named stage1_..., stage2_... Leave the three out."
        )
    last = frozen_stages(recipe, there, recipe.epochs - 1)
    if last > recipe.frozen:
        say(
            f"{recipe.epochs} epochs end before all stages have joined in: the first {last} of "
            f"{there} stay as they are"
        )


def freeze(model: Any, stages: int) -> None:
    """Keep the first stages as they are, their running means and variances too."""
    for layer in model.layers:
        layer.trainable = not 0 < stage_of(layer.name) <= stages


def fading(optimizer: type, stages: int, fade: float) -> type:
    """The same optimizer, which takes shorter steps in earlier stages.

    Parameters
    ----------
    optimizer : type
        A ``keras.optimizers.Optimizer``.
    stages : int
        Of the network; its last layers take whole steps, stage s takes ``fade ** (stages + 1 - s)``
        of one.
    fade : float
        1 gives the optimizer as it is.
    """
    if fade == 1:
        return optimizer

    def part(variable: Any) -> float:
        stage = stage_of(variable.name)
        return fade ** (stages + 1 - stage) if stage else 1.0

    class Fading(optimizer):
        """It scales the step itself: AdamW would undo a factor on the gradient."""

        weight_decay: Any

        def update_step(self, gradient: Any, variable: Any) -> None:
            """Take a part of the step."""
            before = tf.identity(variable)
            super().update_step(gradient, variable)
            variable.assign(before + part(variable) * (variable - before))

        def _apply_weight_decay(self, variables: Any) -> None:
            """Take the same part of the decay, which Keras applies before the step."""
            whole: Any = self.weight_decay
            for variable in variables:
                self.weight_decay = whole and whole * part(variable)
                super()._apply_weight_decay([variable])
            self.weight_decay = whole

    return Fading
