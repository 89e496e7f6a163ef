"""The loop of the device: camera -> detect -> patch -> classify -> sinks."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np

from edgefer.preprocess import Box, to_patch

from .cameras import Camera
from .classifier import Classifier
from .reading import Frame, Reading
from .sinks import Sink, Stop

STEPS = ("read", "detect", "classify", "sinks")


@dataclass(frozen=True)
class Summary:
    """What a run came to.

    Attributes
    ----------
    frames : int
        Frames that were looked at.
    dropped : int
        Frames that were not: a live camera was faster, or a file's frame was damaged.
    faces : int
        Faces read, over all frames.
    frames_with_face : int
        Frames with at least one.
    seconds : float
        How long it took.
    milliseconds : mapping of str to float
        Mean time of a frame in each of `STEPS`; waiting for a camera counts as ``read``.
    ended : str
        Why it ended.
    """

    frames: int
    dropped: int
    faces: int
    frames_with_face: int
    seconds: float
    milliseconds: dict[str, float]
    ended: str

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self.frames / self.seconds if self.seconds else 0.0

    def to_json(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {
            "frames": self.frames,
            "dropped": self.dropped,
            "faces": self.faces,
            "frames_with_face": self.frames_with_face,
            "seconds": round(self.seconds, 3),
            "fps": round(self.fps, 2),
            "milliseconds": {step: round(ms, 3) for step, ms in self.milliseconds.items()},
            "ended": self.ended,
        }

    def __str__(self) -> str:
        steps = ", ".join(f"{step} {ms:.1f}" for step, ms in self.milliseconds.items())
        ended = {"SIGINT": "stopped by Ctrl-C", "SIGTERM": "stopped by SIGTERM"}
        return (
            f"{_count(self.frames, 'frame')} in {self.seconds:.1f} s ({self.fps:.1f} a second), "
            f"{self.dropped} dropped; {ended.get(self.ended, self.ended)}\n"
            f"{_count(self.faces, 'face')} in {_count(self.frames_with_face, 'frame')}\n"
            f"ms a frame: {steps}"
        )


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def run(
    classifier: Classifier,
    camera: Camera,
    sinks: Sequence[Sink],
    detector: Callable[[np.ndarray], list[Box]],
    *,
    min_confidence: float = 0.0,
    max_frames: int | None = None,
    report: Callable[[Summary], object] = lambda summary: None,
) -> Summary:
    """Read a camera until it ends, a sink asks to stop, or SIGINT or SIGTERM comes.

    Parameters
    ----------
    classifier : Classifier
    camera : Camera
        Closed at the end, like the sinks, however the run ends.
    sinks : sequence of Sink
        Each gets every frame.
    detector : callable
        uint8 (H, W) or (H, W, 3) BGR -> list of Box.
    min_confidence : float
        Readings less sure than this are left out.
    max_frames : int, optional
        Stop after so many.
    report : callable
        Gets the summary when everything is closed, also when an error ends the run.

    Returns
    -------
    Summary

    Raises
    ------
    EdgeferError
        What a camera or a sink raises.
    """
    tally = _Tally(camera)
    try:
        with ExitStack() as opened:
            opened.callback(camera.close)
            for sink in sinks:
                opened.callback(sink.close)
            with _signals() as signals:
                _loop(
                    classifier, camera, sinks, detector, min_confidence, max_frames, tally, signals
                )
    except BrokenPipeError:
        tally.ended = "nobody reads the output any more"
        raise
    finally:
        summary = tally.summary()
        report(summary)
    return summary


def _loop(
    classifier: Classifier,
    camera: Camera,
    sinks: Sequence[Sink],
    detector: Callable[[np.ndarray], list[Box]],
    min_confidence: float,
    max_frames: int | None,
    tally: "_Tally",
    signals: "_Signals",
) -> None:
    frames = iter(camera)
    while max_frames is None or tally.frames < max_frames:
        with tally.step("read"):
            frame = signals.wait(lambda: next(frames, None))
        if frame is None:
            tally.ended = signals.came or "the camera ended"
            return
        with tally.step("detect"):
            boxes = sorted(detector(frame.image))
        with tally.step("classify"):
            readings = [
                reading
                for reading in read_faces(classifier, frame.image, boxes)
                if reading.confidence >= min_confidence
            ]
        with tally.step("sinks"):
            stopped = _write(sinks, frame, readings)
        tally.add(readings)
        if stopped:
            tally.ended = "asked to"
            return
    tally.ended = "as many as asked for"


def read_faces(classifier: Classifier, image: np.ndarray, boxes: Sequence[Box]) -> list[Reading]:
    """Readings of these boxes of a picture, all in one batch, numbered as the boxes are."""
    if not boxes:
        return []
    patches = np.stack([to_patch(image, box, classifier.size) for box in boxes])
    names = classifier.labels.names
    return [
        Reading(
            face,
            box,
            names[int(shares.argmax())],
            float(shares.max()),
            dict(zip(names, shares.tolist(), strict=True)),
        )
        for face, (box, shares) in enumerate(zip(boxes, classifier(patches), strict=True))
    ]


def _write(sinks: Sequence[Sink], frame: Frame, readings: Sequence[Reading]) -> bool:
    """Give a frame to every sink; whether one of them asked to stop."""
    stopped = False
    for sink in sinks:
        try:
            sink.write(frame, readings)
        except Stop:
            stopped = True
    return stopped


class _Tally:
    """Counts and times so far: a few numbers, however long the run."""

    def __init__(self, camera: Camera) -> None:
        self.frames = self.faces = self.frames_with_face = 0
        self.ended = "an error"
        self._camera = camera
        self._times = dict.fromkeys(STEPS, 0.0)
        self._started = time.perf_counter()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time one step."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._times[name] += time.perf_counter() - start

    def add(self, readings: Sequence[Reading]) -> None:
        """Count a frame."""
        self.frames += 1
        self.faces += len(readings)
        self.frames_with_face += bool(readings)

    def summary(self) -> Summary:
        """As of now."""
        return Summary(
            self.frames,
            getattr(self._camera, "dropped", 0),
            self.faces,
            self.frames_with_face,
            time.perf_counter() - self._started,
            {name: 1000 * spent / max(self.frames, 1) for name, spent in self._times.items()},
            self.ended,
        )


class _Signals:
    """SIGINT and SIGTERM as a request to stop after the frame at hand.

    While the loop waits for a camera there is no frame at hand, and a signal ends the waiting. A
    second signal ends everything.
    """

    def __init__(self) -> None:
        self.came = ""
        self._waiting = False

    def wait(self, read: Callable[[], Frame | None]) -> Frame | None:
        """What the camera gives, or none once a signal came."""
        try:
            self._waiting = True
            frame = None if self.came else read()
            self._waiting = False
            return frame
        except KeyboardInterrupt:
            if not self.came:
                raise
            return None
        finally:
            self._waiting = False

    def handle(self, number: int, _: FrameType | None) -> None:
        """What happens when one comes."""
        again, self.came = bool(self.came), signal.Signals(number).name
        if self._waiting or again:
            raise KeyboardInterrupt


@contextmanager
def _signals() -> Iterator[_Signals]:
    """Listen to signals for a while; only the main thread can."""
    signals = _Signals()
    if threading.current_thread() is not threading.main_thread():
        yield signals
        return
    before = {
        number: signal.signal(number, signals.handle) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
