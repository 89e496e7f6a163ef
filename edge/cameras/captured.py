"""A video that is read in a process of its own: whatever its driver does, it can be ended."""

import json
import mmap
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

import numpy as np

from edgefer.errors import CameraError, why

from ..probe import command
from . import Camera
from .care import Care
from .live import LiveCamera

PROGRAM = "from edgefer.edge.cameras.capture import main; main()"
BEAT = 0.1  # seconds after which a read that waits looks up
GRACE = 1.0  # seconds in which the process may let go of its device


class Captured:
    """A video that is read in a process of its own.

    A thread that hangs in a driver can neither be ended nor be made to let go of its device; a
    process can. Pictures come through shared memory, one at a time and only when asked for. What
    opens the source travels through a socket: a command line is there for everybody to read.

    Measured on two busy x86 cores by ``python benchmarks/captured.py``: 0.6 ms of processor time
    more for a picture of 640x480 (2.4 ms for 1920x1080), 0.6 ms (3 ms) later, 29 MB (45 MB) of
    memory that is not shared. What else is done with a frame of 640x480 takes fifteen times as long
    (``benchmarks/quality.py``); so there is no other way for a live source.
    """

    def __init__(self, kind: str, where: str, name: str, stall: float = 5.0) -> None:
        """Start the process; it opens the source while we go on.

        Parameters
        ----------
        kind : str
            A key of `capture.VIDEOS`, or ``package.module:attribute``.
        where : str
            What that is called with.
        name : str
            What messages call it; holds no password.
        stall : float
            Seconds that the driver's own reads may take at least before they fail.

        Raises
        ------
        CameraError
            If this machine starts no process now: it may lack files or memory, or Python itself
            while it is being updated.
        """
        self._name, self._asked = name, False
        self._memory: mmap.mmap | None = None
        try:
            self._socket, self._process = _start(stall)
        except OSError as error:
            raise CameraError(f"nothing can be started to read {name}: {why(error)}.") from error
        about = {"kind": kind, "where": where, "stall": stall, "parent": os.getpid()}
        with suppress(OSError):  # what ended it is told by the first read
            self._socket.send(json.dumps(about).encode())

    def opened(self, seconds: float) -> int:
        """Wait until the source is open: frames that a stored video announces, 0 of a live one.

        Raises
        ------
        CameraError
            If it does not open, or takes longer than so many seconds.
        """
        for _ in range(max(1, round(seconds / BEAT))):
            with suppress(TimeoutError):
                return int(self._receive()["frames"])
        raise CameraError(
            f"{self._name} did not open within {seconds:g} seconds: its driver hangs, or another "
            "program uses it."
        )

    def read(self) -> tuple[bool, np.ndarray | None]:
        if not self._asked:
            with suppress(OSError):  # what ended it is told below
                self._socket.send(b"next")
            self._asked = True
        answer = self._receive()
        if "frames" in answer:  # it is open
            answer = self._receive()
        self._asked = False
        if self._memory is None or "shape" not in answer:
            return False, None
        picture: np.ndarray = np.ndarray(answer["shape"], np.uint8, buffer=self._memory)
        return True, picture.copy()

    def release(self) -> None:
        """Ask the process to let go, and end it if it does not."""
        self._socket.close()
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            # One that sleeps in the kernel ends when the driver lets it.
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE)
        if self._memory is not None:
            self._memory.close()
            self._memory = None

    def _receive(self) -> dict[str, Any]:
        """The next message; raises TimeoutError if there is none yet."""
        try:
            message, files, _, _ = socket.recv_fds(self._socket, 65536, 1)
        except ConnectionError:
            message, files = b"", []
        if not message:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE)
            status = self._process.returncode
            how = f"signal {-status}" if status is not None and status < 0 else f"status {status}"
            raise CameraError(f"the process that reads {self._name} ended ({how}).")
        answer: dict[str, Any] = json.loads(message)
        if files:
            if self._memory is not None:
                self._memory.close()
            try:
                self._memory = mmap.mmap(files[0], 0, prot=mmap.PROT_READ)
            except OSError as error:
                raise CameraError(f"no picture of {self._name} fits: {why(error)}.") from error
            finally:
                os.close(files[0])
        if "error" in answer:
            raise CameraError(str(answer["error"]))
        return answer


def _start(stall: float) -> tuple[socket.socket, "subprocess.Popen[bytes]"]:
    """A process that opens what it is told, and the way to it."""
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    near.settimeout(BEAT)
    # libjpeg tells of every damaged picture, FFmpeg of much else; whoever asked for it gets it.
    quiet = os.environ.get("OPENCV_FFMPEG_LOGLEVEL", "-8") == "-8"
    try:
        with far:
            process = subprocess.Popen(
                command(PROGRAM),
                stdin=far.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL if quiet else None,
                start_new_session=True,  # Ctrl-C is for us; and what it starts is ended with it
                env={"OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT": str(int(stall) + 10)} | os.environ,
            )
    except OSError:
        near.close()
        raise
    return near, process


def open_live(
    kind: str,
    where: str,
    name: str,
    care: Care,
    *,
    may_end: bool = False,
    insist: bool = False,
    stored: Callable[[], Camera] | None = None,
    check: Callable[[], object] = lambda: None,
) -> Camera:
    """The latest picture of a source that is read in a process of its own.

    Parameters
    ----------
    kind, where, name
        As of `Captured`.
    care : Care
    may_end : bool
        Whether running dry is the end of a stream rather than an error.
    insist : bool
        Whether a source that is missing at the start is waited for like one that is lost: a network
        may come later than we do, but a camera that is not plugged in is a mistake.
    stored : callable, optional
        Opens a source that announces how many frames it has, and so is not live.
    check : callable
        Raises where it is known at once that the source cannot be opened.

    Raises
    ------
    CameraError
        If it cannot be opened.
    """

    def start() -> Captured:
        check()
        return Captured(kind, where, name, care.stall)

    with ExitStack() as opened:
        video, missing = None, None
        try:
            video = start()
            opened.callback(video.release)
            if video.opened(care.opening) and stored is not None:
                return stored()
            opened.pop_all()
        except CameraError as error:
            if not insist or care.retries == 0:
                raise
            video, missing = None, error
    return LiveCamera(video, name, may_end=may_end, care=care, reopen=start, missing=missing)
