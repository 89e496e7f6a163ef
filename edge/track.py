"""Follow faces from picture to picture: who is new, who is still there, who is gone."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from edgefer.preprocess import Box

from .detectors import Detector, open_detector
from .detectors.region import APART, apart, overlap
from .wishes import DEFAULT, Wishes

SAME = 0.2  # overlap with where a face was expected, from which on a find is that face
CROWD = 8  # followed faces from which on each picture is searched everywhere
AHEAD = 3  # pictures for which an unseen face is expected to move on


class Followed(NamedTuple):
    """A face of a picture.

    Attributes
    ----------
    face : int
        The person's number.
    box : Box
        Where it was found, in pixels; never a guess.
    """

    face: int
    box: Box


class Follower:
    """Finds faces in a stream without searching every picture everywhere.

    A picture that nothing is known of is searched with patience. From then on each face is looked
    for near where its last box and its speed let expect it; the rest of the picture is searched
    quickly every so many pictures (twice as often while nobody is there), and when a face was not
    found. Each picture of a crowd is searched with patience; on a warm board each second, fourth or
    eighth. What overlaps an expected place most is that face; a face that stays unseen is
    forgotten, and its number is not given again. Where one face may be hiding another, both get new
    numbers rather than each other's.

    Attributes
    ----------
    detector : Detector
    wishes : Wishes
        What was wished for; `wish` changes it.
    slower : int
        How many times less often than that pictures are searched: 1 on a cool board. It may be
        changed at any time.
    """

    def __init__(self, detector: Detector, wishes: Wishes = DEFAULT, *, patience: int = 10) -> None:
        """Follow nobody yet.

        Parameters
        ----------
        detector : Detector
        wishes : Wishes
            What it was opened for. With an ``every`` of 1 each picture is searched with patience.
        patience : int
            Pictures in a row in which a face may be unseen before it is forgotten.
        """
        self.detector, self.wishes, self.slower = detector, wishes, 1
        self._patience = patience
        self._tracks: list[_Track] = []
        self._next = 0
        self._shape: tuple[int, ...] = ()
        self._since = 0

    @classmethod
    def of(cls, wishes: Wishes) -> "Follower":
        """One who follows nobody yet, with the detector that is wished for."""
        return cls(open_detector(wishes), wishes)

    def wish(self, wishes: Wishes) -> None:
        """Find faces in another way from the next picture on, and go on with those known.

        Raises
        ------
        BackendError
            If the detector cannot be opened so; nothing is changed then.
        """
        if replace(wishes, every=self.wishes.every) != self.wishes:
            self.detector = open_detector(wishes)
        self.wishes = wishes

    def forget(self) -> None:
        """Take the next picture for one that has nothing to do with those before it."""
        self._tracks, self._shape = [], ()

    def __call__(self, image: np.ndarray) -> list[Followed]:
        """Faces of the next picture, uint8 (H, W) or (H, W, 3) BGR, from left to right."""
        if image.shape[:2] != self._shape:
            self.forget()
        for track in self._tracks:
            track.missed += 1
        if self._due:
            self._shape, self._since = image.shape[:2], 0
            new = self._match(self.detector(image))
        else:
            new = self._follow(image)
        self._part()
        for box in sorted(new):
            self._tracks.append(_Track(self._number(), box))
        self._tracks = [track for track in self._tracks if track.missed <= self._patience]
        seen = [Followed(track.face, track.box) for track in self._tracks if not track.missed]
        return sorted(seen, key=lambda followed: followed.box)

    def _follow(self, image: np.ndarray) -> list[Box]:
        """Look where faces are expected and, when it is time, beside them; boxes of new faces."""
        near = [self.detector.near(image, track.expected) for track in self._tracks]
        self._match([box for boxes in near for box in boxes])
        self._since += 1
        if self._is_crowd:
            return []
        lost = any(track.missed == 1 for track in self._tracks)
        every = self._every
        if not lost and self._since < (every if self._tracks else every // 2):
            return []
        self._since = 0
        return self._match(self.detector.quick(image, self._seen()))

    def _match(self, boxes: list[Box]) -> list[Box]:
        """Give boxes to the faces that were not seen yet; what is left and lies apart."""
        unseen = [(track, track.expected) for track in self._tracks if track.missed]
        pairs = [(overlap(box, place), box, track) for box in boxes for track, place in unseen]
        # Of two faces of which one hides the other, the one that was seen last is the one in front.
        for shared, box, track in sorted(pairs, key=lambda pair: (pair[2].missed, -pair[0])):
            if shared >= SAME and track.missed and apart([box], self._seen()):
                track.take(box)
        return apart(boxes, self._seen())

    def _part(self) -> None:
        """Forget a face that may be behind another: of the two nobody knows any more who is who."""
        seen = [track for track in self._tracks if not track.missed]
        for track in [track for track in self._tracks if track.missed]:
            before = [other for other in seen if overlap(other.box, track.expected) > APART]
            for other in before:
                other.face = self._number()
            if before:
                self._tracks.remove(track)

    @property
    def _due(self) -> bool:
        """Whether the next picture is searched everywhere, with patience."""
        if not self._shape or self._every == 1:
            return True
        return self._is_crowd and self._since + 1 >= self.slower

    @property
    def _every(self) -> int:
        return self.wishes.every * self.slower

    @property
    def _is_crowd(self) -> bool:
        return len(self._tracks) >= CROWD

    def _number(self) -> int:
        self._next += 1
        return self._next - 1

    def _seen(self) -> list[Box]:
        return [track.box for track in self._tracks if not track.missed]


@dataclass
class _Track:
    """A face that is followed: its number, its last box, its speed, and for how long unseen."""

    face: int
    box: Box
    speed: tuple[float, float] = (0.0, 0.0)  # of the middle, in pixels a picture
    missed: int = 0

    @property
    def expected(self) -> Box:
        """Where it should be by now; an unseen face does not move on for ever."""
        across, down = (round(part * min(self.missed, AHEAD)) for part in self.speed)
        return self.box._replace(x=self.box.x + across, y=self.box.y + down)

    def take(self, box: Box) -> None:
        """Go on from where it was found; half of the speed is the last step's."""
        (x, y), (old_x, old_y) = _middle(box), _middle(self.box)
        across, down = (x - old_x) / self.missed, (y - old_y) / self.missed
        self.speed = (self.speed[0] + across) / 2, (self.speed[1] + down) / 2
        self.box, self.missed = box, 0


def _middle(box: Box) -> tuple[float, float]:
    return box.x + box.w / 2, box.y + box.h / 2
