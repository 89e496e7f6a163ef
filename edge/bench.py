"""How fast this machine is, step by step, and whether heat slowed it down meanwhile."""

import resource
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from time import monotonic, perf_counter

import numpy as np

from edgefer.bundle import Bundle, versions
from edgefer.detect import FaceDetector
from edgefer.errors import BundleError, CameraError
from edgefer.preprocess import Box, to_patch

from .cameras import Camera, open_camera
from .classifier import Classifier
from .machine import machine, runtime
from .secrets import hide_secrets
from .thermal import Heat, read_heat
from .timings import Bench, Timing, Trial

ROLES = ("float", "int8")
FACES = 4  # of a frame with several
WARM_UP = 5  # frames, and calls of a model, that are not counted
CALLS, SECONDS = 200, 5.0  # of a model, at most
LOOK = 2.0  # seconds from one look at the sensors to the next


def bench(
    bundle: Bundle,
    *,
    camera: str = "synth",
    threads: Sequence[int] = (1,),
    frames: int = 100,
    backend: str = "auto",
    heat: Callable[[], Heat] = read_heat,
) -> Bench:
    """Measure each step, for each number of threads.

    Parameters
    ----------
    bundle : Bundle
    camera : str
        What `open_camera` takes; opened anew for each number of threads.
    threads : sequence of int
    frames : int
        At most so many are timed.
    backend : str
        As for `Classifier`.
    heat : callable
        Looks at the sensors.

    Raises
    ------
    CameraError
        If the camera gives no frames beyond those that warm up.
    BundleError
        If the bundle has no model for a device.
    """
    roles = [role for role in ROLES if role in bundle.files]
    if not roles:
        raise BundleError(f"{bundle.typed} has no model for a device. Try: edgefer export.")
    trials = []
    try:
        for number in threads:
            models = {
                role: Classifier(bundle, role, backend=backend, threads=number) for role in roles
            }
            with closing(open_camera(camera)) as source:
                trials.append(_trial(source, models, number, frames, heat))
    except KeyboardInterrupt:
        if not trials:
            raise
    about = {
        "bundle": bundle.name,
        "bundle_digest": bundle.digest,
        "machine": machine(),
        "runtime": runtime(backend),
        "versions": versions("numpy", "opencv-python", "ai-edge-litert", "tflite-runtime"),
        "camera": hide_secrets(camera),
    }
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    return Bench(about, tuple(trials), rss, len(trials) == len(threads))


def _trial(
    source: Camera,
    models: dict[str, Classifier],
    threads: int,
    frames: int,
    heat: Callable[[], Heat],
) -> Trial:
    watch = _Watch(heat)
    detector, main = (
        FaceDetector(threads=threads),
        list(models.values())[-1],
    )  # int8, if it is there
    found: dict[str, list[float]] = {"read": [], "detect": [], "classify": []}
    patches: list[np.ndarray] = []
    faces, image = 0, None
    for number, (seconds, image) in enumerate(_timed(islice(_images(source), WARM_UP + frames))):
        began = perf_counter()
        boxes = detector(image)
        detected = perf_counter()
        if boxes:
            cut = [to_patch(image, box, main.size) for box in boxes]
            main(np.stack(cut))
            patches = [*patches, *cut][-FACES:]
        classified = perf_counter()
        watch.look()
        if number >= WARM_UP:
            faces += len(boxes)
            found["read"].append(seconds)
            found["detect"].append(detected - began)
            found["classify"].append(classified - detected)
    if image is None or not found["read"]:
        raise CameraError(
            f"the camera gave too few frames to measure: {WARM_UP} warm up. Take a longer video."
        )
    if not patches:  # no face at all: what is in the middle takes as long
        patches = [to_patch(image, Box(0, 0, *image.shape[1::-1]), main.size)]
    timings = [Timing.of(found[step], step) for step in ("read", "detect")]
    for role, model in models.items():
        for many in (1, FACES):
            batch = np.stack([patches[i % len(patches)] for i in range(many)])
            timings.append(Timing.of(_calls(model, batch, watch), "classify", role, many))
    before, after, throttled = watch.end()
    work = sum(found["detect"]) + sum(found["classify"])
    count = len(found["read"])
    return Trial(threads, count / work, count, faces, tuple(timings), before, after, throttled)


def _images(source: Camera) -> Iterator[np.ndarray]:
    return (frame.image for frame in source)


def _timed(images: Iterator[np.ndarray]) -> Iterator[tuple[float, np.ndarray]]:
    """Each picture, and how long it took to get."""
    began = perf_counter()
    for image in images:
        yield perf_counter() - began, image
        began = perf_counter()


def _calls(model: Classifier, batch: np.ndarray, watch: "_Watch") -> list[float]:
    """Seconds of each call; as many as the time allows, but one at least."""
    for _ in range(WARM_UP):
        model(batch)
    found: list[float] = []
    start = monotonic()
    while len(found) < CALLS and (not found or monotonic() - start < SECONDS):
        began = perf_counter()
        model(batch)
        found.append(perf_counter() - began)
        watch.look()
    return found


@dataclass
class _Watch:
    """Looks at the sensors now and then: a machine may be slowed down and recover in between."""

    read: Callable[[], Heat]
    seen: dict[str, None] = field(default_factory=dict)  # in order

    def __post_init__(self) -> None:
        self.before = self.after = self._look()

    def look(self) -> None:
        """Look if it is time to."""
        if monotonic() >= self._next:
            self.after = self._look()

    def end(self) -> tuple[Heat, Heat, tuple[str, ...]]:
        """As it was, as it is, and what slowed the machine down in between."""
        self.after = self._look()
        new = [name for name in self.after.since_start if name not in self.before.since_start]
        return self.before, self.after, tuple(self.seen | dict.fromkeys(new))

    def _look(self) -> Heat:
        heat = self.read()
        self.seen.update(dict.fromkeys(heat.now))
        self._next = monotonic() + LOOK
        return heat
