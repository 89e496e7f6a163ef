"""Where frames come from, one file per kind of source."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol

from edgefer.errors import CameraError, meant
from edgefer.plugins import build, resolve

from ..reading import Frame
from .care import Care

# Of network cameras: what somebody may have meant, and what nobody else types.
SCHEMES, SELDOM = ("rtsp", "rtmp", "http", "https", "udp", "tcp", "srt"), ("rtp", "rtsps", "rtmps")
CARE = Care()


class Camera(Protocol):
    """A source of frames.

    A file, a folder and a drawn video give every frame. A live source gives the latest one, however
    long the last took. A camera that counts what it left out does so in ``dropped``; a live one
    counts what the source gave in ``grabbed``, and how often it came back in ``reconnects``. What
    is wrong with it it tells in ``warnings``, a tuple of `edgefer.edge.words.Words`, and in
    ``lost``, whether it gives no pictures at all; it calls ``idle``, which may be set, once a
    second while there is no picture.
    """

    def __iter__(self) -> Iterator[Frame]:
        """Frames in order, until the source ends."""
        ...

    def close(self) -> None:
        """Let go of the device; the camera is not used after that."""
        ...


def _device(where: str, care: Care) -> Camera:
    from .captured import open_live
    from .opencv import device_path

    return open_live("device", where, f"camera {where}", care, check=lambda: device_path(where))


def _file(where: str, care: Care) -> Camera:
    from .opencv import VideoFile

    return VideoFile(where)


def _url(where: str, care: Care) -> Camera:
    from ..secrets import hide_secrets
    from .captured import open_live
    from .opencv import VideoFile, open_url

    _check_url(where)
    return open_live(
        "url",
        where,
        hide_secrets(where),
        care,
        insist=True,
        stored=lambda: VideoFile(where, open_url(where)),
    )


def _gstreamer(where: str, care: Care) -> Camera:
    from ..secrets import hide_secrets
    from .captured import open_live
    from .opencv import check_gstreamer

    name = f"pipeline {hide_secrets(where)!r}"
    check_gstreamer(name)
    # OpenCV does not tell the end of a file from a camera that failed: the pipeline itself does.
    stored = re.search(r"\b(multi)?filesrc\b|\bnum-buffers=|\bfile://", where) is not None
    return open_live("gstreamer", where, name, care, may_end=stored)


def _jetson(where: str, care: Care) -> Camera:
    from .captured import open_live
    from .jetson import pipeline
    from .opencv import check_gstreamer

    name, steps = f"Jetson camera {where or 0}", pipeline(where)
    check_gstreamer(name)
    return open_live("gstreamer", steps, name, care)


def _picamera(where: str, care: Care) -> Camera:
    from .captured import open_live

    return open_live("picamera", where, f"Pi camera {where or 0}", care)


def _stdin(where: str, care: Care) -> Camera:
    from .live import LiveCamera
    from .raw import RawVideo

    return LiveCamera(RawVideo(where), "standard input", may_end=True, care=care)


def _images(where: str, care: Care) -> Camera:
    from .images import Images

    return Images(where)


def _synth(where: str, care: Care) -> Camera:
    from .synth import Synth

    return Synth(where)


# What follows the name and a colon goes to the function: synth:korean, file:odd.name, picamera:1.
CAMERAS: dict[str, Callable[[str, Care], Camera]] = {
    "device": _device,
    "file": _file,
    "url": _url,
    "gstreamer": _gstreamer,
    "jetson": _jetson,
    "images": _images,
    "synth": _synth,
    "picamera": _picamera,
    "-": _stdin,
}

PICTURES = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}


def open_camera(source: str, *, loop: bool = False, care: Care = CARE) -> Camera:
    """Open what a string names.

    Parameters
    ----------
    source : str
        A device number, ``/dev/video*`` or ``/dev/v4l/by-id/*``, an address (``rtsp://``,
        ``http://`` ...), a GStreamer pipeline (it holds `` ! ``), a file or folder, ``NAME`` or
        ``NAME:REST`` of `CAMERAS`, or ``package.module:attribute``, which is called without
        arguments.
    loop : bool
        Start again at the end of a file or folder.
    care : Care
        When a live source is lost, and how often it is opened again: by default it is not. A file
        that starts again is opened so, too.

    Raises
    ------
    CameraError
        If it gives no frames, or is live and should start again.
    """
    if not loop:
        return _find(source, care)()
    # Opened again as it was at first, and `Looped` is who waits.
    again = _find(source, replace(care, retries=0))
    camera = again()
    # What is live has no beginning, and a drawn person no end.
    if hasattr(camera, "reconnects") or source.partition(":")[0] == "synth":
        camera.close()
        raise CameraError("--loop is for a file or a folder: this camera has no end. Leave it out.")
    from ..secrets import hide_secrets
    from .looped import Looped

    return Looped(camera, again, hide_secrets(source), care)


def _find(source: str, care: Care) -> Callable[[], Camera]:
    """What opens that which a string names."""
    kind, _, rest = source.partition(":")
    if kind in CAMERAS:
        return partial(CAMERAS[kind], rest, care)
    if source.isdecimal() or source.startswith(("/dev/video", "/dev/v4l/")):
        return partial(_device, source, care)
    if " ! " in source:
        return partial(_gstreamer, source, care)
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*://", source):
        return partial(_url, source, care)
    if not source:
        raise CameraError("no camera is named. Type: --camera 0, or leave it out.")
    if Path(source).is_dir() or (Path(source).is_file() and _is_picture(source)):
        return partial(_images, source, care)
    if Path(source).exists():
        return partial(_file, source, care)
    if re.fullmatch(r"[\w.]+:\w+", source):
        members = ("__iter__", "close")
        own = resolve(source, CAMERAS)
        return partial(build, source, own, "edgefer.edge.cameras.Camera", members)
    # What has a dot or a slash is a file's name.
    said = (kind.isalpha() and meant(kind, CAMERAS)) or (
        "Other cameras: a device number, an rtsp:// or http:// address, a GStreamer pipeline, "
        "synth, synth:korean, picamera, jetson, or - for bare pixels on standard input."
    )
    raise CameraError(f"there is no file or folder {source!r}. {said}")


def _check_url(where: str) -> None:
    """Refuse an address that would be waited for in vain."""
    scheme, _, rest = where.partition("://")
    known = scheme.lower() in (*SCHEMES, *SELDOM)
    if not known and (said := meant(scheme.lower(), SCHEMES)):
        raise CameraError(f"{scheme}:// is not known. {said}")
    if scheme.lower() in ("rtsp", "http", "https") and not rest.strip("/"):
        raise CameraError(f"{where} names no camera. Type: {scheme}://ADDRESS/PATH.")


def _is_picture(source: str) -> bool:
    return Path(source).suffix.lower() in PICTURES
