"""Pictures and videos that a test makes up."""

import cv2
import numpy as np


def picture(value: int, shape=(48, 64, 3)) -> np.ndarray:
    return np.full(shape, value, np.uint8)


def save_picture(path, image) -> None:
    path.write_bytes(cv2.imencode(path.suffix, image)[1].tobytes())


def save_video(path, count: int) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for index in range(count):
        writer.write(picture(10 * index))
    writer.release()


class ListVideo:
    """An open video of these pictures; None is one that cannot be decoded."""

    def __init__(self, *images, announced: int = 0) -> None:
        self.images, self.announced = list(images), announced

    def isOpened(self):
        return True

    def get(self, prop):
        return self.announced if prop == cv2.CAP_PROP_FRAME_COUNT else 0.0

    def read(self):
        image = self.images.pop(0) if self.images else None
        return image is not None, image
