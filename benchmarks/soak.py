"""Run the whole loop for long, and see that memory, threads and open files stay as they are.

    make soak
    python benchmarks/soak.py --frames 100000 -o soak.json

The parts are those of ``edgefer run``: the packaged int8 model, Haar, the quality gate, the watch
for drift, smoothing, a log that rotates, the web page with nobody watching it, and metrics where
prometheus-client is installed. The camera is a film of ``synth``, played to and fro at full speed:
somebody comes and goes, so that faces get new numbers all the time. It is drawn once, because
drawing a frame takes three times as long as all that is done with it; with ``--draw`` it is the
camera ``synth`` itself, which draws each one.

The first tenth is warm-up: buffers take their sizes, the log reaches its last file, and the weights
of `edgefer.preprocess` for 16 sides of a face are kept. From then on a line is laid through the
memory that was held, by least squares.
"""

import os

# As edgefer run does; before NumPy is there.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import click
import cv2
import numpy as np

from edgefer.bundle import Bundle
from edgefer.edge.cameras import Camera
from edgefer.edge.cameras.synth import FPS, Synth
from edgefer.edge.classifier import Classifier
from edgefer.edge.faces import Reader
from edgefer.edge.reading import Frame, Reading
from edgefer.edge.sinks import Sink, open_sinks
from edgefer.edge.steady import Steady
from edgefer.edge.stream import run
from edgefer.edge.track import Follower
from edgefer.edge.watcher import Watcher
from edgefer.edge.wishes import Wishes
from edgefer.errors import EdgeferError
from edgefer.synth import find_population, stream

FILM = 240  # frames, kept in grey: 74 MB
WARM_UP = 0.1  # of all frames
SLOPE = 1.0  # MB in 10,000 frames that are still flat


@click.command()
@click.option("--frames", default=100_000, show_default=True, help="How many.")
@click.option("--every", default=1000, show_default=True, help="Frames from look to look.")
@click.option("--bundle", default="default", show_default=True, help="Whose int8 model.")
@click.option("--draw", is_flag=True, help="Draw each frame anew: three times as long.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Write what was seen as JSON.")
def main(frames: int, every: int, bundle: str, draw: bool, out: Path | None) -> None:
    """Run, say how far it is, and end with 1 if something grows."""
    if frames < 20 * every:
        raise click.UsageError(f"{frames} frames are too few for 20 looks: --every {frames // 20}.")
    loaded = Bundle.load(Path(bundle))
    reader = Reader.of(loaded, Classifier(loaded))
    camera = Synth() if draw else Film()
    with tempfile.TemporaryDirectory() as folder:
        sinks = open_sinks([f"jsonl:{folder}/log.jsonl?max=1MB&keep=3", "web:0", *_metrics()])
        found = soak(reader, camera, sinks, frames, every=every, told=_progress)
    click.echo(f"\n{found}")
    if out:
        out.write_text(json.dumps(found.to_json(), indent=1) + "\n")
    sys.exit(not found.flat)


def soak(
    reader: Reader,
    camera: Camera,
    sinks: Sequence[Sink],
    frames: int,
    *,
    every: int = 1000,
    told: Callable[["Look", int], object] = lambda look, frames: None,
) -> "Soak":
    """Run the loop for so many frames, and look at the process every so many.

    Parameters
    ----------
    reader
        As of `edgefer.edge.watcher.Watcher`.
    camera, sinks
        As of `edgefer.edge.stream.run`.
    frames, every : int
    told : callable
        Gets each look, and the frames that there will be.
    """
    gauge = Gauge(every, lambda look: told(look, frames))
    follower = Follower.of(Wishes())
    run(Watcher(follower, reader, Steady()), camera, [*sinks, gauge], max_frames=frames)
    return Soak(tuple(gauge.looks))


class Look(NamedTuple):
    """What the process holds after so many frames: memory in MB, threads, open files; and when."""

    frames: int
    mb: float
    threads: int
    files: int
    faces: int
    seconds: float


