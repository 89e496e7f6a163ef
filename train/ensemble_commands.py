"""The commands ``edgefer train ensemble`` and ``edgefer train distill``: options only."""

from pathlib import Path
from typing import Any

import click

from .options import (
    PATH,
    force_option,
    out_option,
    resume_option,
    strategy_option,
    tensorboard_option,
)
from .recipe_options import DISTILL, HELP, NETWORK, check, chosen, preset_option, recipe_options


@click.command()
@click.argument("bundles", type=PATH, nargs=-1, required=True)
@click.option("--faces", "faceset", type=PATH, required=True, help="Faces to score it on.")
@out_option
@click.option("--weighted", is_flag=True, help="Weigh the networks by their answers on val.")
@force_option
def ensemble(
    bundles: tuple[Path, ...], faceset: Path, out: Path, weighted: bool, force: bool
) -> None:
    """Average several networks into one bundle.

    edgefer train ensemble work/a work/b --faces work/fer -o work/both
    """
    from edgefer.bundle import Bundle
    from edgefer.faceset import FaceSet

    members, faces = [Bundle.load(path) for path in bundles], FaceSet.load(faceset)

    from .ensemble import make_ensemble
    from .scores import show_scores

    made = make_ensemble(members, faces, out, weighted=weighted, force=force)
    show_scores(made)


@click.command()
@click.argument("teachers", type=PATH, nargs=-1, required=True)
@click.argument("faceset", type=PATH)
@out_option
@preset_option()
@recipe_options(NETWORK | DISTILL | HELP, taught=0.7)
@strategy_option
@tensorboard_option
@resume_option
@force_option
def distill(
    teachers: tuple[Path, ...],
    faceset: Path,
    out: Path,
    named: str,
    strategy: str,
    tensorboard: Path | None,
    resume: bool,
    force: bool,
    **choices: Any,
) -> None:
    """Train a network on a face set's labels and on what TEACHERS answer for its faces.

    edgefer train distill work/both work/fer -o work/small --width 16
    """
    from edgefer.bundle import Bundle
    from edgefer.faceset import FaceSet

    recipe, faces = chosen(named, choices), FaceSet.load(faceset)
    bundles = [Bundle.load(path) for path in teachers]
    check(faces, out, resume=resume, force=force)

    from .board import board
    from .distill import train_distill
    from .scores import show_scores
    from .strategy import distributed

    with distributed(strategy):
        report = board(tensorboard)
        made = train_distill(bundles, faces, recipe, out, report=report, resume=resume, force=force)
    show_scores(made)


COMMANDS = (ensemble, distill)
