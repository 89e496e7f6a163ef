"""Pictures and faces of the clips, for the benchmarks that look at them."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from edgefer.edge.detectors.haar import Haar
from edgefer.edge.track import Follower
from edgefer.preprocess import Box


def frames(path: Path, every: int = 1) -> Iterator[np.ndarray]:
    """Every so manyth picture of a video."""
    video = cv2.VideoCapture(str(path))
    index = 0
    try:
        while video.grab():
            if index % every == 0:
                yield video.retrieve()[1]
            index += 1
    finally:
        video.release()


def followed(clips: Path) -> Iterator[tuple[np.ndarray, Box]]:
    """Pictures and boxes of every face that is followed in the videos of people of a folder."""
    for path in sorted(clips.glob("*.mkv")):
        follower = Follower(Haar())
        for image in frames(path):
            yield from ((image, box) for _, box in follower(image))
