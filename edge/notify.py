"""Tell systemd how a run goes: ready, alive, stopping (the protocol of sd_notify(3))."""

import os
import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from time import monotonic

from .reading import Frame, Reading

EVERY = 10.0  # seconds from one status to the next where there is no watchdog


class Systemd:
    """A sink that tells the service manager of every sign of life.

    ``WATCHDOG=1`` is sent by a thread, but only for frames that went through the whole loop or
    while the camera is lost and opened again: a loop that hangs is silent, and systemd starts it
    anew. Put it last among the sinks: what it sees is done.
    """

    def __init__(self, address: str, camera: object, *, watchdog: float | None = None) -> None:
        """Say that the run is ready.

        Parameters
        ----------
        address : str
            Of a datagram socket: a path, or ``@name`` for an abstract one.
        camera : Camera
            Lost while its ``lost`` is true, where it has one.
        watchdog : float, optional
            Seconds of silence after which systemd ends the run; none if it does not watch.
        """
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.settimeout(1)
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._camera, self._watched = camera, watchdog is not None
        self._pause = watchdog / 2 if watchdog is not None else EVERY
        self._frames = 0
        self._alive, self._stop = threading.Event(), threading.Event()
        self._send("READY=1", "STATUS=waiting for the first frame")
        self._thread = threading.Thread(target=self._beat, name="systemd", daemon=True)
        self._thread.start()

    def write(self, frame: Frame, readings: Sequence[Reading]) -> None:
        self._frames += 1
        self._alive.set()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(5)
        self._send("STOPPING=1", f"STATUS=stopping after {self._frames} frames")
        self._socket.close()

    def _beat(self) -> None:
        """Pass signs of life on, one in each half of the time that may be silent."""
        before, since = 0, monotonic()
        while not self._stop.wait(self._pause):
            # A frame that came late is told at once, not half of the time later.
            while not (self._alive.is_set() or self._lost):
                if self._stop.wait(self._pause / 10):
                    return
            self._alive.clear()
            frames, now = self._frames, monotonic()
            pace = f"{frames} frames, {(frames - before) / (now - since):.1f} a second"
            before, since = frames, now
            beat = ["WATCHDOG=1"] if self._watched else []
            lost = "; the camera is lost and opened again" if self._lost else ""
            self._send(*beat, f"STATUS={pace}{lost}")

    @property
    def _lost(self) -> bool:
        return bool(getattr(self._camera, "lost", False))

    def _send(self, *lines: str) -> None:
        # A manager that does not listen is no reason to stop reading faces.
        with suppress(OSError):
            self._socket.sendto("\n".join(lines).encode(), self._address)


def under_systemd(camera: object, environment: Mapping[str, str] = os.environ) -> list[Systemd]:
    """A sink for the service manager that started this process; none if there is none."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address:
        return []
    if not address.startswith(("/", "@")):
        print(f"NOTIFY_SOCKET is {address}, no path and no @name: not used.", file=sys.stderr)
        return []
    return [Systemd(address, camera, watchdog=_watchdog(environment))]


def _watchdog(environment: Mapping[str, str]) -> float | None:
    """Seconds that systemd lets us be silent; none if it watches nobody, or somebody else."""
    microseconds = environment.get("WATCHDOG_USEC", "")
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return int(microseconds) / 1e6 if microseconds.isdecimal() and int(microseconds) else None
