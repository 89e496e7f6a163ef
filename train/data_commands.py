"""The commands ``edgefer data ...``: options only."""

import json
from pathlib import Path
from shlex import quote

import click

from . import photo_commands
from .options import PATH, force_option, map_option, out_option, seed_option, size_option


@click.group()
def data() -> None:
    """Make face sets and look at them.

    \b
    edgefer data fer2013 fer2013.csv -o work/fer
    edgefer data folder photos/ -o work/faces
    edgefer data show work/faces --sheet sheet.png
    edgefer data clean work/faces -o work/findings
    """


@data.command()
@click.argument("source", type=PATH)
@out_option
@click.option("--ferplus", type=PATH, help="FERPlus's fer2013new.csv, its rows as in SOURCE.")
@size_option
@force_option
def fer2013(source: Path, out: Path, ferplus: Path | None, size: int, force: bool) -> None:
    """Read fer2013.csv or icml_face_data.csv, plain, .gz or .zip.

    Training becomes the split train, PublicTest val, PrivateTest test.
    """
    from edgefer.facewriter import write_faceset
    from edgefer.labels import FER7

    from .datasets.fer2013 import LICENCE, import_fer2013

    with write_faceset(out, FER7, size, source=source.name, licence=LICENCE, force=force) as writer:
        import_fer2013(source, writer, ferplus=ferplus)
    _tell(out)


@data.command()
@click.argument("source", type=PATH)
@out_option
@click.option("--labels", "spoken", help="A set (fer7, korean7, hufs5, au6) or happy,sad,...")
@map_option
@click.option(
    "--size",
    type=click.IntRange(16, 512),
    help="Side of the patches, in pixels. Default: 48, or that of the exported set.",
)
@force_option
def folder(
    source: Path, out: Path, spoken: str | None, renames: str, size: int | None, force: bool
) -> None:
    """Read cut-out faces from folders named after emotions, in English or Korean.

    SOURCE/happy/..., SOURCE/train/happy/... and the like; jpg, png, bmp and webp of any size.
    What edgefer data export wrote comes back as it was, but for what was moved, edited or removed
    by hand. What cannot be used is listed in dropped.csv.
    """
    from edgefer.facewriter import write_faceset
    from edgefer.labels import parse_labels, parse_map

    from .datasets.folder import find_pictures, guess_labels, import_folder
    from .datasets.manifest import About, read_about

    renamed, pictures = parse_map(renames), find_pictures(source)
    about = read_about(source)
    if spoken or renamed or about is None:
        labels = parse_labels(spoken) if spoken else guess_labels(pictures, renamed)
        terms = about.licence if about else "unknown"
        about = About(labels, about.size if about else 48, source.name, terms)
    with write_faceset(
        out,
        about.labels,
        size or about.size,
        source=about.source,
        licence=about.licence,
        force=force,
    ) as writer:
        import_folder(source, writer, pictures=pictures, renames=renamed)
    _tell(out)


@data.command()
@out_option
@click.option("--population", default="base", show_default=True, help="base or korean.")
@click.option("--people", default=100, show_default=True, help="How many people.")
@click.option("--takes", default=5, show_default=True, help="Faces of each person and emotion.")
@size_option
@seed_option
@force_option
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
    _tell(out)


@data.command()
@click.argument("faceset", type=PATH)
@out_option
@click.option("--ratio", default="8:1:1", show_default=True, help="train:val:test.")
@click.option(
    "--by",
    type=click.Choice(["person", "face"]),
    help="What stays together. Default: person if people are known, else face.",
)
@seed_option
@force_option
def split(faceset: Path, out: Path, ratio: str, by: str | None, seed: int, force: bool) -> None:
    """Deal faces into train, val and test: every emotion alike, equal pictures together.

    By person, the splits are disjoint by people, and as even as that allows.
    """
    from edgefer.faceset import FaceSet, copy_faceset

    from .show import people_across, read_dropped
    from .split import deal_by, deal_splits, parse_ratio, shares, to_text

    faces, parts = FaceSet.load(faceset), parse_ratio(ratio)
    by = by or deal_by(faces)
    splits = deal_splits(faces, parts, by=by, seed=seed)
    made = copy_faceset(faces, out, splits=splits, dropped=read_dropped(faceset), force=force)
    _tell(out)
    click.echo(f"dealt by {by}\n{to_text(shares(faces, splits, parts))}")
    unknown = int((faces.persons == "").sum())
    if by == "person" and unknown:
        click.echo(f"{unknown} faces name no person: each was dealt on its own.", err=True)
    across = people_across(made)
    if across:
        click.echo(
            f"{across} people stand in more than one split: scores on them will be too good. Deal "
            "with --by person.",
            err=True,
        )


