"""An annotated video file."""

import os
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from edgefer.errors import EdgeferError

from ..look import Look
from ..reading import Frame, Reading
from ..trouble import say
from .drawing import Painter
from .logfile import MODE

CODECS = {".mp4": "mp4v", ".avi": "MJPG"}
LOOK = 8  # frames from which the rate is told
RATES = (1.0, 60.0)
GAP = 10.0  # seconds
SPARE = 64_000_000  # bytes left free: what comes between two looks, and the index of the frames
LOOK_AGAIN = 2.0  # seconds between two looks at what is free
SHORT = f"less than {SPARE // 1_000_000} MB are free there"
FREE = "Free some room, and record again."


class VideoSink:
    """What the camera saw, with what was read drawn into it.

    The video lies under a hidden name until it is finished, so that a file of the asked name is
    always whole. It runs at the speed of the camera: a live one that dropped frames gets the last
    one again in their place. Before the disk is full it is finished and the run goes on; that it
    ended early is an error when the run ends.
    """

    def __init__(self, path: str, *, force: bool = False, look: Look | None = None) -> None:
        """Choose a file; it is begun with the first frame.

        Parameters
        ----------
        path : str
            Ends in ``.mp4`` (MPEG-4) or ``.avi`` (Motion JPEG, which every OpenCV can write).
        force : bool
            Replace a file that is there.
        look : Look, optional
            How to draw.

        Raises
        ------
        EdgeferError
            If it exists, nothing can be written there, or it ends in something else.
        """
        self._path = Path(path)
        if self._path.suffix.lower() not in CODECS:
            raise EdgeferError(f"{path} must end in .mp4 or .avi.")
        if self._path.exists() and not force:
            raise EdgeferError(f"{path} exists. Replace it with --force, or choose another name.")
        if not os.access(self._path.parent, os.W_OK):
            raise EdgeferError(
                f"cannot write {path}: {self._path.parent} is no folder to write in."
            )
        self._force = force
        self._paint = Painter(look)
        self._partial = _hidden(self._path, self._path.suffix.lower())
        self._create()  # OpenCV would only say that it failed, and that late
        self._partial.unlink()
        if _room(self._partial) < SPARE:
            raise EdgeferError(f"cannot write {path}: {SHORT}. Free some room, or name another.")
        self._looked, self._ended = time.monotonic(), ""
        self._waiting: list[tuple[float, np.ndarray]] = []
        self._writer: cv2.VideoWriter | None = None
        self._rate = self._start = 0.0
        self._size = (0, 0)
        self._written = 0

    def write(self, frame: Frame, readings: Sequence[Reading]) -> None:
        if self._ended:
            return
        if self._is_full():
            self._end_early()
            return
        picture = (frame.seconds, self._paint(frame, readings))
        if self._writer is not None:
            self._add(*picture)
            return
        self._waiting.append(picture)
        if len(self._waiting) == LOOK:
            self._begin()

    def close(self) -> None:
        self._finish()
        if self._ended:
            raise EdgeferError(self._ended)

    def _end_early(self) -> None:
        """Finish while there is room to; the run goes on without a video."""
        try:
            self._finish()
            self._ended = f"{self._path} ends after {self._written} frames: {SHORT}. {FREE}"
        except EdgeferError as error:
            self._ended = str(error)
        say(f"{self._ended} The run goes on.")

    def _is_full(self) -> bool:
        """Whether the video has to end here; looked at now and then."""
        if time.monotonic() - self._looked < LOOK_AGAIN:
            return False
        self._looked = time.monotonic()
        return _room(self._partial) < SPARE

    def _finish(self) -> None:
        """Give the video its name, if all of it can be read."""
        if self._waiting:
            self._begin()
        if self._writer is None:
            return
        self._writer.release()
        self._writer = None
        # OpenCV is silent about what it could not write. Some of its readers estimate: one is free.
        found = _frames(self._partial)
        if found < max(1, self._written - 1):
            raise EdgeferError(
                f"{self._path} was not written: of {self._written} frames {found} can be read in "
                f"{self._partial}. Is the disk full? {FREE}"
            )
        self._partial.replace(self._path)

    def _begin(self) -> None:
        """Open the file at the rate of the first frames, and write these."""
        times = [seconds for seconds, _ in self._waiting]
        span = times[-1] - times[0]
        rate = (len(times) - 1) / span if span > 0 else RATES[0]
        rate = min(max(rate, RATES[0]), RATES[1])
        # Times in whole milliseconds make 29.91 of a camera's 30.
        self._rate = float(round(rate)) if abs(rate - round(rate)) < 0.005 * rate else rate
        self._start = times[0]
        height, width = self._waiting[0][1].shape[:2]
        self._size = (width, height)
        self._writer = self._open()
        waiting, self._waiting = self._waiting, []
        for seconds, image in waiting:
            self._add(seconds, image)

    def _open(self) -> cv2.VideoWriter:
        """A writer of the asked kind, or of Motion JPEG where this OpenCV lacks the codec."""
        for suffix in dict.fromkeys([self._path.suffix.lower(), ".avi"]):
            self._partial = _hidden(self._path, suffix)
            self._create()
            code = cv2.VideoWriter.fourcc(*CODECS[suffix])
            writer = cv2.VideoWriter(str(self._partial), code, self._rate, self._size)
            if writer.isOpened():
                if suffix != self._path.suffix.lower():
                    self._path = self._path.with_suffix(suffix)
                    if self._path.exists() and not self._force:
                        writer.release()
                        self._partial.unlink(missing_ok=True)
                        raise EdgeferError(
                            f"no MPEG-4 here, and {self._path} exists. Replace it with --force, or "
                            "choose another name."
                        )
                    print(f"no MPEG-4 here: writing {self._path}", file=sys.stderr)
                return writer
            self._partial.unlink(missing_ok=True)
        raise EdgeferError(f"OpenCV cannot write {self._path}: it has neither MPEG-4 nor MJPG.")

    def _create(self) -> None:
        """Begin the hidden file: one of OpenCV's own could be read by everybody."""
        try:
            self._partial.unlink(missing_ok=True)
            self._partial.touch(mode=MODE)
        except OSError as error:
            raise EdgeferError(f"cannot write {self._path}: {error.strerror}.") from error

    def _add(self, seconds: float, image: np.ndarray) -> None:
        """Write a picture once, and again as long as the video is behind the camera."""
        assert self._writer is not None
        image = _fit(image, self._size)
        self._writer.write(image)
        self._written += 1
        behind = round((seconds - self._start) * self._rate) + 1 - self._written
        # A camera that stood still for long does not fill the disk: time goes on from here.
        if behind > GAP * self._rate:
            self._start += behind / self._rate
            return
        for _ in range(behind):
            self._writer.write(image)
            self._written += 1


