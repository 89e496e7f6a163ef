"""Keep what is told of a face steady: smooth in time, and no to and fro between two emotions."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from .reading import Reading

SMOOTH = 0.2  # seconds
MARGIN = 0.1  # of probability, by which another emotion must lead
GAP = 5  # time constants after which nothing of what was before counts: e**-5 is less than 1 %
UNSEEN = 30  # pictures without a face after which it is forgotten, should the clock stand still
UNSURE = "unsure"


class Steady:
    """Readings in, readings out: each face's probabilities as a weighted mean of those so far.

    What was seen `t` seconds ago counts ``exp(-t / smooth)`` times as much as what is seen now,
    whatever the pace of the pictures. Another emotion is told once the one told was behind by
    `MARGIN` for half of `smooth`; a picture speaks for the time since the one before, so a slow
    board does not wait for one more. Who is told as unsure stays so until confidence is `MARGIN`
    above the share. Faces are told apart by their number alone. A face that was not read is passed
    on as it is, and what was known of it waits.

    Ten clips of people who sign, 21 s, read by the packaged model in int8: ``python
    benchmarks/steady.py CLIPS``. A change is short if it comes within 0.3 s of the one before; late
    is how long a sure change of the face, from 90 % to 10 %, goes untold at 30 pictures a second.
    In all are the changes at 30 a second with those to and from ``unsure``, which is told below
    0.4 and held as emotions are:

    ======  ===============  =====  ==============  =====  ======
    smooth  changes, 30 a s  short  changes, 5 a s  late   in all
    ======  ===============  =====  ==============  =====  ======
    0       37               29     14              0 s    49
    0.1     7                0      7               0.1 s  16
    0.2     5                0      6               0.2 s  10
    0.4     4                0      4               0.5 s  9
    ======  ===============  =====  ==============  =====  ======

    Attributes
    ----------
    smooth, unsure : float
        As below; they may be changed at any time.
    """

    def __init__(self, smooth: float = SMOOTH, *, unsure: float = 0.0) -> None:
        """Know nobody yet.

        Parameters
        ----------
        smooth : float
            Time constant in seconds; 0 leaves probabilities and emotions as they were read.
        unsure : float
            Confidence below which the emotion that is told is ``unsure``; probabilities stay.
        """
        self.smooth, self.unsure = smooth, unsure
        self._faces: dict[int, _Face] = {}
        self._picture = 0

    def __call__(self, seconds: float, readings: Sequence[Reading]) -> list[Reading]:
        """Readings of the next picture, made steady.

        Parameters
        ----------
        seconds : float
            When it was taken. A time before the last one's is another beginning.
        readings : sequence of Reading
            As the model gave them.

        Returns
        -------
        list of Reading
            In the same order; probabilities sum to 1 as before, and confidence is that of the
            emotion told, which for a moment need not be the most probable one.
        """
        if not self.smooth:
            return self.alone(readings)
        self._picture += 1
        self._faces = {
            number: face
            for number, face in self._faces.items()
            if 0 <= seconds - face.seconds <= GAP * self.smooth
            and self._picture - face.picture <= UNSEEN
        }
        return [self._sure(self._steady(seconds, reading)) for reading in readings]

    def alone(self, readings: Sequence[Reading]) -> list[Reading]:
        """Readings of a picture that has nothing to do with others: only ``unsure`` is told."""
        return [
            replace(reading, emotion=UNSURE) if reading.confidence < self.unsure else reading
            for reading in readings
        ]

    def _sure(self, reading: Reading) -> Reading:
        """Unsure below the share, and from then on until it is clearly above."""
        if reading.emotion == UNSURE:
            return reading
        face = self._faces[reading.face]
        face.doubted = reading.confidence < self.unsure + MARGIN * face.doubted
        return replace(reading, emotion=UNSURE) if face.doubted else reading

    def _steady(self, seconds: float, reading: Reading) -> Reading:
        if reading.emotion == UNSURE:
            return reading
        face = self._faces.get(reading.face)
        if face is None:
            face = _Face(seconds, self._picture, reading.probabilities, reading.emotion)
            self._faces[reading.face] = face
            return reading
        passed = seconds - face.seconds
        keep = math.exp(-passed / self.smooth)
        face.see(reading.probabilities, keep)
        face.tell(passed, self.smooth / 2)
        face.seconds, face.picture = seconds, self._picture
        return replace(
            reading,
            emotion=face.told,
            confidence=face.shares[face.told],
            probabilities=dict(face.shares),
        )


@dataclass
class _Face:
    """What is known of one."""

    seconds: float
    picture: int
    shares: Mapping[str, float]
    told: str
    weight: float = 0.0  # of shares; nears 1 with time
    behind: float = 0.0  # seconds
    doubted: bool = False

    def see(self, shares: Mapping[str, float], keep: float) -> None:
        """Count what was known `keep` times as much, and the rest for the new shares."""
        # The first reading lasted as long as the second: it is one of many, not where all begins.
        old, new = keep * (self.weight or 1 - keep), 1 - keep
        self.weight = old + new
        if self.weight:
            self.shares = {
                name: (old * self.shares[name] + new * share) / self.weight
                for name, share in shares.items()
            }

    def tell(self, passed: float, hold: float) -> None:
        """Change the emotion if it has been behind for so long, whoever was before it."""
        best = max(self.shares, key=lambda name: self.shares[name])
        behind = self.shares[best] - self.shares[self.told] >= MARGIN
        self.behind = self.behind + passed if behind else 0.0
        if self.behind >= hold:
            self.told, self.behind = best, 0.0
