"""The latest picture of a source that does not wait for us."""

import threading
import time
from collections.abc import Iterator

import cv2
import numpy as np

from edgefer.errors import CameraError

from ..reading import Frame

PATIENCE = 2.0  # seconds of failed reads after which a source has ended


class LiveCamera:
    """The latest picture of a source that does not wait for us.

    A thread reads on and keeps one picture; the one before it is dropped if nobody took it.

    Attributes
    ----------
    dropped : int
        Pictures that were never given out.
    """

    def __init__(
        self,
        video: cv2.VideoCapture,
        name: str,
        *,
        may_end: bool = False,
        patience: float = PATIENCE,
    ) -> None:
        """Take over an open source.

        Parameters
        ----------
        video : cv2.VideoCapture
        name : str
            What messages call it; holds no password.
        may_end : bool
            Whether running dry is the end of a stream rather than an error.
        patience : float
            Seconds of failed reads that are not the end yet.
        """
        self.dropped = 0
        self._video, self._name = video, name
        self._may_end, self._patience = may_end, patience
        self._fresh = threading.Condition()
        self._slot: Frame | None = None
        self._given = False
        self._ended = self._closed = False
        self._failure: BaseException | None = None
        self._reader = threading.Thread(target=self._read_on, name="camera", daemon=True)

    def __iter__(self) -> Iterator[Frame]:
        self._reader.start()
        while (frame := self._next()) is not None:
            yield frame
        if self._failure is not None:
            raise self._failure
        if not (self._given and self._may_end):
            found = "gives no frames" if not self._given else "stopped giving frames"
            raise CameraError(
                f"{self._name} {found}. Check the cable, the network and the address."
            )

    def close(self) -> None:
        self._closed = True
        if self._reader.is_alive():
            self._reader.join(self._patience)
        # A driver that hangs in a read keeps the device until the process ends; releasing it under
        # the reader's feet would crash.
        if not self._reader.is_alive():
            self._video.release()

    def _next(self) -> Frame | None:
        """The latest picture, waited for; none at the end."""
        with self._fresh:
            while self._slot is None and not self._ended:
                self._fresh.wait()
            frame, self._slot = self._slot, None
            self._given = self._given or frame is not None
            return frame

    def _read_on(self) -> None:
        """Keep the slot filled; whatever ends it, nobody goes on waiting."""
        try:
            self._fill()
        except BaseException as error:
            self._failure = error
        finally:
            with self._fresh:
                self._ended = True
                self._fresh.notify()

    def _fill(self) -> None:
        """Keep the slot filled until the source ends."""
        index, failed, started = 0, False, None
        last = time.monotonic()
        while not self._closed:
            image = read(self._video)
            now = time.monotonic()
            if image is None:
                failed = True
                if now - last > self._patience:
                    break
                time.sleep(0.01)
                continue
            started = now if started is None else started
            with self._fresh:
                self.dropped += (self._slot is not None) + failed
                self._slot = Frame(index, now - started, image)
                self._fresh.notify()
            index, failed, last = index + 1, False, now


def read(video: cv2.VideoCapture) -> np.ndarray | None:
    """The next picture, or none if there is none or it cannot be decoded."""
    try:
        found, image = video.read()
    except cv2.error:
        return None
    return np.asarray(image) if found else None
