"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from .recipe import BALANCES, OPTIMIZERS, POLICIES, SCHEDULES, TrainRecipe

PATH = click.Path(path_type=Path)
out_option = click.option("-o", "--out", type=PATH, required=True, help="What to write.")
force_option = click.option("--force", is_flag=True, help="Replace what is there.")
seed_option = click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    show_default=True,
    help="Start of every random choice.",
)
size_option = click.option(
    "--size",
    type=click.IntRange(16, 512),
    default=48,
    show_default=True,
    help="Side of the patches, in pixels.",
)
map_option = click.option(
    "--map",
    "renames",
    metavar="OLD=NEW,...",
    default="",
    help="Rename emotions; nothing after = leaves one out.",
)
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
    "votes": "Share of annotators' votes in the target, where there are votes.",
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
NETWORK_HELP = {
    "backbone": "vgg, or your own as package.module:function.",
    "width": "Filters of the first stage.",
    "depth": "Convolutions in all.",
    "dropout": "Share of features dropped before the last layer.",
}


def recipe_options(fields: dict[str, str], **defaults: Any) -> Callable[[Any], Any]:
    """An option for each of these fields of the recipe, with the recipe's default or another."""

    def decorate(command: Any) -> Any:
        for name, text in reversed(fields.items()):
            default = defaults.get(name, getattr(TrainRecipe, name))
            flag = name.replace("_", "-")
            names = f"--{flag}/--no-{flag}" if isinstance(default, bool) else f"--{flag}"
            command = click.option(names, default=default, show_default=True, help=text)(command)
        return command

    return decorate
