"""YuNet, a small network that finds faces, from a file that the user brings."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from edgefer.errors import BackendError
from edgefer.preprocess import Box

from .region import apart, cut, shrink

SMALLEST = 20  # pixels of the smallest face in the shrunk picture; the network knows 10 to 300
CUT = 128  # side of the picture around a place, a multiple of the network's 32
REACH = 0.5  # how far around a place is looked, in widths of it
SURE, TRUSTED = 0.7, 0.5  # score of a face, and of one that was there a picture ago


class YuNet:
    """OpenCV's FaceDetectorYN, on pictures no larger than the smallest face needs.

    Nothing is downloaded: the file is ``face_detection_yunet_2023mar.onnx`` of OpenCV's model zoo,
    or one with the same outputs. Its boxes are framed otherwise than the cascades' that edgefer's
    networks learned from, and how well they read in them was not measured.
    """

    def __init__(self, model: Path | None, *, min_size: int = 60, threads: int = 1) -> None:
        """Load the network.

        Parameters
        ----------
        model : Path
            An ONNX file.
        min_size : int
            Longer side of the smallest face, in pixels.
        threads : int
            How many OpenCV may use; it keeps one number for the whole process.

        Raises
        ------
        BackendError
            If there is no such file, it is not this network, or this OpenCV cannot run it.
        """
        data = _read(model)
        if not hasattr(cv2, "FaceDetectorYN"):
            raise BackendError(
                f"OpenCV {cv2.__version__} has no FaceDetectorYN, which came with 4.5.4. "
                "Try: pip install 'opencv-python<5', or --detector haar."
            )
        cv2.setNumThreads(threads)
        self._min_size = min_size
        try:
            self._whole, self._cut = _Net(data, SURE), _Net(data, TRUSTED)
            self._cut.search(np.zeros((CUT, CUT, 3), np.uint8))
        except cv2.error as error:
            raise BackendError(
                f"{model} is not a YuNet that OpenCV {cv2.__version__} can run: "
                f"{' '.join(str(error.err or error).split()).rstrip('.')}. Name "
                "face_detection_yunet_2023mar.onnx of OpenCV's model zoo."
            ) from error

    def __call__(self, image: np.ndarray) -> list[Box]:
        share = min(1.0, SMALLEST / self._min_size)
        width, height = (round(side * share) for side in image.shape[1::-1])
        boxes = self._whole.search(shrink(_color(image), width, height))
        return self._large([_moved(box, 1 / share, 0, 0) for box in boxes])

    def quick(self, image: np.ndarray, known: Sequence[Box]) -> list[Box]:
        return apart(self(image), known)

    def near(self, image: np.ndarray, place: Box) -> list[Box]:
        part, where = cut(image, place, REACH)
        if not part.size:
            return []
        share = min(1.0, CUT / max(where.w, where.h))
        width, height = max(1, int(where.w * share)), max(1, int(where.h * share))
        # Always the same size: the network is laid out anew for every other.
        canvas = np.zeros((CUT, CUT, 3), np.uint8)
        canvas[:height, :width] = shrink(_color(part), width, height)
        boxes = self._cut.search(canvas)
        return self._large([_moved(box, 1 / share, where.x, where.y) for box in boxes])

    def _large(self, boxes: list[Box]) -> list[Box]:
        return [box for box in boxes if max(box.w, box.h) >= self._min_size]


class _Net:
    """A network and the size of picture that it is laid out for."""

    def __init__(self, model: np.ndarray, score: float) -> None:
        empty = np.zeros(0, np.uint8)
        self._size = CUT, CUT
        self._net = cv2.FaceDetectorYN.create("onnx", model, empty, self._size, score)

    def search(self, image: np.ndarray) -> list[tuple[float, ...]]:
        """Left, top, width and height of each face of a BGR picture, in pixels."""
        size = image.shape[1], image.shape[0]
        if size != self._size:
            self._net.setInputSize(size)
            self._size = size
        faces = self._net.detect(image)[1]
        return [] if faces is None else [tuple(face[:4].tolist()) for face in faces]


def _read(model: Path | None) -> np.ndarray:
    if model is None:
        raise BackendError(
            "--detector yunet needs --detector-model FILE: face_detection_yunet_2023mar.onnx of "
            "OpenCV's model zoo (github.com/opencv/opencv_zoo). edgefer downloads nothing."
        )
    try:
        # Bytes, not a path: OpenCV opens no path that is not ASCII on every system.
        return np.frombuffer(model.read_bytes(), np.uint8)
    except OSError as error:
        raise BackendError(f"{model} cannot be read: {error.strerror}.") from error


def _moved(box: tuple[float, ...], times: float, x: int, y: int) -> Box:
    """A box of a shrunk cut, in the picture."""
    left, top, width, height = (round(value * times) for value in box)
    return Box(left + x, top + y, width, height)


def _color(image: np.ndarray) -> np.ndarray:
    if image.ndim == 3:
        return image
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))
