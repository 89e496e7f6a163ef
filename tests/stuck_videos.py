"""Videos that fail as drivers do; each is opened in a process of its own."""

import ctypes
import fcntl
import os
import signal
import time
from pathlib import Path

import numpy as np
from videos import picture

from edgefer.errors import CameraError


class Steady:
    """A camera of a hundred pictures a second, each a little brighter than the last."""

    def __init__(self, where: str, stall: float) -> None:
        self.path, self.count = Path(where), 0

    def read(self):
        time.sleep(0.01)
        self.count += 1
        return True, picture(self.count % 250)

    def release(self) -> None:
        pass


class Pluggable(Steady):
    """A camera that is plugged in as long as a file is there."""

    def __init__(self, where: str, stall: float) -> None:
        super().__init__(where, stall)
        if not self.path.exists():
            raise CameraError(f"there is no {self.path.name}.")

    def read(self):
        return super().read() if self.path.exists() else (False, None)


class Stuck(Steady):
    """One process at a time may have it; after three pictures its driver never returns again."""

    def __init__(self, where: str, stall: float) -> None:
        super().__init__(where, stall)
        self.device = self.path.open()
        try:
            fcntl.flock(self.device, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CameraError(f"{self.path.name} is used by another program.") from None

    def read(self):
        if self.count == 3:
            ctypes.PyDLL(None).pause()  # and does not let another thread of Python run
        return super().read()


class Asleep(Steady):
    """A camera that waits for a picture that never comes."""

    def read(self):
        time.sleep(3600)


class Closed(Steady):
    """A camera whose driver hangs while it opens."""

    def __init__(self, where: str, stall: float) -> None:
        time.sleep(3600)


class Crashing(Steady):
    """After three pictures its decoder writes where it should not."""

    def read(self):
        if self.count == 3:
            os.kill(os.getpid(), signal.SIGSEGV)
        return super().read()


class Odd(Steady):
    """Pictures of many sizes, and in between what is none."""

    SHOWN = (
        *(picture(10), picture(20, (96, 128, 3)), picture(30, (12, 16, 3)), picture(40, (48, 64))),
        *(None, picture(5).astype(np.uint16), picture(6, (0, 64, 3)), picture(7, (48, 64, 4))),
        *(picture(50, (480, 640, 3)), picture(60)),
    )

    def read(self):
        _, _ = super().read()
        image = self.SHOWN[min(self.count, len(self.SHOWN)) - 1]
        return image is not None, image
