"""The commands ``edgefer calib`` and ``edgefer export``: options only."""

import json
from pathlib import Path
from shlex import quote
from typing import Any

import click
from click.core import ParameterSource

from .recipe import PRECISIONS, WAYS, ExportRecipe, StudyRecipe

_PATH = click.Path(path_type=Path)
_DEFAULT = ExportRecipe()
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


@click.command()
@click.argument("bundle", type=_PATH)
@click.option("-o", "--out", type=_PATH, required=True, help="The new bundle.")
@click.option("--int8", is_flag=True, help="Quantize to integers; needs --calib.")
@click.option("--calib", "calibration", type=_PATH, help="Faces that edgefer calib chose.")
@click.option(
    "--per-channel-dense",
    is_flag=True,
    help="A scale for every output of a dense layer; x86 and ARM may then differ by a step.",
)
@click.option(
    "--prune",
    default=_DEFAULT.prune,
    metavar="SPARSITY",
    help="Share of weights to set to zero, such as 0.5: a smaller download, no more speed. "
    "Needs --faces.",
)
@click.option(
    "--faces",
    type=_PATH,
    help="Face set to prune on (its train split); calibration faces shared with its val and test "
    "splits are refused.",
)
@click.option("--epochs", default=_DEFAULT.epochs, show_default=True, help="Passes while pruning.")
@click.option("--batch", default=_DEFAULT.batch, show_default=True, help="Faces in a step.")
@click.option(
    "--rate", default=_DEFAULT.rate, show_default=True, help="Learning rate while pruning."
)
@click.option(
    "--teacher",
    default=_DEFAULT.teacher,
    show_default=True,
    help="Share of the unpruned network's answers in the targets while pruning.",
)
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default=_DEFAULT.precision,
    show_default=True,
    help="How to compute while pruning.",
)
@click.option(
    "--seed", type=_SEED, default=_DEFAULT.seed, show_default=True, help="Start of random choices."
)
@click.option("--force", is_flag=True, help="Replace what is there.")
@click.option("--json", "as_json", is_flag=True, help="Print what was measured as JSON.")
def export(
    bundle: Path,
    out: Path,
    calibration: Path | None,
    faces: Path | None,
    force: bool,
    as_json: bool,
    **choices: int | float | bool | str,
) -> None:
    """Make the float and int8 TFLite models of a trained bundle.

    Pruning buys download size, not speed: both runtimes multiply zeros like other numbers.

    \b
    edgefer export work/model -o work/float
    edgefer export work/model --int8 --calib calib_data/korean -o work/device
    edgefer export work/model --int8 --calib calib_data/korean -o work/device \\
        --prune 0.5 --faces work/korean
    """
    recipe = ExportRecipe(**choices)  # type: ignore[arg-type]
    source, new = quote(str(bundle)), quote(str(out))
    if recipe.int8 and calibration is None:
        raise click.UsageError(
            "--int8 needs --calib DIR: the faces to calibrate on. Make them:\n"
            "  edgefer calib FACESET -o calib_data/NAME\n"
            f"  edgefer export {source} --int8 --calib calib_data/NAME -o {new}"
        )
    if recipe.prune and faces is None:
        raise click.UsageError(
            "--prune needs --faces FACESET: the faces to go on training with, such as those the "
            "bundle was trained on."
        )
    if calibration and not recipe.int8:
        raise click.UsageError("--calib is for int8: add --int8, or leave --calib out.")
    _refuse_idle(recipe)
    from edgefer.bundle import Bundle
    from edgefer.faceset import FaceSet

    # What is missing shows before TensorFlow, which takes seconds, is imported.
    trained = Bundle.load(bundle)
    chosen = FaceSet.load(calibration) if calibration else None
    judges = FaceSet.load(faces) if faces else None

    from .pack import export_bundle
    from .show import export_table

    made = export_bundle(trained, recipe, out, calibration=chosen, faces=judges, force=force)
    click.echo(json.dumps(made.history[-1].scores, indent=2) if as_json else export_table(made))


def _refuse_idle(recipe: ExportRecipe) -> None:
    """Refuse options that would do nothing."""
    context = click.get_current_context()
    default = click.core.ParameterSource.DEFAULT
    pruning = ("epochs", "batch", "rate", "teacher", "precision")
    given = [name for name in pruning if context.get_parameter_source(name) is not default]
    if given and not recipe.prune:
        raise click.UsageError(
            f"--{', --'.join(given)} {'is' if len(given) == 1 else 'are'} for pruning: add --prune "
            "SPARSITY, or leave it out."
        )
    if recipe.per_channel_dense and not recipe.int8:
        raise click.UsageError("--per-channel-dense is for int8: add --int8, or leave it out.")
    unused = not recipe.prune and not recipe.int8
    if unused and context.get_parameter_source("faces") is not default:
        raise click.UsageError("--faces is for --prune and --calib: add one, or leave it out.")


COMMANDS: tuple[click.Command, ...] = (calib, export)