class Gauge:
    """A sink that looks at its own process every so many frames."""

    def __init__(self, every: int, told: Callable[[Look], object]) -> None:
        self.looks: list[Look] = []
        self._every, self._told = every, told
        self._frames = self._faces = 0
        self._began = time.monotonic()

    def write(self, frame: Frame, readings: Sequence[Reading]) -> None:
        self._frames += 1
        self._faces += len(readings)
        if self._frames % self._every == 0:
            seconds = time.monotonic() - self._began
            self.looks.append(Look(self._frames, *held(), self._faces, seconds))
            self._told(self.looks[-1])

    def close(self) -> None:
        """Nothing is held open."""


@dataclass(frozen=True)
class Soak:
    """What was seen, from the first look to the last."""

    looks: tuple[Look, ...]

    @property
    def warm(self) -> tuple[Look, ...]:
        """Looks after the warm-up."""
        return tuple(look for look in self.looks if look.frames > WARM_UP * self.looks[-1].frames)

    @property
    def slope(self) -> float:
        """By how many MB memory grows in 10,000 frames, by least squares."""
        frames, megabytes = ([look[field] for look in self.warm] for field in (0, 1))
        return float(10_000 * np.polyfit(frames, megabytes, 1)[0])

    @property
    def flat(self) -> bool:
        """Whether nothing grows."""
        counts = [{look[field] for look in self.warm} for field in (2, 3)]
        return self.slope < SLOPE and all(len(count) == 1 for count in counts)

    def to_json(self) -> dict:
        """Everything, ready for JSON."""
        looks = [look._asdict() for look in self.looks]
        return asdict(self) | {"looks": looks, "slope": self.slope, "flat": self.flat}

    def __str__(self) -> str:
        warm, last = self.warm, self.looks[-1]
        lines = [f"{'':22}{'first':>8}{'least':>8}{'most':>8}{'last':>8}"]
        for name, field in (("memory, MB", 1), ("threads", 2), ("open files", 3)):
            values = [look[field] for look in warm]
            cells = (values[0], min(values), max(values), values[-1])
            lines.append(f"{name:22}" + "".join(f"{value:8.4g}" for value in cells))
        answer = "flat" if self.flat else "NOT FLAT"
        return "\n".join(
            [
                f"{last.frames:,} frames, {last.faces:,} readings, {last.seconds:.0f} s "
                f"({last.frames / last.seconds:.0f} frames a second); "
                f"{len(warm)} looks from frame {warm[0].frames:,} on:",
                *lines,
                f"memory grows by {self.slope:.3f} MB in 10,000 frames; wanted: less than "
                f"{SLOPE:g}. {answer}",
            ]
        )


class Film:
    """Somebody who comes and goes, drawn once, then played to and fro without end."""

    def __init__(self, frames: int = FILM) -> None:
        drawn = stream(0, find_population("base"), frames, fps=FPS, absence=0.25)
        film = [cv2.cvtColor(moment.image, cv2.COLOR_BGR2GRAY) for moment in drawn]
        self._images = film + film[-2:0:-1]

    def __iter__(self) -> Iterator[Frame]:
        for index, image in enumerate(cycle(self._images)):
            yield Frame(index, index / FPS, cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))

    def close(self) -> None:
        """Nothing is held open."""


def held() -> tuple[float, int, int]:
    """Memory in MB, threads (also those of libraries) and open files of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    megabytes = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    threads, files = (len(list(Path(f"/proc/self/{name}").iterdir())) for name in ("task", "fd"))
    return megabytes, threads, files


def _metrics() -> list[str]:
    """Metrics, where they can be offered."""
    try:
        open_sinks(["prometheus:0"])[0].close()
    except EdgeferError as error:
        click.echo(f"without metrics: {error}", err=True)
        return []
    return ["prometheus:0"]


def _progress(look: Look, frames: int) -> None:
    left = (frames - look.frames) * look.seconds / look.frames
    click.echo(
        f"{look.frames:8,} of {frames:,}  {look.mb:6.1f} MB  {look.threads} threads  "
        f"{look.files} files  {left / 60:.0f} min left"
    )


if __name__ == "__main__":
    main()
