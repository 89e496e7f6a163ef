"""A Raspberry Pi's own camera, through picamera2."""

from collections.abc import Iterator
from typing import Any

from edgefer.errors import CameraError

from ..reading import Frame

SIZE = (640, 480)


class PiCamera:
    """The latest picture of a Raspberry Pi camera.

    Attributes
    ----------
    dropped : int
        Pictures that the sensor took and nobody looked at, by its clock.
    """

    def __init__(self, number: str = "") -> None:
        """Start a camera.

        Parameters
        ----------
        number : str
            Which of several; empty for the first.

        Raises
        ------
        CameraError
            If picamera2 or the camera is missing.
        """
        self.dropped = 0
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

    def __iter__(self) -> Iterator[Frame]:
        first = last = None
        index = 0
        while True:
            request = self._camera.capture_request()
            try:
                image = request.make_array("main")
                about = request.get_metadata()
            finally:
                request.release()
            taken = about["SensorTimestamp"]  # nanoseconds
            if first is None or last is None:
                first = last = taken
            missed = max(0, round((taken - last) / (1000 * about["FrameDuration"])) - 1)
            self.dropped += missed
            index += missed
            yield Frame(index, (taken - first) / 1e9, image)
            index += 1
            last = taken

    def close(self) -> None:
        self._camera.stop()
        self._camera.close()
