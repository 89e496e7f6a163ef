"""Haar cascades in a stream: search where and at the size at which it pays."""

from collections.abc import Sequence

import cv2
import numpy as np

from edgefer.detect import FaceDetector
from edgefer.preprocess import Box

from .region import apart, cut, shrink

SIZES = 0.75, 1.35  # of a face from one picture to the next, as shares of its last one
SHARP = 60  # pixels of a face that are enough to find it again: 2.5 of the cascade's windows


class Haar:
    """A frontal cascade: patient, quick, or only near a place.

    With patience it is `FaceDetector`. Quickly, the picture is shrunk until the smallest face that
    is asked for fills the cascade's window; a single find is a hint, and each hint is looked at
    closely. Near a place a cut of the full picture is searched, whose contrast was evened out by
    itself, for sizes near the last one's.

    ``python benchmarks/following.py CLIPS``: ten people at 640x480, each of whom comes into an
    empty street, one thread, milliseconds of an x86-64 server. Covered are the boxes of
    `FaceDetector` in every frame; found are people in frames, on average and in the worst clip;
    then false boxes, numbers given to the ten, and the time of a frame with and without somebody.
    Overlap (IoU) and size (width) hold boxes against those of `FaceDetector`. The machine was busy:
    times are to be compared with one another.

    ====================== ======= ======= ===== ===== ===== ====== ====== ======== ======
    other than the default covered overlap size  found worst false  people somebody nobody
    ====================== ======= ======= ===== ===== ===== ====== ====== ======== ======
    every frame, patiently .995    1.000   1.000 .958  .770  0      10     43.6     30.1
    (none)                 .958    .946    1.006 .955  .869  0      10     5.4      3.3
    every 5                .986    .946    1.007 .982  .934  0      10     7.4      7.3
    every 20               .918    .947    1.006 .910  .787  0      10     4.2      1.9
    every 30               .864    .945    1.008 .863  .721  0      10     3.6      1.5
    window 30              .950    .946    1.008 .944  .803  0      10     5.3      3.1
    window 48              .962    .945    1.007 .957  .905  0      10     7.9      5.6
    window 60 (not shrunk) .962    .946    1.008 .957  .885  0      10     8.1      6.0
    reach .2               .958    .942    1.008 .955  .869  0      10     4.7      3.3
    reach .5               .955    .945    1.007 .949  .803  0      10     6.9      3.3
    trust 1                .944    .947    1.005 .928  .672  0      10     5.4      3.3
    trust .25              .962    .945    1.006 .963  .902  0      10     5.3      3.3
    patience 0             .926    .947    1.006 .903  .443  0      13     5.3      3.4
    patience 30            .958    .946    1.006 .955  .869  0      10     5.4      3.2
    scale 1.1              .962    .950    1.004 .960  .902  6      10     9.1      5.4
    cascade alt            .928    .901    .961  .903  .443  0      11     4.0      3.6
    cascade alt2           .912    .910    .970  .884  .295  0      10     3.9      3.4
    ====================== ======= ======= ===== ===== ===== ====== ====== ======== ======

    What is not covered is mostly the time until somebody new is noticed: who is there from the
    first frame on is covered at .990. These people hardly move; a reach of .3 is for those who do.
    """

    def __init__(
        self,
        *,
        scale: float = 1.2,
        neighbors: int = 4,
        min_size: int = 60,
        threads: int = 1,
        cascade: str = "default",
        reach: float = 0.3,
        window: int | None = None,
        trust: float = 0.5,
    ) -> None:
        """Load the cascade.

        Parameters
        ----------
        scale, neighbors, min_size, threads, cascade
            As for `edgefer.detect.FaceDetector`.
        reach : float
            How far around a place is searched, in widths of it.
        window : int, optional
            Side of the smallest face in the shrunk picture, in pixels; the cascade's own if left
            out.
        trust : float
            Share of the neighbors that is enough where a face was a picture ago.

        Raises
        ------
        BackendError
            If this OpenCV has no such cascade.
        """
        self._patient = FaceDetector(
            scale=scale, neighbors=neighbors, min_size=min_size, threads=threads, cascade=cascade
        )
        self._cascade = self._patient.classifier
        self._scale, self._neighbors, self._min_size = scale, neighbors, min_size
        self._trusted, self._reach = max(1, round(trust * neighbors)), reach
        self._least = self._cascade.getOriginalWindowSize()[0]
        self._window = window or self._least
        self._even, self._even_cut = cv2.createCLAHE(1.0, (8, 8)), cv2.createCLAHE(1.0, (2, 2))

    def __call__(self, image: np.ndarray) -> list[Box]:
        return self._patient(image)

    def quick(self, image: np.ndarray, known: Sequence[Box]) -> list[Box]:
        share = min(1.0, self._window / self._min_size)
        height, width = (round(side * share) for side in image.shape[:2])
        small = self._even.apply(shrink(_gray(image), width, height))
        hints = self._search(small, 1, self._min_size * share, max(width, height))
        found: list[Box] = []
        for hint in hints:
            place = Box(*(round(value / share) for value in hint))
            if apart([place], [*known, *found]):
                found += apart(self._near(image, place, self._neighbors), [*known, *found])
        return found

    def near(self, image: np.ndarray, place: Box) -> list[Box]:
        return self._near(image, place, self._trusted)

    def _near(self, image: np.ndarray, place: Box, neighbors: int) -> list[Box]:
        smallest, largest = max(self._min_size, SIZES[0] * place.w), SIZES[1] * place.w
        part, where = cut(image, place, self._reach)
        # A whole number keeps the shrinking fast, and the sizes that are tried the same.
        times = max(1, place.w // SHARP)
        width, height = where.w // times, where.h // times
        if min(width, height) < self._least or largest < smallest:
            return []
        part = self._even_cut.apply(shrink(_gray(part), width, height))
        boxes = self._search(part, neighbors, smallest / times, largest / times)
        return [
            Box(where.x + times * x, where.y + times * y, times * w, times * h)
            for x, y, w, h in boxes
        ]

    def _search(
        self, gray: np.ndarray, neighbors: int, smallest: float, largest: float
    ) -> list[Box]:
        """Faces between two sides, in pixels of this grey picture."""
        found, counts = self._cascade.detectMultiScale2(
            gray,
            self._scale,
            neighbors,
            minSize=(int(smallest), int(smallest)),
            maxSize=(int(largest), int(largest)),
        )
        # What more finds speak for comes first: a face may have a weaker second box.
        order = sorted(range(len(found)), key=lambda index: -counts[index])
        return apart([Box(*map(int, found[index])) for index in order], [])


def _gray(image: np.ndarray) -> np.ndarray:
    if image.ndim == 2:
        return image
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))
