"""Pictures as bare pixels, one after the other, from a pipe."""

import os
import re
import select

import cv2
import numpy as np

from edgefer.errors import CameraError

from ..trouble import say

BEAT = 0.1  # seconds after which a read that waits looks up

# By FFmpeg's names: bytes of two pixels, and how OpenCV makes BGR of them.
FORMATS: dict[str, tuple[int, int | None]] = {
    "bgr24": (6, None),
    "rgb24": (6, cv2.COLOR_RGB2BGR),
    "gray": (2, None),
    "yuyv422": (4, cv2.COLOR_YUV2BGR_YUY2),
    "nv12": (3, cv2.COLOR_YUV2BGR_NV12),
    "yuv420p": (3, cv2.COLOR_YUV2BGR_I420),
}
OTHER_NAMES = {"gray8": "gray", "yuyv": "yuyv422", "yuy2": "yuyv422", "i420": "yuv420p"}
MOST = 100_000_000  # pixels of a picture


class RawVideo:
    """Pictures of one size, read from an open file; a read never waits for long."""

    def __init__(self, about: str, file: int = 0) -> None:
        """Take over an open file.

        Parameters
        ----------
        about : str
            ``WIDTHxHEIGHT`` or ``WIDTHxHEIGHT:FORMAT``; the format is one of `FORMATS`, or bgr24.
        file : int
            Its descriptor, standard input by default; it is left open.

        Raises
        ------
        CameraError
            If the size or the format is not known, or the file is a terminal.
        """
        found = re.fullmatch(r"(\d+)x(\d+)(?::(\w+))?", about)
        name = (found[3] or "bgr24").lower() if found else ""
        name = OTHER_NAMES.get(name, name)
        if found is None or name not in FORMATS:
            raise CameraError(
                f"-:{about} does not say what comes: type the size and one of "
                f"{', '.join(FORMATS)}, such as -:640x480:bgr24."
            )
        self._width, self._height = int(found[1]), int(found[2])
        pair, self._turn = FORMATS[name]
        odd = self._width % 2 or (pair == 3 and self._height % 2)
        if not self._width or not self._height or (odd and pair in (3, 4)):
            raise CameraError(f"there are no {name} pictures of {about.partition(':')[0]} pixels.")
        if self._width * self._height > MOST:
            raise CameraError(
                f"pictures of {self._width}x{self._height} are too large: {MOST:,} pixels at most."
            )
        if os.isatty(file):
            raise CameraError(
                "- reads pictures from standard input, and that is a terminal. Type, for example: "
                "ffmpeg -re -i FILE -f rawvideo -pix_fmt bgr24 -s 640x480 - | "
                "edgefer run --camera -:640x480:bgr24."
            )
        self._file, self._have = file, 0
        self._data = bytearray(self._width * self._height * pair // 2)
        self._shape = {
            2: (self._height, self._width),
            3: (self._height * 3 // 2, self._width),
            4: (self._height, self._width, 2),
            6: (self._height, self._width, 3),
        }[pair]

    def read(self) -> tuple[bool, np.ndarray | None]:
        rest = memoryview(self._data)
        while self._have < len(self._data):
            if not select.select([self._file], [], [], BEAT)[0]:
                raise TimeoutError
            count = os.readv(self._file, [rest[self._have :]])
            if count == 0:
                return self._end()
            self._have += count
        self._have = 0
        picture = np.frombuffer(self._data, np.uint8).reshape(self._shape)
        if self._turn is None:
            return True, picture.copy()
        return True, cv2.cvtColor(picture, self._turn)

    def release(self) -> None:
        """The file is somebody else's."""

    def _end(self) -> tuple[bool, None]:
        """The end of the file; what is left of a picture first, as one that failed."""
        if not self._have:
            raise EOFError
        say(
            f"standard input ended after {self._have} of a picture's {len(self._data)} bytes. "
            "Are its size and format as given?"
        )
        self._have = 0
        return False, None
