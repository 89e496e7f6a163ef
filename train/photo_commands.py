"""The commands ``edgefer data aihub`` and ``edgefer data kface``: options only."""

import json
from pathlib import Path
from typing import Any

import click

from .options import PATH, force_option, map_option, out_option, size_option

_sources = click.argument("sources", nargs=-1, required=True, metavar="SRC...", type=PATH)
_workers = click.option(
    "--workers",
    type=click.IntRange(0),
    default=0,
    help="Processes on this machine.  [default: one a core]",
)
_cluster = click.option(
    "--cluster",
    metavar="tcp://HOST:8786",
    default="",
    help="A Dask scheduler whose workers do the work; they must see SRC and OUT under these paths.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print what came of it as JSON.")


@click.command()
@_sources
@out_option
@click.option(
    "--labels",
    "spoken",
    default="korean7",
    show_default=True,
    help="A set (korean7, hufs5, ...) or happy,sad,...",
)
@map_option
@click.option(
    "--label-by",
    default="vote",
    show_default=True,
    help="vote of all four, or one's word: uploader, annotator-a, -b, -c.",
)
@click.option("--min-votes", default=2, show_default=True, help="Votes that an emotion needs.")
@click.option(
    "--crop",
    type=click.Choice(("haar", "annotated", "both")),
    default="haar",
    show_default=True,
    help="Whose box: the camera's detector's, the annotators', or theirs where it finds none.",
)
@size_option
@_workers
@_cluster
@force_option
@_json
def aihub(
    sources: tuple[Path, ...],
    out: Path,
    spoken: str,
    renames: str,
    label_by: str,
    min_votes: int,
    crop: str,
    size: int,
    workers: int,
    cluster: str,
    force: bool,
    as_json: bool,
) -> None:
    """Cut faces out of AI Hub 82 (한국인 감정인식을 위한 복합 영상) as it is downloaded.

    SRC is the download folder, its zips, unpacked folders, or any mix; zips are read in place.
    Every record and photo ends in faces.csv, or in dropped.csv with the reason. Stop it whenever
    you like: the same command goes on where it was.

    \b
    edgefer data aihub Downloads/emotion -o work/korean
    edgefer data aihub '[라벨]EMOIMG_기쁨_VALID.zip' '[원천]EMOIMG_기쁨_VALID.zip' -o work/happy
    edgefer data aihub Downloads/emotion -o work/five --labels hufs5 --min-votes 3
    """
    from edgefer.labels import parse_labels, parse_map

    from .datasets.aihub import LICENCE, LabelRecipe, plan_aihub
    from .datasets.gather import import_photos
    from .datasets.plan import CropRecipe

    labels = parse_labels(spoken)
    recipe = LabelRecipe(label_by, min_votes, parse_map(renames))
    chosen = {"labels": spoken, "map": renames, "label-by": label_by, "min-votes": min_votes}
    made = import_photos(
        plan_aihub(sources, labels, recipe),
        out,
        labels,
        CropRecipe(crop, size),
        source=_typed("aihub", {**chosen, "crop": crop, "size": size}),
        licence=LICENCE,
        workers=workers,
        cluster=cluster,
        force=force,
    )
    _show(made, out, as_json=as_json)


@click.command()
@_sources
@out_option
@click.option("--accessories", default="", metavar="1,2-4", help="S numbers; all if left out.")
@click.option("--lights", default="", metavar="1,4-6", help="L numbers; all if left out.")
@click.option("--views", default="", metavar="5-9", help="C numbers; all if left out.")
@size_option
@_workers
@_cluster
@force_option
@_json
def kface(
    sources: tuple[Path, ...],
    out: Path,
    accessories: str,
    lights: str,
    views: str,
    size: int,
    workers: int,
    cluster: str,
    force: bool,
    as_json: bool,
) -> None:
    """Cut faces out of K-FACE (AI Hub 83): E01 is neutral, E02 happy, E03 a frown.

    SRC is the folder above the people's, people's folders, or their zips. Of the same pictures in
    several resolutions one is taken; name the folder of the resolution you want.

    \b
    edgefer data kface K-FACE/High -o work/kface --lights 1,4 --views 6-8
    """
    from .datasets.gather import import_photos
    from .datasets.kface import LABELS, LICENCE, parse_numbers, plan_kface
    from .datasets.plan import CropRecipe

    chosen = {"accessories": accessories, "lights": lights, "views": views}
    made = import_photos(
        plan_kface(sources, **{name: parse_numbers(text) for name, text in chosen.items()}),
        out,
        LABELS,
        CropRecipe(size=size, largest=True),
        source=_typed("kface", {**chosen, "size": size}),
        licence=LICENCE,
        workers=workers,
        cluster=cluster,
        force=force,
    )
    _show(made, out, as_json=as_json)


def _typed(command: str, options: dict[str, Any]) -> str:
    """What was typed, less paths."""
    given = (f"--{name} {value}" for name, value in options.items() if value != "")
    return " ".join(["edgefer data", command, *given])


def _show(made: Any, out: Path, *, as_json: bool) -> None:
    from dataclasses import asdict

    from .show import written

    if as_json:
        click.echo(json.dumps(asdict(made), ensure_ascii=False))
        return
    click.echo(written(out))
    if made.annotated:
        click.echo(
            f"Haar found {made.recall:.1%} of {made.annotated} annotated faces; its box overlaps "
            f"theirs by {made.overlap:.2f} (median)"
        )
    if made.crops.get("annotated") and made.crops.get("haar"):
        click.echo(f"{made.crops['annotated']} faces were cut out by the annotators' box")


COMMANDS: tuple[click.Command, ...] = (aihub, kface)
