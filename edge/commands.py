"""Commands of the device; those of ``edgefer compare`` and ``edgefer doctor``: options only."""

from pathlib import Path

import click

from .board_commands import bench, service
from .model_options import backend_option, threads_option, trusted_keys_option
from .run_command import run


@click.command()
@click.argument(
    "paths", nargs=-1, required=True, metavar="[BUNDLE] FACES", type=click.Path(path_type=Path)
)
@click.option("--split", default="test", show_default=True, help="Which faces; or all.")
@click.option(
    "--map",
    "renames",
    metavar="OLD=NEW,...",
    help="Emotions of FACES under the bundle's names; nothing after = leaves one out.",
)
@click.option(
    "-o",
    "--out",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write a report: .html, .md or .json. Give it several times for several.",
)
@click.option(
    "--against",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Also tell how this machine differs from another: FILE is the .json that edgefer compare "
    "-o wrote there, of the same bundle, faces, --split and --map.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option(
    "--fail-above",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help="Exit with 3 if the overall drop or an emotion's is above this; .05 is 5 points. The drop "
    "as measured decides, also where the faces are too few to tell.",
)
@click.option(
    "--margin",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.03,
    show_default=True,
    metavar="SHARE",
    help="A drop that would not matter; an interval that reaches beyond it means too few to tell.",
)
@backend_option
@threads_option
@trusted_keys_option
@click.option("--force", is_flag=True, help="Replace reports that are there.")
def compare(
    paths: tuple[Path, ...],
    split: str,
    renames: str | None,
    out: tuple[Path, ...],
    against: Path | None,
    as_json: bool,
    fail_above: float | None,
    margin: float,
    backend: str,
    threads: int,
    trusted_keys: tuple[Path, ...],
    force: bool,
) -> None:
    """Show what quantization cost each emotion.

    The float and the int8 model of BUNDLE judge the same faces, on this machine. Without BUNDLE it
    is the one that comes with edgefer.

    \b
    edgefer compare my-bundle faces -o report.html
    edgefer compare my-bundle faces --split val --json
    edgefer compare my-bundle faces --map surprise=embarrassed,disgust=,fear=
    edgefer compare my-bundle faces --against workstation.json
    """
    if len(paths) > 2:
        raise click.UsageError(f"expected [BUNDLE] FACES, got {len(paths)} folders.")
    from edgefer.faceset import FaceSet
    from edgefer.labels import parse_map
    from edgefer.report.against import load_elsewhere
    from edgefer.report.save import check, save, to_json
    from edgefer.report.table import to_terminal
    from edgefer.signature import load_trusted

    from .compare import compare as measure
    from .compare import gate

    check(out, force=force)
    bundle = load_trusted(paths[0] if len(paths) == 2 else None, trusted_keys)
    faces, moved = FaceSet.load(paths[-1]), parse_map(renames or "")
    # Before the work: a comparison of something else is refused at once.
    there = load_elsewhere(against) if against else None
    if there:
        there.check(bundle.digest, faces.digest, split, moved)
    result = measure(
        bundle, faces, split=split, renames=moved, backend=backend, threads=threads, margin=margin
    )
    result, table = there.beside(result) if there else (result, "")
    click.echo(to_json(result) if as_json else to_terminal(result) + table, nl=False)
    for path in out:
        save(result, path)
        click.echo(f"wrote {path}", err=True)
    gate(result, fail_above)


@click.command()
@click.option(
    "--bundle",
    type=click.Path(path_type=Path),
    help="Look at this one and not at the packaged one: a folder, or a name such as small.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def doctor(bundle: Path | None, as_json: bool) -> None:
    """Look at what edgefer needs on this machine, and say what to type where it is missing.

    Every runtime that is installed answers the golden patches of a bundle: drawn faces whose right
    answers the bundle knows. It also tells whether the bundle's confidence is calibrated, and which
    optional packages are here.

    \b
    edgefer doctor
    edgefer doctor --bundle my-bundle
    """
    import json

    from .doctor import examine, format_checks

    checks = examine(bundle)
    broken = any(check.status == "broken" for check in checks)
    if as_json:
        about = {"ok": not broken, "checks": [check.to_json() for check in checks]}
        click.echo(json.dumps(about, ensure_ascii=False, indent=2))
    else:
        click.echo(format_checks(checks))
    if broken:
        raise SystemExit(1)


COMMANDS = (run, compare, bench, service, doctor)
