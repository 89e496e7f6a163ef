"""What tests of the loop share: cameras and sinks of lists, and faces that are bright or dark."""

import numpy as np
from scenes import Scene

from edgefer.edge.faces import Reader
from edgefer.edge.reading import Frame
from edgefer.edge.track import Follower
from edgefer.edge.watcher import Watcher
from edgefer.edge.wishes import Wishes
from edgefer.labels import labels_of
from edgefer.preprocess import Box

LEFT, RIGHT = Box(0, 0, 20, 20), Box(40, 10, 20, 20)


class BrightClassifier:
    """Bright faces are happy, dark ones sad."""

    labels, size = labels_of("two", "happy", "sad"), 8

    def __init__(self):
        self.batches = []

    def __call__(self, patches):
        self.batches.append(len(patches))
        happy = patches.mean(axis=(1, 2), dtype=np.float64) / 255
        return np.stack([happy, 1 - happy], axis=1).astype(np.float32)


class ListCamera:
    """A camera of these pictures, 30 a second, or a folder's; an error among them is raised."""

    def __init__(self, *images, dropped=0, named=False):
        self.images, self.dropped, self.named, self.closed = images, dropped, named, 0

    def __iter__(self):
        for index, image in enumerate(self.images):
            if isinstance(image, Exception):
                raise image
            yield Frame(index, index / 30, image, f"{index}.png" if self.named else "")

    def close(self):
        self.closed += 1


class ListSink:
    """Keeps what it gets; ``then`` is called with every frame."""

    def __init__(self, then=lambda frame: None):
        self.got, self.then, self.closed = [], then, 0

    def write(self, frame, readings):
        self.got.append((frame.index, [(r.face, r.box, r.emotion) for r in readings]))
        self.then(frame)

    @property
    def emotions(self):
        return [emotion for _, faces in self.got for *_, emotion in faces]

    def close(self):
        self.closed += 1


class Ear(ListSink):
    """A sink that keeps what it is told of the run."""

    def __init__(self):
        super().__init__()
        self.heard = []

    def tell(self, vitals):
        self.heard.append(vitals)


def scene(left=255, right=0) -> np.ndarray:
    """A bright face on the left, a dark one on the right."""
    image = np.full((40, 64, 3), 128, np.uint8)
    image[:20, :30], image[10:30, 36:] = left, right
    return image


def both():
    return Follower(Scene(RIGHT, LEFT), Wishes(min_face=24))


def nobody():
    return Follower(Scene())


def bright(follower, **options):
    return Watcher(follower, Reader(BrightClassifier()), **options)


def fail(error):
    def raise_it(*_):
        raise error

    return raise_it
