# ruff: noqa: E402  (what stands after importorskip needs TensorFlow)
import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="conversion needs TensorFlow")
pytestmark = pytest.mark.train

from ai_edge_litert.interpreter import OpResolverType
from tflite_runtime_answers import theirs

from edgefer.errors import BundleError
from edgefer.export.audit import audit, require_int8
from edgefer.export.check import Check, answers, require_same, xnnpack
from edgefer.export.convert import to_float, to_int8
from edgefer.keras import keras, probabilities

EXACT = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES


@pytest.fixture(scope="module")
def made(model, faces):
    return {"float": to_float(model), "int8": to_int8(model, faces.split("train").patches)}


def network(*layers):
    """Rescaling, a convolution, these layers, a pooled head."""
    given = x = keras.Input((16, 16, 1))
    first = (keras.layers.Rescaling(1 / 255), keras.layers.Conv2D(8, 3))
    last = (keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(7, activation="softmax"))
    for layer in (*first, *layers, *last):
        x = layer(x)
    return keras.Model(given, x)


@pytest.mark.parametrize("role", ["float", "int8"])
def test_scaling_and_normalization_are_inside_the_convolutions(made, role):
    names = {step.name for step in audit(made[role]).operators}
    assert names - {"QUANTIZE"} == {"CONV_2D", "MAX_POOL_2D", "MEAN", "FULLY_CONNECTED", "SOFTMAX"}


def test_a_pixel_is_its_own_quantized_value(made):
    found = audit(made["int8"])
    given, answer = found.tensors[found.inputs[0]], found.tensors[found.outputs[0]]
    assert (given.dtype, given.scale, given.zero_point) == ("uint8", 1.0, 0)
    assert (answer.dtype, answer.scale, answer.zero_point) == ("uint8", 1 / 256, 0)


def test_faces_of_a_narrow_range_still_give_scale_one(model, faces):
    narrow = (faces.patches // 8 + 100).astype(np.uint8)
    found = audit(to_int8(model, narrow))
    assert found.tensors[found.inputs[0]].scale == 1.0


def test_int8_has_no_float(made):
    require_int8(audit(made["int8"]))
    assert set(audit(made["int8"]).dtypes) == {"uint8", "int8", "int32"}


def test_the_same_network_gives_the_same_bytes(model, faces, made):
    assert to_float(model) == made["float"]
    assert to_int8(model, faces.split("train").patches) == made["int8"]


def test_nothing_is_said(model, faces, capfd):
    to_int8(model, faces.patches[:5])
    assert capfd.readouterr() == ("", "")


def test_float_is_the_network(model, faces, made):
    check = Check.of(probabilities(model, faces.patches), answers(made["float"], faces.patches))
    assert check.agreement == 1
    assert check.largest < 1e-4


def test_int8_is_near_float(faces, made):
    check = Check.of(answers(made["float"], faces.patches), answers(made["int8"], faces.patches))
    assert check.agreement > 0.95
    assert check.mean < 0.02


@pytest.mark.parametrize("role", ["float", "int8"])
def test_a_batch_is_answered_as_single_faces_are(made, faces, role):
    one_by_one = np.concatenate([answers(made[role], face[None]) for face in faces.patches[:9]])
    together = answers(made[role], faces.patches[:9])
    assert np.abs(together - one_by_one).max() <= (1e-6 if role == "float" else 0)


@pytest.mark.parametrize(("per_channel", "scales"), [(False, 1), (True, 7)])
def test_dense_layers_have_one_scale_or_one_an_output(model, faces, per_channel, scales):
    found = audit(to_int8(model, faces.patches, per_channel_dense=per_channel))
    (dense,) = (step for step in found.operators if step.name == "FULLY_CONNECTED")
    assert found.tensors[dense.inputs[1]].scales == scales


@pytest.mark.parametrize("role", ["float", "int8"])
def test_xnnpack_takes_the_network_in_one_piece(made, role):
    shares = xnnpack(made[role])
    assert shares["pieces"] == 1
    assert set(shares["outside"]) <= {"QUANTIZE", "SOFTMAX"}


def test_operators_that_xnnpack_leaves_out_are_found(faces):
    # On LiteRT 2.3 an int8 GELU runs outside and cuts the graph in two.
    shares = xnnpack(to_int8(network(keras.layers.Activation("gelu")), faces.patches))
    assert "GELU" in shares["outside"]


def test_a_network_that_tflite_lacks_is_refused():
    with pytest.raises(BundleError, match="cannot express this network"):
        to_float(network(keras.layers.Resizing(9, 9, interpolation="bicubic")))


def test_an_operator_left_in_float_is_named(faces):
    found = audit(to_int8(network(keras.layers.ELU()), faces.patches))
    with pytest.raises(BundleError, match=r"not whole: .* ELU \(float32\)"):
        require_int8(found)


def test_a_conversion_gone_wrong_is_refused():
    same = np.full((3, 7), 1 / 7)
    other = np.eye(7)[:3]
    require_same(Check.of(same, same))
    with pytest.raises(BundleError, match="the conversion went wrong"):
        require_same(Check.of(same, other))
    with pytest.raises(BundleError, match="the conversion went wrong"):
        require_same(Check.of(same, same * np.nan))


@pytest.mark.edge
def test_both_runtimes_load_both_models_and_agree(made, faces, tmp_path, tflite_python):
    found = {
        role: theirs(tflite_python, tmp_path, data, faces.patches) for role, data in made.items()
    }
    ours = {role: answers(data, faces.patches) for role, data in made.items()}
    assert np.abs(found["float"] - ours["float"]).max() < 1e-5
    # Their int8 kernels are LiteRT's own, step by step; XNNPACK's round some sums otherwise.
    exact = answers(made["int8"], faces.patches, EXACT)
    assert np.abs(found["int8"] - exact).max() < 1e-6
    assert np.abs(found["int8"] - ours["int8"]).max() <= 10 / 256
    assert (found["int8"].argmax(axis=1) == ours["int8"].argmax(axis=1)).mean() > 0.97
