"""The command ``edgefer export``: options only."""

import json
from pathlib import Path
from typing import Any

import click

from edgefer.sections import OTHER, Command, section

from .choices import require_choices
from .recipe import PRECISIONS, RANKS, RUNGS, TARGETS, ExportRecipe

_PATH = click.Path(path_type=Path)
_DEFAULT = ExportRecipe()

_making = section(
    "What to make",
    click.option("-o", "--out", type=_PATH, required=True, help="The new bundle."),
    click.option("--int8", is_flag=True, help="Quantize to integers; needs --calib."),
    click.option(
        "--calib",
        "calibration",
        type=_PATH,
        help="Faces that int8 is calibrated on: edgefer calib.",
    ),
    click.option(
        "--to",
        type=click.Choice(TARGETS),
        default=_DEFAULT.to,
        show_default=True,
        help="Also an ONNX file, plain or for TensorRT's parser (docs/jetson.md).",
    ),
    click.option(
        "--faces",
        type=_PATH,
        help="Face set: its train split trains further, its val split is the gate; "
        "calibration faces shared with its val and test splits are refused.",
    ),
)
_thinner = section(
    "A thinner network: faster on every device; needs --faces",
    click.option(
        "--macs",
        type=float,
        default=_DEFAULT.macs,
        metavar="SHARE",
        help="Cut channels until this share of the multiplications is left, such as 0.5.",
    ),
    click.option(
        "--latency",
        type=float,
        default=_DEFAULT.latency,
        metavar="SHARE",
        help="Cut until it takes this share of the time, measured in LiteRT here.",
    ),
    click.option(
        "--rank",
        type=click.Choice(RANKS),
        default=_DEFAULT.rank,
        show_default=True,
        help="What tells which channels can be spared.",
    ),
    click.option(
        "--multiple",
        default=_DEFAULT.multiple,
        show_default=True,
        help="What widths stay a multiple of.",
    ),
)
_smaller = section(
    "Download size, not speed; needs --faces",
    click.option(
        "--sparsity",
        default=_DEFAULT.sparsity,
        metavar="SHARE|2:4",
        help="Share of weights to set to zero, such as 0.5, or two of every four.",
    ),
    click.option(
        "--clusters",
        default=_DEFAULT.clusters,
        metavar="N",
        help="How many different weights a layer may have.",
    ),
)
_quantizing = section(
    "How int8 is made",
    click.option(
        "--gate",
        type=float,
        metavar="SHARE",
        help="Largest drop that may pass, of each emotion and overall; .01 is a point. "
        f"Tries {', '.join(RUNGS)} in turn, exits with 3 if none passes. Needs --faces.",
    ),
    click.option(
        "--gate-split",
        default=_DEFAULT.gate_split,
        show_default=True,
        help="Faces that are the gate; never those of the report.",
    ),
    click.option(
        "--rung",
        type=click.Choice(RUNGS),
        help="Make int8 in this way alone.  [default: corrected, or what the gate asks for]",
    ),
    click.option(
        "--keep-float",
        "keep",
        multiple=True,
        metavar="LAYER",
        help="Leave this layer in float; give it several times for several.",
    ),
    click.option(
        "--per-channel-dense",
        is_flag=True,
        help="A scale for every output of a dense layer; x86 and ARM may then differ by a step.",
    ),
)
_looking = section(
    "Look, and export nothing: OUT becomes a folder with a page",
    click.option(
        "--sensitivity", is_flag=True, help="What quantizing each layer costs; needs --calib."
    ),
    click.option(
        "--candidates",
        metavar="LIST",
        help="Compare ways to export on the same faces: all, or some of float,float16,"
        "dynamic,int8,corrected,mixed,qat. Needs --calib and --faces.",
    ),
)
_training = section(
    "Training further",
    click.option("--epochs", default=_DEFAULT.epochs, show_default=True, help="Passes over faces."),
    click.option("--batch", default=_DEFAULT.batch, show_default=True, help="Faces in a step."),
    click.option("--rate", default=_DEFAULT.rate, show_default=True, help="Highest learning rate."),
    click.option(
        "--teacher",
        default=_DEFAULT.teacher,
        show_default=True,
        help="Share of the answers of the network as it was in the targets.",
    ),
    click.option(
        "--precision",
        type=click.Choice(PRECISIONS),
        default=_DEFAULT.precision,
        show_default=True,
        help="How to compute.",
    ),
    click.option(
        "--seed",
        type=click.IntRange(0, 2**31 - 1),
        default=_DEFAULT.seed,
        show_default=True,
        help="Start of random choices.",
    ),
)
_rest = section(
    OTHER,
    click.option(
        "--tflite-python",
        type=click.Path(exists=True, dir_okay=False, executable=True, path_type=Path),
        metavar="PYTHON",
        help="A Python that has tflite-runtime, to try the models on.  [default: that of "
        ".venv-tflite, where there is one]",
    ),
    click.option("--force", is_flag=True, help="Replace what is there."),
    click.option("--json", "as_json", is_flag=True, help="Print what was measured as JSON."),
)


