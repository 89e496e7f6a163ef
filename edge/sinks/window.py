"""A window that shows what the camera sees and what was read."""

import subprocess
import sys
from collections.abc import Sequence

import cv2

from edgefer.errors import EdgeferError

from ..look import Look
from ..reading import Frame, Reading
from . import Stop
from .drawing import Painter

KEYS = {ord("q"), ord("Q"), 27}  # 27 is Esc


class WindowSink:
    """A live picture; q, Esc or closing it ends the run."""

    def __init__(self, title: str = "edgefer", *, look: Look | None = None) -> None:
        """Open a window.

        Raises
        ------
        EdgeferError
            If there is no display to open it on.
        """
        problem = display_problem()
        if problem:
            raise EdgeferError(f"no window can be opened: {problem}")
        self._title = title
        self._paint = Painter(look)
        cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)

    def write(self, frame: Frame, readings: Sequence[Reading]) -> None:
        cv2.imshow(self._title, self._paint(frame, readings))
        pressed = cv2.waitKey(1) & 0xFF in KEYS
        if pressed or cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) < 1:
            raise Stop

    def close(self) -> None:
        cv2.destroyAllWindows()


def display_problem() -> str:
    """Why no window can be opened and what to do; empty if one can."""
    # In a process of its own: where the display is gone, Qt ends the process that asks.
    probe = "import cv2; cv2.namedWindow('edgefer'); cv2.waitKey(1); cv2.destroyAllWindows()"
    try:
        done = subprocess.run(
            [sys.executable, "-c", probe], capture_output=True, text=True, timeout=20, check=False
        )
    except subprocess.TimeoutExpired:
        return "the display does not answer. Try --sink video:PATH."
    if done.returncode == 0:
        return ""
    if "not implemented" in done.stderr:
        return "this OpenCV is built without windows. Try: pip install 'opencv-python<5'."
    return "there is no display (DISPLAY). Try --sink console or --sink video:PATH."
