"""Measure what it costs to read a live camera in a process of its own, and not in a thread.

    python benchmarks/captured.py

The camera gives 30 pictures a second, each of which holds the moment when it was taken. It is read
as `edgefer run` reads it, in turns by the thread alone and by the thread that asks a process.
Counted is the processor time of both (all threads, user and system) for a picture; later is how
long after it was taken the loop has it. Making a picture takes the same time in both ways, and goes
away with their difference.
"""

import statistics
import struct
import time
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
from starting import print_machine, processor_seconds

from edgefer.edge.cameras import Camera
from edgefer.edge.cameras.captured import open_live
from edgefer.edge.cameras.care import Care
from edgefer.edge.cameras.live import LiveCamera

SIZES = "640x480", "1920x1080"
RATE = 30  # pictures a second
WARM_UP = 30  # pictures: the process has started, and memory is there


class Dated:
    """A camera whose pictures hold the moment when they were taken, in their first eight bytes."""

    def __init__(self, size: str, stall: float = 0.0) -> None:
        width, height = map(int, size.split("x"))
        self._picture = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
        self._due = time.monotonic()

    def read(self) -> tuple[bool, np.ndarray]:
        self._due += 1 / RATE
        time.sleep(max(0.0, self._due - time.monotonic()))
        picture = self._picture.copy()  # as a driver makes each one anew
        picture.ravel()[:8] = np.frombuffer(struct.pack("d", time.monotonic()), np.uint8)
        return True, picture

    def release(self) -> None:
        """Nothing is held open."""


def age(picture: np.ndarray) -> float:
    """Seconds since a picture was taken, in whichever process."""
    return time.monotonic() - struct.unpack("d", picture.ravel()[:8].tobytes())[0]


class Cost(NamedTuple):
    """Milliseconds of processor time of a picture, and until the loop has it; MB of the process."""

    busy: float
    later: float
    mb: float


@click.command()
@click.option("--frames", default=300, show_default=True, help="Pictures of each round.")
@click.option("--rounds", default=5, show_default=True, help="The best of so many counts.")
def main(frames: int, rounds: int) -> None:
    """Print a row for each size."""
    print("ms a picture   in a thread  in a process   later: thread  process   MB of the process")
    for size in SIZES:
        told: tuple[list[Cost], list[Cost]] = [], []
        for _ in range(rounds):
            told[0].append(measured(LiveCamera(Dated(size), "the camera"), frames))
            captured = open_live("captured:Dated", size, "the camera", Care())
            told[1].append(measured(captured, frames))
        thread, process = (Cost(*map(min, zip(*costs, strict=True))) for costs in told)
        print(
            f"{size:12}{thread.busy:14.2f}{process.busy:14.2f}{thread.later:16.2f}"
            f"{process.later:9.2f}{process.mb:20.0f}",
            flush=True,
        )
    print_machine()


def measured(camera: Camera, frames: int) -> Cost:
    """What so many pictures cost, the processes that were started for them included."""
    try:
        pictures = (frame.image for frame in camera)
        for picture in islice(pictures, WARM_UP):
            age(picture)
        processes = children()
        began, ages = busy(processes), []
        for picture in islice(pictures, frames):
            ages.append(age(picture))
        spent = busy(processes) - began
        megabytes = sum(map(private, processes))
    finally:
        camera.close()
    return Cost(1000 * spent / frames, 1000 * statistics.median(ages), megabytes)


def busy(processes: list[int]) -> float:
    """Seconds of processor time of this process and of these so far."""
    return time.process_time() + sum(map(processor_seconds, processes))


def children() -> list[int]:
    """Processes that this one has started."""
    files = Path("/proc/self/task").glob("*/children")
    return [int(process) for file in files for process in file.read_text().split()]


def private(process: int) -> float:
    """Memory that a process shares with no other, in MB."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) * 1024 / 1e6


if __name__ == "__main__":
    main()
