"""A folder of pictures, or one picture, as a camera."""

import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from edgefer.errors import CameraError

from ..reading import Frame
from ..trouble import say
from . import PICTURES


class Images:
    """Pictures in the order a person would count them, turned as their EXIF data says.

    Attributes
    ----------
    dropped : int
        Files that were no picture after all.
    """

    def __init__(self, where: str) -> None:
        """Look for pictures, in folders within the folder too.

        Parameters
        ----------
        where : str
            A folder, or one picture.

        Raises
        ------
        CameraError
            If there are none.
        """
        self.dropped = 0
        self._folder = Path(where)
        if not self._folder.exists():
            raise CameraError(f"there is no folder or picture {where}.")
        self._paths = [self._folder] if self._folder.is_file() else _pictures(self._folder)
        if not self._paths:
            raise CameraError(f"{where} holds no picture ({', '.join(sorted(PICTURES))}).")

    def __iter__(self) -> Iterator[Frame]:
        for index, path in enumerate(self._paths):
            try:
                image = read_image(path)
            except CameraError as error:
                self.dropped += 1
                say(f"{error} Left out.")
                continue
            yield Frame(index, float(index), image, path.name)
        if self.dropped == len(self._paths):
            raise CameraError(f"none of {self.dropped} picture(s) in {self._folder} can be read.")

    def close(self) -> None:
        """Nothing is held open."""


def read_image(path: Path) -> np.ndarray:
    """A picture, uint8 (H, W, 3) BGR, upright; the path may be in any script.

    Raises
    ------
    CameraError
        If the file cannot be read, or is no picture.
    """
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise CameraError(f"{path} cannot be read: {error.strerror}.") from error
    try:
        # IMREAD_COLOR applies the EXIF orientation and brings every depth to 8 bits.
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    except cv2.error:  # a header that promises more pixels than OpenCV allows
        image = None
    if image is None:
        raise CameraError(f"{path} is no picture that OpenCV can read.")
    return np.asarray(image)


def _pictures(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.suffix.lower() in PICTURES)
    return sorted(
        (path for path in found if path.is_file() and not path.name.startswith(".")), key=_counted
    )


def _counted(path: Path) -> list[tuple[int, str]]:
    """A key that puts face2 before face10."""
    parts = re.findall(r"\d+|\D+", str(path))
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
