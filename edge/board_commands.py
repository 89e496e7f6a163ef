"""Commands for the board itself: ``edgefer bench`` and ``service``. Options only."""

import os
from pathlib import Path

import click

from .detector_options import detector_options
from .model_options import spare_cores
from .wishes import Wishes


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
    callback=spare_cores,
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
@detector_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def bench(
    bundle: Path | None,
    camera: str,
    threads: tuple[int, ...],
    frames: int,
    backend: str,
    wishes: Wishes,
    as_json: bool,
) -> None:
    """Measure how fast this board is, and whether it gets too warm.

    Drawn frames are read as edgefer run reads a camera's: a row of the table is all of a frame.
    Searching a whole frame with patience, and the float and int8 model with one face and with
    several, have rows of their own. A board that was throttled meanwhile is marked as such.

    \b
    edgefer bench
    edgefer bench small --camera clip.mp4 --threads 4 --json
    edgefer bench --min-face 80 --every 20
    """
    import json

    from edgefer.bundle import Bundle

    from .bench import bench as measure
    from .bench_table import to_terminal

    wanted = threads or sorted({1, os.cpu_count() or 1})
    result = measure(
        Bundle.load(bundle),
        camera=camera,
        threads=wanted,
        frames=frames,
        backend=backend,
        wishes=wishes,
    )
    if as_json:
        click.echo(json.dumps(result.to_json(), ensure_ascii=False, indent=2))
    else:
        click.echo(to_terminal(result), nl=False)
    if not result.complete:
        raise SystemExit(130)


@click.group()
def service() -> None:
    """Run edgefer when the board starts, under systemd."""


@service.command(context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[OPTIONS OF RUN]...")
@click.option(
    "--config",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True, path_type=Path),
    help="Configuration file of edgefer run; it may be readable for root only.",
)
@click.option(
    "--web-token",
    "token",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True, path_type=Path),
    help="File with the token of the page that --sink web:0.0.0.0:8080 shows to others; it should "
    "be readable for root only.",
)
@click.option(
    "--memory",
    default="512M",
    show_default=True,
    metavar="SIZE",
    help="More memory than this ends the run, and it starts anew.",
)
@click.option("--dry-run", is_flag=True, help="Print the unit and write nothing.")
@click.option("--force", is_flag=True, help="Replace a unit that is there.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    default="/etc/systemd/system",
    show_default=True,
    help="Where units lie.",
)
def install(
    options: tuple[str, ...],
    config: Path | None,
    token: Path | None,
    memory: str,
    dry_run: bool,
    force: bool,
    folder: Path,
) -> None:
    """Write a sandboxed unit for this Python and these options of edgefer run.

    It needs root, unless it is only printed. Files that a sink writes go to /var/lib/edgefer; a
    certificate or key that a sink's option names is handed over. Put -- before options of run that
    are also this command's, such as --force.

    \b
    sudo .venv/bin/edgefer service install --config /etc/edgefer.toml
    sudo .venv/bin/edgefer service install small --sink 'jsonl:readings.jsonl?max=10MB&keep=5'
    sudo .venv/bin/edgefer service install --web-token /etc/edgefer.token --sink web:0.0.0.0:8080
    """
    from .service import install as put
    from .service import unit
    from .service_options import wanted

    text = unit(wanted(options, config, memory=memory, token=token))
    if dry_run:
        click.echo(text, nl=False)
        return
    path = put(text, folder, force=force)
    click.echo(f"wrote {path}. Start it: sudo systemctl enable --now edgefer", err=True)


@service.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def status(as_json: bool) -> None:
    """Tell how the service is; exits with 1 where it does not run."""
    import json

    from .service import status as ask

    found = ask()
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        width = max(map(len, found))
        click.echo("\n".join(f"{name:{width}}  {value}" for name, value in found.items() if value))
    if found["installed"] == "no":
        click.echo("Install it: sudo edgefer service install --config FILE", err=True)
    if found["state"] != "active":
        raise SystemExit(1)
