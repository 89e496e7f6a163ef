"""Quantize an ONNX file in the way that TensorRT reads: with its scales in the file."""

import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from edgefer.errors import BundleError
from edgefer.progress import hushed

from .calibration import representative
from .check import Check
from .onnx_answers import onnx_answers
from .onnx_audit import OnnxAudit, require_tensorrt
from .onnx_graph import GIVEN, shape_of

_WEIGHTED = ["Conv", "ConvTranspose", "Gemm", "MatMul"]
# Its quantizer asks for a preparation that `tidy` has done, and notes that it is done in these.
_PREPARED = {"onnx.quant.pre_process": "onnxruntime.quant", "onnx.infer": "onnxruntime.quant"}


def export_onnx_int8(data: bytes, patches: np.ndarray) -> tuple[bytes, OnnxAudit, Check]:
    """The int8 ONNX file made of a float one, looked into and compared with it.

    Parameters
    ----------
    data : bytes
        As `to_onnx` makes it.
    patches : ndarray of uint8, shape (N, S, S)
        Calibration faces.

    Returns
    -------
    bytes, OnnxAudit and Check
        The file, what it holds, and how far its answers on these faces are from the float file's,
        both on ONNX Runtime. TensorRT's kernels round otherwise: measure on the device again.

    Raises
    ------
    BundleError
        If the file cannot be quantized, or TensorRT would not take it.
    """
    made = to_onnx_int8(data, patches)
    found = require_tensorrt(made)
    return made, found, Check.of(onnx_answers(data, patches), onnx_answers(made, patches))


def to_onnx_int8(data: bytes, patches: np.ndarray) -> bytes:
    """The int8 ONNX file of a float one: ``QuantizeLinear`` and ``DequantizeLinear`` at each layer.

    By TensorRT's rules for explicit quantization: all zero points are 0, weights have a scale for
    each channel, every input of a convolution or dense layer is quantized, no output is, and biases
    stay float (TensorRT refuses them as int32). The file still takes and gives float32.

    Parameters
    ----------
    data : bytes
        A float file, as `to_onnx` makes it.
    patches : ndarray of uint8, shape (N, S, S)
        Calibration faces: the smallest and largest number that they bring about at each place are
        its range. A ramp from 0 to 255 goes before them, as for TFLite.

    Raises
    ------
    BundleError
        If ONNX Runtime cannot quantize it.
    """
    model = onnx.load_model_from_string(data)
    told = {one.key: one.value for one in model.metadata_props}
    onnx.helper.set_model_props(model, {**told, **_PREPARED})
    (given,) = model.graph.input
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "int8.onnx"
        try:
            with hushed():
                quantize_static(
                    model,
                    out,
                    _Faces(patches, shape_of(given)[1:]),
                    quant_format=QuantFormat.QDQ,
                    per_channel=True,
                    activation_type=QuantType.QInt8,
                    weight_type=QuantType.QInt8,
                    op_types_to_quantize=_WEIGHTED,
                    extra_options={
                        "ActivationSymmetric": True,
                        "WeightSymmetric": True,
                        "AddQDQPairToWeight": True,
                        "QuantizeBias": False,
                        "OpTypesToExcludeOutputQuantization": _WEIGHTED,
                    },
                )
        except (RuntimeError, ValueError) as error:
            raise BundleError(
                f"ONNX Runtime cannot quantize the model: {' '.join(str(error).split())[:400]}"
            ) from error
        made = onnx.load_model(out)
    onnx.helper.set_model_props(made, {**told, "edgefer.quantized": "int8, symmetric, Q/DQ"})
    return bytes(made.SerializeToString(deterministic=True))


class _Faces(CalibrationDataReader):
    """Calibration faces in the shape that a file takes each of them."""

    def __init__(self, patches: np.ndarray, shape: tuple[int | None, ...]) -> None:
        self._batches = ({GIVEN: face.reshape(1, *shape)} for (face,) in representative(patches))

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._batches, None)
