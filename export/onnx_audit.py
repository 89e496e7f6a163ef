"""Read back an ONNX file: operators, types, shapes; and whether TensorRT can read it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from edgefer.errors import BundleError

from .onnx_graph import branches, shape_of

# onnx-tensorrt, docs/operators.md: the parser of TensorRT 8.5 takes opsets to 17, that of 10.15
# from 9 to 24.
OPSETS = range(9, 18)
# What both lists support, without control flow, sequences, random numbers and recurrent layers.
# Int8 is the type of a tensor between QuantizeLinear and DequantizeLinear only.
_OPERATORS = """
    Abs Add ArgMax ArgMin AveragePool BatchNormalization Cast Ceil Celu Clip Concat Constant
    ConstantOfShape Conv ConvTranspose Cos CumSum DepthToSpace DequantizeLinear Div Dropout Elu
    Equal Erf Exp Expand Flatten Floor Gather GatherElements GatherND Gemm GlobalAveragePool
    GlobalMaxPool Greater GreaterOrEqual HardSigmoid HardSwish Identity InstanceNormalization
    LRN LeakyRelu Less LessOrEqual Log LogSoftmax LpNormalization MatMul Max MaxPool Mean
    MeanVarianceNormalization Min Mod Mul Neg Not Or PRelu Pad Pow QuantizeLinear Reciprocal
    ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd
    ReduceSum ReduceSumSquare Relu Reshape Resize Round Selu Shape Sigmoid Sign Sin Slice
    Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Tan Tanh ThresholdedRelu
    Tile Transpose Unsqueeze Where Xor
"""
OPERATORS = frozenset(_OPERATORS.split())
_WEIGHTS = {"float32", "float16", "int8", "int32", "int64", "bool"}


@dataclass(frozen=True)
class OnnxTensor:
    """What goes in or comes out.

    Attributes
    ----------
    name, dtype : str
        Its name, and its type as NumPy calls it, such as ``float32``.
    shape : tuple of int or None
        Its shape; None where any number will do.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True)
class OnnxAudit:
    """What an ONNX file holds.

    Attributes
    ----------
    bytes : int
        Its size.
    opset, ir : int
        Versions of the operators and of the format.
    inputs, outputs : tuple of OnnxTensor
        What goes in and comes out.
    operators : dict of str to int
        How often each occurs.
    dtypes : dict of str to int
        How many weights have each type.
    parameters : int
        Numbers in the weights that are no integers of 64 bits, which tell shapes.
    metadata : dict of str to str
        What the file says of itself.
    """

    bytes: int
    opset: int
    ir: int
    inputs: tuple[OnnxTensor, ...]
    outputs: tuple[OnnxTensor, ...]
    operators: dict[str, int]
    dtypes: dict[str, int]
    parameters: int
    metadata: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return asdict(self)


def audit_onnx(data: bytes) -> OnnxAudit:
    """Look into an ONNX file; ONNX's own checker goes over it, nothing is run.

    Raises
    ------
    BundleError
        If these bytes are no ONNX model, or one that breaks ONNX's rules.
    """
    return _audit(_checked(data), len(data))


def require_tensorrt(data: bytes) -> OnnxAudit:
    """Refuse an ONNX file that TensorRT 8.5 to 10 would not read, or not as it is meant.

    By what TensorRT's parser documents; no TensorRT is asked.

    Returns
    -------
    OnnxAudit
        What the file holds.

    Raises
    ------
    BundleError
        If something is found; all of it is named.
    """
    model = _checked(data)
    found = list(_foreign(model))
    if found:
        raise BundleError(f"TensorRT would not take this ONNX model: {'; '.join(found)}.")
    return _audit(model, len(data))


def _checked(data: bytes) -> Any:
    try:
        model = onnx.load_model_from_string(data)
        onnx.checker.check_model(model, full_check=True)
    # The errors are protobuf's, of a class that differs with how it was built, and the checker's.
    except Exception as error:
        raise BundleError(
            f"this is no sound ONNX model: {' '.join(str(error).split())[:400]}. "
            "Export the bundle again."
        ) from error
    return model


def _audit(model: Any, size: int) -> OnnxAudit:
    graph = model.graph
    weights = graph.initializer
    return OnnxAudit(
        size,
        _opset(model),
        model.ir_version,
        tuple(map(_tensor, graph.input)),
        tuple(map(_tensor, graph.output)),
        dict(Counter(node.op_type for node in graph.node)),
        dict(Counter(map(_dtype, weights))),
        sum(int(np.prod(one.dims)) for one in weights if _dtype(one) != "int64"),
        {one.key: one.value for one in model.metadata_props},
    )


def _opset(model: Any) -> int:
    return max((one.version for one in model.opset_import if not one.domain), default=0)


def _dtype(weight: Any) -> str:
    return str(onnx.helper.tensor_dtype_to_np_dtype(weight.data_type))


def _tensor(one: Any) -> OnnxTensor:
    kind = onnx.helper.tensor_dtype_to_np_dtype(one.type.tensor_type.elem_type)
    return OnnxTensor(one.name, str(kind), shape_of(one))


def _foreign(model: Any) -> Iterator[str]:
    """Everything that TensorRT would stumble over, in words."""
    graph = model.graph
    if _opset(model) not in OPSETS:
        yield f"opset {_opset(model)}, expected {OPSETS.start} to {OPSETS.stop - 1}"
    for one in (*map(_tensor, graph.input), *map(_tensor, graph.output)):
        if one.dtype != "float32" or None in one.shape[1:]:
            yield f"{one.name} is {one.dtype} {one.shape}, only a batch may be open"
    makers = {name: node for node in graph.node for name in node.output}
    weights = {one.name: one for one in graph.initializer}
    for node in graph.node:
        if branches(node):
            yield f"{node.name} is control flow ({node.op_type})"
        elif node.domain or node.op_type not in OPERATORS:
            yield f"{node.name} is {node.domain}{'.' * bool(node.domain)}{node.op_type}"
        yield from _misplaced(node, makers, weights)
    for name, weight in weights.items():
        kind = _dtype(weight)
        if kind not in _WEIGHTS:
            yield f"{name} is {kind}"
        elif kind == "int64" and np.abs(numpy_helper.to_array(weight)).max(initial=0) >= 2**31:
            # TensorRT 8 casts 64 bits to 32 and clamps what does not fit.
            yield f"{name} has 64-bit integers that do not fit 32"


def _misplaced(node: Any, makers: dict[str, Any], weights: dict[str, Any]) -> Iterator[str]:
    """What is wrong with one step that TensorRT has as such."""
    before = makers.get(node.input[0]) if node.input else None
    if node.op_type == "BatchNormalization" and before is not None and before.op_type == "Conv":
        yield f"{node.name} was not folded into the convolution before it"
    if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
        zero = weights.get(node.input[2]) if len(node.input) > 2 else None
        # Without one it is uint8, which TensorRT does not have inside a network.
        if zero is None or _dtype(zero) != "int8" or numpy_helper.to_array(zero).any():
            yield f"{node.name} has no zero point 0 of type int8"
