# ruff: noqa: E402  (what stands after importorskip needs TensorFlow)
"""Every family of networks goes through one command: cut, trained further, gated, proven."""

import pytest
from click.testing import CliRunner
from toys import SIZE, SMALLEST, shorten_resnet50, toy_bundle, toy_faces, toy_model

pytest.importorskip("tensorflow", reason="export needs TensorFlow")
pytestmark = [pytest.mark.train, pytest.mark.slow]

from edgefer.bundle import Bundle
from edgefer.cli import edgefer
from edgefer.edge.classifier import Classifier
from edgefer.export.calibration import make_calibration
from edgefer.train.backbones.resnet50 import resnet50
from edgefer.train.backbones.vgg19 import vgg19
from edgefer.train.backbones.vgg_hufs import vgg_hufs_gap
from edgefer.train.distill import train_distill
from edgefer.train.ensemble import make_ensemble
from edgefer.train.recipe import TrainRecipe

FAMILIES = {"resnet50": resnet50, "vgg19": vgg19, "vgg_hufs_gap": vgg_hufs_gap}


def distilled(faces, folder):
    members = [toy_bundle(folder / f"member{n}", toy_model(faces, epochs=n), faces) for n in (1, 2)]
    both = make_ensemble(members, faces, folder / "both")
    recipe = TrainRecipe(
        width=8, depth=4, epochs=1, batch=32, warmup=0, taught=0.7, precision="float32"
    )
    return train_distill([both], faces, recipe, folder / "distilled")


@pytest.mark.parametrize("family", [*FAMILIES, "distilled"])
def test_every_family_goes_through_the_same_command(family, tmp_path, monkeypatch):
    shorten_resnet50(monkeypatch)
    size = SMALLEST.get(family, SIZE)
    faces = toy_faces(tmp_path / "faces", each=8, size=size)
    calibration = make_calibration(faces, tmp_path / "calibration", per_emotion=3)
    if family == "distilled":
        trained = distilled(faces, tmp_path)
    else:
        trained = toy_bundle(tmp_path / "trained", FAMILIES[family](7, size, width=4), faces)
    options = ["--int8", "--calib", calibration.folder, "--faces", faces.folder, "--macs", "0.6"]
    options += ["--multiple", "2", "--epochs", "1", "--precision", "float32", "--gate", "0.5"]
    out = tmp_path / "out"
    result = CliRunner().invoke(
        edgefer, ["export", str(trained.folder), *map(str, options), "-o", str(out)]
    )
    assert result.exit_code == 0, result.output
    made = Bundle.load(out)
    made.verify()
    scores = made.history[-1].scores
    before, after = scores["thinner"]["macs"]
    assert after <= 0.6 * before
    assert scores["float"]["macs"] == scores["int8"]["macs"] == after
    for role in ("float", "int8"):  # where .venv-tflite is not, tflite-runtime is not tried
        passed = {name: trial["passed"] for name, trial in scores["runtimes"][role].items()}
        assert passed["litert"], scores["runtimes"]
        assert False not in passed.values(), scores["runtimes"]
    answers = Classifier(made, "int8")(faces.patches[:4])
    assert answers.shape == (4, 7)
