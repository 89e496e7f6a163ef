"""Between the loop, which never waits, and those who watch."""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np

from ...quality import FLAWS
from ...reading import Frame, Reading
from ...shadow import Agreement
from ..blur import Blur, pixelate
from ..names import names
from ..vitals import Vitals

RATE = 15.0  # pictures a second at most: a phone shows no more, and a board has better to do
WIDTH = 960  # of a picture that is sent
QUALITY = 75
SAMPLES = 2.0  # a second, of the timeline
SPAN = 180.0  # seconds that the timeline shows
MOST = 4000  # samples: eleven faces all the time


class Shot(NamedTuple):
    """A picture on its way to those who watch, and what is told with it."""

    image: np.ndarray
    covered: list[Any]
    about: dict[str, Any]


class Hub:
    """The latest picture for whoever waits for one, and what happened lately.

    `take` belongs to the loop's thread and the rest to the server's. A picture is copied only when
    somebody waits, and no more than one is on its way.

    Attributes
    ----------
    rate : float
        Pictures a second at most.
    encoded : int
        Pictures that were compressed.
    waiting : int
        Watchers who wait for the next one.
    """

    def __init__(
        self, *, blur: bool = False, rate: float = RATE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Nothing was seen yet."""
        self.encoded = self.waiting = 0
        self._blur = Blur() if blur else None
        self.rate, self._clock = rate, clock
        self._started = clock()
        self._frames = self._dropped = 0
        self._last: float | None = None
        self._interval = 0.0  # seconds between two frames, smoothed; 0 before there were two
        self._sampled = self._taken = -SPAN
        self._samples: deque[tuple[float, int, str, float]] = deque(maxlen=MOST)
        self._vitals = Vitals()
        self._busy = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._next: asyncio.Future[bytes] | None = None
        self._more: Callable[[], dict[str, Any]] = dict

    def take(self, frame: Frame, readings: Sequence[Reading]) -> None:
        """Take a frame: counted, sampled, and copied if somebody waits for it."""
        now = self._clock() - self._started
        self._count(now, frame)
        if self._blur is not None:
            self._blur.see(frame, readings)
        if now - self._sampled >= 1 / SAMPLES:
            self._sampled = now
            self._samples += [(now, r.face, r.emotion, r.confidence) for r in readings]
        loop = self._loop  # which the server's thread may take away meanwhile
        if loop is None or self._busy or not self.waiting:
            return
        if now - self._taken < 1 / self.rate:
            return
        self._taken, self._busy = now, True
        covered = [] if self._blur is None else self._blur.boxes
        shot = Shot(frame.image.copy(), covered, self._about(now, frame, readings))
        try:
            loop.call_soon_threadsafe(self._publish, shot)
        except RuntimeError:  # the server ended, and the run may go on
            self._loop = None

    def tell(self, vitals: Vitals) -> None:
        """Take how the run goes, after each frame."""
        self._vitals = vitals

    def begin(self, more: Callable[[], dict[str, Any]]) -> None:
        """Serve the event loop that runs here; what is told more is asked for with each picture."""
        self._more = more
        self._loop = asyncio.get_running_loop()

    def end(self) -> None:
        """No more pictures; nobody waits on."""
        self._loop = None
        if self._next is not None and not self._next.done():
            self._next.set_result(b"")

    async def next(self, patience: float) -> bytes | None:
        """The next picture with what is told of it, or none within some seconds."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        self.waiting += 1
        try:
            done, _ = await asyncio.wait([self._next], timeout=patience)
            return (next(iter(done)).result() or None) if done else None
        finally:
            self.waiting -= 1

    def history(self) -> list[tuple[float, int, str, str, float]]:
        """What the timeline shows to somebody who begins to watch."""
        since = self._clock() - self._started - SPAN
        return [
            (round(then, 2), face, *names(emotion), round(confidence, 3))
            for then, face, emotion, confidence in self._samples.copy()
            if then > since
        ]

    def state(self) -> dict[str, Any]:
        """How the run goes, without a picture."""
        now = self._clock() - self._started
        steps, states = self._vitals.steps, self._vitals.states
        work = [seconds for name, seconds in steps.items() if name != "read"]
        still = not self._interval or self._last is None or now - self._last > 2.0
        return {
            "time": round(now, 2),
            "fps": 0.0 if still else round(1 / self._interval, 1),
            "frames": self._frames,
            "dropped": self._vitals.totals.get("dropped", self._dropped),
            "lost": sum(self._vitals.lost.values()),
            "reconnects": self._vitals.totals.get("reconnects", 0),
            "latency": round(1000 * sum(work), 1) if work else None,
            "temperature": states.get("temperature_celsius"),
            "blind": self._vitals.blind,
            "warnings": list(self._vitals.warnings),
            "shadow": _agreement(self._vitals.shadow),
        }

    def _count(self, now: float, frame: Frame) -> None:
        self._frames += 1
        # A gap in the numbers is what was dropped.
        self._dropped = max(self._dropped, frame.index + 1 - self._frames)
        if self._last is not None and now > self._last:
            # Not the rates: of 10 and 90 ms in turn their mean would be 56 a second, and not 20.
            since = now - self._last
            self._interval += (since - self._interval) * (0.1 if self._interval else 1.0)
        self._last = now

    def _about(self, now: float, frame: Frame, readings: Sequence[Reading]) -> dict[str, Any]:
        height, width = frame.image.shape[:2]
        return self.state() | {
            "index": frame.index,
            "name": frame.name.encode(errors="replace").decode(),
            "size": [width, height],
            "blur": self._blur is not None,
            "faces": [
                {
                    "face": reading.face,
                    "box": [int(side) for side in reading.box],
                    "emotion": names(reading.emotion),
                    "confidence": round(reading.confidence, 3),
                    "flaw": FLAWS.get(reading.flaw),
                    "emotions": [names(emotion) for emotion in reading.probabilities],
                    "shares": [round(share, 3) for share in reading.probabilities.values()],
                }
                for reading in readings
            ],
        }

    def _publish(self, shot: Shot) -> None:
        """Compress a picture once, and wake all who wait for it."""
        try:
            packet = _pack(shot._replace(about=shot.about | self._more()))
            self.encoded += 1
            if self._next is not None and not self._next.done():
                self._next.set_result(packet)
            self._next = None
        finally:
            self._busy = False


def _agreement(told: Agreement | None) -> dict[str, Any] | None:
    """What the page shows of float beside int8; None where one model runs alone."""
    if told is None:
        return None
    return {
        "faces": told.faces,
        "agreed": told.agreed,
        "emotions": [
            {"emotion": names(emotion), "faces": faces, "agreed": agreed}
            for emotion, (faces, agreed) in told.by_emotion.items()
        ],
    }


def _pack(shot: Shot) -> bytes:
    """Length of the text in four bytes, the text as JSON, the picture as JPEG."""
    image = shot.image
    pixelate(image, shot.covered)
    if image.shape[1] > WIDTH:
        size = WIDTH, max(1, round(image.shape[0] * WIDTH / image.shape[1]))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    text = json.dumps(shot.about, ensure_ascii=False).encode()
    return len(text).to_bytes(4, "big") + text + jpeg.tobytes()
