# ruff: noqa: E402  (what stands after importorskip needs TensorFlow and ONNX)
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from toys import SMALLEST

pytest.importorskip("tensorflow", reason="conversion needs TensorFlow")
pytest.importorskip("tf2onnx", reason="conversion to ONNX needs tf2onnx")
onnx = pytest.importorskip("onnx", reason="looking into ONNX files needs onnx")
pytest.importorskip("onnxruntime", reason="running ONNX files needs ONNX Runtime")
pytestmark = pytest.mark.train

from edgefer.bundle import write_bundle
from edgefer.errors import BundleError
from edgefer.export.audit import audit
from edgefer.export.check import answers
from edgefer.export.convert import to_float
from edgefer.export.onnx_answers import onnx_answers
from edgefer.export.onnx_audit import OPSETS, audit_onnx, require_tensorrt
from edgefer.export.onnx_model import (
    TARGETS,
    check_onnx,
    described,
    export_onnx,
    to_onnx,
)
from edgefer.keras import keras, probabilities
from edgefer.train.backbones import BACKBONES
from edgefer.train.base import build_network
from edgefer.train.recipe import TrainRecipe


@pytest.fixture(scope="module")
def lite(model):
    return to_float(model)


@pytest.fixture(scope="module")
def made(lite, model, trained, faces):
    return {name: export_onnx(model, trained, faces.patches, target=name) for name in TARGETS}


@pytest.fixture(scope="module", params=sorted(BACKBONES))
def untrained(request):
    """A narrow network of the table whose normalizations have something to do; patches, answers."""
    name, size = request.param, SMALLEST[request.param]
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    network = build_network(TrainRecipe(backbone=name, width=4), 3, size)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, one.shape) for one in layer.get_weights()])
    patches = rng.integers(0, 256, (8, size, size), np.uint8)
    return name, network, patches, probabilities(network, patches)


@pytest.mark.parametrize("planes", [False, True], ids=["onnx", "tensorrt"])
def test_every_network_answers_the_same_in_onnx_and_suits_tensorrt(untrained, planes):
    name, network, patches, expected = untrained
    data = to_onnx(network, planes=planes)
    check = check_onnx(data, expected, patches)
    assert check.agreement == 1
    assert check.largest < 1e-4
    found = require_tensorrt(data)
    # What Keras flattens in its own order must be transposed; resnet50's pool is padded.
    assert set(found.operators) - {"Transpose", "Pad", "BatchNormalization", "Reshape"} <= {
        "Mul", "Conv", "Relu", "MaxPool", "Add", "GlobalAveragePool", "Flatten", "MatMul", "Gemm",
        "Softmax",
    }  # fmt: skip
    assert ("BatchNormalization" in found.operators) == name.startswith("vgg_hufs")
    assert found.operators.get("Reshape", 0) == (not planes)
    assert found.operators["Mul"] == 1


@pytest.mark.parametrize(
    ("target", "shape"), [("onnx", (None, 16, 16, 1)), ("tensorrt-ready", (None, 1, 16, 16))]
)
def test_faces_go_in_and_probabilities_come_out(made, target, shape):
    _, found, check = made[target]
    (given,), (answer,) = found.inputs, found.outputs
    assert (given.name, given.dtype, given.shape) == ("faces", "float32", shape)
    assert (answer.name, answer.dtype, answer.shape) == ("probabilities", "float32", (None, 7))
    assert found.opset in OPSETS
    assert check.agreement == 1
    assert check.largest < 1e-5


def test_a_small_vgg_has_no_64_bit_integers_for_tensorrt(made):
    assert set(made["tensorrt-ready"][1].dtypes) == {"float32"}


def test_parameters_are_those_of_tflite_and_the_scale(made, lite):
    assert made["onnx"][1].parameters == audit(lite).parameters + 1


@pytest.mark.parametrize("target", TARGETS)
def test_float_tflite_gives_the_same_answers(made, lite, faces, target):
    expected = answers(lite, faces.patches)
    assert check_onnx(made[target][0], expected, faces.patches).largest < 1e-5


