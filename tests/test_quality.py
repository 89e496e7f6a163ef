"""The gate before the model: what it refuses, and what becomes of a face that is refused."""

import cv2
import numpy as np
import pytest
from loops import ListCamera
from scenes import Scene

from edgefer.edge.faces import Reader
from edgefer.edge.quality import flaws, noise
from edgefer.edge.reading import Frame
from edgefer.edge.sinks.blur import Blur
from edgefer.edge.stream import run
from edgefer.edge.track import Followed, Follower
from edgefer.edge.watcher import Watcher
from edgefer.labels import labels_of
from edgefer.preprocess import Box, to_patch

pytestmark = pytest.mark.edge

WHOLE = Box(0, 0, 96, 96)


def face(seed=0) -> np.ndarray:
    """Soft blotches with the contrast of a skin: sharper than the bound, not by much."""
    grain = np.random.default_rng(seed).normal(size=(96, 96))
    soft = cv2.GaussianBlur(grain, (0, 0), 3)
    return np.clip(130 + 30 * soft / soft.std(), 0, 255).astype(np.uint8)


def noisy(image, sigma) -> np.ndarray:
    """With a sensor's noise; shrinking the picture to the patch halves it."""
    grain = np.random.default_rng(0).normal(0, sigma, image.shape)
    return np.clip(image + grain, 0, 255).astype(np.uint8)


def flaw(image, box=WHOLE) -> str:
    return str(flaws(to_patch(image, box)[None], [box])[0])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda image: image, ""),
        (lambda image: cv2.GaussianBlur(image, (0, 0), 6), "blurred"),
        (lambda image: (image * 0.5).astype(np.uint8), ""),
        (lambda image: (image * 0.15).astype(np.uint8), "dark"),
        (lambda image: np.clip(image * 1.5, 0, 255).astype(np.uint8), ""),
        (lambda image: np.clip(image * 4.0, 0, 255).astype(np.uint8), "bright"),
        (np.zeros_like, "dark"),
        (lambda image: np.full_like(image, 128), "blurred"),  # nothing there
        (lambda image: noisy(image, 6), ""),
        (lambda image: noisy(image, 20), "noisy"),
        (lambda image: noisy(image * 0.15, 20), "dark"),
    ],
    ids=[
        "as-it-is",
        "blurred",
        "dim",
        "dark",
        "light",
        "glaring",
        "black",
        "flat",
        "grainy",
        "noisy",
        "night",
    ],
)
def test_what_cannot_be_read(change, expected):
    assert [flaw(change(face(seed))) for seed in range(5)] == [expected] * 5


@pytest.mark.parametrize("sigma", [2, 5, 10])
def test_noise_is_measured_whatever_it_lies_on(sigma):
    flat = np.full((96, 96), 128, np.uint8)
    disc = cv2.circle(flat.copy(), (48, 48), 30, 60, -1)
    for image in (flat, disc, face()):
        assert noise(noisy(image, sigma)[None]) == pytest.approx(sigma, abs=0.6)


@pytest.mark.parametrize(("size", "expected"), [(24, ""), (35, ""), (36, "noisy"), (48, "noisy")])
def test_noise_is_told_where_there_are_pixels_enough(size, expected):
    patch = to_patch(noisy(face(), 40), WHOLE, size)[None]
    assert flaws(patch, [WHOLE]).tolist() == [expected]


def test_of_no_faces_nothing_is_told():
    none = np.zeros((0, 48, 48), np.uint8)
    assert (flaws(none, []).shape, noise(none).shape) == ((0,), (0,))


@pytest.mark.parametrize(("side", "expected"), [(31, "small"), (32, ""), (96, "")])
def test_a_small_face_is_refused(side, expected):
    patch = to_patch(face(), WHOLE)[None]
    assert flaws(patch, [Box(5, 5, side, side - 4)]).tolist() == [expected]


def test_each_face_of_a_picture_is_judged_alone():
    patches = np.stack([to_patch(image, WHOLE) for image in (face(), face() // 8, face(1))])
    assert flaws(patches, [WHOLE] * 3).tolist() == ["", "dark", ""]


class Counting:
    """A model that is sure of sad, and counts the faces that it is asked."""

    labels, size = labels_of("two", "happy", "sad"), 48

    def __init__(self):
        self.asked = []

    def __call__(self, patches):
        self.asked.append(len(patches))
        return np.tile(np.float32([0.25, 0.75]), (len(patches), 1))


LEFT, MIDDLE, RIGHT = (Followed(i, Box(96 * i, 0, 96, 96)) for i in range(3))


def test_a_refused_face_is_told_and_the_model_not_asked():
    image, model = np.hstack([face(), face() // 8, face(1)]), Counting()
    out = Reader(model, gate=flaws)(Frame(0, 0.0, image), [LEFT, MIDDLE, RIGHT])
    assert model.asked == [2]
    assert [(r.face, r.emotion, r.confidence, r.flaw) for r in out] == [
        (0, "sad", 0.75, ""),
        (1, "unsure", 0.0, "dark"),
        (2, "sad", 0.75, ""),
    ]
    assert out[1].probabilities == {"happy": 0.5, "sad": 0.5}


def test_blur_covers_a_refused_face():
    image, model, blur = face() // 8, Counting(), Blur()
    out = Reader(model, gate=flaws)(Frame(0, 0.0, image), [LEFT])
    blur.see(Frame(0, 0.0, image), out)
    assert blur.boxes == [LEFT.box]
    assert model.asked == []


def test_the_summary_counts_them():
    flat = ListCamera(*[np.full((60, 60), grey, np.uint8) for grey in (220, 20)] * 5)
    model = Counting()
    gated = run(Watcher(Follower(Scene(Box(0, 0, 60, 60))), Reader(model, gate=flaws)), flat, [])
    assert (gated.faces, gated.unread, model.asked) == (10, {"blurred": 5, "dark": 5}, [])
    assert gated.to_json()["unread"] == {"blurred": 5, "dark": 5}
    assert "10 too poor to read: 5 blurred, 5 dark (--quality)" in str(gated)
    plain = run(Watcher(Follower(Scene(Box(0, 0, 60, 60))), Reader(model)), flat, [])
    assert (plain.faces, plain.unread) == (10, {})
    assert "too poor" not in str(plain)
