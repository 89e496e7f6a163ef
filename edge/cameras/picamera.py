"""A Raspberry Pi's own camera, through picamera2."""

from typing import Any

import numpy as np

from edgefer.errors import CameraError

SIZE = (640, 480)


class PiVideo:
    """An open Raspberry Pi camera.

    A loose ribbon makes picamera2 wait for ever, in a capture and when it is closed: `Captured`
    keeps it in a process of its own.
    """

    def __init__(self, number: str = "", stall: float = 0) -> None:
        """Start a camera.

        Parameters
        ----------
        number : str
            Which of several; empty for the first.
        stall : float
            picamera2 knows no limit: the process is ended instead.

        Raises
        ------
        CameraError
            If picamera2 or the camera is missing.
        """
        if number and not number.isdecimal():
            raise CameraError(f"picamera:{number} is not known. Type picamera, or picamera:1.")
        try:
            from picamera2 import Picamera2
        except ImportError as error:
            # It is not on PyPI for boards: its libcamera comes with the system.
            raise CameraError(
                f"picamera2 cannot be imported: {error}. On Raspberry Pi OS: sudo apt install "
                "python3-picamera2, then python3 -m venv --system-site-packages .venv and install "
                "edgefer in it."
            ) from error
        try:
            self._camera: Any = Picamera2(int(number or 0))
            # picamera2 names the order of the word, so RGB888 is BGR in memory.
            self._camera.configure(
                self._camera.create_video_configuration(main={"size": SIZE, "format": "RGB888"})
            )
            self._camera.start()
        except (IndexError, RuntimeError) as error:
            raise CameraError(
                f"the Pi camera {number or 0} does not start: {error}. "
                "Check its ribbon, then try: rpicam-hello --list-cameras."
            ) from error

    def read(self) -> tuple[bool, np.ndarray]:
        return True, self._camera.capture_array("main")

    def release(self) -> None:
        self._camera.stop()
        self._camera.close()
