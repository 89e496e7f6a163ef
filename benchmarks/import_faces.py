"""Measure the import of photographs against the plain loop, on the same drawn 12-megapixel photos.

    python benchmarks/import_faces.py

The plain loop decodes the whole photo in color, searches it with ``detectMultiScale(1.42, 9,
minSize=350)`` and cuts the face out. Both loops take the photos in turn, on one core; times are of
the processor, medians over the rounds. Then two workers are measured against one (wall time, the
best of the rounds), and a worker's memory on more and more photos.
"""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import click
import cv2
import numpy as np
from joblib import Parallel, delayed

from edgefer.detect import FaceDetector, load_cascade
from edgefer.errors import DataError
from edgefer.labels import KOREAN7
from edgefer.preprocess import Box, to_patch
from edgefer.train.datasets.crop import cut_face, overlap
from edgefer.train.datasets.photographs import Photograph
from edgefer.train.datasets.plan import CropRecipe, Photo, Plan, write_plan
from edgefer.train.datasets.sources import scan
from edgefer.train.datasets.workers import run_plan

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from aihub_photos import annotated, draw_photo

# JPEG quality and sensor noise: from a photo that a messenger saved to one straight from a phone.
KINDS = ((85, 2.0), (90, 3.0), (95, 3.0))
Shot = tuple[bytes, Box]


@click.command()
@click.option("--photos", default=24, show_default=True, help="Of each kind.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--memory-of", type=click.Path(path_type=Path), hidden=True)
def main(photos: int, rounds: int, memory_of: Path | None) -> None:
    """Print the ratios."""
    if memory_of:
        run_plan(Plan.load(memory_of), workers=1)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 // 10**6)
        return
    cv2.setNumThreads(1)
    print(f"{photos} photos of 4032x3024 a kind, OpenCV {cv2.__version__}, one core\n")
    print(" MB   plain loop, ms   edgefer, ms   ratio   recall: plain  edgefer")
    every: list[Shot] = []
    for quality, noise in KINDS:
        shots = draw(photos, quality, noise)
        plain, ours = race(shots, rounds)
        size = statistics.mean(len(data) for data, _ in shots) / 1e6
        print(
            f"{size:4.1f} {plain.time:14.1f} {ours.time:13.1f} {plain.time / ours.time:9.2f} "
            f"{plain.recall:13.3f} {ours.recall:8.3f}",
            flush=True,
        )
        every += shots
    with tempfile.TemporaryDirectory() as folder:
        scale(every, Path(folder), rounds)


class Lap:
    """What one loop over the photos took, in milliseconds a photo, and found."""

    def __init__(self, times: list[float], found: list[list[Box]], shots: list[Shot]) -> None:
        self.time = 1000 * statistics.median(times) / len(shots)
        hits = (
            any(overlap(box, true) >= 0.3 for box in boxes)
            for boxes, (_, true) in zip(found, shots, strict=True)
        )
        self.recall = sum(hits) / len(shots)


def draw(count: int, quality: int, noise: float) -> list[Shot]:
    """Photos, and where their faces are."""
    kind = {"wide": 4032, "noise": noise, "quality": quality}
    made = Parallel(n_jobs=-1)(
        delayed(draw_photo)(f"{quality} {i}", KOREAN7.names[i % 7], f"person {i}", **kind)
        for i in range(count)
    )
    return list(made)


def race(shots: list[Shot], rounds: int) -> tuple[Lap, Lap]:
    """Both loops in turn, so that a busy machine slows them alike."""
    cascade, detector = load_cascade(), FaceDetector()
    marked = [marks(box, i) for i, (_, box) in enumerate(shots)]

    def plain(index: int) -> list[Box]:
        pixels = cv2.imdecode(np.frombuffer(shots[index][0], np.uint8), cv2.IMREAD_COLOR)
        found = cascade.detectMultiScale(pixels, 1.42, 9, minSize=(350, 350))
        boxes = [Box(*box) for box in np.array(found).reshape(-1, 4).tolist()]
        for box in boxes:
            to_patch(pixels, box)
        return boxes

    def ours(index: int) -> list[Box]:
        try:
            return [cut_face(Photograph.of(shots[index][0]), marked[index], detector).box]
        except DataError:
            return []

    loops: tuple[Callable[[int], list[Box]], ...] = (plain, ours)
    times: list[list[float]] = [[], []]
    for _ in range(rounds):
        spent, found = [0.0, 0.0], ([], [])  # type: ignore[var-annotated]
        for index in range(len(shots)):
            for k, loop in enumerate(loops):
                start = time.process_time()
                found[k].append(loop(index))
                spent[k] += time.process_time() - start
        for k in range(2):
            times[k].append(spent[k])
    return Lap(times[0], found[0], shots), Lap(times[1], found[1], shots)


def marks(box: Box, seed: int) -> list[Box]:
    """Three annotators' boxes."""
    rng = np.random.default_rng(seed)
    corners = (map(round, annotated(box, rng)) for _ in range(3))
    return [Box(left, top, right - left, bottom - top) for left, top, right, bottom in corners]


def scale(shots: list[Shot], folder: Path, rounds: int) -> None:
    """Two workers against one, and memory."""
    for i, (data, _) in enumerate(shots):
        (folder / f"{i:04d}.jpg").write_bytes(data)
    boxes = [marks(box, i) for i, (_, box) in enumerate(shots)]
    photos = [
        Photo(entry.name, entry, "happy", boxes=tuple(marked))
        for entry, marked in zip(scan([folder]), boxes, strict=True)
    ]
    best = {1: float("inf"), 2: float("inf")}
    some = photos * max(1, 640 // len(photos))
    for turn in range(rounds):
        for workers in best:
            plan = planned(folder / f"plan{turn}-{workers}", some)
            start = time.monotonic()
            run_plan(plan, workers=workers)
            best[workers] = min(best[workers], time.monotonic() - start)
    efficiency = best[1] / best[2] / 2
    print(
        f"\n{len(some)} photos: {best[1]:.1f} s with 1 worker, {best[2]:.1f} s with 2, "
        f"starting them included: efficiency {efficiency:.2f}"
    )
    for times in (1, 4, 16):
        plan = planned(folder / f"memory{times}", photos * times)
        command = [sys.executable, __file__, "--memory-of", str(plan.folder)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        print(f"a worker's memory after {plan.photos} photos: {done.stdout.strip()} MB")


def planned(folder: Path, photos: Iterable[Photo]) -> Plan:
    """A plan that is not begun."""
    return write_plan(folder, photos, CropRecipe(), about="a benchmark")


if __name__ == "__main__":
    main()
