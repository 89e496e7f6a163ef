"""Options for a training's recipe: one for each choice, with the preset's default."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from edgefer.progress import say

from .backbones import BACKBONES
from .presets import FINISH, PRESETS, preset
from .recipe import BALANCES, OPTIMIZERS, POLICIES, SCHEDULES, TrainRecipe

HELP = {
    "epochs": "Passes over the training split.",
    "batch": "Faces in a step.",
    "optimizer": f"{' or '.join(OPTIMIZERS)}.",
    "rate": "Highest learning rate.",
    "weight_decay": "Decoupled weight decay.",
    "schedule": f"{' or '.join(SCHEDULES)}.",
    "warmup": "Epochs over which the rate rises; cosine only.",
    "lower": "Factor by which a plateau lowers the rate.",
    "lower_after": "Epochs without a lower validation loss that make a plateau.",
    "patience": "Stop after so many epochs without a better validation accuracy; 0: never.",
    "average": "Decay of the weights' moving average, which is kept; 0: the weights themselves.",
    "balance": "0 counts every face alike, 1 every emotion alike.",
    "balance_by": f"{', '.join(BALANCES)}.",
    "votes": "Share of the target that annotators' votes make up, where there are votes.",
    "translate": "Take votes for what they tell of the label, or as they are.",
    "smoothing": "Label smoothing.",
    "focal": "Gamma of the focal loss; 0: cross-entropy.",
    "flip": "Mirror half of the faces.",
    "rotate": "Largest rotation, in degrees.",
    "shear": "Largest shear.",
    "shift": "Largest shift, as a share of the side.",
    "zoom": "Largest change of scale.",
    "light": "Largest change of contrast and brightness.",
    "noise": "Largest noise, in grey values; the contrast is then stretched.",
    "erase": "Share of the faces in which a rectangle is erased.",
    "mixup": "Blend faces by shares from Beta(X, X).",
    "cutmix": "Cut faces together by shares from Beta(X, X).",
    "precision": f"{', '.join(POLICIES)}.",
    "seed": "Start of every random choice.",
}
NETWORK = {
    "backbone": f"{', '.join(BACKBONES)}, or your own as package.module:function.",
    "width": "Filters of the first stage.  [default: the network's own]",
    "depth": "Convolutions in all; vgg only.  [default: the network's own]",
    "dropout": "Share of features dropped before the last layer.  [default: the network's own]",
}
CARRY = {
    "frozen": "First stages that stay as they are.",
    "head": "Epochs in which only the last layers learn.",
    "thaw": "Epochs after which one more stage joins in, from the last; 0: all at once.",
    "fade": "Factor on the learning rate from each stage to the one before it.",
    "replay": "Old faces mixed in against forgetting, as a share of the new ones.",
}
DISTILL = {
    "taught": "Share of the target that is the teachers' answer.",
    "temperature": "How far that answer is softened; 1 leaves it.",
}
_TYPES = {"width": int, "depth": int, "dropout": float}


def preset_option(*, transfer: bool = False) -> Callable[[Any], Any]:
    """Option that chooses the defaults of the others."""
    more = " finish: once more on the faces a network knows, hardly augmented." if transfer else ""
    return click.option(
        "--preset",
        "named",
        type=click.Choice([*PRESETS, *(FINISH if transfer else ())]),
        default="best",
        show_default=True,
        help=f"Defaults of the options below: a good recipe, or those of earlier work.{more}",
    )


def recipe_options(fields: dict[str, str], **defaults: Any) -> Callable[[Any], Any]:
    """An option for each of these fields of the recipe, with the recipe's default or another."""

    def decorate(command: Any) -> Any:
        for name, text in reversed(fields.items()):
            default = defaults.get(name, getattr(TrainRecipe, name))
            flag = name.replace("_", "-")
            names = f"--{flag}/--no-{flag}" if isinstance(default, bool) else f"--{flag}"
            command = click.option(
                names, type=_TYPES.get(name), default=default, show_default=True, help=text
            )(command)
        return command

    return decorate


def chosen(
    named: str, choices: dict[str, Any], *, transfer: bool = False, keep: Collection[str] = ()
) -> TrainRecipe:
    """What was typed goes before the preset, which goes before the defaults but those to keep."""
    source = click.get_current_context().get_parameter_source
    typed = {
        name: value
        for name, value in choices.items()
        if source(name) is not ParameterSource.DEFAULT
    }
    preferred = {
        name: value for name, value in preset(named, transfer=transfer).items() if name not in keep
    }
    recipe = TrainRecipe(**choices | preferred | typed)
    other = {"cosine": ("lower", "lower_after"), "plateau": ("warmup",)}[recipe.schedule]
    for name in typed:
        if name in other:
            flag = name.replace("_", "-")
            # No error: a search may try both schedules.
            say(f"--{flag} does nothing with --schedule {recipe.schedule}")
    return recipe


def check(faces: Any, out: Path, *, resume: bool, force: bool) -> None:
    """Say what is missing before TensorFlow, which takes seconds, is imported."""
    from edgefer.bundle import MARKER
    from edgefer.errors import EdgeferError
    from edgefer.folders import refuse

    for name in ("train", "val"):
        faces.split(name)
    if resume and (out / MARKER).is_file() and not out.with_name(f"{out.name}.run").exists():
        raise EdgeferError(f"{out} is finished: there is nothing to go on with.")
    refuse(out, MARKER, force=force)
