"""A network with YuNet's inputs and outputs that takes every bright square of 32 pixels for a face.

It shows that OpenCV's FaceDetectorYN is called rightly and its boxes come back to their places; how
well YuNet itself finds faces it cannot show.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 32


def tiny_yunet() -> bytes:
    """An ONNX file."""
    nodes, weights, outputs = [], [], []

    def constant(name: str, values: np.ndarray) -> str:
        weights.append(numpy_helper.from_array(values, name))
        return name

    def head(name: str, stride: int, kernel: np.ndarray, bias: list[float]) -> None:
        given = ["input", constant(f"{name}_kernel", kernel.astype(np.float32))]
        given.append(constant(f"{name}_bias", np.array(bias, np.float32)))
        shape = constant(f"{name}_shape", np.array([1, -1, len(bias)], np.int64))
        sides = [stride, stride]
        nodes.append(
            helper.make_node("Conv", given, [f"{name}_map"], strides=sides, kernel_shape=sides)
        )
        nodes.append(
            helper.make_node("Transpose", [f"{name}_map"], [f"{name}_last"], perm=[0, 2, 3, 1])
        )
        nodes.append(helper.make_node("Reshape", [f"{name}_last", shape], [name]))
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, None, len(bias)]))

    for stride in (8, 16, SIDE):
        cells = (1, 3, stride, stride)
        bright = np.full(cells, (stride == SIDE) / (3 * 255 * stride**2))
        head(f"cls_{stride}", stride, bright, [0.0])
        head(f"obj_{stride}", stride, bright, [0.0])
        size = float(np.log(SIDE / stride))
        head(f"bbox_{stride}", stride, np.zeros((4, *cells[1:])), [0.5, 0.5, size, size])
        head(f"kps_{stride}", stride, np.zeros((10, *cells[1:])), [0.0] * 10)
    image = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 128, 128])
    graph = helper.make_graph(nodes, "tiny", [image], outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()
