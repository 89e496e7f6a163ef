"""Find the face that annotators marked in a photograph, as a camera would, and cut it out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from edgefer.detect import FaceDetector
from edgefer.errors import DataError
from edgefer.preprocess import Box, to_patch

from .photographs import REDUCTIONS, Photograph

CROPS = ("haar", "annotated", "both")

# Around the annotated box, as shares of its longer side: how far Haar looks, across and down, and
# for which sizes. Annotators' boxes are .73 as wide as tall, Haar's are square.
_ACROSS, _DOWN = 0.3, 0.18
_SIZES = (0.55, 1.4)
_FACE = 96  # pixels that a face keeps for the search
_SHORT = 480  # pixels that the shorter side keeps for a search of the whole photograph
_PART = 12  # the smallest face is this part of that shorter side


@dataclass(frozen=True)
class Cut:
    """A face that was cut out.

    Attributes
    ----------
    patch : ndarray of uint8, shape (S, S)
    box : Box
        What was cut, in pixels of the photograph, before it is squared.
    crop : str
        Whose box it is: ``haar`` or ``annotated``.
    overlap : float or None
        Intersection over union with the annotators' box; None without one.
    reduction : int
        How many pixels of the photograph were decoded as one, along each side.
    """

    patch: np.ndarray
    box: Box
    crop: str
    overlap: float | None
    reduction: int


class NoFaceError(DataError):
    """The detector found no face, or not the one that is meant."""


class _View(NamedTuple):
    """Grey pixels of a photograph, as large as they were decoded."""

    pixels: np.ndarray
    reduction: int


def cut_face(
    photo: Photograph,
    boxes: Sequence[Box],
    detector: FaceDetector,
    *,
    crop: str = "haar",
    size: int = 48,
    least: float = 0.3,
    largest: bool = False,
) -> Cut:
    """Cut out the face that annotators marked.

    Parameters
    ----------
    photo : Photograph
    boxes : sequence of Box
        Each annotator's, in pixels of the upright photograph.
    detector : FaceDetector
        The one that a camera uses.
    crop : str
        ``haar`` takes the detector's box nearest to the annotators', ``annotated`` takes theirs,
        ``both`` takes theirs where the detector finds none.
    size : int
        Side of the patch, in pixels.
    least : float
        Overlap (intersection over union) from which the detector's box is on the same face.
    largest : bool
        Without a usable annotated box, take the largest of several faces.

    Raises
    ------
    DataError
        If the photograph cannot be decoded, or there is no such face: the message is the reason.
    """
    annotated = consensus(boxes, photo)
    if crop != "annotated":
        try:
            view, box = _search(photo, annotated, detector, size, least, largest)
            share = overlap(_enlarged(box, view), annotated) if annotated else None
            return _cut(photo, view, box, size, "haar", share)
        except NoFaceError:
            if crop == "haar":
                raise
    if annotated is None:
        raise DataError("no annotated box has an area")
    reduction = _reduction(annotated, size)
    view = _View(photo.gray(reduction, _around(_squared(annotated))), reduction)
    return _cut(photo, view, _reduced(annotated, view), size, "annotated", 1.0)


def consensus(boxes: Sequence[Box], photo: Photograph) -> Box | None:
    """The box that annotators agree on: the median of each side, of boxes that have an area."""
    corners = []
    for x, y, w, h in boxes:
        left, top = max(x, 0), max(y, 0)
        right, bottom = min(x + w, photo.width), min(y + h, photo.height)
        if right - left > 1 and bottom - top > 1:
            corners.append((left, top, right, bottom))
    if not corners:
        return None
    left, top, right, bottom = (int(value) for value in np.median(corners, axis=0))
    return Box(left, top, right - left, bottom - top)


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    height = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    shared = max(0, width) * max(0, height)
    return shared / (one.w * one.h + other.w * other.h - shared)


def _search(
    photo: Photograph,
    annotated: Box | None,
    detector: FaceDetector,
    size: int,
    least: float,
    largest: bool,
) -> tuple[_View, Box]:
    """The detector's box, in pixels of the view: near the annotated one first, then everywhere."""
    if annotated is not None:
        view, found = _near(photo, annotated, detector, _reduction(annotated, size))
        best = _best(found, _reduced(annotated, view), least)
        if best is not None:
            return view, best
    short = min(photo.width, photo.height)
    reduction = next((r for r in REDUCTIONS if short // r >= _SHORT), 1)
    view = _View(photo.gray(reduction), reduction)
    smallest = max(24, min(view.pixels.shape) // _PART)
    found = detector(view.pixels, sizes=(smallest, max(view.pixels.shape)))
    if not found:
        raise NoFaceError("no face found")
    if annotated is None:
        if len(found) > 1 and not largest:
            raise NoFaceError("several faces found, and no annotated box to choose by")
        return view, found[0]
    best = _best(found, _reduced(annotated, view), least)
    if best is None:
        faces = "several faces" if len(found) > 1 else "one face"
        raise NoFaceError(f"{faces} found, none in the annotated box")
    return view, best


def _near(
    photo: Photograph, annotated: Box, detector: FaceDetector, reduction: int
) -> tuple[_View, list[Box]]:
    """Faces around the annotated box, in pixels of the view."""
    area = _around(annotated)
    view = _View(photo.gray(reduction, _around(_squared(annotated))), reduction)
    x, y, w, h = _reduced(area, view)
    left, top = max(x, 0), max(y, 0)
    part = view.pixels[top : y + h, left : x + w]
    side = max(annotated.w, annotated.h) / reduction
    smallest, largest = (max(24, int(share * side)) for share in _SIZES)
    found = detector(np.ascontiguousarray(part), sizes=(smallest, largest))
    return view, [Box(left + box.x, top + box.y, box.w, box.h) for box in found]


def _best(found: Sequence[Box], wanted: Box, least: float) -> Box | None:
    best = max(found, key=lambda box: overlap(box, wanted), default=None)
    return best if best is not None and overlap(best, wanted) >= least else None


def _cut(
    photo: Photograph, view: _View, box: Box, size: int, crop: str, share: float | None
) -> Cut:
    """Make the patch; a face smaller than it is decoded again, larger."""
    whole = _enlarged(box, view)
    reduction = view.reduction
    while reduction > 1 and max(whole.w, whole.h) // reduction < size:
        reduction //= 2
    if reduction < view.reduction:
        view = _View(photo.gray(reduction, _around(_squared(whole))), reduction)
        box = _reduced(whole, view)
    return Cut(to_patch(view.pixels, box, size), whole, crop, share, reduction)


def _reduction(face: Box, size: int) -> int:
    """How much smaller a photograph may be decoded: a patch averages pixels, it repeats none."""
    side = max(face.w, face.h)
    return next((r for r in REDUCTIONS if side // r >= max(2 * size, _FACE)), 1)


def _squared(box: Box) -> Box:
    """What a patch is made of: a wide box needs rows above and below it."""
    side = max(box.w, box.h)
    return Box(box.x - (side - box.w) // 2, box.y - (side - box.h) // 2, side, side)


def _around(box: Box) -> Box:
    side = max(box.w, box.h)
    x, y = round(_ACROSS * side), round(_DOWN * side)
    return Box(box.x - x, box.y - y, box.w + 2 * x, box.h + 2 * y)


def _reduced(box: Box, view: _View) -> Box:
    x, y = box.x // view.reduction, box.y // view.reduction
    return Box(x, y, max(1, box.w // view.reduction), max(1, box.h // view.reduction))


def _enlarged(box: Box, view: _View) -> Box:
    return Box(*(value * view.reduction for value in box))