@data.command()
@click.argument("faceset", type=PATH)
@out_option
@click.option("--apply", "drops", type=PATH, help="Write FACESET without the faces of this list.")
@click.option("--against", type=PATH, help="A face set that must share nothing with FACESET.")
@click.option("--bundle", type=PATH, help="Suspect labels that this bundle's answers contradict.")
@click.option(
    "--folds",
    type=click.IntRange(2, 50),
    help="Suspect labels by answers out of so many folds, learned from the bundle's features.",
)
@click.option("--faceless", is_flag=True, help="Also list faces that the detector does not see.")
@click.option(
    "--most",
    type=click.IntRange(1, 20_000),
    default=500,
    show_default=True,
    help="Faces of each kind on the page.",
)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@force_option
def clean(
    faceset: Path,
    out: Path,
    drops: Path | None,
    against: Path | None,
    bundle: Path | None,
    folds: int | None,
    faceless: bool,
    most: int,
    as_json: bool,
    force: bool,
) -> None:
    """Find duplicates, leaks, poor pictures and doubtful labels; nothing goes by itself.

    \b
    edgefer data clean work/fer -o work/findings
    open work/findings/review.html, choose, save drops.csv
    edgefer data clean work/fer --apply drops.csv -o work/clean
    """
    from edgefer.faceset import FaceSet

    if drops and (against or bundle or folds or faceless):
        raise click.UsageError("--apply only applies a list: search without it first.")
    faces = FaceSet.load(faceset)
    if drops:
        from .clean.apply import apply_drops

        apply_drops(faces, drops, out, force=force)
        _tell(out)
        return
    from edgefer.bundle import Bundle

    from .clean.search import clean as search
    from .clean.search import to_text

    about = search(
        faces,
        out,
        against=FaceSet.load(against) if against else None,
        bundle=Bundle.load(bundle) if bundle else None,
        folds=folds or 0,
        detect=faceless,
        most=most,
        force=force,
    )
    click.echo(json.dumps(about, ensure_ascii=False) if as_json else to_text(about))
    if about["kinds"] and not as_json:
        taken = f"edgefer data clean {quote(str(faceset))} --apply {quote(str(out / 'drops.csv'))}"
        beside = f", or take the one beside it:\n{taken} -o NEW" if about["drop"] else ""
        click.echo(f"judge them in {out / 'review.html'} and save drops.csv{beside}")


@data.command()
@click.argument("faceset", type=PATH)
@out_option
@click.option(
    "--layout",
    type=click.Choice(["hufs", "folders", "csv"]),
    default="folders",
    show_default=True,
    help="dataset/train/happy/... with CSVs; train/happy/...; or FER2013's CSV, fer7 only.",
)
@force_option
def export(faceset: Path, out: Path, layout: str, force: bool) -> None:
    """Write a face set as pictures or as a CSV, for other programs.

    edgefer data folder reads the pictures back as the same face set: people, votes and origins are
    in csvs/merged.csv. FER2013's CSV has no place for people and origins.
    """
    from edgefer.faceset import FaceSet

    from .layouts import export_faces

    faces = FaceSet.load(faceset)
    export_faces(faces, out, layout, force=force)
    click.echo(f"{out}: {len(faces)} faces, layout {layout}; licence: {faces.licence}")


@data.command()
@click.argument("faceset", type=PATH)
@click.option("--sheet", type=PATH, help="Also draw some faces of each emotion into this PNG.")
@force_option
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def show(faceset: Path, sheet: Path | None, force: bool, as_json: bool) -> None:
    """Count faces per split and emotion, people, votes and duplicates."""
    from edgefer.faceset import FaceSet

    from .show import draw_sheet, summarize, to_json, to_text

    if sheet and sheet.suffix.lower() != ".png":
        raise click.UsageError(f"--sheet writes a PNG: name it {sheet.with_suffix('.png').name}.")
    faces = FaceSet.load(faceset)
    summary = summarize(faces)
    if sheet:
        draw_sheet(faces, sheet, force=force)
    click.echo(
        json.dumps(to_json(faces, summary), ensure_ascii=False)
        if as_json
        else to_text(faces, summary)
    )


def _tell(out: Path) -> None:
    from .show import written

    click.echo(written(out))


for _command in photo_commands.COMMANDS:
    data.add_command(_command)