@click.command(cls=Command)
@click.argument("bundle", type=_PATH)
@_making
@_thinner
@_smaller
@_quantizing
@_training
@_looking
@_rest
def export(
    bundle: Path,
    out: Path,
    calibration: Path | None,
    faces: Path | None,
    sensitivity: bool,
    candidates: str | None,
    tflite_python: Path | None,
    force: bool,
    as_json: bool,
    **choices: Any,
) -> None:
    """Make the models for a device out of a trained bundle: float and int8 TFLite.

    Every model is tried on the runtimes that will run it, and carries what a device needs to check
    it again.

    \b
    edgefer export work/model -o work/float
    edgefer export work/model --int8 --calib calib_data/korean -o work/device
    edgefer export work/model --int8 --calib calib_data/korean --faces work/korean \\
        --macs 0.5 --gate 0.01 -o work/device
    edgefer export work/model --sensitivity --calib calib_data/korean -o work/layers
    """
    recipe = ExportRecipe(**{name: each for name, each in choices.items() if each is not None})
    require_choices(click.get_current_context(), recipe)
    from edgefer.bundle import MARKER, Bundle
    from edgefer.faceset import FaceSet
    from edgefer.folders import refuse
    from edgefer.interrupts import hear_interrupts

    from .require import require

    hear_interrupts()
    # What is missing shows before TensorFlow, which takes seconds, is imported.
    trained = Bundle.load(bundle)
    chosen = FaceSet.load(calibration) if calibration else None
    judges = FaceSet.load(faces) if faces else None
    marker = "sensitivity.json" if sensitivity else "candidates.json" if candidates else MARKER
    refuse(out, marker, force=force)
    if not (sensitivity or candidates):
        require(trained, recipe, chosen, judges)
    if sensitivity and chosen:
        from .sensitivity_page import measure_sensitivity, to_text

        ranked = measure_sensitivity(
            trained, chosen, out, per_channel_dense=recipe.per_channel_dense, force=force
        )
        told = json.dumps(ranked.to_json(), indent=2)
        click.echo(told if as_json else f"{to_text(ranked.sensitivity)}\n{out}/sensitivity.html")
        return
    if candidates and chosen and judges:
        from .candidates import compare_candidates

        found = compare_candidates(
            trained, recipe, candidates, out, calibration=chosen, faces=judges, force=force
        )
        click.echo(json.dumps(found.to_json(), indent=2) if as_json else found.to_text())
        return

    from .pack import export_bundle
    from .show import export_table

    made = export_bundle(
        trained,
        recipe,
        out,
        calibration=chosen,
        faces=judges,
        tflite_python=tflite_python,
        force=force,
    )
    click.echo(json.dumps(made.history[-1].scores, indent=2) if as_json else export_table(made))
