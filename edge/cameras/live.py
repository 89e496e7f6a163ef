"""The latest picture of a source that does not wait for us, opened again whenever it is lost."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import cv2
import numpy as np

from edgefer.errors import CameraError

from ..reading import Frame
from ..trouble import Trouble
from ..words import Words
from .care import Care

PATIENCE = 2.0  # seconds of failed reads after which a source is lost
IDLE = 1.0  # seconds without a picture after which whoever waits for one is called
SAMPLE = 8  # every eighth pixel and line tells whether a picture is the one before


class Video(Protocol):
    """A source that is held open: what OpenCV's VideoCapture does, and no more."""

    def read(self) -> tuple[bool, Any]:
        """Whether there was a picture, and the picture.

        Raises
        ------
        TimeoutError
            If there is none yet.
        EOFError
            If there will be none any more, and that is no fault.
        CameraError
            If the source is lost.
        """
        ...

    def release(self) -> None:
        """Let go of it."""
        ...


class LiveCamera:
    """The latest picture of a source that does not wait for us.

    A thread reads on and keeps one picture; the one before it is dropped if nobody took it. A
    source that is lost is closed and opened again. A read that blocks in C cannot be broken off in
    a thread: a video that may do so is read in a process of its own (`Captured`).

    Attributes
    ----------
    grabbed : int
        Pictures that the source gave, also those that could not be decoded. Once the camera is
        closed this is what was given out and what was dropped.
    dropped : int
        Pictures that were never given out.
    reconnects : int
        How often the source was lost and gave pictures again.
    idle : callable
        Called by whoever waits for a picture, once a second while there is none.
    """

    def __init__(
        self,
        video: Video | None,
        name: str,
        *,
        may_end: bool = False,
        patience: float = PATIENCE,
        care: Care = Care(),  # noqa: B008  frozen
        reopen: Callable[[], Video] | None = None,
        missing: CameraError | None = None,
    ) -> None:
        """Take over an open source.

        Parameters
        ----------
        video : Video or None
            None where it could not be opened yet.
        name : str
            What messages call it; holds no password.
        may_end : bool
            Whether running dry is the end of a stream rather than an error.
        patience : float
            Seconds of failed reads that are not the end yet.
        care : Care
        reopen : callable, optional
            Opens the source once more; without it, a source that is lost is an error.
        missing : CameraError, optional
            Why there is no video yet.
        """
        self.grabbed = self.dropped = self.reconnects = 0
        self.idle: Callable[[], object] = lambda: None
        self._video, self._name, self._reopen = video, name, reopen
        self._may_end, self._patience, self._care = may_end, patience, care
        self._missing = missing
        self._fresh = threading.Condition()
        self._slot: Frame | None = None
        self._ended = False
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._first: float | None = None
        self._lost: float | None = None
        self._trouble = Trouble(quiet=care.quiet)
        self._stillness = Stillness(care.frozen)
        self._reader = threading.Thread(target=self._read_on, name="camera", daemon=True)

    def __iter__(self) -> Iterator[Frame]:
        self._reader.start()
        while (frame := self._next()) is not None:
            yield frame
        if self._failure is not None:
            raise self._failure

    @property
    def lost(self) -> bool:
        """Whether the source is lost at the moment, and opened again."""
        return self._lost is not None

    @property
    def warnings(self) -> tuple[Words, ...]:
        """What is wrong with it."""
        if self.lost:
            if self._ended:  # it is not opened again any more
                return ()
            return (
                Words(
                    f"{self._name} is lost, and opened again and again.",
                    f"{self._name} 연결이 끊겨 계속 다시 여는 중입니다.",
                ),
            )
        if not self._stillness.lasts:
            return ()
        seconds = f"{self._care.frozen:g}"
        return (
            Words(
                f"{self._name} shows the very same picture for {seconds} seconds: it is frozen, or "
                "covered.",
                f"{self._name}의 화면이 {seconds}초 동안 그대로입니다. 멈췄거나 가려져 있습니다.",
            ),
        )

    def close(self) -> None:
        self._stop.set()
        if self._reader.is_alive():
            self._reader.join(self._patience)
        # Releasing a driver under the feet of a reader that hangs in it would crash.
        if not self._reader.is_alive():
            self._let_go()
        with self._fresh:
            self.dropped += self._slot is not None
            self._slot = None

    def _next(self) -> Frame | None:
        """The latest picture, waited for; none at the end."""
        while True:
            with self._fresh:
                if self._fresh.wait_for(lambda: self._slot is not None or self._ended, IDLE):
                    frame, self._slot = self._slot, None
                    return frame
            self.idle()

    def _read_on(self) -> None:
        """Keep the slot filled; whatever ends it, nobody goes on waiting."""
        try:
            self._look_after()
        except BaseException as error:
            self._failure = error
        finally:
            with self._fresh:
                self._ended = True
                self._fresh.notify()

    def _look_after(self) -> None:
        """Read the source, and open it again whenever it is lost."""
        tries, error, news = 0, self._missing, ""
        while True:
            began = time.monotonic()
            if error is None:
                assert self._video is not None
                try:
                    self._fill(self._video)
                    return
                except CameraError as lost:
                    error = lost
            if self._lost is None:
                self._lost = time.monotonic()
                tries = 0 if self._lost - began > self._care.lasting else tries
                news = f"{error} It is opened again."
            if self._reopen is None or tries == self._care.retries:
                raise CameraError(f"{error} Tried again {tries} time(s)." if tries else str(error))
            self._trouble.failed(news)  # however often it is tried, this is told once
            self._let_go()
            if self._stop.wait(self._care.wait(tries)):
                return
            tries += 1
            try:
                self._video, error = self._reopen(), None
            except CameraError as again:
                error = again

    def _fill(self, video: Video) -> None:
        """Keep the slot filled until the source ends or is closed; raises if it is lost."""
        last, limit = time.monotonic(), max(self._care.opening, self._care.stall)
        failing: float | None = None
        while not self._stop.is_set():
            try:
                image = read(video)
            except TimeoutError:
                if time.monotonic() - last > limit:
                    raise CameraError(
                        self._said(f"gave no picture for {limit:g} seconds")
                    ) from None
                continue
            except EOFError:
                self._end(failing is not None)
                return
            now = time.monotonic()
            if image is not None:
                self._keep(image, now, failing is not None)
                last, limit, failing = now, self._care.stall, None
                continue
            failing = now if failing is None else failing
            if now - failing > min(self._patience, self._care.stall):
                self._end(False)
                return
            self._stop.wait(0.01)

    def _end(self, failed: bool) -> None:
        """Running dry: the end, or an error."""
        with self._fresh:
            self.grabbed += failed
            self.dropped += failed
        if self._first is None:
            raise CameraError(self._said("gives no frames"))
        if not self._may_end:
            raise CameraError(self._said("stopped giving frames"))

    def _keep(self, image: np.ndarray, now: float, failed: bool) -> None:
        """Put a picture into the slot; a failed read before it was a picture as well."""
        self._stillness.look(image, now)
        with self._fresh:
            if self._stop.is_set():
                return
            lost, self._lost = self._lost, None
            back = self._first is not None and lost is not None
            self._first = now if self._first is None else self._first
            self.grabbed += 1 + failed
            self.dropped += (self._slot is not None) + failed
            self.reconnects += back
            self._slot = Frame(self.grabbed - 1, now - self._first, image)
            self._fresh.notify()
        if lost is not None:
            self._trouble.mended(f"{self._name} gives pictures after {now - lost:.1f} s.")

    def _let_go(self) -> None:
        video, self._video = self._video, None
        if video is not None:
            video.release()

    def _said(self, what: str) -> str:
        look = "what feeds it" if self._may_end else "the cable, the network and the address"
        return f"{self._name} {what}. Check {look}."


class Stillness:
    """Notice that a picture does not change any more: a camera's noise always does.

    Attributes
    ----------
    lasts : bool
        Whether it has been the very same picture for longer than it may be.
    """

    def __init__(self, seconds: float) -> None:
        self.lasts = False
        self._seconds, self._sample, self._since = seconds, b"", 0.0

    def look(self, image: np.ndarray, now: float) -> None:
        """Look at the next picture, taken at a monotonic time."""
        sample = image[::SAMPLE, ::SAMPLE].tobytes()
        if sample != self._sample:
            self._sample, self._since = sample, now
        self.lasts = now - self._since > self._seconds


def read(video: Video) -> np.ndarray | None:
    """The next picture, or none if there is none or it cannot be decoded."""
    try:
        found, image = video.read()
    except cv2.error:
        return None
    if not found or image is None:
        return None
    image = np.asarray(image)
    flat = image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)
    return image if flat and image.size and image.dtype == np.uint8 else None
