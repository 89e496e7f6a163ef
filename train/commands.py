"""The commands ``edgefer data ...`` and ``edgefer train ...``: options only."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from .recipe import POLICIES, SCHEDULES, TrainRecipe

_PATH = click.Path(path_type=Path)
_out = click.option("-o", "--out", type=_PATH, required=True, help="What to write.")
_force = click.option("--force", is_flag=True, help="Replace what is there.")
_seed = click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    show_default=True,
    help="Start of every random choice.",
)
_size = click.option(
    "--size",
    type=click.IntRange(16, 512),
    default=48,
    show_default=True,
    help="Side of the patches, in pixels.",
)
_map = click.option(
    "--map",
    "renames",
    metavar="OLD=NEW,...",
    default="",
    help="Rename emotions; nothing after = leaves one out.",
)


@click.group()
def data() -> None:
    """Make face sets and look at them.

    \b
    edgefer data fer2013 fer2013.csv -o work/fer
    edgefer data folder photos/ -o work/faces
    edgefer data show work/faces --sheet sheet.png
    """


@data.command()
@click.argument("source", type=_PATH)
@_out
@click.option("--ferplus", type=_PATH, help="FERPlus's fer2013new.csv, its rows as in SOURCE.")
@_size
@_force
def fer2013(source: Path, out: Path, ferplus: Path | None, size: int, force: bool) -> None:
    """Read fer2013.csv or icml_face_data.csv, plain, .gz or .zip.

    Training becomes the split train, PublicTest val, PrivateTest test.
    """
    from edgefer.facewriter import write_faceset
    from edgefer.labels import FER7

    from .datasets.fer2013 import LICENCE, import_fer2013

    with write_faceset(out, FER7, size, source=source.name, licence=LICENCE, force=force) as writer:
        import_fer2013(source, writer, ferplus=ferplus)
    _show_written(out)


@data.command()
@click.argument("source", type=_PATH)
@_out
@click.option("--labels", "spoken", help="A set (fer7, korean7, hufs5, au6) or happy,sad,...")
@_map
@_size
@_force
def folder(
    source: Path, out: Path, spoken: str | None, renames: str, size: int, force: bool
) -> None:
    """Read cut-out faces from folders named after emotions, in English or Korean.

    SOURCE/happy/..., SOURCE/train/happy/... and the like; jpg, png, bmp and webp of any size.
    What cannot be used is listed in dropped.csv.
    """
    from edgefer.facewriter import write_faceset
    from edgefer.labels import parse_labels, parse_map

    from .datasets.folder import find_pictures, guess_labels, import_folder

    renamed, pictures = parse_map(renames), find_pictures(source)
    labels = parse_labels(spoken) if spoken else guess_labels(pictures, renamed)
    with write_faceset(out, labels, size, source=source.name, force=force) as writer:
        import_folder(source, writer, pictures=pictures, renames=renamed)
    _show_written(out)


@data.command()
@_out
@click.option("--population", default="base", show_default=True, help="base or korean.")
@click.option("--people", default=100, show_default=True, help="How many people.")
@click.option("--takes", default=5, show_default=True, help="Faces of each person and emotion.")
@_size
@_seed
@_force
def synth(
    out: Path, population: str, people: int, takes: int, size: int, seed: int, force: bool
) -> None:
    """Draw faces that show emotions by their action units: nothing to download.

    action_units.csv beside the faces says which units each face used, as OpenFace would.
    """
    from edgefer.facewriter import write_faceset
    from edgefer.synth import find_population

    from .datasets.synth import LICENCE, import_synth

    drawn = find_population(population)
    source = f"edgefer data synth --population {population} --seed {seed}"
    with write_faceset(
        out, drawn.labels, size, source=source, licence=LICENCE, force=force
    ) as writer:
        import_synth(drawn, writer, people=people, takes=takes, seed=seed)
    _show_written(out)


@data.command()
@click.argument("faceset", type=_PATH)
@_out
@click.option("--ratio", default="8:1:1", show_default=True, help="train:val:test.")
@_seed
@_force
def split(faceset: Path, out: Path, ratio: str, seed: int, force: bool) -> None:
    """Deal faces into train, val and test: every emotion alike, equal pictures together."""
    from edgefer.faceset import FaceSet, copy_faceset

    from .show import people_across
    from .split import deal_splits, parse_ratio

    faces = FaceSet.load(faceset)
    made = copy_faceset(
        faces, out, splits=deal_splits(faces, parse_ratio(ratio), seed=seed), force=force
    )
    _show_written(out)
    across = people_across(made)
    if across:
        click.echo(
            f"{across} people stand in more than one split: scores on them will be too good.",
            err=True,
        )


@data.command()
@click.argument("faceset", type=_PATH)
@click.option("--sheet", type=_PATH, help="Also draw some faces of each emotion into this PNG.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def show(faceset: Path, sheet: Path | None, as_json: bool) -> None:
    """Count faces per split and emotion, people, votes and duplicates."""
    from edgefer.faceset import FaceSet

    from .show import draw_sheet, summarize, to_json, to_text

    faces = FaceSet.load(faceset)
    summary = summarize(faces)
    if sheet:
        draw_sheet(faces, sheet)
    click.echo(
        json.dumps(to_json(faces, summary), ensure_ascii=False)
        if as_json
        else to_text(faces, summary)
    )


_HELP = {
    "epochs": "Passes over the training split.",
    "batch": "Faces in a step.",
    "rate": "Highest learning rate.",
    "weight_decay": "AdamW's decoupled weight decay.",
    "schedule": f"{' or '.join(SCHEDULES)}.",
    "warmup": "Epochs over which the rate rises; cosine only.",
    "patience": "Stop after so many epochs without a better validation accuracy; 0: never.",
    "balance": "0 counts every face alike, 1 every emotion alike.",
    "votes": "Share of annotators' votes in the target, where there are votes.",
    "smoothing": "Label smoothing.",
    "flip": "Mirror half of the faces.",
    "rotate": "Largest rotation, in degrees.",
    "shift": "Largest shift, as a share of the side.",
    "zoom": "Largest change of scale.",
    "light": "Largest change of contrast and brightness.",
    "precision": f"{', '.join(POLICIES)}.",
    "seed": "Start of every random choice.",
}
_NETWORK = {
    "backbone": "vgg, or your own as package.module:function.",
    "width": "Filters of the first stage.",
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
@click.argument("faceset", type=_PATH)
@_out
@_recipe(_NETWORK | _HELP)
@_resume
@_force
def base(faceset: Path, out: Path, resume: bool, force: bool, **choices: Any) -> None:
    """Train a network on a face set's split train, chosen by its split val."""
    from edgefer.faceset import FaceSet

    # What is missing shows before TensorFlow, which takes seconds, is imported.
    faces, recipe = FaceSet.load(faceset), TrainRecipe(**choices)

    from .base import train_base

    _show_scores(train_base(faces, recipe, out, resume=resume, force=force))


