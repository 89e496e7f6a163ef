"""The commands ``edgefer calib`` and ``edgefer export``: options only."""

import json
from pathlib import Path

import click

from .recipe import PRECISIONS, WAYS, ExportRecipe

_PATH = click.Path(path_type=Path)
_DEFAULT = ExportRecipe()
_SEED = click.IntRange(0, 2**31 - 1)


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
@click.option("--force", is_flag=True, help="Replace what is there.")
def calib(
    faceset: Path,
    out: Path,
    per_emotion: int,
    select: str,
    bundle: Path | None,
    seed: int,
    force: bool,
) -> None:
    """Choose the faces that int8 is calibrated on.

    Equally many of each emotion, from the train split only, spread over its people. Take faces like
    those the camera will see.

    \b
    edgefer calib work/korean -o calib_data/korean
    edgefer calib work/korean -o calib_data/korean --select spread --bundle work/transfer
    """
    if bundle and select != "spread":
        raise click.UsageError("--bundle is for --select spread: add it, or leave --bundle out.")
    from edgefer.bundle import Bundle
    from edgefer.faceset import FaceSet

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
    if recipe.int8 and calibration is None:
        raise click.UsageError(
            "--int8 needs --calib DIR: the faces to calibrate on. Make them:\n"
            "  edgefer calib FACESET -o calib_data/NAME\n"
            f"  edgefer export {bundle} --int8 --calib calib_data/NAME -o {out}"
        )
    if recipe.prune and faces is None:
        raise click.UsageError(
            "--prune needs --faces FACESET: the faces to go on training with, such as those the "
            "bundle was trained on."
        )
    if calibration and not recipe.int8:
        raise click.UsageError("--calib is for int8: add --int8, or leave --calib out.")
    from edgefer.bundle import Bundle
    from edgefer.faceset import FaceSet

    # What is missing shows before TensorFlow, which takes seconds, is imported.
    source = Bundle.load(bundle)
    chosen = FaceSet.load(calibration) if calibration else None
    judges = FaceSet.load(faces) if faces else None

    from .pack import export_bundle
    from .show import export_table

    made = export_bundle(source, recipe, out, calibration=chosen, faces=judges, force=force)
    click.echo(json.dumps(made.history[-1].scores, indent=2) if as_json else export_table(made))


COMMANDS: tuple[click.Command, ...] = (calib, export)
