"""Commands for the board that edgefer is installed on: ``edgefer bench``. Options only."""

import os
from pathlib import Path

import click


@click.command()
@click.argument("bundle", required=False, type=click.Path(path_type=Path))
@click.option(
    "--camera",
    default="synth",
    show_default=True,
    metavar="SOURCE",
    help="Where frames come from: drawn ones, a video file, or what edgefer run takes.",
)
@click.option(
    "--threads",
    multiple=True,
    type=click.IntRange(1, 64),
    show_default="1 and the number of cores",
    help="Threads that detector and models may use. Give it several times for several.",
)
@click.option(
    "--frames",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    metavar="N",
    help="Frames to time, for each number of threads; thousands show how warm a board gets.",
)
@click.option(
    "--backend",
    default="auto",
    show_default=True,
    metavar="NAME",
    help="Runtime, as for edgefer run.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def bench(
    bundle: Path | None,
    camera: str,
    threads: tuple[int, ...],
    frames: int,
    backend: str,
    as_json: bool,
) -> None:
    """Measure how fast this board is, and whether it gets too warm.

    Finding faces, and the float and int8 model with one face and with several, are timed on drawn
    frames. A board that was throttled meanwhile is marked as such.

    \b
    edgefer bench
    edgefer bench small --camera clip.mp4 --threads 4 --json
    """
    import json

    from edgefer.bundle import Bundle

    from .bench import bench as measure
    from .bench_table import to_terminal

    wanted = threads or sorted({1, os.cpu_count() or 1})
    result = measure(
        Bundle.load(bundle), camera=camera, threads=wanted, frames=frames, backend=backend
    )
    if as_json:
        click.echo(json.dumps(result.to_json(), ensure_ascii=False, indent=2))
    else:
        click.echo(to_terminal(result), nl=False)
    if not result.complete:
        raise SystemExit(130)
