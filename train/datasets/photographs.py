"""Read photographs: only as large, and only as far down, as a face in them needs."""

import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from edgefer.errors import DataError
from edgefer.preprocess import Box

FORMATS = ("JPEG", "PNG", "BMP", "WEBP")
LARGEST = 100_000_000  # pixels; more is a mistake or an attack
# Pixels that are ever held at once: Pillow takes 4 bytes for each, and a worker has 600 MB.
_HELD = 64_000_000
REDUCTIONS = (8, 4, 2, 1)  # what libjpeg can do while it decodes
_ORIENTATION = 0x0112
_END_OF_IMAGE = b"\xff\xd9"


@dataclass(frozen=True)
class Photograph:
    """A picture file whose header was read.

    Attributes
    ----------
    data : bytes
        The file.
    width, height : int
        In pixels, turned as EXIF says.
    orientation : int
        EXIF's, 1 to 8.
    """

    data: bytes
    width: int
    height: int
    orientation: int

    @classmethod
    def of(cls, data: bytes) -> "Photograph":
        """Photograph of a file's bytes.

        Raises
        ------
        DataError
            If it is no picture, or has more than 100 megapixels.
        """
        image = _open(io.BytesIO(data))
        try:
            with _silent():
                orientation = int(image.getexif().get(_ORIENTATION, 1))
        except (*_UNREADABLE, TypeError):
            orientation = 1
        if orientation not in range(1, 9):  # 0 is common, and means nothing
            orientation = 1
        width, height = image.size[::-1] if orientation > 4 else image.size
        return cls(data, width, height, orientation)

    def gray(self, reduction: int = 1, box: Box | None = None) -> np.ndarray:
        """Grey pixels, upright.

        A JPEG is reduced while it is decoded, its color is never decoded, and decoding ends below
        the last row that is asked for.

        Parameters
        ----------
        reduction : int
            1, 2, 4 or 8: how many pixels of the photograph become one, along each side.
        box : Box, optional
            What is needed, in pixels of the photograph; what lies outside may be plain grey. All of
            it if left out.

        Returns
        -------
        ndarray of uint8, shape (ceil(H / reduction), ceil(W / reduction))

        Raises
        ------
        DataError
            If the file ends too early or is damaged, or the picture is too large to be held.
        """
        file = _File(self.data)
        image = _open(file)
        wide, high = image.size
        image.draft("L", (max(1, wide // reduction), max(1, high // reduction)))
        if box is not None and image.format in ("JPEG", "MPO") and image.mode == "L":
            # A few rows more: a patch reaches a little past its box.
            file.watch(image, -(-self._last_row(box) * image.height // high) + 8)
        pixels = _decoded(image, "L")
        left = reduction * image.width // wide  # what a format that cannot be reduced still needs
        if left > 1:
            pixels = np.asarray(Image.fromarray(pixels).reduce(left))
        return np.ascontiguousarray(_upright(pixels, self.orientation))

    def pixels(self) -> np.ndarray:
        """All pixels, upright.

        Returns
        -------
        ndarray of uint8, shape (H, W) or (H, W, 3)
            Grey where the file is grey, else BGR.

        Raises
        ------
        DataError
            As `gray` does.
        """
        image = _open(io.BytesIO(self.data))
        gray = image.mode == "L" or image.mode.startswith("I")
        pixels = _decoded(image, "L" if gray else "RGB")
        upright = _upright(pixels, self.orientation)
        return np.ascontiguousarray(upright if gray else upright[..., ::-1])

    def _last_row(self, box: Box) -> int:
        """How many rows of the file hold a box of the upright picture."""
        if self.orientation in (1, 2):
            return box.y + box.h
        if self.orientation in (3, 4):
            return self.height - box.y
        if self.orientation in (5, 8):
            return box.x + box.w
        return self.width - box.x


class _File(io.BytesIO):
    """A file that ends as soon as the picture being read from it has its rows.

    Pillow decodes a JPEG while it reads. Once the row is there the file says "end of image", and
    libjpeg leaves the rows below grey. A row of pure black looks like one that is not there yet;
    then decoding just goes on.
    """

    _image: Any = None

    def watch(self, image: Image.Image, rows: int) -> None:
        """End when this many rows are decoded."""
        if rows < image.height:
            self._image, self._row = image, max(rows, 1) - 1

    def read(self, size: int | None = -1, /) -> bytes:
        """Bytes of the file, or its early end."""
        if self._image is not None and self._is_there():
            self._image = None
            self.seek(0, io.SEEK_END)
            return _END_OF_IMAGE
        return super().read(size)

    def _is_there(self) -> bool:
        pixels = getattr(self._image, "_im", None)  # set when decoding begins
        if pixels is None:
            return False
        wide = pixels.size[0]
        return any(pixels.getpixel((x, self._row)) for x in range(0, wide, max(1, wide // 16)))


_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, OverflowError, struct.error)


@contextmanager
def _silent() -> Iterator[None]:
    """Keep Pillow's warnings back: of its own limit, where ours is an error, and of poor EXIF."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        warnings.simplefilter("ignore", UserWarning)
        yield


def _open(file: io.BytesIO) -> Image.Image:
    try:
        with _silent():
            image = Image.open(file, formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise DataError(f"has more than {LARGEST:,} pixels") from error
    except _UNREADABLE as error:
        raise DataError("is no picture that can be read") from error
    if image.width * image.height > LARGEST:
        raise DataError(f"has more than {LARGEST:,} pixels")
    return image


def _decoded(image: Image.Image, mode: str) -> np.ndarray:
    """Pixels as they lie in the file."""
    if image.width * image.height > _HELD:
        raise DataError("has too many pixels to be decoded")
    try:
        image.load()
        if image.mode.startswith("I"):
            return np.asarray(np.asarray(image) >> 8, np.uint8)
        return np.asarray(image.convert(mode))
    except (*_UNREADABLE, Image.DecompressionBombError) as error:
        raise DataError("is damaged or cut off") from error


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turn and mirror as EXIF 2.32, table 6, says."""
    if orientation > 4:
        pixels = pixels.swapaxes(0, 1)
    across = -1 if orientation in (2, 3, 6, 7) else 1
    down = -1 if orientation in (3, 4, 7, 8) else 1
    return pixels[::down, ::across]
