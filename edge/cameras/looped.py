"""A file or a folder that starts again at its end, and is waited for where it is gone."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from edgefer.errors import CameraError

from ..reading import Frame
from ..trouble import Trouble
from ..words import Words
from . import Camera
from .care import Care
from .live import IDLE


class Looped:
    """A source that starts again at its end; places and times go on.

    One that was moved away, or cannot be read any more, is opened again and again, as a live camera
    is; one that never gave a frame is an error.

    Attributes
    ----------
    dropped : int
        Over all rounds.
    reconnects : int
        How often the source was gone and gave pictures again.
    lost : bool
        Whether it is gone at the moment.
    idle : callable
        Called once a second while it is.
    """

    def __init__(self, camera: Camera, again: Callable[[], Camera], name: str, care: Care) -> None:
        """Take over an open camera.

        Parameters
        ----------
        camera : Camera
        again : callable
            Opens it once more.
        name : str
            What messages call it; holds no password.
        care : Care
        """
        self.reconnects, self.lost = 0, False
        self.idle: Callable[[], object] = lambda: None
        self._camera: Camera | None = camera
        self._again, self._name, self._care = again, name, care
        self._before, self._since = 0, 0.0
        self._trouble = Trouble(quiet=care.quiet)

    @property
    def dropped(self) -> int:
        """Over all rounds."""
        return self._before + getattr(self._camera, "dropped", 0)

    @property
    def warnings(self) -> tuple[Words, ...]:
        """What is wrong with it."""
        if not self.lost:
            return ()
        return (
            Words(
                f"{self._name} gives no pictures, and is opened again and again.",
                f"{self._name}에서 화면이 나오지 않아 계속 다시 여는 중입니다.",
            ),
        )

    def __iter__(self) -> Iterator[Frame]:
        index, seconds, tries = 0, 0.0, 0
        while True:
            place, moment, count, error = -1, 0.0, 0, None
            try:
                for frame in self._round():
                    self._found()
                    place, moment, count = frame.index, frame.seconds, count + 1
                    yield replace(frame, index=index + place, seconds=seconds + moment)
                if not count:
                    raise CameraError("there is nothing to repeat: the source gives no frames.")
            except CameraError as fault:
                if not index and not count:
                    raise
                error = fault
            tries = 0 if count else tries
            # A single picture counts as one a second, as those of a folder do.
            index += place + 1
            seconds += moment + (moment / (count - 1) if count > 1 else float(count))
            self.close()
            if error is not None:
                self._wait(error, tries)
                tries += 1

    def close(self) -> None:
        self._before, camera, self._camera = self.dropped, self._camera, None
        if camera is not None:
            camera.close()

    def _round(self) -> Iterator[Frame]:
        """Every frame, once."""
        if self._camera is None:
            self._camera = self._again()
        yield from self._camera

    def _found(self) -> None:
        """There is a frame."""
        if self.lost:
            self.lost, self.reconnects = False, self.reconnects + 1
            passed = time.monotonic() - self._since
            self._trouble.mended(f"{self._name} gives pictures after {passed:.1f} s.")

    def _wait(self, error: CameraError, tries: int) -> None:
        """Let time pass before a source that is gone is opened again; raises if it is not to be."""
        if tries == self._care.retries:
            self.lost = False  # it is not opened again any more
            raise CameraError(f"{error} Tried again {tries} time(s)." if tries else str(error))
        if not self.lost:
            self.lost, self._since = True, time.monotonic()
        self._trouble.failed(f"{error} It is opened again.")
        end = time.monotonic() + self._care.wait(tries)
        while (left := end - time.monotonic()) > 0:
            self.idle()
            time.sleep(min(left, IDLE))
