"""What is done with each frame, in a run and in a measurement: find faces, follow and read them."""

from collections.abc import Sequence

from .faces import Reader
from .reading import Frame, Reading
from .scene import Scene
from .steady import Steady
from .track import Followed, Follower
from .words import Words

# Seconds between two pictures after which nobody knows who is who. A camera that was lost is away
# for longer. A slow board is not, or it would search each picture with patience and become slower.
PAUSE = 2.0


class Watcher:
    """Frames in, readings out.

    Pictures of a folder have nothing to do with one another: nobody is followed from one to the
    next, and nothing is smoothed. Where frames lie more than `PAUSE` apart, or time went back,
    everybody is somebody new: a camera that gives one picture in three seconds follows nobody.

    Attributes
    ----------
    follower : Follower
    reader : Reader
    steady : Steady
    left_out : int
        Readings that were less sure than they had to be.
    """

    def __init__(
        self,
        follower: Follower,
        reader: Reader,
        steady: Steady | None = None,
        *,
        min_confidence: float = 0.0,
    ) -> None:
        """Watch nobody yet.

        Parameters
        ----------
        follower : Follower
            Finds the faces.
        reader : Reader
            Reads them.
        steady : Steady, optional
            What readings go through then; left out, they stay as they were read.
        min_confidence : float
            Readings less sure than this are left out.
        """
        self.follower, self.reader = follower, reader
        self.steady, self._min_confidence = steady or Steady(0), min_confidence
        self.left_out, self._scene = 0, Scene()
        self._before = 0.0

    def __call__(self, frame: Frame) -> list[Reading]:
        """Readings of the next frame, from left to right."""
        return self.read(frame, self.find(frame))

    def find(self, frame: Frame) -> list[Followed]:
        """The first half: faces of the next frame."""
        if frame.name or not 0 <= frame.seconds - self._before <= PAUSE:
            self.follower.forget()
        self._before = frame.seconds
        faces = self.follower(frame.image)
        self._scene.see(frame.seconds, frame.image, len(faces), self.follower.wishes.min_face)
        return faces

    def read(self, frame: Frame, faces: Sequence[Followed]) -> list[Reading]:
        """The second half: what they show."""
        read = self.reader(frame, faces)
        told = self.steady.alone(read) if frame.name else self.steady(frame.seconds, read)
        sure = [reading for reading in told if reading.confidence >= self._min_confidence]
        self.left_out += len(told) - len(sure)
        return sure

    @property
    def warnings(self) -> tuple[Words, ...]:
        """What is wrong with the pictures, or with most faces in them."""
        return (*self._scene.warnings, *self.reader.warnings)
