"""Find the faces in a picture."""

from pathlib import Path

import cv2
import numpy as np

from edgefer.errors import BackendError
from edgefer.preprocess import Box

CASCADES = ("default", "alt", "alt2", "alt_tree")  # OpenCV's frontal ones


class FaceDetector:
    """One of OpenCV's frontal Haar cascades, on a picture whose local contrast was evened out.

    The defaults come from ten webcam clips of one person each (648 frames at 640x480, faces of 70
    to 80 pixels) and a street without faces (1,189 frames). ``python benchmarks/detect.py CLIPS``,
    OpenCV 4.14, one thread, milliseconds of an x86-64 server:

    ===== ========= ======== ======== =========== ========== =========== ============ ====
    scale neighbors min_size contrast faces found worst clip false there false street ms
    ===== ========= ======== ======== =========== ========== =========== ============ ====
    1.2   4         60       1        .958        .770       3           0            21.1
    1.2   3         60       1        .976        .852       13          0            21.5
    1.2   5         60       1        .936        .672       1           0            21.7
    1.2   5         60       0        .898        .574       4           0            17.7
    1.2   8         60       1        .878        .426       0           0            21.8
    1.1   5         60       1        .979        .836       34          0            34.3
    1.3   5         60       1        .896        .459       0           0            13.1
    1.2   5         40       1        .937        .689       1           0            31.6
    1.2   5         80       1        .742        .000       1           0            12.4
    ===== ========= ======== ======== =========== ========== =========== ============ ====

    A false box there is one beside the person, or a second one on the same face. The other cascades
    at the default settings, and with fewer neighbors:

    ======== ===== ========= =========== ========== =========== ============ ====
    cascade  scale neighbors faces found worst clip false there false street ms
    ======== ===== ========= =========== ========== =========== ============ ====
    alt      1.2   4         .895        .492       2           0            25.7
    alt      1.1   2         .961        .672       40          1            39.5
    alt2     1.2   4         .892        .443       1           0            20.2
    alt2     1.1   2         .951        .590       68          19           32.1
    alt_tree 1.2   4         .132        .000       0           0            14.5
    alt_tree 1.1   1         .590        .000       0           0            23.9
    ======== ===== ========= =========== ========== =========== ============ ====

    A detector is used by one thread at a time.

    Attributes
    ----------
    classifier : cv2.CascadeClassifier
        The cascade.
    """

    def __init__(
        self,
        *,
        scale: float = 1.2,
        neighbors: int = 4,
        min_size: int = 60,
        contrast: float = 1.0,
        threads: int = 1,
        cascade: str = "default",
    ) -> None:
        """Load the cascade.

        Parameters
        ----------
        scale : float
            Step between the sizes of face that are tried, above 1.
        neighbors : int
            How many overlapping finds make a face.
        min_size : int
            Side of the smallest face, in pixels; the cascade's own is 24.
        contrast : float
            How much local contrast may be raised (the limit of CLAHE); 0 leaves it as it is.
        threads : int
            How many OpenCV may use; it keeps one number for the whole process. Two idle cores need
            12 ms a frame where one needs 22.
        cascade : str
            Which of `CASCADES`.

        Raises
        ------
        BackendError
            If this OpenCV has no cascades.
        """
        self.scale, self.neighbors, self.min_size = scale, neighbors, min_size
        self.classifier = load_cascade(cascade)
        self._even = cv2.createCLAHE(contrast, (8, 8)) if contrast else None
        cv2.setNumThreads(threads)

    def __call__(self, image: np.ndarray, *, sizes: tuple[int, int] | None = None) -> list[Box]:
        """Faces of a picture, the largest first.

        Parameters
        ----------
        image : ndarray of uint8, shape (H, W) or (H, W, 3)
            Grey or BGR.
        sizes : (int, int), optional
            Sides of the smallest and the largest face, in pixels; all from ``min_size`` on if left
            out.
        """
        smallest, largest = sizes or (self.min_size, max(image.shape[:2]))
        gray = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        if self._even is not None:
            gray = self._even.apply(gray)
        found = self.classifier.detectMultiScale(
            gray,
            self.scale,
            self.neighbors,
            minSize=(smallest, smallest),
            maxSize=(largest, largest),
        )
        boxes = [Box(*map(int, box)) for box in found]
        return sorted(boxes, key=lambda box: (-box.w * box.h, box.x, box.y))


def load_cascade(name: str = "default") -> "cv2.CascadeClassifier":
    """A frontal face cascade that comes with OpenCV 4: one of `CASCADES`."""
    # OpenCV 5 moved the class to its contrib modules and no longer ships the files.
    if not hasattr(cv2, "CascadeClassifier"):
        raise BackendError(
            f"OpenCV {cv2.__version__} has no CascadeClassifier; edgefer needs OpenCV 4. "
            "Try: pip install 'opencv-python<5'."
        )
    file = f"haarcascade_frontalface_{name}.xml"
    path = _cascade_path(file)
    cascade = cv2.CascadeClassifier(str(path)) if path else None
    if cascade is None or cascade.empty():
        raise BackendError(
            f"OpenCV {cv2.__version__} comes without a readable {file}. "
            "Try: pip install --force-reinstall 'opencv-python<5', or apt install opencv-data."
        )
    return cascade


def _cascade_path(file: str) -> Path | None:
    """Where pip's or the system's OpenCV keeps a cascade."""
    folders = [Path("/usr/share/opencv4/haarcascades"), Path("/usr/share/opencv/haarcascades")]
    if hasattr(cv2, "data"):  # only in the wheels
        folders.insert(0, Path(cv2.data.haarcascades))
    return next((folder / file for folder in folders if (folder / file).is_file()), None)
