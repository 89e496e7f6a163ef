# ruff: noqa: E402  (what stands after importorskip needs TensorFlow)

import pytest

pytest.importorskip("tensorflow", reason="conversion needs TensorFlow")
pytestmark = pytest.mark.train

from collapses import residual
from tflite_runtime_answers import theirs

from edgefer.errors import BundleError
from edgefer.export.audit import audit, require_int8
from edgefer.export.check import Check, answers, xnnpack
from edgefer.export.convert import to_float, to_int8
from edgefer.export.mixed import Calibrated

KEEP = ("stage1_1_conv", "stage2_1_conv")  # pooling stands between them


@pytest.fixture(scope="module")
def calibrated(model, faces):
    return Calibrated.of(model, faces.split("train").patches)


def test_nothing_kept_is_the_int8_model(calibrated, model, faces):
    made, plain = calibrated.quantize(), to_int8(model, faces.split("train").patches)
    require_int8(audit(made))
    assert audit(made).counts == audit(plain).counts
    assert (answers(made, faces.patches) == answers(plain, faces.patches)).all()


def test_layers_bear_their_names_in_keras(calibrated):
    weighted = [part.name for part in calibrated.parts if part.weighted]
    convolutions = [f"stage{stage}_conv" for stage in ("1_1", "2_1", "3_1", "4_1", "4_2")]
    assert weighted == [*convolutions, "probabilities"]
    assert set(calibrated.names) - set(weighted) == {"pool", "softmax"}


def test_an_addition_bears_its_name(faces):
    names = Calibrated.of(residual(7, faces.size), faces.patches[:3]).names
    assert {"stage2_1_add", "stage2_2_add", "stage2_1_0_conv"} < set(names)
    assert len(set(names)) == len(names)


def left_in_float(found):
    """Operators of a file that compute in float."""
    conversions = ("QUANTIZE", "DEQUANTIZE")
    return [
        step
        for step in found.operators
        if step.name not in conversions and found.tensors[step.outputs[0]].dtype == "float32"
    ]


def test_the_layers_named_are_in_float_and_nothing_else(calibrated):
    made = audit(calibrated.quantize(["stage3_1_conv"]))
    (step,) = left_in_float(made)
    (part,) = (part for part in calibrated.parts if part.name == "stage3_1_conv")
    assert (step.name, made.tensors[step.outputs[0]].name) == ("CONV_2D", part.node)


@pytest.mark.parametrize(
    ("keep", "names"),
    [
        (KEEP, ["CONV_2D", "MAX_POOL_2D", "CONV_2D"]),
        (("stage4_1_conv", "stage4_2_conv"), ["CONV_2D", "CONV_2D"]),
    ],
)
def test_what_lies_between_two_of_them_is_in_float_too(calibrated, keep, names):
    assert [step.name for step in left_in_float(audit(calibrated.quantize(keep)))] == names


@pytest.mark.parametrize("keep", [KEEP, ("stage1_1_conv",), ("probabilities", "softmax")])
def test_pixels_and_answers_stay_bytes(calibrated, keep):
    found = audit(calibrated.quantize(keep))
    given, answer = found.tensors[found.inputs[0]], found.tensors[found.outputs[0]]
    assert (given.dtype, given.scale, given.zero_point) == ("uint8", 1.0, 0)
    assert (answer.dtype, answer.scale, answer.zero_point) == ("uint8", 1 / 256, 0)


def test_all_in_float_answers_as_the_float_model(calibrated, model, faces):
    made = calibrated.quantize(calibrated.names, float_answers=True)
    before = answers(to_float(model), faces.patches)
    assert Check.of(before, answers(made, faces.patches)).largest < 1e-5


def test_dense_layers_have_one_scale_or_one_an_output(calibrated):
    for per_channel, scales in ((False, 1), (True, 7)):
        found = audit(calibrated.quantize(KEEP, per_channel_dense=per_channel))
        (dense,) = (step for step in found.operators if step.name == "FULLY_CONNECTED")
        assert found.tensors[dense.inputs[1]].scales == scales


def test_xnnpack_takes_the_network_in_one_piece(calibrated):
    shares = xnnpack(calibrated.quantize(KEEP))
    assert shares["pieces"] == 1
    assert set(shares["outside"]) <= {"QUANTIZE", "SOFTMAX"}


def test_an_unknown_layer_is_named(calibrated):
    with pytest.raises(BundleError, match="no layer stage9_conv .* Choose from stage1_1_conv"):
        calibrated.quantize(["stage9_conv"])


def test_nothing_is_said(calibrated, capfd):
    calibrated.quantize(KEEP)
    assert capfd.readouterr() == ("", "")


@pytest.mark.edge
def test_both_runtimes_agree(calibrated, faces, tmp_path, tflite_python):
    made = calibrated.quantize(KEEP)
    other = theirs(tflite_python, tmp_path, made, faces.patches)
    check = Check.of(answers(made, faces.patches), other)
    assert check.agreement > 0.98
    assert check.largest < 0.05