def _hidden(path: Path, suffix: str) -> Path:
    """Name of a video that is not finished."""
    return path.with_name(f".{path.stem}.partial{suffix}")


def _room(path: Path) -> int:
    """Bytes that a file may still grow; none where the disk is gone."""
    try:
        disk = os.statvfs(path.parent)
    except OSError:
        return 0
    free = disk.f_bavail * disk.f_frsize
    limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    if limit == resource.RLIM_INFINITY:
        return free
    return min(free, limit - (path.stat().st_size if path.exists() else 0))


def _frames(path: Path) -> int:
    """How many frames of a video can be found; 0 if it is none."""
    video = cv2.VideoCapture(str(path))
    try:
        return max(0, int(video.get(cv2.CAP_PROP_FRAME_COUNT)))
    finally:
        video.release()


def _fit(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A picture of this width and height, black where it does not reach; a writer drops others."""
    width, height = size
    if image.shape[:2] == (height, width):
        return image
    scale = min(width / image.shape[1], height / image.shape[0])
    w, h = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    canvas = np.zeros((height, width, 3), np.uint8)
    y, x = (height - h) // 2, (width - w) // 2
    canvas[y : y + h, x : x + w] = cv2.resize(image, (w, h), interpolation=cv2.INTER_AREA)
    return canvas
