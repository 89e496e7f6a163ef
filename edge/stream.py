"""The loop of the device: camera -> find faces -> read them -> sinks."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from .cameras import Camera
from .reading import Frame, Reading
from .signals import Signals, listening
from .sinks import Sink, Stop
from .sinks.vitals import Listener, Vitals, listeners, lost
from .summary import STEPS, Summary
from .watcher import Watcher
from .words import Words


def run(
    watcher: Watcher,
    camera: Camera,
    sinks: Sequence[Sink],
    *,
    max_frames: int | None = None,
    report: Callable[[Summary], object] = lambda summary: None,
) -> Summary:
    """Read a camera until it ends, a sink asks to stop, or SIGINT, SIGTERM or SIGHUP comes.

    Parameters
    ----------
    watcher : Watcher
        Makes readings of frames.
    camera : Camera
        Closed at the end, before the sinks, however the run ends.
    sinks : sequence of Sink
        Each gets every frame.
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
    tally = _Tally(camera, sinks, watcher)
    with listening() as signals:  # to the end: the first signal breaks off no sink that finishes
        try:
            with ExitStack() as opened:
                for sink in sinks:
                    opened.callback(sink.close)
                # First of all, or pictures would be dropped while sinks take their time to finish.
                opened.callback(camera.close)
                opened.callback(tally.stop)
                _loop(watcher, camera, sinks, max_frames, tally, signals)
        except BrokenPipeError:
            tally.ended = "nobody reads the output any more"
            raise
        finally:
            summary = tally.summary()
            report(summary)
    return summary


def _loop(
    watcher: Watcher,
    camera: Camera,
    sinks: Sequence[Sink],
    max_frames: int | None,
    tally: "_Tally",
    signals: Signals,
) -> None:
    frames, ears = iter(camera), listeners(sinks)
    if ears and hasattr(camera, "idle"):
        camera.idle = lambda: _tell(ears, tally.vitals(waiting=True))
    while max_frames is None or tally.frames < max_frames:
        with tally.step("read"):
            frame = signals.wait(lambda: next(frames, None))
        if frame is None:
            tally.ended = signals.came or "the camera ended"
            return
        tally.taken += 1
        with tally.step("detect"):
            faces = watcher.find(frame)
        with tally.step("classify"):
            readings = watcher.read(frame, faces)
        with tally.step("sinks"):
            stopped = _write(sinks, frame, readings)
        tally.add(readings)
        if ears:
            _tell(ears, tally.vitals())
        if stopped:
            tally.ended = "asked to"
            return
    tally.ended = "as many as asked for"


def _write(sinks: Sequence[Sink], frame: Frame, readings: Sequence[Reading]) -> bool:
    """Give a frame to every sink; whether one of them asked to stop."""
    stopped = False
    for sink in sinks:
        try:
            sink.write(frame, readings)
        except Stop:
            stopped = True
    return stopped


def _tell(ears: Sequence[Listener], vitals: Vitals) -> None:
    for ear in ears:
        ear.tell(vitals)


class _Tally:
    """Counts and times so far: a few numbers, however long the run."""

    def __init__(self, camera: Camera, sinks: Sequence[Sink], watcher: Watcher) -> None:
        self.taken = self.frames = self.faces = self.frames_with_face = 0
        self.unread: Counter[str] = Counter()
        self.ended = "an error"
        self._camera, self._sinks, self._watcher = camera, sinks, watcher
        # Asked once: to ask each sink with each frame takes 7 us a sink.
        self._queued = [sink for sink in sinks if lost([sink])]
        self._times = dict.fromkeys(STEPS, 0.0)
        self._last = dict.fromkeys(STEPS, 0.0)
        self._started, self._seconds = time.perf_counter(), 0.0

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time one step."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._last[name] = time.perf_counter() - start
            self._times[name] += self._last[name]

    def stop(self) -> None:
        """The loop ended; what is closed then takes no time of the run."""
        self._seconds = time.perf_counter() - self._started

    def add(self, readings: Sequence[Reading]) -> None:
        """Count a frame."""
        self.frames += 1
        self.faces += len(readings)
        self.frames_with_face += bool(readings)
        self.unread.update(reading.flaw for reading in readings if reading.flaw)

    @property
    def dropped(self) -> int:
        """Frames that were not looked at: the camera left them out, or the run ended before."""
        return getattr(self._camera, "dropped", 0) + self.taken - self.frames

    def vitals(self, *, waiting: bool = False) -> Vitals:
        """How the run goes, after a frame or while there is none."""
        # What waits in a live camera's slot is neither: all of these only grow.
        dropped, warnings = self.dropped, self._warnings
        states: dict[str, float] = {}
        if hasattr(self._camera, "lost"):
            states["camera_up"] = float(not self._camera.lost)
        for sink in self._sinks:
            states |= getattr(sink, "states", {})
        totals = {
            "frames": self.frames,
            "grabbed": self.frames + dropped,
            "dropped": dropped,
            "reconnects": getattr(self._camera, "reconnects", 0),
        }
        return Vitals(
            totals,
            states,
            {} if waiting else dict(self._last),
            lost(self._queued),
            warnings,
            self._watcher.reader.agreement,
        )

    @property
    def _warnings(self) -> tuple[Words, ...]:
        return (*getattr(self._camera, "warnings", ()), *self._watcher.warnings)

    def summary(self) -> Summary:
        """As of now; exact once the camera is closed."""
        return Summary(
            getattr(self._camera, "grabbed", self.frames + self.dropped),
            self.frames,
            self.dropped,
            self.faces,
            self.frames_with_face,
            self._seconds,
            {name: 1000 * spent / max(self.frames, 1) for name, spent in self._times.items()},
            self.ended,
            getattr(self._camera, "reconnects", 0),
            lost(self._queued),
            dict(self.unread),
            self._watcher.left_out,
            self._watcher.reader.agreement,
            tuple(warning.english for warning in self._warnings),
        )
