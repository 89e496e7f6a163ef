# ruff: noqa: E402  (what stands after importorskip needs TensorFlow)
import gzip
import json
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("tensorflow", reason="the models are made by TensorFlow")
pytestmark = pytest.mark.train

from edgefer.errors import BundleError
from edgefer.export.audit import Audit, Operator, Tensor, audit, require_int8
from edgefer.export.calibration import representative
from edgefer.export.convert import converter_of, run_converter, to_float, to_int8
from edgefer.keras import keras, tf
from edgefer.progress import hushed


def build():
    layers = keras.layers
    faces = keras.Input((16, 16, 1))
    x = layers.Conv2D(4, 3, strides=2, padding="same")(faces)  # 8*8*4 numbers of 3*3*1
    x = layers.DepthwiseConv2D(3)(x)  # 6*6*4 numbers of 3*3
    x = layers.Conv2D(5, 1)(x)  # 6*6*5 numbers of 1*1*4
    x = layers.Flatten()(x)
    return keras.Model(faces, layers.Dense(3, activation="softmax")(x))  # 3 numbers of 180


MACS = 8 * 8 * 4 * 9 + 6 * 6 * 4 * 9 + 6 * 6 * 5 * 4 + 3 * 180
PARAMETERS = (9 + 1) * 4 + (9 + 1) * 4 + (4 + 1) * 5 + (180 + 1) * 3


@pytest.fixture(scope="module")
def network():
    network, rng = build(), np.random.default_rng(1)
    # No weight is zero: the converter keeps one copy of equal biases, and none of a zero one.
    network.set_weights([rng.normal(size=one.shape) for one in network.get_weights()])
    return network


@pytest.fixture(scope="module")
def patches():
    return np.random.default_rng(0).integers(0, 256, (20, 16, 16)).astype(np.uint8)


@pytest.fixture(scope="module")
def models(network, patches):
    return {"float": to_float(network), "int8": to_int8(network, patches)}


@pytest.mark.parametrize("role", ["float", "int8"])
def test_work_and_parameters_are_counted(models, role):
    found = audit(models[role])
    assert (found.macs, found.parameters) == (MACS, PARAMETERS)


@pytest.mark.parametrize("role", ["float", "int8"])
def test_sizes_are_those_of_the_file(models, role):
    found = audit(models[role])
    assert found.bytes == len(models[role])
    assert found.gzipped == len(gzip.compress(models[role], 9, mtime=0))


def test_operators_are_counted_by_version(models):
    assert audit(models["float"]).counts == {
        ("CONV_2D", 1): 2,
        ("DEPTHWISE_CONV_2D", 1): 1,
        ("RESHAPE", 1): 1,
        ("FULLY_CONNECTED", 1): 1,
        ("SOFTMAX", 1): 1,
    }


def test_every_tensor_has_its_type(models):
    found = audit(models["int8"])
    assert sum(found.dtypes.values()) == len(found.tensors)
    weights = found.tensors[found.operators[1].inputs[1]]
    assert (weights.dtype, weights.shape, weights.scales) == ("int8", (4, 3, 3, 1), 4)


def test_json_tells_everything(models):
    told = json.loads(json.dumps(audit(models["int8"]).to_json()))
    assert told["macs"] == MACS
    assert (told["inputs"][0]["scale"], told["inputs"][0]["zero_point"]) == (1.0, 0)
    assert {"name": "CONV_2D", "version": 3, "count": 2} in told["operators"]
    assert len(told["tensors"]) == len(audit(models["int8"]).tensors)


def test_a_float_model_is_no_int8_model(models):
    require_int8(audit(models["int8"]))
    with pytest.raises(BundleError, match=r"not whole: 6 of 6 .* CONV_2D \(float32\)"):
        require_int8(audit(models["float"]))


def test_a_dynamic_range_model_is_no_int8_model(network):
    call = tf.function(network, input_signature=[tf.TensorSpec((1, 16, 16, 1))])
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [call.get_concrete_function()], network
    )
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    with pytest.raises(BundleError, match="not whole"):
        require_int8(audit(converter.convert()))