@pytest.mark.parametrize("target", TARGETS)
def test_a_lone_file_explains_itself(made, trained, target):
    told = made[target][1].metadata
    assert told == described(trained, planes=target != "onnx")
    assert json.loads(told["edgefer.labels"]) == list(trained.labels.names)
    assert json.loads(told["edgefer.labels.korean"]) == list(trained.labels.korean)
    assert told["edgefer.bundle"] == trained.digest
    assert (told["edgefer.size"], told["edgefer.preprocess"]) == ("16", "gray-area-1")
    assert ("NHWC" in told["edgefer.input"]) == (target == "onnx")


def test_the_same_network_gives_the_same_bytes(made, model, trained, faces):
    for target in TARGETS:
        assert export_onnx(model, trained, faces.patches, target=target)[0] == made[target][0]


AGAIN = """
import sys
from pathlib import Path
from edgefer.export.onnx_model import described, to_onnx
from edgefer.bundle import Bundle
from edgefer.keras import load_model

bundle = Bundle.load(Path(sys.argv[1]))
data = to_onnx(load_model(bundle.path("keras")), described(bundle))
Path(sys.argv[2]).write_bytes(data)
"""


@pytest.mark.slow
def test_another_process_gives_the_same_bytes_in_silence(made, trained, tmp_path):
    command = [sys.executable, "-c", AGAIN, trained.folder, tmp_path / "again.onnx"]
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    assert (tmp_path / "again.onnx").read_bytes() == made["onnx"][0]


@pytest.mark.slow
def test_tflite_is_converted_as_before(lite, made, model):
    assert to_float(model) == lite


def test_nothing_is_said(model, trained, faces, capfd):
    export_onnx(model, trained, faces.patches[:5])
    assert capfd.readouterr() == ("", "")


def test_a_step_is_called_after_its_layer(made):
    names = [node.name for node in onnx.load_model_from_string(made["onnx"][0]).graph.node]
    assert names[0] == "rescale/Mul"
    assert "stage1_1_conv/Conv" in names
    assert names[-1] == "probabilities/Softmax"


def test_other_answers_are_refused(made, faces):
    wrong = np.eye(7, dtype=np.float32)[np.zeros(len(faces), int)]
    with pytest.raises(BundleError, match="the conversion went wrong"):
        check_onnx(made["onnx"][0], wrong, faces.patches)


def test_patches_of_another_size_are_refused(made):
    with pytest.raises(BundleError, match="expected float faces of 20"):
        onnx_answers(made["onnx"][0], np.zeros((2, 20, 20), np.uint8))


def test_a_network_that_onnx_lacks_is_refused():
    given = keras.Input((16, 16, 1))
    x = keras.layers.Resizing(8, 8, interpolation="lanczos5")(given)
    x = keras.layers.Dense(7, activation="softmax")(keras.layers.Flatten()(x))
    with pytest.raises(BundleError, match="in ONNX: there is no ScaleAndTranslate"):
        to_onnx(keras.Model(given, x))


@pytest.mark.parametrize("data", [b"", b"no model", b"\x08\x07"])
@pytest.mark.parametrize("look", [audit_onnx, require_tensorrt])
def test_other_bytes_are_no_onnx_model(data, look):
    with pytest.raises(BundleError, match="no sound ONNX model"):
        look(data)


def test_onnx_runtime_says_what_it_cannot_load():
    with pytest.raises(BundleError, match="ONNX Runtime cannot load the model"):
        onnx_answers(b"no model", np.zeros((1, 16, 16), np.uint8))


def test_a_bundle_holds_it(made, trained, faces, tmp_path):
    file = tmp_path / "toy.onnx"
    file.write_bytes(made["onnx"][0])
    whole = write_bundle(
        tmp_path / "new", labels=trained.labels, size=16, files={"onnx": file}, history=[]
    )
    assert whole.files == {"onnx": "model.onnx"}
    assert whole.read("onnx") == made["onnx"][0]
    with pytest.raises(
        BundleError, match="no onnx model. Make it with edgefer export .* --to onnx"
    ):
        trained.read("onnx")
