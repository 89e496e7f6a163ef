"""Which options of ``edgefer export`` go with which: what would do nothing is wrong usage."""

from shlex import quote

import click
from click.core import ParameterSource

from .recipe import ExportRecipe

# Options that each way to look, and export nothing, reads.
_ALWAYS = {"bundle", "out", "calibration", "per_channel_dense", "force", "as_json"}
_LOOKS = {
    "sensitivity": {*_ALWAYS, "sensitivity"},
    "candidates": {
        *(*_ALWAYS, "candidates", "faces", "gate_split"),
        *("macs", "latency", "rank", "multiple", "sparsity", "clusters"),
        *("epochs", "batch", "rate", "teacher", "precision", "seed"),
    },
}


def require_choices(context: click.Context, recipe: ExportRecipe) -> None:
    """Refuse options that lack what they need, and options that would do nothing.

    Raises
    ------
    click.UsageError
        Says what is missing, or what the option is for.
    """
    given = {
        name
        for name in context.params
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT
    }
    looking = given & {"sensitivity", "candidates"}
    trains = bool(recipe.macs or recipe.latency or recipe.sparsity or recipe.clusters)
    by_gate = recipe.gate is not None or recipe.rung == "qat" or "candidates" in given
    if recipe.int8 and "calibration" not in given:
        source, new = quote(str(context.params["bundle"])), quote(str(context.params["out"]))
        raise click.UsageError(
            "--int8 needs --calib DIR: the faces to calibrate on. Make them:\n"
            "  edgefer calib FACESET -o calib_data/NAME\n"
            f"  edgefer export {source} --int8 --calib calib_data/NAME -o {new}"
        )
    if looking and "calibration" not in given:
        raise click.UsageError(f"--{looking.pop()} needs --calib DIR: faces to calibrate on.")
    needs_faces = {
        "--macs": bool(recipe.macs),
        "--latency": bool(recipe.latency),
        "--sparsity": bool(recipe.sparsity),
        "--clusters": bool(recipe.clusters),
        "--gate": recipe.gate is not None,
        "--rung qat": recipe.rung == "qat",
        "--candidates": "candidates" in given,
    }
    for name, wanted in needs_faces.items():
        if wanted and "faces" not in given:
            raise click.UsageError(
                f"{name} needs --faces FACESET, such as the faces the bundle was trained on."
            )
    if len(looking) == 2:
        raise click.UsageError("--sensitivity and --candidates write different pages: name one.")
    for look, read in _LOOKS.items():
        foreign = sorted(given - read) if look in given else []
        if foreign:
            raise click.UsageError(
                f"{_typed(context, foreign[0])} does not go with --{look}: leave one out."
            )
    quantizes = recipe.int8 or bool(looking)
    idle = {
        "calibration": (quantizes, "for int8: add --int8"),
        "per_channel_dense": (quantizes, "for int8: add --int8"),
        "gate": (recipe.int8, "for int8: add --int8"),
        "rung": (recipe.int8, "for int8: add --int8"),
        "keep": (recipe.int8, "for int8: add --int8"),
        "gate_split": (by_gate, "for the gate: add --gate SHARE"),
        "rank": (bool(recipe.macs or recipe.latency), "for a thinner network: add --macs SHARE"),
        "multiple": (
            bool(recipe.macs or recipe.latency),
            "for a thinner network: add --macs SHARE",
        ),
        "faces": (trains or by_gate or recipe.int8, "for training further, --gate and --calib"),
        **dict.fromkeys(
            ("epochs", "batch", "rate", "teacher", "precision"),
            (
                trains or by_gate,
                "for training further: add --macs, --sparsity, --clusters, --gate or --rung qat",
            ),
        ),
    }
    for name, (used, purpose) in idle.items():
        if name in given and not used:
            raise click.UsageError(f"{_typed(context, name)} is {purpose}, or leave it out.")


def _typed(context: click.Context, name: str) -> str:
    """How an option is typed."""
    return next(param.opts[-1] for param in context.command.params if param.name == name)
