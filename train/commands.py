"""The commands ``edgefer train ...``: options only."""

from pathlib import Path
from typing import Any

import click

from . import ensemble_commands, explain_commands, search_commands
from .data_commands import data
from .options import (
    PATH,
    force_option,
    map_option,
    out_option,
    resume_option,
    strategy_option,
    tensorboard_option,
)
from .recipe_options import CARRY, HELP, NETWORK, check, chosen, preset_option, recipe_options


@click.group()
def train() -> None:
    """Train networks.

    \b
    edgefer train base work/fer -o work/base
    edgefer train transfer work/base work/korean -o work/mine
    edgefer train ensemble work/a work/b --faces work/fer -o work/both
    edgefer train distill work/both work/fer -o work/small --width 16
    edgefer train search work/fer -o work/study
    """


@train.command()
@click.argument("faceset", type=PATH)
@out_option
@preset_option()
@click.option("--weights", type=PATH, help="ImageNet weights to begin with; resnet50 and vgg19.")
@recipe_options(NETWORK | HELP)
@strategy_option
@tensorboard_option
@resume_option
@force_option
def base(
    faceset: Path,
    out: Path,
    named: str,
    weights: Path | None,
    strategy: str,
    tensorboard: Path | None,
    resume: bool,
    force: bool,
    **choices: Any,
) -> None:
    """Train a network on a face set's split train, chosen by its split val."""
    from edgefer.faceset import FaceSet

    recipe, faces = chosen(named, choices), FaceSet.load(faceset)
    check(faces, out, resume=resume, force=force)

    from .base import train_base
    from .board import board
    from .scores import show_scores
    from .strategy import distributed

    with distributed(strategy):
        report = board(tensorboard)
        made = train_base(
            faces, recipe, out, weights=weights, report=report, resume=resume, force=force
        )
    show_scores(made)


@train.command()
@click.argument("bundle", type=PATH)
@click.argument("faceset", type=PATH)
@out_option
@click.option("--old", type=PATH, help="Faces of the base's kind: is it forgotten? and to replay.")
@map_option
@preset_option(transfer=True)
@recipe_options(CARRY | HELP, epochs=30, rate=1e-3, warmup=1)
@strategy_option
@tensorboard_option
@resume_option
@force_option
def transfer(
    bundle: Path,
    faceset: Path,
    out: Path,
    old: Path | None,
    renames: str,
    named: str,
    strategy: str,
    tensorboard: Path | None,
    resume: bool,
    force: bool,
    **choices: Any,
) -> None:
    """Train a bundle's network further on other faces, with a head over their labels.

    BUNDLE is a folder that edgefer train wrote, or one that comes with edgefer: default or small.

    --map surprise=embarrassed starts an emotion of the face set from another one of the bundle.
    """
    from edgefer.bundle import Bundle
    from edgefer.faceset import FaceSet
    from edgefer.labels import parse_map

    recipe, renamed = chosen(named, choices, transfer=True), parse_map(renames)
    start, faces = Bundle.load(bundle), FaceSet.load(faceset)
    check(faces, out, resume=resume, force=force)

    from .board import board
    from .scores import show_scores
    from .strategy import distributed
    from .transfer import train_transfer

    earlier = FaceSet.load(old) if old else None
    with distributed(strategy):
        made = train_transfer(
            start,
            faces,
            recipe,
            out,
            renames=renamed,
            old=earlier,
            report=board(tensorboard),
            resume=resume,
            force=force,
        )
    show_scores(made)


for _command in ensemble_commands.COMMANDS + search_commands.COMMANDS:
    train.add_command(_command)

COMMANDS = (data, train, *explain_commands.COMMANDS)
