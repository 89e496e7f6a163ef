"""What the process of a captured video does: open the source, and hand on pictures when asked."""

import json
import mmap
import os
import signal
import socket
import threading
import time
from contextlib import suppress
from typing import Any

import numpy as np

from edgefer.errors import EdgeferError
from edgefer.plugins import resolve

from ..secrets import hide_secrets
from .live import Video, read
from .opencv import announced

# Each is called with what follows the name, and with the seconds that a read may take.
VIDEOS = {
    "device": "edgefer.edge.cameras.opencv:open_device",
    "url": "edgefer.edge.cameras.opencv:open_url",
    "gstreamer": "edgefer.edge.cameras.opencv:open_pipeline",
    "picamera": "edgefer.edge.cameras.picamera:PiVideo",
}


def main() -> None:
    """Serve the socket that is this process's standard input, until its other end is closed."""
    # A service manager sends SIGTERM to all of us: who holds the other end says when to stop.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with socket.socket(fileno=0) as far:
        about = json.loads(far.recv(65536))
        threading.Thread(target=_end_with, args=(about["parent"],), daemon=True).start()
        try:
            video: Video = resolve(about["kind"], VIDEOS)(about["where"], about["stall"])
            try:
                _send(far, frames=announced(video))
                _serve(video, far)
            finally:
                video.release()
        except ConnectionError:
            return  # nobody is there to be told
        except EdgeferError as error:
            _give_up(far, str(error))
        except Exception as error:  # any fault of a driver: the other side opens it again
            _give_up(far, hide_secrets(f"{type(error).__name__}: {error}."))


def _end_with(parent: int) -> None:
    """End with the process that started this one, also while a driver blocks."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _serve(video: Video, far: socket.socket) -> None:
    """Read on; a picture is kept until it is asked for."""
    memory: mmap.mmap | None = None
    while True:
        image = read(video)
        if not far.recv(16):
            return
        if image is None:
            _send(far, failed=True)
            continue
        file = -1
        if memory is None or image.nbytes > len(memory):
            file = os.memfd_create("edgefer-picture")
            os.ftruncate(file, image.nbytes)
            memory = mmap.mmap(file, image.nbytes)
        np.ndarray(image.shape, np.uint8, buffer=memory)[...] = image
        _send(far, file, shape=image.shape)
        if file >= 0:
            os.close(file)


def _give_up(far: socket.socket, why: str) -> None:
    """Say why, and wait until that was read: a socket closed too early takes its messages along."""
    with suppress(ConnectionError):
        _send(far, error=why)
        while far.recv(16):
            pass


def _send(far: socket.socket, file: int = -1, /, **about: Any) -> None:
    socket.send_fds(far, [json.dumps(about).encode()], [file] if file >= 0 else [])
