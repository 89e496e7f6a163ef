"""Measure what following faces brings: faces found, false ones and processor time.

    python benchmarks/following.py ../shared/data/clips

The folder holds videos of one person each (*.mkv) and a video of a street without anybody
(no_face*). Each person comes into the picture after 40 frames of the street, at a moment that is
not that of a search, and goes again for 20: somebody new has to be noticed, and somebody who left
to be forgotten.

Boxes are held against those of a search of every frame: which share of these is covered (by an IoU
of .5), the mean IoU and the mean ratio of widths of those that are.
"""

import argparse
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

import cv2
import numpy as np
from clips import frames
from detect import median_face

from edgefer.detect import FaceDetector
from edgefer.edge.detectors.haar import Haar
from edgefer.edge.detectors.region import overlap
from edgefer.edge.track import Follower
from edgefer.edge.wishes import DEFAULT, Wishes
from edgefer.preprocess import Box

# What is different from the defaults: of Haar, and of Follower.
SETTINGS = [
    ({}, {"every": 1}),
    ({}, {}),
    ({}, {"every": 5}),
    ({}, {"every": 20}),
    ({}, {"every": 30}),
    ({"window": 30}, {}),
    ({"window": 48}, {}),
    ({"window": 60}, {}),
    ({"reach": 0.2}, {}),
    ({"reach": 0.5}, {}),
    ({"trust": 1.0}, {}),
    ({"trust": 0.25}, {}),
    ({}, {"patience": 0}),
    ({}, {"patience": 30}),
    ({"scale": 1.1}, {}),
    ({"cascade": "alt"}, {}),
    ({"cascade": "alt2"}, {}),
    ({"cascade": "alt_tree", "neighbors": 1}, {}),
]
BEFORE, AFTER = 40, 20  # frames of the street


def main() -> None:
    """Print one row per setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", type=Path)
    options = parser.parse_args()

    cv2.setNumThreads(1)
    street = cycle(
        cv2.resize(image, (640, 480))
        for path in options.clips.glob("no_face*")
        for image in frames(path)
    )
    rows = [Row(haar, follower) for haar, follower in SETTINGS]
    patient = FaceDetector()
    for number, path in enumerate(sorted(options.clips.glob("*.mkv"))):
        images = list(frames(path))
        place, known = median_face(images), [patient(image) for image in images]
        before, after = list(islice(street, BEFORE + 3 * number)), list(islice(street, AFTER))
        for row in rows:
            row.watch(before, images, after, place, known)
    print("covered  overlap  size  found  worst clip  false  people  cpu ms: somebody  nobody")
    for row in rows:
        print(row, flush=True)


class Row:
    """A setting and what it came to."""

    def __init__(self, haar: dict, follower: dict) -> None:
        self.haar, self.follower = haar, follower
        self.seen = self.known = self.false = self.people = 0
        self.shares: list[float] = []
        self.overlaps: list[float] = []
        self.sizes: list[float] = []
        self.times: dict[bool, list[float]] = {True: [], False: []}

    def watch(
        self,
        before: Sequence[np.ndarray],
        images: Sequence[np.ndarray],
        after: Sequence[np.ndarray],
        place: Box,
        known: Sequence[list[Box]],
    ) -> None:
        """Follow one person, who mostly is in a place, and whom a search of all frames knows."""
        wishes = Wishes(every=self.follower.get("every", DEFAULT.every))
        patience = self.follower.get("patience", 10)
        follow = Follower(Haar(**self.haar), wishes, patience=patience)
        numbers, hits = set(), 0
        for image in before:
            self.false += len(self.timed(follow, image, somebody=False))
        for image, boxes in zip(images, known, strict=True):
            found = self.timed(follow, image, somebody=True)
            right = [face for face, box in found if overlap(box, place) > 0.2]
            numbers |= set(right)
            hits += bool(right)
            self.false += len(found) - len(right[:1])
            self.known += len(boxes)
            self.compare(boxes, [box for _, box in found])
        for image in after:
            self.false += len(self.timed(follow, image, somebody=False))
        self.people += len(numbers)
        self.shares.append(hits / len(images))

    def compare(self, known: Sequence[Box], found: Sequence[Box]) -> None:
        """Hold boxes that were followed against those of a search of the same frame."""
        for box in known:
            share, of = max(((overlap(box, of), of) for of in found), default=(0.0, box))
            if share >= 0.5:
                self.seen += 1
                self.overlaps.append(share)
                self.sizes.append(of.w / box.w)

    def timed(self, follow: Follower, image: np.ndarray, *, somebody: bool) -> list:
        """Faces of a frame, the time of which is kept."""
        start = time.process_time()
        found = follow(image)
        self.times[somebody].append(1000 * (time.process_time() - start))
        return found

    def __str__(self) -> str:
        what = ", ".join(f"{name} {value}" for name, value in (self.haar | self.follower).items())
        return (
            f"{self.seen / self.known:7.3f}{np.mean(self.overlaps):9.3f}{np.mean(self.sizes):7.3f}"
            f"{np.mean(self.shares):7.3f}{min(self.shares):12.3f}"
            f"{self.false:7}{self.people:8}{np.mean(self.times[True]):18.1f}"
            f"{np.mean(self.times[False]):8.1f}  {what or 'as it is'}"
        )


if __name__ == "__main__":
    main()
