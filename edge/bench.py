"""How fast this machine is, step by step, and whether heat slowed it down meanwhile."""

import resource
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice
from time import monotonic, perf_counter

import numpy as np

from edgefer.bundle import Bundle, versions
from edgefer.errors import BundleError, CameraError
from edgefer.preprocess import Box, to_patch

from .cameras import Camera, open_camera
from .classifier import Classifier
from .faces import Reader
from .machine import machine, runtime
from .reading import Frame
from .secrets import hide_secrets
from .steady import Steady
from .thermal import Heat, read_heat
from .timings import Bench, Timing, Trial
from .track import Follower
from .watcher import Watcher
from .wishes import DEFAULT, Wishes

ROLES = ("float", "int8")
FACES = 4  # of a frame with several
WARM_UP = 5  # frames, and calls of a model, that are not counted
CALLS, SECONDS = 200, 5.0  # of a model, at most
SEARCH = 5  # frames from one that is also searched as a whole to the next
LOOK = 2.0  # seconds from one look at the sensors to the next


def bench(
    bundle: Bundle,
    *,
    camera: str = "synth",
    threads: Sequence[int] = (1,),
    frames: int = 100,
    backend: str = "auto",
    wishes: Wishes = DEFAULT,
    heat: Callable[[], Heat] = read_heat,
) -> Bench:
    """Measure each step of ``edgefer run``, for each number of threads.

    Faces are found and followed as there, and read by the int8 model, or by float where a bundle
    has no other. Beside that, a frame in five is searched as a whole and with patience, as only
    the first picture and those of a crowd are. Nothing is told to sinks.

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
    wishes : Wishes
        How faces are found; its threads are left aside.
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
                role, model = list(models.items())[-1]  # int8, if it is there
                reader = Reader.of(bundle, model, role)
                follower = Follower.of(replace(wishes, threads=number))
                watcher = Watcher(follower, reader, Steady())
                trials.append(_trial(source, models, watcher, number, frames, heat))
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
        "detection": wishes.to_json(),
    }
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    return Bench(about, tuple(trials), rss, len(trials) == len(threads))


def _trial(
    source: Camera,
    models: dict[str, Classifier],
    watcher: Watcher,
    threads: int,
    frames: int,
    heat: Callable[[], Heat],
) -> Trial:
    watch = _Watch(heat)
    size = next(iter(models.values())).size
    found: dict[str, list[float]] = {"read": [], "detect": [], "frame": [], "search": []}
    patches: list[np.ndarray] = []
    faces, image = 0, None
    for number, (seconds, frame) in enumerate(_timed(islice(source, WARM_UP + frames))):
        image = frame.image
        began = perf_counter()
        seen = watcher.find(frame)
        detected = perf_counter()
        watcher.read(frame, seen)
        ended = perf_counter()
        cut = [to_patch(image, box, size) for _, box in seen]
        patches = [*patches, *cut][-FACES:]
        watch.look()
        if number < WARM_UP:
            continue
        faces += len(seen)
        found["read"].append(seconds)
        found["detect"].append(detected - began)
        found["frame"].append(ended - began)
        if (number - WARM_UP) % SEARCH == 0:
            began = perf_counter()
            watcher.follower.detector(image)
            found["search"].append(perf_counter() - began)
    if image is None or not found["read"]:
        raise CameraError(
            f"the camera gave too few frames to measure: {WARM_UP} warm up. Take a longer video."
        )
    if not patches:  # no face at all: what is in the middle takes as long
        patches = [to_patch(image, Box(0, 0, *image.shape[1::-1]), size)]
    timings = [Timing.of(spent, step) for step, spent in found.items()]
    for role, model in models.items():
        for many in (1, FACES):
            batch = np.stack([patches[i % len(patches)] for i in range(many)])
            timings.append(Timing.of(_calls(model, batch, watch), "classify", role, many))
    before, after, throttled = watch.end()
    count = len(found["frame"])
    fps = count / sum(found["frame"])
    return Trial(threads, fps, count, faces, tuple(timings), before, after, throttled)


def _timed(frames: Iterator[Frame]) -> Iterator[tuple[float, Frame]]:
    """Each frame, and how long it took to get."""
    began = perf_counter()
    for frame in frames:
        yield perf_counter() - began, frame
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
