# ruff: noqa: E402  (what stands after importorskip needs TensorFlow and ONNX)
"""What TensorRT takes, float and int8, and what it would not take."""

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="conversion needs TensorFlow")
pytest.importorskip("tf2onnx", reason="conversion to ONNX needs tf2onnx")
onnx = pytest.importorskip("onnx", reason="looking into ONNX files needs onnx")
pytest.importorskip("onnxruntime", reason="running ONNX files needs ONNX Runtime")
pytestmark = pytest.mark.train

from onnx import TensorProto, helper, numpy_helper

from edgefer.errors import BundleError
from edgefer.export.check import Check
from edgefer.export.onnx_answers import onnx_answers
from edgefer.export.onnx_audit import audit_onnx, require_tensorrt
from edgefer.export.onnx_int8 import export_onnx_int8, to_onnx_int8
from edgefer.export.onnx_model import export_onnx, trtexec


@pytest.fixture(scope="module")
def made(model, trained, faces):
    return export_onnx(model, trained, faces.patches, target="tensorrt-ready")


def network(*nodes, weights=(), opset=13, sides=("batch", 1, 4, 4), domains=()):
    """A sound ONNX model of these steps, from ``faces`` to ``probabilities``."""
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, sides)],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, sides)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights],
    )
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(one, 1) for one in domains)]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=7)
    return made.SerializeToString()


def step(kind, *given, to="probabilities", **choices):
    return helper.make_node(kind, given, [to], name=kind.lower(), **choices)


ONES = np.ones(1, np.float32)
KERNEL = ("kernel", np.ones((1, 1, 1, 1), np.float32))
THEN = helper.make_graph(
    [helper.make_node("Identity", ["faces"], ["chosen"])],
    "branch",
    [],
    [helper.make_tensor_value_info("chosen", TensorProto.FLOAT, None)],
)


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (network(step("Relu", "faces"), opset=18), "opset 18, expected 9 to 17"),
        (network(step("Relu", "faces"), sides=("n", 1, "h", "w")), "only a batch may be open"),
        (network(step("Hardmax", "faces")), "hardmax is Hardmax"),
        (network(step("Own", "faces", domain="lab"), domains=["lab"]), "own is lab.Own"),
        (
            network(step("If", "yes", then_branch=THEN, else_branch=THEN), weights=[("yes", True)]),
            "if is control flow",
        ),
        (
            network(
                helper.make_node("Cast", ["much"], ["cast"], name="cast", to=TensorProto.FLOAT),
                step("Add", "faces", "cast"),
                weights=[("much", np.asarray([2**40]))],
            ),
            "much has 64-bit integers",
        ),
        (
            network(
                helper.make_node("Cast", ["fine"], ["cast"], name="cast", to=TensorProto.FLOAT),
                step("Add", "faces", "cast"),
                weights=[("fine", np.asarray([0.5]))],
            ),
            "fine is float64",
        ),
        (
            network(
                step("Conv", "faces", "kernel", to="maps"),
                step("BatchNormalization", "maps", "one", "one", "one", "one"),
                weights=[KERNEL, ("one", ONES)],
            ),
            "was not folded",
        ),
        (
            network(
                step("QuantizeLinear", "faces", "one", "zero", to="whole"),
                step("DequantizeLinear", "whole", "one", "zero"),
                weights=[("one", np.float32(1)), ("zero", np.uint8(0))],
            ),
            "quantizelinear has no zero point 0 of type int8; dequantizelinear has no zero",
        ),
    ],
)
def test_what_tensorrt_would_not_take_is_named(data, named):
    audit_onnx(data)
    with pytest.raises(BundleError, match=f"TensorRT would not take this ONNX model: .*{named}"):
        require_tensorrt(data)


def test_the_line_for_trtexec_has_the_shapes_of_an_open_batch(made):
    assert trtexec("model.onnx", made[1], usual=2, most=4) == (
        "trtexec --onnx=model.onnx --saveEngine=model.engine --minShapes=faces:1x1x16x16 "
        "--optShapes=faces:2x1x16x16 --maxShapes=faces:4x1x16x16 --fp16"
    )


@pytest.fixture(scope="module")
def quantized(made, faces):
    return export_onnx_int8(made[0], faces.split("train").patches)


def test_int8_is_near_float(quantized, made, faces):
    check = Check.of(
        onnx_answers(made[0], faces.patches), onnx_answers(quantized[0], faces.patches)
    )
    assert check.agreement > 0.9
    assert 0 < check.mean < 0.02
    assert quantized[2].agreement > 0.9


def test_int8_has_its_scales_where_tensorrt_wants_them(quantized):
    graph = onnx.load_model_from_string(quantized[0]).graph
    makers = {name: node for node in graph.node for name in node.output}
    readers = {name: node.op_type for node in graph.node for name in node.input}
    layers = [node for node in graph.node if node.op_type in ("Conv", "MatMul", "Gemm")]
    assert len(layers) == 6
    for node in layers:
        assert [makers[name].op_type for name in node.input[:2]] == ["DequantizeLinear"] * 2
        assert all(name not in makers for name in node.input[2:])  # a bias stays float
        assert readers[node.output[0]] != "QuantizeLinear"


def test_a_pixel_is_worth_the_same_after_int8_whatever_the_faces(made, faces):
    narrow = (faces.patches // 8 + 100).astype(np.uint8)
    graph = onnx.load_model_from_string(to_onnx_int8(made[0], narrow)).graph
    scales = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    first = next(node for node in graph.node if node.input[0] == "rescale/Mul:0")
    assert scales[first.input[1]] == pytest.approx(1 / 127)


def test_the_line_for_trtexec_asks_for_int8_where_the_scales_are(quantized):
    assert trtexec("int8.onnx", quantized[1]).endswith(" --int8 --fp16")


def test_int8_tells_what_float_tells_and_that_it_is_int8(quantized, made):
    told = dict(quantized[1].metadata)
    assert told.pop("edgefer.quantized") == "int8, symmetric, Q/DQ"
    assert told == made[1].metadata


def test_int8_of_the_same_faces_is_the_same_bytes(quantized, made, faces):
    again = to_onnx_int8(made[0], faces.split("train").patches)
    assert again == quantized[0]


def test_quantizing_says_nothing(made, faces, capfd, caplog):
    to_onnx_int8(made[0], faces.patches[:3])
    assert capfd.readouterr() == ("", "")
    assert not caplog.records
