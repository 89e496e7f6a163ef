"""Measure action units with MediaPipe: its blendshapes, read as the units that they stand for."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from edgefer.errors import DataError, why
from edgefer.faceset import FaceSet
from edgefer.progress import console, hushed

from .units import Units, units_of

# MediaPipe's blendshapes bear ARKit's names; which unit each is follows from what it moves. Lip
# tightener (AU23) and lips part (AU25) have none of their own.
BLENDSHAPES: Mapping[str, tuple[str, ...]] = {
    "AU01": ("browInnerUp",),
    "AU02": ("browOuterUpLeft", "browOuterUpRight"),
    "AU04": ("browDownLeft", "browDownRight"),
    "AU05": ("eyeWideLeft", "eyeWideRight"),
    "AU06": ("cheekSquintLeft", "cheekSquintRight"),
    "AU07": ("eyeSquintLeft", "eyeSquintRight"),
    "AU09": ("noseSneerLeft", "noseSneerRight"),
    "AU10": ("mouthUpperUpLeft", "mouthUpperUpRight"),
    "AU12": ("mouthSmileLeft", "mouthSmileRight"),
    "AU14": ("mouthDimpleLeft", "mouthDimpleRight"),
    "AU15": ("mouthFrownLeft", "mouthFrownRight"),
    "AU17": ("mouthShrugLower",),
    "AU20": ("mouthStretchLeft", "mouthStretchRight"),
    "AU26": ("jawOpen",),
    "AU45": ("eyeBlinkLeft", "eyeBlinkRight"),
}
SIDE, MARGIN = 256, 64  # pixels of a face as MediaPipe sees it, and of the border around it

Measure = Callable[[np.ndarray], Mapping[str, float]]


def read_blendshapes(task: Path, faces: FaceSet, measure: Measure | None = None) -> Units:
    """Measure every face of a set, or of a selection.

    Parameters
    ----------
    task : Path
        MediaPipe's ``face_landmarker.task``; it is not ours to give.
    faces : FaceSet
        Its patches are enlarged: on 48 pixels MediaPipe misses many.
    measure : callable, optional
        Gives the blendshapes of an RGB picture, 0 to 1 by name, empty where it sees no face;
        MediaPipe's if left out.

    Returns
    -------
    Units
        Intensities 0 to 5: five times the mean of a unit's blendshapes.

    Raises
    ------
    DataError
        If the file is none of MediaPipe's.
    """
    measure = measure or face_landmarker(task)
    left: Counter[str] = Counter()

    def found() -> Iterator[tuple[int, float, list[float]]]:
        for place in track(
            range(len(faces)), "measuring blendshapes", console=console(), transient=True
        ):
            shapes = measure(enlarged(faces.take(np.array([place]))[0]))
            if shapes:
                yield (
                    int(faces.rows[place]),
                    1.0,
                    [5 * float(np.mean([shapes[s] for s in each])) for each in sides],
                )
            else:
                left["faces that MediaPipe does not see"] += 1

    sides = list(BLENDSHAPES.values())
    return units_of(found(), tuple(BLENDSHAPES), "MediaPipe", left)


def enlarged(patch: np.ndarray) -> np.ndarray:
    """A patch, uint8 (S, S), as an RGB picture with a border around it, uint8 (384, 384, 3)."""
    large = cv2.resize(patch, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    framed = cv2.copyMakeBorder(large, MARGIN, MARGIN, MARGIN, MARGIN, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.cvtColor(framed, cv2.COLOR_GRAY2RGB))


def face_landmarker(task: Path) -> Measure:
    """MediaPipe's face landmarker as a function of a picture.

    Raises
    ------
    DataError
        If the file cannot be read, or is no face landmarker.
    """
    try:
        content = task.read_bytes()
    except OSError as error:
        raise DataError(f"{task} cannot be read: {why(error)}.") from error
    with hushed():
        import mediapipe
        from mediapipe.tasks.python import BaseOptions, vision

    options = vision.FaceLandmarkerOptions(
        BaseOptions(model_asset_buffer=content), output_face_blendshapes=True, num_faces=1
    )
    try:
        with hushed():
            landmarker = vision.FaceLandmarker.create_from_options(options)
    except (OSError, RuntimeError, ValueError) as error:
        raise DataError(
            f"{task} is no face landmarker of MediaPipe's: {why(error).rstrip('.')}. Expected the "
            "file face_landmarker.task with blendshapes."
        ) from error

    def measure(picture: np.ndarray) -> Mapping[str, float]:
        seen = landmarker.detect(mediapipe.Image(mediapipe.ImageFormat.SRGB, picture))
        if not seen.face_blendshapes:
            return {}
        return {shape.category_name: shape.score for shape in seen.face_blendshapes[0]}

    return measure
