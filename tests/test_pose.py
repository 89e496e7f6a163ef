"""Where faces look, from their patches: drawn ones, of which it is known, and real ones."""

import gzip

import numpy as np
import pytest

from edgefer.bundle import Bundle
from edgefer.edge.cameras import open_camera
from edgefer.edge.classifier import Classifier
from edgefer.edge.detectors.haar import Haar
from edgefer.edge.pose import away, pose
from edgefer.edge.quality import AWAY, flaws
from edgefer.edge.track import Follower
from edgefer.labels import FER7
from edgefer.preprocess import Box, to_patch
from edgefer.synth import POPULATIONS, draw_person
from edgefer.synth.canvas import EYES, Shot
from edgefer.synth.head import draw_head
from edgefer.synth.scene import develop, draw_backdrop, face_box, paste, placing

pytestmark = pytest.mark.edge

SIDE = 160
PLACE = Box(0, 0, SIDE, SIDE)


def drawn(yaw=0, pitch=0, roll=0, size=48) -> np.ndarray:
    """Patches of six people who look into one direction, in degrees."""
    patches = []
    for seed in range(6):
        rng, shot = np.random.default_rng(seed), Shot(*np.radians([yaw, pitch, roll]).tolist())
        head, alpha = draw_head(draw_person(rng, POPULATIONS["base"]), {}, shot, SIDE)
        image = draw_backdrop(rng, (SIDE, SIDE))
        matrix = placing(shot, SIDE, SIDE / 2, SIDE * EYES, SIDE / 4)
        paste(image, head, alpha, matrix)
        image = develop(rng, image, shot, SIDE / 4)
        patches.append(to_patch(image, face_box(shot, SIDE, matrix), size))
    return np.stack(patches)


@pytest.mark.parametrize(("axis", "name"), [(0, "yaw"), (1, "pitch"), (2, "roll")])
def test_a_drawn_face_looks_where_it_was_drawn_to_look(axis, name):
    one, straight, other = (pose(drawn(**{name: angle}))[:, axis] for angle in (-40, 0, 40))
    assert one.mean() + 4 < straight.mean() < other.mean() - 4
    assert (one < other).all()


def test_a_drawn_face_that_looks_at_the_camera_is_kept_and_a_bowed_one_refused():
    places = [PLACE] * 6
    assert set(flaws(drawn(), places)) == {""}
    assert set(flaws(drawn(yaw=20, roll=10), places)) == {""}  # merely turned
    assert set(flaws(drawn(pitch=50), places)) == {"turned"}


def test_light_does_not_change_where_a_face_looks():
    straight = drawn()
    assert pose(straight // 2) == pytest.approx(pose(straight), abs=5)


@pytest.mark.parametrize("size", [24, 96, 224])
def test_patches_of_every_size_are_told_alike(size):
    assert pose(drawn(pitch=30, size=size)).mean(0) == pytest.approx(
        pose(drawn(pitch=30)).mean(0), abs=5
    )


@pytest.mark.parametrize("value", [0, 128, 255])
def test_what_is_no_face_has_numbers_too(value):
    flat = np.full((2, 48, 48), value, np.uint8)
    assert np.isfinite(pose(flat)).all()
    assert pose(flat[:0]).shape == (0, 3)
    assert away(flat[:0]).shape == (0,)


def test_no_face_of_a_person_who_signs_is_refused(shared):
    camera, follower = open_camera(str(shared / "clips" / "milk.mkv")), Follower(Haar())
    found = [(frame.image, box) for frame in camera for _, box in follower(frame.image)]
    camera.close()
    patches = np.stack([to_patch(*seen) for seen in found])
    assert len(patches) > 30
    assert set(flaws(patches, [box for _, box in found])) == {""}


def test_refused_faces_are_read_worse(shared):
    with gzip.open(shared / "fer2013" / "fer2013_dev.csv.gz", "rt") as file:
        rows = [line.split(",") for line in file if line.rstrip().endswith("PublicTest")]
    pixels = " ".join(row[1] for row in rows)
    patches = np.fromstring(pixels, np.uint8, sep=" ").reshape(-1, 48, 48)
    model = Classifier(Bundle.load())
    assert model.labels == FER7
    answers = np.concatenate([model(part) for part in np.array_split(patches, 100)])
    right = answers.argmax(axis=1) == [int(row[0]) for row in rows]
    refused = away(patches) > AWAY
    assert 0.01 < refused.mean() < 0.05
    assert right[refused].mean() < right[~refused].mean() - 0.08
