"""Where frames come from, one file per kind of source."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from edgefer.errors import CameraError
from edgefer.plugins import build, resolve

from ..reading import Frame


class Camera(Protocol):
    """A source of frames.

    A file, a folder and a drawn video give every frame. A live source gives the latest one, however
    long the last took. A camera that counts what it left out does so in ``dropped``.
    """

    def __iter__(self) -> Iterator[Frame]:
        """Frames in order, until the source ends."""
        ...

    def close(self) -> None:
        """Let go of the device; the camera is not used after that."""
        ...


def _device(where: str) -> Camera:
    from .opencv import open_device

    return open_device(where)


def _file(where: str) -> Camera:
    from .opencv import VideoFile

    return VideoFile(where)


def _url(where: str) -> Camera:
    from .opencv import open_url

    return open_url(where)


def _gstreamer(where: str) -> Camera:
    from .opencv import open_pipeline

    return open_pipeline(where)


def _images(where: str) -> Camera:
    from .images import Images

    return Images(where)


def _synth(where: str) -> Camera:
    from .synth import Synth

    return Synth(where)


def _picamera(where: str) -> Camera:
    from .picamera import PiCamera

    return PiCamera(where)


# What follows the name and a colon goes to the function: synth:korean, file:odd.name, picamera:1.
CAMERAS: dict[str, Callable[[str], Camera]] = {
    "device": _device,
    "file": _file,
    "url": _url,
    "gstreamer": _gstreamer,
    "images": _images,
    "synth": _synth,
    "picamera": _picamera,
}

PICTURES = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}


def open_camera(source: str) -> Camera:
    """Open what a string names.

    Parameters
    ----------
    source : str
        A device number or ``/dev/video*``, an address (``rtsp://``, ``http://`` ...), a GStreamer
        pipeline (it holds `` ! ``), a file or folder, ``NAME`` or ``NAME:REST`` of `CAMERAS`, or
        ``package.module:attribute``, which is called without arguments.

    Raises
    ------
    CameraError
        If it gives no frames.
    """
    kind, _, rest = source.partition(":")
    if kind in CAMERAS:
        return CAMERAS[kind](rest)
    if source.isdecimal() or source.startswith("/dev/video"):
        return _device(source)
    if " ! " in source:
        return _gstreamer(source)
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*://", source):
        return _url(source)
    if Path(source).is_dir() or (Path(source).is_file() and _is_picture(source)):
        return _images(source)
    if Path(source).exists():
        return _file(source)
    if re.fullmatch(r"[\w.]+:\w+", source):
        own = resolve(source, {})
        made: Camera = build(source, own, "edgefer.edge.cameras.Camera", ("__iter__", "close"))
        return made
    raise CameraError(
        f"there is no file or folder {source!r}. Other cameras: a device number, an rtsp:// or "
        "http:// address, a GStreamer pipeline, synth, synth:korean, picamera."
    )


def _is_picture(source: str) -> bool:
    return Path(source).suffix.lower() in PICTURES
