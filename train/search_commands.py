"""The command ``edgefer train search``: options only."""

import json
from pathlib import Path
from typing import Any

import click

from .options import PATH, out_option
from .recipe_options import HELP, NETWORK, chosen, preset_option, recipe_options
from .space import RANGES, USUAL, SearchRecipe, as_flag, parse_over


@click.command()
@click.argument("faceset", type=PATH)
@out_option
@click.option(
    "--over",
    metavar="NAME[=LOW:HIGH|=A|B],...",
    default=",".join(map(as_flag, USUAL)),
    show_default=True,
    help=f"What is searched: {', '.join(map(as_flag, RANGES))}.",
)
@click.option(
    "--trials",
    type=click.IntRange(1),
    default=30,
    show_default=True,
    help="Trainings in all, those that are done included.",
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Processes that train at the same time.",
)
@preset_option()
@recipe_options(NETWORK | HELP, epochs=10)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def search(
    faceset: Path,
    out: Path,
    over: str,
    trials: int,
    workers: int,
    named: str,
    as_json: bool,
    **choices: Any,
) -> None:
    """Search for a recipe: short trainings on train, judged on val.

    The options fix what is not searched. Killed, the same command goes on; typed in a second
    terminal, it takes part.

    \b
    edgefer train search work/fer -o work/study
    edgefer train search work/fer -o work/study2 --over 'rate=1e-4:1e-2,optimizer=adamw|sgd'
    """
    from edgefer.faceset import FaceSet

    recipe = chosen(named, choices, keep=("epochs",))
    searched = SearchRecipe(recipe, parse_over(over, recipe), trials)
    _check_fixed(searched)
    faces = FaceSet.load(faceset)
    for name in ("train", "val"):
        faces.split(name)

    from .search import search as find
    from .search_files import write_search

    result = find(faces, searched, out, workers=workers)
    write_search(result)
    click.echo(json.dumps(result.to_json(), indent=2) if as_json else result.to_text())


def _check_fixed(recipe: SearchRecipe) -> None:
    """Refuse a choice that is given, though it is searched."""
    from edgefer.errors import EdgeferError

    context = click.get_current_context()
    for name in recipe.over:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise EdgeferError(f"--{as_flag(name)} is given and searched: leave one of them out.")


COMMANDS = (search,)
