"""The command ``edgefer calib``: options only."""

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from .recipe import WAYS, StudyRecipe

_PATH = click.Path(path_type=Path)
_STUDY = StudyRecipe()
# The command's two uses have options of their own.
_CHOOSING = {"per_emotion", "select", "bundle"}
_STUDYING = {"against", "seeds", "sizes", "split", "as_json"}
_SEED = click.IntRange(0, 2**31 - 1)


def _numbers(context: click.Context, option: click.Parameter, text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise click.BadParameter("name numbers of faces, such as 10,100.") from None


def _refuse_mixed(context: click.Context, study: bool) -> None:
    """Refuse options of the other use of the command."""
    others = _CHOOSING if study else _STUDYING
    for option in context.command.params:
        given = context.get_parameter_source(option.name or "") is ParameterSource.COMMANDLINE
        if option.name in others and given:
            hint = "does not go with" if study else "is for"
            raise click.UsageError(f"{option.opts[0]} {hint} --study BUNDLE.")


@click.command()
@click.argument("faceset", type=_PATH)
@click.option("-o", "--out", type=_PATH, required=True, help="Such as calib_data/korean.")
@click.option("--per-emotion", default=40, show_default=True, help="Faces of each emotion.")
@click.option(
    "--select",
    type=click.Choice(WAYS),
    default=WAYS[0],
    show_default=True,
    help="Equally many of each emotion, as the set has them, or as unlike one another as can be.",
)
@click.option("--bundle", type=_PATH, help="Whose features spread looks at.  [default: packaged]")
@click.option(
    "--seed", type=_SEED, default=0, show_default=True, help="Start of every random choice."
)
@click.option(
    "--study",
    type=_PATH,
    metavar="BUNDLE",
    help="Measure on this bundle what the choice is worth; the folder OUT gets a report.",
)
@click.option("--against", type=_PATH, metavar="FACESET", help="Study: faces of another domain.")
@click.option(
    "--seeds", default=_STUDY.seeds, show_default=True, help="Study: draws of each kind and size."
)
@click.option(
    "--sizes",
    default=",".join(map(str, _STUDY.sizes)),
    show_default=True,
    callback=_numbers,
    help="Study: calibration faces in all.",
)
@click.option("--split", default="", help="Study: which faces judge.  [default: test, or val]")
@click.option("--force", is_flag=True, help="Replace what is there.")
@click.option("--json", "as_json", is_flag=True, help="Study: print what was measured as JSON.")
def calib(
    faceset: Path,
    out: Path,
    per_emotion: int,
    select: str,
    bundle: Path | None,
    seed: int,
    study: Path | None,
    against: Path | None,
    force: bool,
    as_json: bool,
    **choices: Any,
) -> None:
    """Choose the faces that int8 is calibrated on.

    Equally many of each emotion, from the train split only, spread over its people. Take faces like
    those the camera will see. With --study it measures what the choice is worth: int8 is calibrated
    again and again, on faces chosen in every way, and each time judged emotion by emotion.

    \b
    edgefer calib work/korean -o calib_data/korean
    edgefer calib work/korean -o calib_data/korean --select spread --bundle work/transfer
    edgefer calib --study work/transfer work/korean -o work/study --against work/fer
    """
    _refuse_mixed(click.get_current_context(), bool(study))
    if bundle and select != "spread":
        raise click.UsageError("--bundle is for --select spread: add it, or leave --bundle out.")
    from edgefer.bundle import Bundle
    from edgefer.faceset import FaceSet

    if study:
        from .study import study as measure
        from .study_words import to_json, to_text

        other = FaceSet.load(against) if against else None
        recipe = StudyRecipe(seed=seed, **choices)
        faces = FaceSet.load(faceset)
        found = measure(Bundle.load(study), faces, recipe, out, against=other, force=force)
        click.echo(to_json(found) if as_json else f"{to_text(found)}\n{out}/study.html")
        return

    from .calibration import make_calibration

    made = make_calibration(
        FaceSet.load(faceset),
        out,
        per_emotion=per_emotion,
        select=select,
        bundle=Bundle.load(bundle) if bundle else None,
        seed=seed,
        force=force,
    )
    counts = (f"{count} {emotion}" for emotion, count in made.counts["train"].items())
    click.echo(f"{out}: {len(made)} faces: {', '.join(counts)}")
