import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from edgefer.errors import DataError
from edgefer.preprocess import Box
from edgefer.train.datasets.photographs import REDUCTIONS, Photograph


def scene(width=640, height=480):
    """Something uneven in every corner, so that a wrong turn shows."""
    y, x = np.mgrid[:height, :width]
    red = 255 * x / width
    green = 255 * y / height
    blue = 60 + 50 * np.sin(x / 20) * np.cos(y / 31)
    return np.stack([red, green, blue], -1).astype(np.uint8)


def encoded(pixels, orientation=1, form="JPEG", **options):
    image, file = Image.fromarray(pixels), io.BytesIO()
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(file, form, exif=exif, **options)
    return file.getvalue()


@pytest.mark.parametrize("orientation", range(9))
def test_exif_turns_as_pillow_does(orientation):
    data = encoded(scene(), orientation)
    photo = Photograph.of(data)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("L"))
    pixels = photo.gray()
    assert pixels.shape == (photo.height, photo.width) == expected.shape
    assert np.abs(pixels.astype(int) - expected).max() <= 2
    color = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    assert (photo.pixels()[..., ::-1] == np.asarray(color)).all()


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_reduced_picture_is_the_picture_made_small(reduction, form):
    photo = Photograph.of(encoded(scene(645, 481), form=form))
    whole, small = photo.gray(), photo.gray(reduction)
    assert small.shape == (-(-481 // reduction), -(-645 // reduction))
    tall, wide = 480 // reduction, 640 // reduction
    mean = whole[:480, :640].reshape(tall, reduction, wide, reduction).mean(axis=(1, 3))
    assert np.abs(small[:tall, :wide] - mean).max() < 4


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("reduction", [1, 4])
def test_what_is_asked_for_is_the_same_bytes_and_the_rest_is_not_decoded(orientation, reduction):
    rng = np.random.default_rng(0)
    noisy = np.clip(scene(1600, 1200) + rng.normal(0, 12, (1200, 1600, 3)), 1, 255).astype(np.uint8)
    photo = Photograph.of(encoded(noisy, orientation, quality=95))
    box = Box(photo.width // 3, photo.height // 3, photo.width // 5, photo.height // 5)
    whole, part = photo.gray(reduction), photo.gray(reduction, box)
    x, y, w, h = (value // reduction for value in box)
    assert (part[y : y + h, x : x + w] == whole[y : y + h, x : x + w]).all()
    assert (part == 128).mean() > 0.2


def test_a_phone_that_appends_a_second_picture_is_read_alike():
    rng = np.random.default_rng(0)
    noisy = np.clip(scene(1600, 1200) + rng.normal(0, 12, (1200, 1600, 3)), 1, 255).astype(np.uint8)
    file, small = io.BytesIO(), Image.fromarray(scene(80, 60))
    Image.fromarray(noisy).save(file, "MPO", quality=95, save_all=True, append_images=[small])
    part = Photograph.of(file.getvalue()).gray(1, Box(0, 0, 100, 300))
    assert (part[:300] == Photograph.of(encoded(noisy, quality=95)).gray()[:300]).all()
    assert (part == 128).mean() > 0.2


def test_black_rows_are_read_like_others():
    pixels = np.zeros((1200, 1600, 3), np.uint8)
    pixels[300:500] = np.random.default_rng(0).integers(0, 255, (200, 1600, 3))
    photo = Photograph.of(encoded(pixels, quality=95))
    box = Box(0, 300, 1600, 350)
    assert (photo.gray(1, box)[300:650] == photo.gray()[300:650]).all()


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK", "RGBA", "P", "1", "LA", "I;16"])
def test_every_kind_of_pixel_becomes_grey(mode):
    file = io.BytesIO()
    if mode == "I;16":
        image = Image.fromarray(np.full((60, 80), 200 << 8, np.uint16))
    else:
        image = Image.fromarray(np.full((60, 80), 200, np.uint8)).convert(mode)
    image.save(file, "JPEG" if mode == "CMYK" else "PNG")
    photo = Photograph.of(file.getvalue())
    # One bit a pixel is dithered.
    assert abs(photo.gray(2).mean() - 200) <= (6 if mode == "1" else 2)
    assert abs(photo.pixels().mean() - 200) <= (6 if mode == "1" else 2)
    assert photo.pixels().shape == ((60, 80) if mode in ("L", "I;16") else (60, 80, 3))


def huge(width, height, form):
    """A small picture whose header claims more, with a right checksum."""
    data = bytearray(encoded(scene(60, 60), form=form))
    if form == "PNG":
        data[16:24] = struct.pack(">II", width, height)
        data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    else:
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no picture"),
        (b"hello", "no picture"),
        (b"GIF89a" + bytes(40), "no picture"),
        (huge(100_000, 100_000, "PNG"), "more than 100,000,000 pixels"),
        (huge(65_000, 65_000, "JPEG"), "more than 100,000,000 pixels"),
        (huge(10_000, 9_900, "PNG"), "too many"),
        (encoded(scene())[:3000], "cut off"),
        (encoded(scene(), form="PNG")[:900], "cut off"),
    ],
)
def test_what_cannot_be_read_says_why(data, message):
    with pytest.raises(DataError, match=message):
        Photograph.of(data).gray()


@pytest.mark.parametrize("shape", [(1, 700), (700, 1), (1, 1)])
def test_a_line_of_pixels_is_a_picture(shape):
    data = encoded(np.full((*shape, 3), 200, np.uint8))
    assert min(Photograph.of(data).gray(8, Box(0, 0, 1, 1)).shape) == 1


def test_a_photograph_cut_off_below_the_face_still_gives_the_face():
    rng = np.random.default_rng(0)
    noisy = np.clip(scene(1600, 1200) + rng.normal(0, 12, (1200, 1600, 3)), 1, 255).astype(np.uint8)
    data = encoded(noisy, quality=95)
    photo = Photograph.of(data[: int(0.8 * len(data))])
    box = Box(500, 100, 300, 300)
    whole = Photograph.of(data).gray()
    assert (photo.gray(1, box)[:400] == whole[:400]).all()
    with pytest.raises(DataError, match="cut off"):
        photo.gray()


@given(data=st.binary(max_size=600), kept=st.integers(0, 700), reduction=st.sampled_from([1, 8]))
@example(data=b"\0\0\0\x0e" + bytes(8), kept=44, reduction=1)  # EXIF that tells of more data
@example(data=b"\0\0\0\x03\0\0\0\x15" + bytes(4), kept=44, reduction=1)  # EXIF cut off
def test_hostile_bytes_are_a_picture_or_an_error(data, kept, reduction):
    try:
        pixels = Photograph.of(encoded(scene(90, 70))[:kept] + data).gray(
            reduction, Box(0, 0, 9, 9)
        )
    except DataError:
        return
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 2
