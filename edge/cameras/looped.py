"""A file or a folder that starts again at its end."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from edgefer.errors import CameraError

from ..reading import Frame
from . import Camera


class Looped:
    """A source that starts again at its end; places and times go on.

    Attributes
    ----------
    dropped : int
        Over all rounds.
    """

    def __init__(self, camera: Camera, again: Callable[[], Camera]) -> None:
        """Take over an open camera, and what opens it again."""
        self._camera, self._again, self._before = camera, again, 0

    @property
    def dropped(self) -> int:
        """Over all rounds."""
        return self._before + getattr(self._camera, "dropped", 0)

    def __iter__(self) -> Iterator[Frame]:
        index, seconds = 0, 0.0
        while True:
            place, time, count = -1, 0.0, 0
            for frame in self._camera:
                place, time, count = frame.index, frame.seconds, count + 1
                yield replace(frame, index=index + place, seconds=seconds + time)
            if not count:
                raise CameraError("there is nothing to repeat: the source gives no frames.")
            # A single picture counts as one a second, as those of a folder do.
            index += place + 1
            seconds += time + (time / (count - 1) if count > 1 else 1.0)
            before = self.dropped
            self._camera.close()
            self._camera = self._again()
            self._before = before

    def close(self) -> None:
        self._camera.close()
