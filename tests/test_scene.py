"""Pictures in which no face can be found, whoever is there."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from tiny_tflite import tiny_bundle

from edgefer.edge.run_command import run
from edgefer.edge.scene import DIM, FLAT, Scene

pytestmark = pytest.mark.edge

GRAIN = np.random.default_rng(0).normal(size=(240, 320, 1))


def grey(spread, mean=120) -> np.ndarray:
    """A picture whose grey spreads so much around a mean."""
    return np.clip(mean + spread * GRAIN, 0, 255).astype(np.uint8).repeat(3, axis=2)


def watch(seconds, image, *, faces=0, scene=None, since=0.0) -> Scene:
    scene = scene or Scene()
    for tick in range(int(10 * seconds)):
        scene.see(since + tick / 10, image, faces, 60)
    return scene


@pytest.mark.parametrize(
    ("image", "warnings"),
    [
        (np.zeros((240, 320), np.uint8), (DIM,)),  # a covered lens
        (grey(FLAT - 3, mean=15), (DIM,)),  # night
        (grey(FLAT - 3, mean=200), (DIM,)),  # fog
        (grey(FLAT + 3, mean=40), ()),
        (grey(50), ()),
    ],
)
def test_a_minute_without_contrast_is_a_warning(image, warnings):
    assert watch(60, image).warnings == warnings
    assert watch(20, image).warnings == ()


def test_where_a_face_is_found_it_is_light_enough():
    assert watch(60, grey(2), faces=1).warnings == ()


def test_it_is_over_when_there_is_light():
    scene = watch(120, grey(2))
    assert watch(30, grey(50), scene=scene, since=120).warnings == (DIM,)  # not to and fro
    assert watch(90, grey(50), scene=scene, since=150).warnings == ()


def test_a_smallest_face_larger_than_the_picture_is_told_at_once_and_while_it_is_so():
    scene = Scene()
    scene.see(0.0, grey(50), 0, 241)
    (told,) = scene.warnings
    assert told.english.startswith("no face of 241 pixels fits into a picture of 320x240.")
    scene.see(0.1, grey(50), 0, 240)
    assert scene.warnings == ()


def test_a_run_tells_what_it_can_never_find(tmp_path):
    bundle = tiny_bundle(tmp_path / "parts")
    typed = ["--camera", "synth", "--frames", "3", "--min-face", "900", "--json"]
    done = CliRunner().invoke(run, [str(bundle.folder), *typed])
    assert done.exit_code == 0, done.output
    (told,) = json.loads(done.stdout)["warnings"]
    assert "Lower --min-face" in told
    assert f"warning: {told}" in done.stderr
