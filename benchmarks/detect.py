"""Measure the face detector's settings: faces found, false faces and processor time.

    python benchmarks/detect.py ../shared/data/clips

The folder holds videos of one person each (*.mkv) and videos without anybody (no_face*).
"""

import statistics
import time
from pathlib import Path

import click
import cv2
import numpy as np
from clips import frames

from edgefer.detect import FaceDetector
from edgefer.edge.detectors.region import overlap
from edgefer.preprocess import Box

# scale, neighbors, min_size, contrast, cascade if not the default one
SETTINGS: list[tuple] = [
    (1.1, 5, 60, 0),
    (1.2, 3, 60, 0),
    (1.2, 5, 60, 0),
    (1.3, 5, 60, 0),
    (1.1, 5, 60, 1),
    (1.1, 8, 60, 1),
    (1.2, 3, 60, 1),
    (1.2, 4, 60, 1),
    (1.2, 5, 40, 1),
    (1.2, 5, 60, 1),
    (1.2, 5, 80, 1),
    (1.2, 8, 60, 1),
    (1.3, 5, 60, 1),
    (1.2, 5, 60, 3),
    (1.2, 4, 60, 1),
    (1.2, 4, 60, 1, "alt"),
    (1.2, 4, 60, 1, "alt2"),
    (1.2, 4, 60, 1, "alt_tree"),
    (1.1, 2, 60, 1, "alt"),
    (1.1, 2, 60, 1, "alt2"),
    (1.1, 1, 60, 1, "alt_tree"),
]


@click.command()
@click.argument("clips", type=click.Path(path_type=Path))
@click.option("--every", default=1, show_default=True, help="Use one frame in so many.")
@click.option("--threads", default=1, show_default=True)
@click.option("--last", default=len(SETTINGS), help="Only the last so many rows.")
def main(clips: Path, every: int, threads: int, last: int) -> None:
    """Print one row per setting."""
    people = [list(frames(path, every)) for path in sorted(clips.glob("*.mkv"))]
    empty = [image for path in clips.glob("no_face*") for image in frames(path, every)]
    places = [median_face(images) for images in people]
    print(f"{sum(map(len, people))} frames of {len(people)} people, {len(empty)} of nobody,")
    print(f"{threads} thread(s), OpenCV {cv2.__version__}\n")
    print("scale neighbors min_size contrast  found  worst clip  false: people  nobody  cpu ms")
    for scale, neighbors, min_size, contrast, *cascade in SETTINGS[-last:]:
        detector = FaceDetector(
            scale=scale,
            neighbors=neighbors,
            min_size=min_size,
            contrast=contrast,
            threads=threads,
            cascade=(cascade or ["default"])[0],
        )
        shares, wrong, times = [], 0, []
        for images, place in zip(people, places, strict=True):
            hits = 0
            for image in images:
                start = time.process_time()
                boxes = detector(image)
                times.append(1000 * (time.process_time() - start))
                right = [box for box in boxes if overlap(box, place) > 0.2]
                hits += bool(right)
                wrong += len(boxes) - len(right[:1])
            shares.append(hits / len(images))
        alarms = sum(len(detector(image)) for image in empty)
        name = "".join(cascade)
        print(
            f"{scale:5} {neighbors:9} {min_size:8} {contrast:8}  {np.mean(shares):.3f} "
            f"{min(shares):11.3f} {wrong:14} {alarms:7} {statistics.median(times):7.1f}  {name}",
            flush=True,
        )


def median_face(images: list[np.ndarray]) -> Box:
    """Where the one person of a clip mostly is, found with patience."""
    detector = FaceDetector(scale=1.1, neighbors=8, min_size=60)
    boxes = [detector(image)[:1] for image in images]
    return Box(*np.median(np.array([box for found in boxes for box in found]), axis=0).astype(int))


if __name__ == "__main__":
    main()