@train.command()
@click.argument("bundle", type=_PATH)
@click.argument("faceset", type=_PATH)
@_out
@click.option("--frozen", default=0, show_default=True, help="Stages that stay as they are.")
@_map
@_recipe(_HELP, epochs=30, rate=1e-3, warmup=1)
@_resume
@_force
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

    start, faces, recipe = Bundle.load(bundle), FaceSet.load(faceset), TrainRecipe(**choices)
    renamed = parse_map(renames)

    from .transfer import train_transfer

    made = train_transfer(start, faces, recipe, out, renames=renamed, resume=resume, force=force)
    _show_scores(made)


def _show_written(out: Path) -> None:
    """Say in a few lines what a data command wrote."""
    from edgefer.faceset import FaceSet

    from .show import left_out

    faces = FaceSet.load(out)
    each = ", ".join(
        f"{sum(counts.values())} {name or 'without a split'}"
        for name, counts in faces.counts.items()
    )
    click.echo(f"{out}: {len(faces)} faces ({each}), labels {faces.labels.name}")
    left = sum(left_out(out).values())
    if left:
        click.echo(f"{left} left out: the reasons are in {out / 'dropped.csv'}")


def _show_scores(bundle: Any) -> None:
    """Table of the last step's scores, per split and emotion."""
    from .scores import score_table

    click.echo(score_table(bundle))


COMMANDS = (data, train)
