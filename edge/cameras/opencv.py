"""Cameras, video files, network streams and GStreamer pipelines, through OpenCV."""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

# FFmpeg's own lines would come before ours; whoever wants them sets the variable to 48 (debug).
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

import cv2

from edgefer.errors import CameraError

from ..reading import Frame
from ..secrets import hide_secrets
from ..trouble import say
from .live import read

TIMEOUT = 10.0  # seconds that a network stream may be silent
RESYNC = 25  # failed reads after which a file has ended


class VideoFile:
    """A stored video, frame by frame; nothing is left out.

    Attributes
    ----------
    dropped : int
        Frames that could not be decoded.
    """

    def __init__(self, path: str, video: cv2.VideoCapture | None = None) -> None:
        self.dropped = 0
        self._name = hide_secrets(path)
        if video is None:
            if not Path(path).is_file():
                raise CameraError(f"there is no video file {path}.")
            # FFmpeg would read 12:30.mp4 as an address: an absolute path is none.
            video = _open(str(Path(path).absolute()), cv2.CAP_ANY)
        if not video.isOpened():
            raise CameraError(
                f"{self._name} is no video that OpenCV can read: it is damaged, cut short, or of "
                f"an unknown kind. Try: ffmpeg -i {Path(path).name} fixed.mp4."
            )
        self._video = video

    def __iter__(self) -> Iterator[Frame]:
        expected = self._video.get(cv2.CAP_PROP_FRAME_COUNT)
        rate = self._video.get(cv2.CAP_PROP_FPS) or 30.0
        index = given = failed = 0
        while failed < RESYNC:
            image = read(self._video)
            if image is None:
                failed += 1
                continue
            # A failed read that was not the end was a frame that could not be decoded.
            if failed:
                self.dropped += failed
                index += failed
                say(f"{self._name}: {failed} damaged frame(s) left out")
                failed = 0
            # Some containers carry no time.
            seconds = self._video.get(cv2.CAP_PROP_POS_MSEC) / 1000
            yield Frame(index, seconds if seconds > 0 else index / rate, image)
            index += 1
            given += 1
        if not given:
            raise CameraError(f"{self._name} holds no frame that can be decoded.")
        # Headers are often off by one or two.
        if expected - index > max(2, 0.02 * expected):
            say(
                f"{self._name}: ended after {index} of {expected:.0f} announced frames; "
                "it is damaged or cut short"
            )

    def close(self) -> None:
        self._video.release()


def device_path(where: str) -> Path:
    """Where a camera is, by number, ``/dev/video*``, or a name that stays: ``/dev/v4l/by-id/*``.

    Raises
    ------
    CameraError
        If there is none, or not for this user.
    """
    path = Path(where if where.startswith("/dev/") else f"/dev/video{where}")
    name = f"camera {where}"
    if sys.platform == "linux":
        _check_device(path, name)
    # Anew each time: a camera that is plugged in again may have another number.
    path = path.resolve()
    if not path.name.removeprefix("video").isdecimal():
        raise CameraError(f"{name} is not known: a camera is a number or /dev/video and a number.")
    return path


def open_device(where: str, stall: float = 0) -> cv2.VideoCapture:
    """A camera by number or ``/dev/video*`` path."""
    path = device_path(where)
    for backend in (cv2.CAP_V4L2, cv2.CAP_ANY):
        video = _open(int(path.name.removeprefix("video")), backend)
        if video.isOpened():
            return video
    raise CameraError(
        f"camera {where} cannot be opened. Is another program using it? Try: fuser {path}."
    )


def open_url(address: str, stall: float = 0) -> cv2.VideoCapture:
    """A network stream, or a stored video on a server, which announces its frames."""
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, int(1000 * TIMEOUT)]
    limits += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, int(1000 * max(stall, TIMEOUT))]
    # Only FFmpeg: the other backends print the address, password and all, when they fail.
    video = _open(address, cv2.CAP_FFMPEG, limits)
    if not video.isOpened():
        raise CameraError(
            f"{hide_secrets(address)} gives no stream, after {TIMEOUT:.0f} seconds at most. Check "
            "the address, user name, password and network."
        )
    return video


def check_gstreamer(name: str) -> None:
    """Raise where this OpenCV cannot run a pipeline."""
    if "GStreamer" not in video_backends():
        raise CameraError(
            f"OpenCV {cv2.__version__} is built without GStreamer, so {name} cannot run. On Jetson "
            "and Raspberry Pi OS: apt install python3-opencv, then a virtual environment with "
            "--system-site-packages."
        )


def open_pipeline(pipeline: str, stall: float = 0) -> cv2.VideoCapture:
    """A GStreamer pipeline; ``appsink`` is added where it does not end in one."""
    name = f"pipeline {hide_secrets(pipeline)!r}"
    if not re.search(r"\bappsink\b", pipeline):
        pipeline += " ! videoconvert ! video/x-raw,format=BGR ! appsink drop=true max-buffers=1"
    video = _open(pipeline, cv2.CAP_GSTREAMER)
    if not video.isOpened():
        hint = "Try it with: gst-launch-1.0 ... ! fakesink"
        if "nvarguscamerasrc" in pipeline:  # its daemon keeps a camera whose program crashed
            hint = "Try: sudo systemctl restart nvargus-daemon, then gst-launch-1.0 ... ! fakesink"
        raise CameraError(f"{name} does not start. {hint}.")
    return video


def announced(video: object) -> int:
    """Frames that a stored video announces; 0 of a live one."""
    if not isinstance(video, cv2.VideoCapture):
        return 0
    return max(0, int(video.get(cv2.CAP_PROP_FRAME_COUNT)))


def video_backends() -> list[str]:
    """What this OpenCV can read video with, such as ``FFMPEG``, ``GStreamer`` and ``V4L2``."""
    known = {"FFMPEG": cv2.CAP_FFMPEG, "GStreamer": cv2.CAP_GSTREAMER, "V4L2": cv2.CAP_V4L2}
    return [name for name, api in known.items() if cv2.videoio_registry.hasBackend(api)]


def _check_device(path: Path, name: str) -> None:
    """Say why a camera will not open, where the file system knows."""
    if not path.exists():
        there = sorted(str(other) for other in Path("/dev").glob("video*"))
        found = f"cameras here: {', '.join(there)}" if there else "this machine has none"
        raise CameraError(
            f"there is no {name} ({path}); {found}. Plug one in, or try: "
            "edgefer run --camera synth."
        )
    if not os.access(path, os.R_OK | os.W_OK):
        raise CameraError(
            f"{name} may not be opened by this user. Try: sudo usermod -aG video $USER, then log "
            "in again."
        )


def _open(source: str | int, backend: int, limits: Sequence[int] = ()) -> cv2.VideoCapture:
    with _quiet():
        if isinstance(source, int):
            return cv2.VideoCapture(source, backend)
        return cv2.VideoCapture(source, backend, limits)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep OpenCV's warnings back: ours says more, and theirs may hold a password."""
    # In the wheels of OpenCV 4.11 the two functions lie one level higher.
    log = getattr(cv2.utils, "logging", cv2)
    before = log.getLogLevel()
    log.setLogLevel(0)
    try:
        yield
    finally:
        log.setLogLevel(before)
