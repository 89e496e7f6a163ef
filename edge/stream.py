"""The loop of the device: camera -> find faces -> read them -> sinks."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgefer.preprocess import to_patch

from .cameras import Camera
from .reading import Frame, Reading
from .shadow import Agreement, Model, Shadow
from .signals import Signals, listening
from .sinks import Sink, Stop
from .sinks.vitals import Vitals, listeners, lost
from .track import Followed, Follower

STEPS = ("read", "detect", "classify", "sinks")


@dataclass(frozen=True)
class Summary:
    """What a run came to.

    Attributes
    ----------
    grabbed : int
        Frames that the camera took: ``frames + dropped``, exactly.
    frames : int
        Frames that were looked at, and whose readings every sink got.
    dropped : int
        Frames that were not: a live camera was faster, a file's frame was damaged, or the run ended
        while a frame was at hand.
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
    reconnects : int
        How often a live camera was lost and came back.
    lost : mapping of str to int
        Readings that sinks with a queue left out, by the sink's name.
    shadow : Agreement, optional
        How often float and int8 agreed, where both ran.
    """

    grabbed: int
    frames: int
    dropped: int
    faces: int
    frames_with_face: int
    seconds: float
    milliseconds: dict[str, float]
    ended: str
    reconnects: int = 0
    lost: Mapping[str, int] = field(default_factory=dict)
    shadow: Agreement | None = None

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self.frames / self.seconds if self.seconds else 0.0

    def to_json(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {
            "grabbed": self.grabbed,
            "frames": self.frames,
            "dropped": self.dropped,
            "faces": self.faces,
            "frames_with_face": self.frames_with_face,
            "seconds": round(self.seconds, 3),
            "fps": round(self.fps, 2),
            "milliseconds": {step: round(ms, 3) for step, ms in self.milliseconds.items()},
            "ended": self.ended,
            "reconnects": self.reconnects,
            "lost": dict(self.lost),
            "shadow": self.shadow.to_json() if self.shadow else None,
        }

    def __str__(self) -> str:
        steps = ", ".join(f"{step} {ms:.1f}" for step, ms in self.milliseconds.items())
        ended = {"SIGINT": "stopped by Ctrl-C", "SIGTERM": "stopped by SIGTERM"}
        return (
            f"{_count(self.frames, 'frame')} in {self.seconds:.1f} s ({self.fps:.1f} a second), "
            f"{self.dropped} dropped; {ended.get(self.ended, self.ended)}\n"
            f"{_count(self.faces, 'face')} in {_count(self.frames_with_face, 'frame')}\n"
            f"ms a frame: {steps}"
            + (f"\nthe camera came back {self.reconnects} times" if self.reconnects else "")
            + "".join(
                f"\n{name}: {count} readings lost" for name, count in self.lost.items() if count
            )
            + (f"\n{self.shadow}" if self.shadow else "")
        )


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def run(
    classifier: Model,
    camera: Camera,
    sinks: Sequence[Sink],
    follower: Follower,
    *,
    min_confidence: float = 0.0,
    max_frames: int | None = None,
    report: Callable[[Summary], object] = lambda summary: None,
) -> Summary:
    """Read a camera until it ends, a sink asks to stop, or SIGINT or SIGTERM comes.

    Parameters
    ----------
    classifier : Model
    camera : Camera
        Closed at the end, like the sinks, however the run ends.
    sinks : sequence of Sink
        Each gets every frame.
    follower : Follower
        Finds the faces.
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
    tally = _Tally(camera, sinks, classifier)
    try:
        with ExitStack() as opened:
            opened.callback(camera.close)
            for sink in sinks:
                opened.callback(sink.close)
            with listening() as signals:
                _loop(
                    classifier, camera, sinks, follower, min_confidence, max_frames, tally, signals
                )
    except BrokenPipeError:
        tally.ended = "nobody reads the output any more"
        raise
    finally:
        summary = tally.summary()
        report(summary)
    return summary


def _loop(
    classifier: Model,
    camera: Camera,
    sinks: Sequence[Sink],
    follower: Follower,
    min_confidence: float,
    max_frames: int | None,
    tally: "_Tally",
    signals: Signals,
) -> None:
    frames, ears = iter(camera), listeners(sinks)
    while max_frames is None or tally.frames < max_frames:
        with tally.step("read"):
            frame = signals.wait(lambda: next(frames, None))
        if frame is None:
            tally.ended = signals.came or "the camera ended"
            return
        tally.taken += 1
        with tally.step("detect"):
            # Pictures of a folder have nothing to do with one another.
            if frame.name:
                follower.forget()
            faces = follower(frame.image)
        with tally.step("classify"):
            readings = [
                reading
                for reading in read_faces(classifier, frame.image, faces)
                if reading.confidence >= min_confidence
            ]
        with tally.step("sinks"):
            stopped = _write(sinks, frame, readings)
        tally.add(readings)
        for ear in ears:
            ear.tell(tally.vitals())
        if stopped:
            tally.ended = "asked to"
            return
    tally.ended = "as many as asked for"


def read_faces(classifier: Model, image: np.ndarray, faces: Sequence[Followed]) -> list[Reading]:
    """Readings of these faces of a picture, all in one batch."""
    if not faces:
        return []
    patches = np.stack([to_patch(image, box, classifier.size) for _, box in faces])
    names = classifier.labels.names
    return [
        Reading(
            face,
            box,
            names[int(shares.argmax())],
            float(shares.max()),
            dict(zip(names, shares.tolist(), strict=True)),
        )
        for (face, box), shares in zip(faces, classifier(patches), strict=True)
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

    def __init__(self, camera: Camera, sinks: Sequence[Sink], classifier: Model) -> None:
        self.taken = self.frames = self.faces = self.frames_with_face = 0
        self.ended = "an error"
        self._camera, self._sinks = camera, sinks
        self._shadow = classifier if isinstance(classifier, Shadow) else None
        self._times = dict.fromkeys(STEPS, 0.0)
        self._last = dict.fromkeys(STEPS, 0.0)
        self._started = time.perf_counter()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time one step."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._last[name] = time.perf_counter() - start
            self._times[name] += self._last[name]

    def add(self, readings: Sequence[Reading]) -> None:
        """Count a frame."""
        self.frames += 1
        self.faces += len(readings)
        self.frames_with_face += bool(readings)

    def vitals(self) -> Vitals:
        """How the run goes."""
        dropped, grabbed = self._camera_counts()
        states: dict[str, float] = {}
        for sink in self._sinks:
            states |= getattr(sink, "states", {})
        totals = {
            "frames": self.frames,
            "grabbed": grabbed,
            "dropped": dropped,
            "reconnects": getattr(self._camera, "reconnects", 0),
        }
        totals |= self._shadow.agreement.totals() if self._shadow else {}
        return Vitals(totals, states, dict(self._last), lost(self._sinks))

    def _camera_counts(self) -> tuple[int, int]:
        """Frames that were not looked at, and all of them."""
        taken = self.taken + getattr(self._camera, "dropped", 0)
        grabbed = getattr(self._camera, "grabbed", taken)
        return grabbed - self.frames, grabbed

    def summary(self) -> Summary:
        """As of now; exact once the camera is closed."""
        dropped, grabbed = self._camera_counts()
        return Summary(
            grabbed,
            self.frames,
            dropped,
            self.faces,
            self.frames_with_face,
            time.perf_counter() - self._started,
            {name: 1000 * spent / max(self.frames, 1) for name, spent in self._times.items()},
            self.ended,
            getattr(self._camera, "reconnects", 0),
            lost(self._sinks),
            self._shadow.agreement if self._shadow else None,
        )