@pytest.fixture(scope="module")
def mixed(patches):
    """From names of tensors to a model that leaves what gives them in float."""
    from tensorflow.lite.python import convert  # noqa: TID251

    layers = keras.layers
    given = x = keras.Input((16, 16, 1))
    for name in ("s1", "s1_1", "s11"):
        x = layers.Conv2D(4, 3, padding="same", name=f"{name}_conv")(x)
        x = layers.BatchNormalization(name=f"{name}_norm")(x)
        x = layers.ReLU(name=f"{name}_relu")(x)
        x = layers.MaxPooling2D(name=f"{name}_pool")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    network = keras.Model(given, layers.Dense(3, activation="softmax", name="answer")(x))
    converter = converter_of(network)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: representative(patches)
    converter._experimental_calibrate_only = True
    calibrated = run_converter(converter)
    found = audit(calibrated)
    outputs = [found.tensors[step.outputs[0]].name for step in found.operators]

    def make(*left):
        with hushed():
            made = convert.mlir_quantize(
                calibrated,
                input_data_type=tf.uint8,
                output_data_type=tf.uint8,
                denylisted_nodes=[name for name in outputs if any(one in name for one in left)],
                disable_per_channel_for_dense_layers=True,
            )
        return audit(bytes(made))

    return make


@pytest.mark.parametrize(
    ("left", "names"),
    [
        (["s1_1_conv"], ["s1_1_conv"]),
        (["s1_conv", "s1_pool"], ["s1_conv"]),  # pooling passes on what the convolution gave
        (["s1_conv", "answer"], ["answer", "s1_conv"]),
        (["answer", "Stateful"], ["answer"]),
        (["answer", "Stateful"], ["answer", "softmax"]),
        (["answer"], ["answer/fully_connected"]),
        (["Stateful"], ["softmax"]),
        (["s1_1_conv"], ["conv_2d"]),
    ],
)
def test_layers_left_in_float_on_purpose_are_allowed_by_name(mixed, left, names):
    found = mixed(*left)
    require_int8(found, names)
    with pytest.raises(BundleError, match="not whole"):
        require_int8(found)


@pytest.mark.parametrize(
    ("left", "names", "words"),
    [
        (
            ["s1_conv", "s11_conv"],
            ["s1_conv"],
            r"beside s1_conv: .*CONV_2D \(float32\) of s11_conv",
        ),
        (["s1_conv", "answer"], ["s1_conv"], r"FULLY_CONNECTED \(float32\) of answer"),
        (["s1_conv", "pool/Mean"], ["s1_conv"], r"MEAN \(float32\) of pool"),
    ],
)
def test_any_other_operator_in_float_is_refused_by_name(mixed, left, names, words):
    with pytest.raises(BundleError, match=words):
        require_int8(mixed(*left), names)


@pytest.mark.parametrize(
    ("left", "names", "missed"),
    [
        (["s11_conv"], ["s1_conv"], "s1_conv"),  # no name is meant by the beginning of another
        (["s1_1_conv"], ["s1_1_conv", "s1"], "s1"),
        (["s1_conv"], ["s1_conv/softmax"], "s1_conv/softmax"),
        ([], ["s1_conv"], "s1_conv"),
    ],
)
def test_a_name_that_nothing_in_float_bears_is_refused(mixed, left, names, missed):
    with pytest.raises(BundleError, match=f"^{missed} should have stayed in float"):
        require_int8(mixed(*left), names)


def pixels(dtype, scale, zero_point):
    """An audit of a model that hands its input on."""
    tensor = Tensor("faces", dtype, (1, 16, 16, 1), False, 1, scale, zero_point)
    return Audit(1, 1, (tensor,), (Operator("QUANTIZE", 1, (0,), (0,)),), (0,), (0,))


def test_the_input_must_be_the_patch():
    require_int8(pixels("uint8", 1.0, 0))
    for other in (("int8", 1.0, 0), ("uint8", 0.94, 0), ("uint8", 1.0, 3)):
        with pytest.raises(BundleError, match="the int8 model's input is"):
            require_int8(pixels(*other))


@pytest.mark.parametrize(
    "data", [b"", b"no model", b"\0\0\0\0TFL3", b"\x10\0\0\0TFL3" + b"\xff" * 64]
)
def test_other_bytes_are_refused(data):
    with pytest.raises(BundleError, match="TFLite model"):
        audit(data)


@settings(max_examples=60)
@given(st.data())
def test_a_damaged_file_is_read_or_refused(models, data):
    damaged = bytearray(models["int8"])
    for _ in range(3):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place] = data.draw(st.integers(0, 255))
    del damaged[data.draw(st.integers(len(damaged) // 2, len(damaged))) :]
    with suppress(BundleError):
        assert audit(bytes(damaged)).bytes == len(damaged)
