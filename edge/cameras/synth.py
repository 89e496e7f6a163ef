"""A drawn person as a camera: nothing to plug in, nothing to download."""

from collections.abc import Iterator

from edgefer.errors import CameraError, DataError
from edgefer.synth import find_population, stream

from ..reading import Frame

FPS = 30.0


class Synth:
    """Somebody who sways and goes through the emotions, without end; every run is the same.

    Frames come as fast as they are taken; their time counts as of a camera of 30 a second.
    """

    def __init__(self, population: str = "") -> None:
        """Choose who is drawn: ``base`` (also when empty) or ``korean``."""
        try:
            self._population = find_population(population or "base")
        except DataError as error:
            raise CameraError(str(error)) from error

    def __iter__(self) -> Iterator[Frame]:
        for index, moment in enumerate(stream(0, self._population, fps=FPS)):
            yield Frame(index, index / FPS, moment.image)

    def close(self) -> None:
        """Nothing is held open."""
