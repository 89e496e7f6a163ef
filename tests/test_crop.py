import io

import numpy as np
import pytest
from aihub_photos import annotated, draw_photo
from PIL import Image

from edgefer.detect import FaceDetector
from edgefer.errors import DataError
from edgefer.preprocess import Box, to_patch
from edgefer.train.datasets.crop import NoFaceError, consensus, cut_face, overlap
from edgefer.train.datasets.photographs import Photograph

pytestmark = pytest.mark.edge
DETECTOR = FaceDetector()


def photo(seed="a", **choices):
    data, box = draw_photo(seed, "happy", "somebody", **choices)
    return Photograph.of(data), box


def marked(box, count=3):
    rng = np.random.default_rng(0)
    corners = ([round(value) for value in annotated(box, rng)] for _ in range(count))
    return [Box(x, y, right - x, bottom - y) for x, y, right, bottom in corners]


def test_haar_finds_the_marked_face_and_says_where():
    for seed in "abcdef":
        shot, box = photo(seed)
        cut = cut_face(shot, marked(box), DETECTOR)
        assert cut.crop == "haar"
        assert overlap(cut.box, box) > 0.6
        assert cut.overlap == pytest.approx(
            overlap(cut.box, consensus(marked(box), shot)), abs=0.02
        )
        assert cut.patch.shape == (48, 48)


def test_the_patch_is_what_the_whole_photo_gives():
    shot, box = photo(wide=4032)
    cut = cut_face(shot, marked(box), DETECTOR)
    assert cut.reduction == 8
    whole = to_patch(shot.gray(), cut.box)
    assert np.abs(whole.astype(int) - cut.patch).mean() < 1.5


def test_the_marked_one_of_two_faces_is_taken():
    shot, box = photo(crowd=True)
    assert overlap(cut_face(shot, marked(box), DETECTOR).box, box) > 0.6


def test_a_face_smaller_than_the_patch_is_decoded_larger():
    shot, box = photo()
    cut = cut_face(shot, marked(box), DETECTOR, size=224)
    assert cut.patch.shape == (224, 224)
    assert cut.reduction <= 2


def test_without_a_box_the_only_face_is_taken():
    shot, box = photo()
    cut = cut_face(shot, [Box(5, 5, 0, 0)], DETECTOR)
    assert overlap(cut.box, box) > 0.6
    assert cut.overlap is None


def test_without_a_box_several_faces_are_too_many_unless_the_largest_will_do():
    shot, box = photo("crowd4", crowd=True)
    with pytest.raises(NoFaceError, match="several faces"):
        cut_face(shot, [], DETECTOR)
    assert overlap(cut_face(shot, [], DETECTOR, largest=True).box, box) > 0.6


def test_a_box_elsewhere_is_no_match():
    shot, box = photo()
    elsewhere = [Box(0, 0, box.w // 3, box.h // 3)]
    with pytest.raises(NoFaceError, match="one face found, none in the annotated box"):
        cut_face(shot, elsewhere, DETECTOR)


def test_where_nobody_is_nobody_is_found():
    shot, _ = photo(nobody=True)
    with pytest.raises(NoFaceError, match="no face found"):
        cut_face(shot, [Box(400, 300, 400, 500)], DETECTOR)


def test_the_annotators_box_is_taken_only_if_asked_for():
    shot, _ = photo(nobody=True)
    boxes = [Box(400, 300, 300, 400)]
    cut = cut_face(shot, boxes, DETECTOR, crop="both")
    assert (cut.crop, cut.box) == ("annotated", boxes[0])
    assert np.abs(cut.patch.astype(int) - to_patch(shot.gray(), boxes[0])).mean() < 3
    with pytest.raises(DataError, match="no annotated box has an area"):
        cut_face(shot, [Box(400, 300, 0, 0)], DETECTOR, crop="both")


def test_annotated_does_not_search(monkeypatch):
    shot, box = photo()

    def never(*_, **__):
        raise AssertionError

    assert cut_face(shot, marked(box), never, crop="annotated").overlap == 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    "box", [Box(400, 400, 800, 240), Box(560, 240, 200, 800), Box(401, 403, 801, 797)]
)
def test_a_patch_is_decoded_as_far_as_it_reaches(box, orientation):
    ramp = np.add.outer(np.arange(1600), np.arange(1600)) / 20 + 30
    noisy = (ramp + np.random.default_rng(0).normal(0, 40, ramp.shape)).clip(0, 255)
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()  # of three megabytes: a small one is decoded whole at once
    Image.fromarray(noisy.astype(np.uint8)).save(file, "JPEG", exif=exif, quality=97)
    shot = Photograph.of(file.getvalue())
    cut = cut_face(shot, [box], DETECTOR, crop="annotated")
    assert cut.reduction == 8
    assert off(cut, shot).max() < 12


@pytest.mark.parametrize("seed", ["upright", "turned1", "turned3"])
def test_a_box_that_ends_above_the_chin_is_near_enough(seed, monkeypatch):
    shot, box = photo(seed, wide=4032)
    decode, decoded = Photograph.gray, []
    monkeypatch.setattr(
        Photograph, "gray", lambda shot, *args: decoded.append(args) or decode(shot, *args)
    )
    cut = cut_face(shot, [Box(box.x, box.y, box.w, round(0.8 * box.h))], DETECTOR)
    assert overlap(cut.box, box) > 0.6
    assert len(decoded) == 1


def off(cut, shot):
    return np.abs(cut.patch.astype(int) - to_patch(shot.gray(), cut.box))


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ([], None),
        ([Box(10, 10, 0, 0)], None),
        ([Box(-50, -50, 40, 40)], None),  # outside
        ([Box(2000, 100, 50, 50)], None),  # outside, on the other side
        ([Box(10, 10, 100, 100)], Box(10, 10, 100, 100)),
        ([Box(10, 10, 100, 100), Box(0, 0, 0, 0)], Box(10, 10, 100, 100)),  # one is empty
        ([Box(10, 10, 90, 90), Box(12, 12, 90, 90), Box(900, 900, 50, 50)], Box(12, 12, 90, 90)),
        ([Box(-20, -20, 120, 120)], Box(0, 0, 100, 100)),  # over the border
    ],
)
def test_annotators_agree_on_the_median_of_boxes_with_an_area(boxes, expected):
    shot, _ = photo()
    assert consensus(boxes, shot) == expected


def test_overlap_is_intersection_over_union():
    assert overlap(Box(0, 0, 10, 10), Box(0, 0, 10, 10)) == 1
    assert overlap(Box(0, 0, 10, 10), Box(5, 0, 10, 10)) == pytest.approx(1 / 3)
    assert overlap(Box(0, 0, 10, 10), Box(20, 0, 10, 10)) == 0
