"""A benchmark as tables for a terminal."""

import io

from rich import box
from rich.console import Console
from rich.table import Table

from .thermal import Heat
from .timings import Bench, Trial

PERCENTILES = ("p50", "p95", "p99")


def to_terminal(result: Bench) -> str:
    """Tables as colorful as standard output allows."""
    console = Console()
    return to_text(result, color=console.is_terminal and not console.no_color)


def to_text(result: Bench, *, color: bool = False) -> str:
    """What was measured on, a table for each number of threads, and what to make of it."""
    out = io.StringIO()
    console = Console(
        file=out, width=100, force_terminal=color, no_color=not color, highlight=False, markup=False
    )
    about = result.about
    console.print(f"{about['bundle']} on {about['machine']['cpu']}, {about['runtime']}")
    console.print(f"{about['machine']['cores']} cores, {about['machine']['system']}")
    for trial in result.trials:
        console.print()
        console.print(_title(trial), style="bold")
        console.print(_warmth(trial))
        if trial.throttled:
            console.print(
                f"THROTTLED ({', '.join(trial.throttled)}): these are the times of a slowed board.",
                style="bold red",
            )
        console.print(_table(trial))
    console.print()
    console.print(f"peak memory of this process: {result.peak_rss_mb:.0f} MB")
    console.print(f"read: {_reading(about['camera'])}")
    console.print(f"detect: as edgefer run, {_detecting(about['detection']['every'])}")
    console.print("frame: detect and read the faces")
    console.print("search: a whole picture with patience, as only the first one and a crowd are")
    if not result.complete:
        console.print("stopped by Ctrl-C: not every number of threads was measured", style="yellow")
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _title(trial: Trial) -> str:
    threads = f"{trial.threads} thread{'s' * (trial.threads > 1)}"
    return (
        f"{threads}: {trial.fps:.1f} frames a second without reading "
        f"({trial.frames} frames, {trial.faces} faces)"
    )


def _warmth(trial: Trial) -> str:
    if trial.before.celsius is None and trial.after.celsius is None:
        return "temperature: no sensor"
    return f"temperature: {_celsius(trial.before)} before, {_celsius(trial.after)} after"


def _celsius(heat: Heat) -> str:
    return "unknown" if heat.celsius is None else f"{heat.celsius:.0f} °C"


def _table(trial: Trial) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("milliseconds")
    for name in (*PERCENTILES, "times"):
        table.add_column(name, justify="right", min_width=7)
    for timing in trial.timings:
        times = [f"{getattr(timing, name):.2f}" for name in PERCENTILES]
        table.add_row(timing.name, *times, str(timing.count))
    return table


def _reading(camera: str) -> str:
    if camera.partition(":")[0] == "synth":
        return "drawing a person, which takes longer than a camera's picture"
    return f"a picture of {camera}; a live camera's includes waiting for it"


def _detecting(every: int) -> str:
    if every == 1:
        return "a search of every frame with patience"
    return f"near known faces, and quickly all over one frame in {every}"
