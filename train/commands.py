"""The commands ``edgefer train ...``: options only."""

from pathlib import Path
from typing import Any

import click

from . import search_commands
from .data_commands import data
from .options import (
    HELP,
    NETWORK_HELP,
    PATH,
    force_option,
    map_option,
    out_option,
    recipe_options,
)
from .recipe import TrainRecipe

_resume = click.option("--resume", is_flag=True, help="Go on with an interrupted training.")


@click.group()
def train() -> None:
    """Train networks.

    \b
    edgefer train base work/fer -o work/base
    edgefer train transfer work/base work/korean -o work/mine
    edgefer train search work/fer -o work/study
    """


@train.command()
@click.argument("faceset", type=PATH)
@out_option
@recipe_options(NETWORK_HELP | HELP)
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
@recipe_options(HELP, epochs=30, rate=1e-3, warmup=1)
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


for _command in search_commands.COMMANDS:
    train.add_command(_command)

COMMANDS = (data, train)
