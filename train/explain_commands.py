"""The command ``edgefer explain``: options only."""

from pathlib import Path

import click

from .options import PATH, force_option, map_option, seed_option


@click.command()
@click.argument("bundle", type=PATH)
@click.argument("faceset", type=PATH)
@click.option(
    "--action-units", "table", type=PATH, help="OpenFace's CSV, or its folder, a file a picture."
)
@click.option("--blendshapes", "task", type=PATH, help="MediaPipe's .task file, to measure with.")
@click.option("-o", "--out", type=PATH, help="Page to write, NAME.html.")
@click.option("--split", default="", help="Which faces to judge, or all.  [default: all but train]")
@click.option("--face", "asked", multiple=True, metavar="ID", help="Explain this face; repeatable.")
@click.option(
    "--looks",
    type=click.IntRange(0, 50),
    default=4,
    show_default=True,
    help="Heat maps per emotion.",
)
@map_option
@seed_option
@click.option("--json", "as_json", is_flag=True, help="Write JSON to standard output.")
@force_option
def explain(
    bundle: Path,
    faceset: Path,
    table: Path | None,
    task: Path | None,
    out: Path | None,
    split: str,
    asked: tuple[str, ...],
    looks: int,
    renames: str,
    seed: int,
    as_json: bool,
    force: bool,
) -> None:
    """Say by which action units a network answers, and where in a face it looks.

    OpenFace's table names each face in a column id, origin or filename; or name the folder that
    FaceLandmarkImg wrote, one file a picture. With MediaPipe the units are measured here.

    \b
    edgefer explain work/mine work/korean --action-units units.csv -o why.html
    edgefer explain work/mine work/korean --blendshapes face_landmarker.task --face happy_000012
    """
    if (table is None) == (task is None):
        raise click.UsageError("Give either --action-units or --blendshapes.")
    from edgefer.bundle import Bundle
    from edgefer.faceset import FaceSet
    from edgefer.labels import parse_map
    from edgefer.report.save import check

    from .explain.judged import judged_faces

    check([out] if out else [], force=force, suffixes=[".html"])
    network = Bundle.load(bundle)
    whole = FaceSet.load(faceset)
    faces, about = judged_faces(network, whole, split=split, renames=parse_map(renames))

    # First: MediaPipe imports TensorFlow where it finds it, without the switches that it needs.
    from .explain.explanation import explain as find
    from .explain.words import to_json, to_text

    if table:
        from .explain.openface import read_openface

        units = read_openface(table, whole)
    else:
        from .explain.blendshapes import read_blendshapes

        assert task is not None
        units = read_blendshapes(task, faces)
    found = find(network, faces, units, looks=looks, asked=asked, seed=seed, about=about)
    if out:
        from edgefer.folders import write_file

        from .explain.page import to_html

        write_file(out, to_html(found).encode(), force=True)
    click.echo(to_json(found) if as_json else to_text(found))


COMMANDS = (explain,)
