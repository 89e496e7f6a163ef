"""What is done to a run: a loop with real parts, a script of faults, and what it holds."""

import ctypes
import fcntl
import gc
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from itertools import cycle, pairwise
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from live_sources import QUICK
from scenes import Scene

from edgefer.bundle import Bundle
from edgefer.edge.cameras.captured import open_live
from edgefer.edge.cameras.care import Care
from edgefer.edge.classifier import Classifier
from edgefer.edge.detectors.haar import Haar
from edgefer.edge.faces import Reader
from edgefer.edge.reading import Frame
from edgefer.edge.sinks import Stop
from edgefer.edge.stream import run
from edgefer.edge.summary import Summary
from edgefer.edge.track import Follower
from edgefer.edge.watcher import Watcher
from edgefer.errors import CameraError
from edgefer.preprocess import Box
from edgefer.synth import draw_face, draw_person, find_population

FACE = Box(20, 10, 24, 24)  # in a picture that is 48 pixels high
MB = 4  # that a process may hold more after the last fault than after the first


class Held(NamedTuple):
    """What a process holds: MB of memory, threads, open files and child processes."""

    mb: float
    threads: int
    files: int
    children: int

    def no_more_than(self, before: "Held") -> bool:
        """Whether nothing grew; memory that was freed may stay with the allocator."""
        counts = all(now <= then for now, then in zip(self[1:], before[1:], strict=True))
        return counts and self.mb <= before.mb + MB


def held(process: int | str = "self") -> Held:
    """What this or another process holds."""
    folder = Path(f"/proc/{process}")
    pages = int((folder / "statm").read_text().split()[1])
    tasks = list((folder / "task").iterdir())
    children = sum(len((task / "children").read_text().split()) for task in tasks)
    return Held(pages * 4096 / 1e6, len(tasks), len(list((folder / "fd").iterdir())), children)


class Ledger:
    """A sink that keeps the books, and plays a script: one step of it with every frame."""

    def __init__(self, script: Callable[["Ledger"], Iterator[None]]) -> None:
        self.indices, self.seconds, self.readings = [], [], []
        self.looks: list[Held] = []
        self._script = script(self)

    def write(self, frame, readings) -> None:
        self.indices.append(frame.index)
        self.seconds.append(frame.seconds)
        self.readings.append(list(readings))
        if next(self._script, "over") == "over":
            raise Stop

    def look(self) -> None:
        """Note what the process holds now."""
        gc.collect()
        self.looks.append(held())

    def close(self) -> None:
        pass


def frames(number: int) -> Iterator[None]:
    """A part of a script: so many frames pass."""
    for _ in range(number):
        yield


def until(claim: Callable[[], object]) -> Iterator[None]:
    """A part of a script: frames pass until something is true."""
    end = time.monotonic() + 30
    while not claim():
        assert time.monotonic() < end, "it did not happen"
        yield


def slowly(claim: Callable[[], object]) -> Iterator[None]:
    """The same, at a hundred frames a second: for what other threads do meanwhile."""
    for _ in until(claim):
        time.sleep(0.01)
        yield


def endure(camera, script, *, sinks=(), model=None, follower=None) -> tuple[Ledger, Summary]:
    """Run a camera through the loop until a script is over; whatever came, the books are right.

    A script looks at what the process holds after the first fault, and again after the last.
    """
    ledger = Ledger(script)
    watcher = Watcher(follower or watching(), Reader(model or small()))
    summary = run(watcher, camera, [*sinks, ledger])
    assert summary.ended == "asked to"
    assert summary.grabbed == summary.frames + summary.dropped
    assert summary.frames == len(ledger.indices)
    assert all(one < other for one, other in pairwise(ledger.indices))
    assert all(one <= other for one, other in pairwise(ledger.seconds))
    if ledger.looks:
        assert ledger.looks[-1].no_more_than(ledger.looks[0]), ledger.looks
    return ledger, summary


@cache
def small() -> Classifier:
    """The packaged model for slow boards, in int8."""
    return Classifier(Bundle.load(Path("small")))


def watching() -> Follower:
    """A follower who is told that there is a face in every picture."""
    return Follower(Scene(FACE))


def searching() -> Follower:
    """A follower who looks for faces."""
    return Follower(Haar())


class Slides:
    """A camera of these pictures, again and again; they are 30 a second by their own clock."""

    def __init__(self, *images: np.ndarray) -> None:
        self.images = images

    def __iter__(self) -> Iterator[Frame]:
        for index, image in enumerate(cycle(self.images)):
            yield Frame(index, index / 30, image)

    def close(self) -> None:
        pass


@cache
def somebody(side: int = 120) -> np.ndarray:
    """A drawn face, grey."""
    rng, people = np.random.default_rng(3), find_population("base")
    return draw_face(rng, people, draw_person(rng, people), {}, side=side)[0]


def scene(*corners: tuple[int, int], shape=(240, 320), side: int = 120) -> np.ndarray:
    """A grey wall with a face at each of these corners, as far as it is in the picture."""
    wall = np.full((shape[0] + 2 * side, shape[1] + 2 * side), 128, np.uint8)
    for x, y in corners:
        wall[y + side : y + 2 * side, x + side : x + 2 * side] = somebody(side)
    inside = wall[side : side + shape[0], side : side + shape[1]]
    return cv2.cvtColor(inside, cv2.COLOR_GRAY2BGR)


class Told:
    """A camera of a hundred pictures a second that does what is written in a file.

    ``faces``: somebody who sways; ``black``; ``frozen``: the same picture again and again;
    ``corrupt``: what no decoder makes a picture of, of every kind; ``large``: pictures of twice the
    size; ``stuck``: no read ever returns. Without the file there is no camera, and one process at a
    time may have it.
    """

    def __init__(self, where: str, stall: float) -> None:
        self.path, self.count = Path(where), 0
        if not self.path.exists():
            raise CameraError(f"there is no {self.path.name}.")
        self.device = self.path.open()
        try:
            fcntl.flock(self.device, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CameraError(f"{self.path.name} is used by another program.") from None
        self.image = scene((100, 60))

    def read(self):
        time.sleep(0.01)
        try:
            told = self.path.read_text()
        except FileNotFoundError:
            return False, None
        self.count += told != "frozen"
        image = np.roll(self.image, self.count % 7, axis=1)
        if told == "stuck":
            ctypes.PyDLL(None).pause()  # and does not let another thread of Python run
        if told == "black":
            return True, image * 0
        if told == "large":
            return True, cv2.resize(image, None, fx=2, fy=2)
        if told == "corrupt":
            wrong = (None, image.astype(np.uint16), image[:0], image[..., :2], image.ravel())
            return True, wrong[self.count % len(wrong)]
        return True, image

    def release(self) -> None:
        pass


def told_camera(path: Path, care: Care = QUICK):
    """A camera, in a process of its own, that does what is written in a file."""
    return open_live("faults:Told", str(path), "camera 7", care)


class Slow:
    """A runtime for `tiny_tflite` that says when it is asked, and takes half a second to answer."""

    size, classes = 12, 3

    def __init__(self, model: bytes, threads: int) -> None:
        pass

    def __call__(self, patches: np.ndarray) -> np.ndarray:
        print("asked", flush=True)
        time.sleep(0.5)
        return np.full((len(patches), self.classes), 1 / 3, np.float32)


def later(deed: Callable[[], object], seconds: float = 0.3) -> None:
    """Do something while the loop waits for the camera."""
    threading.Timer(seconds, deed).start()
