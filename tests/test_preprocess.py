import hashlib
import tracemalloc

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgefer.errors import DataError
from edgefer.preprocess import Box, face_to_patch, to_patch

SIDES = [48, 49, 96, 137, 200, 401]


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("side", SIDES)
def test_flat_grey_stays_flat(side):
    image = np.full((side, side), 131, np.uint8)
    assert (to_patch(image, Box(0, 0, side, side)) == 131).all()


@pytest.mark.parametrize(("size", "sides"), [(48, range(300, 500)), (224, range(700, 740))])
def test_faces_of_every_size_leave_no_more_than_16_mb_behind(size, sides):
    tracemalloc.start()
    for side in sides:
        face_to_patch(np.zeros((side, side), np.uint8), size)
    left, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert left < 17e6


@pytest.mark.parametrize("side", SIDES)
def test_shrinking_equals_opencvs_area_average(side):
    face = noise(side, side)
    expected = cv2.resize(face, (48, 48), interpolation=cv2.INTER_AREA)
    assert np.abs(face_to_patch(face).astype(int) - expected).max() <= (0 if side < 400 else 1)


def test_enlarging_equals_opencvs_bilinear_within_a_rounding_step():
    face = noise(48, 48)
    expected = cv2.resize(face, (224, 224), interpolation=cv2.INTER_LINEAR)
    assert np.abs(face_to_patch(face, 224).astype(int) - expected).max() <= 1


def test_a_grey_picture_of_the_right_size_is_not_touched():
    face = noise(48, 48)
    assert (face_to_patch(face) == face).all()


def test_equal_channels_keep_their_grey():
    face = noise(48, 48)
    assert (face_to_patch(np.dstack([face] * 3)) == face).all()


def test_a_box_is_squared_and_widened_by_a_64th():
    image = np.zeros((400, 400), np.uint8)
    image[100:230, 119:249] = 255  # the square of side 128 + 2 around the middle of the box below
    patch = to_patch(image, Box(134, 101, 100, 128), 130)
    assert (patch == 255).all()


def test_past_the_border_the_edge_repeats():
    image = np.zeros((100, 100), np.uint8)
    image[:, 0] = 200
    patch = to_patch(image, Box(-64, 10, 63, 63))
    assert (patch[:, :40] == 200).all()


def test_an_empty_box_is_refused():
    with pytest.raises(DataError, match="no face"):
        to_patch(noise(50, 50), Box(5, 5, 0, 0))


def test_an_empty_picture_is_refused():
    with pytest.raises(DataError, match="no face"):
        to_patch(noise(0, 50), Box(0, 0, 9, 9))


def test_a_narrow_face_is_never_stretched():
    face = np.zeros((60, 20), np.uint8)
    face[:, 10] = 255
    patch = face_to_patch(face, 60)
    assert patch[:, 30].min() == 255
    assert (patch == 255).sum() == 60


@given(
    x=st.integers(-500, 700),
    y=st.integers(-500, 700),
    w=st.integers(1, 900),
    h=st.integers(1, 900),
    size=st.sampled_from([16, 48, 96]),
)
def test_any_box_gives_a_patch(x, y, w, h, size):
    patch = to_patch(noise(120, 160, 3), Box(x, y, w, h), size)
    assert patch.shape == (size, size)
    assert patch.dtype == np.uint8


# Golden: the same bytes on every machine. A new value means a new PREPROCESS id.
@pytest.mark.parametrize(
    ("size", "golden"),
    [(48, "85102a4463a83500"), (96, "aa9554d78cbf23d4"), (224, "c297119ab2f1b3cb")],
)
def test_patches_are_the_same_bytes_everywhere(size, golden):
    y, x = np.mgrid[0:240, 0:320]
    image = np.dstack([(x * 7 + y * 3) % 256, (x * y) % 256, (x + 5 * y) % 256]).astype(np.uint8)
    boxes = [Box(k * 31 - 40, k * 17 - 30, 90 + k, 70 + 2 * k) for k in range(9)]
    patches = [to_patch(image, box, size) for box in boxes]
    assert hashlib.sha256(np.stack(patches).tobytes()).hexdigest()[:16] == golden
