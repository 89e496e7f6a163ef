"""The commands ``edgefer train ...``: options only."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from .data_commands import data
from .options import PATH, force_option, map_option, out_option
from .recipe import BALANCES, OPTIMIZERS, POLICIES, SCHEDULES, TrainRecipe

_HELP = {
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
_NETWORK = {
    "backbone": "vgg, or your own as package.module:function.",
    "width": "Filters of the first stage.",
    "depth": "Convolutions in all.",
    "dropout": "Share of features dropped before the last layer.",
}
_resume = click.option("--resume", is_flag=True, help="Go on with an interrupted training.")


def _recipe(fields: dict[str, str], **defaults: Any) -> Callable[[Any], Any]:
    """An option for each of these fields of the recipe, with the recipe's default or another."""

    def decorate(command: Any) -> Any:
        for name, text in reversed(fields.items()):
            default = defaults.get(name, getattr(TrainRecipe, name))
            flag = name.replace("_", "-")
            names = f"--{flag}/--no-{flag}" if isinstance(default, bool) else f"--{flag}"
            command = click.option(names, default=default, show_default=True, help=text)(command)
        return command

    return decorate


@click.group()
def train() -> None:
    """Train networks.

    \b
    edgefer train base work/fer -o work/base
    edgefer train transfer work/base work/korean -o work/mine
    """


@train.command()
@click.argument("faceset", type=PATH)
@out_option
@_recipe(_NETWORK | _HELP)
@_resume
@force_option
def base(faceset: Path, out: Path, resume: bool, force: bool, **choices: Any) -> None:
    """Train a network on a face set's split train, chosen by its split val."""
    from edgefer.faceset import FaceSet

    recipe, faces = TrainRecipe(**choices), FaceSet.load(faceset)
    _check(faces, out, resume=resume, force=force)

    from .base import train_base

    _show_scores(train_base(faces, recipe, out, resume=resume, force=force))


@train.command()
@click.argument("bundle", type=PATH)
@click.argument("faceset", type=PATH)
@out_option
@click.option("--frozen", default=0, show_default=True, help="Stages that stay as they are.")
@map_option
@_recipe(_HELP, epochs=30, rate=1e-3, warmup=1)
@_resume
@force_option
def transfer(
    bundle: Path,
    faceset: Path,
    out: Path,
    renames: str,
    resume: bool,
    force: bool,
    **choices: Any,
) -> None:
    """Train a bundle's network further on other faces, with a head over their labels.

    --map surprise=embarrassed starts an emotion of the face set from another one of the bundle.
    """
    from edgefer.bundle import Bundle
    from edgefer.faceset import FaceSet
    from edgefer.labels import parse_map

    recipe, renamed = TrainRecipe(**choices), parse_map(renames)
    start, faces = Bundle.load(bundle), FaceSet.load(faceset)
    _check(faces, out, resume=resume, force=force)

    from .transfer import train_transfer

    made = train_transfer(start, faces, recipe, out, renames=renamed, resume=resume, force=force)
    _show_scores(made)


def _check(faces: Any, out: Path, *, resume: bool, force: bool) -> None:
    """Say what is missing before TensorFlow, which takes seconds, is imported."""
    from edgefer.bundle import MARKER
    from edgefer.errors import EdgeferError
    from edgefer.folders import refuse

    for name in ("train", "val"):
        faces.split(name)
    if resume and (out / MARKER).is_file() and not out.with_name(f"{out.name}.run").exists():
        raise EdgeferError(f"{out} is finished: there is nothing to go on with.")
    refuse(out, MARKER, force=force)


def _show_scores(bundle: Any) -> None:
    """Table of the last step's scores, per split and emotion."""
    from .scores import score_table

    click.echo(score_table(bundle))


COMMANDS = (data, train)
