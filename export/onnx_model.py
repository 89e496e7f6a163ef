"""From a Keras network to an ONNX file, for a Jetson's TensorRT and for ONNX Runtime."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx

from edgefer import __version__
from edgefer.bundle import Bundle
from edgefer.errors import BundleError
from edgefer.keras import probabilities, tf
from edgefer.preprocess import PREPROCESS
from edgefer.progress import hushed

from .check import Check, require_same
from .onnx_answers import onnx_answers
from .onnx_audit import OnnxAudit, audit_onnx, require_tensorrt
from .onnx_graph import GIVEN, tidy

# The parsers of TensorRT 8.4 to 11 read it; int8 with a scale for each channel begins with it.
OPSET = 13
TARGETS = ("onnx", "tensorrt-ready")


def export_onnx(
    model: Any,
    bundle: Bundle,
    patches: np.ndarray,
    *,
    target: str = TARGETS[0],
) -> tuple[bytes, OnnxAudit, Check]:
    """The ONNX file of a bundle's network, looked into and compared with the network.

    Parameters
    ----------
    model : keras.Model
        As for `to_onnx`.
    bundle : Bundle
        Whose labels, preprocessing and digest the file tells.
    patches : ndarray of uint8, shape (N, S, S)
        Faces on which the network and ONNX Runtime must answer alike.
    target : str
        ``onnx`` keeps Keras's order, (N, S, S, 1); ``tensorrt-ready`` takes (N, 1, S, S), as
        DeepStream and TensorRT's examples do, and holds only what TensorRT 8.5 to 10 read.

    Returns
    -------
    bytes, OnnxAudit and Check
        The file, what it holds, and how far its answers are from the network's.

    Raises
    ------
    BundleError
        If the network cannot be converted, or the file is not what it should be.
    """
    if target not in TARGETS:
        raise ValueError(f"{target!r} is not one of {', '.join(TARGETS)}")
    ready = target == "tensorrt-ready"
    data = to_onnx(model, described(bundle, planes=ready), planes=ready)
    found = require_tensorrt(data) if ready else audit_onnx(data)
    return data, found, check_onnx(data, probabilities(model, patches), patches)


def to_onnx(model: Any, about: Mapping[str, str] | None = None, *, planes: bool = False) -> bytes:
    """The ONNX file of a network.

    Parameters
    ----------
    model : keras.Model
        Takes float32 (N, S, S, 1), 0..255. Every normalization behind a convolution is folded into
        it; a ``Rescaling`` stays a multiplication of its own: folded, it would push weights below
        the smallest number that float16 holds exactly.
    about : mapping of str to str, optional
        What the file says of itself, as by `described`.
    planes : bool
        Take (N, 1, S, S) in place of (N, S, S, 1). Grey patches have the same bytes in either.

    Returns
    -------
    bytes
        Takes ``faces``, float32, of any number, gives ``probabilities``, float32 (N, K); equal
        bytes for an equal network.

    Raises
    ------
    BundleError
        If the network holds what ONNX does not have.
    """
    # It imports TensorFlow, which must come through its door first.
    import tf2onnx

    call = tf.function(
        lambda faces: model(faces, training=False),
        input_signature=[tf.TensorSpec(model.input_shape, tf.float32, name=GIVEN)],
    )
    try:
        with hushed():
            made, _ = tf2onnx.convert.from_function(
                call,
                input_signature=call.input_signature,
                opset=OPSET,
                inputs_as_nchw=[f"{GIVEN}:0"] if planes else None,
            )
        made = tidy(made)
    except (KeyError, NotImplementedError, RuntimeError, ValueError) as error:
        raise BundleError(
            f"tf2onnx cannot express this network in ONNX: {' '.join(str(error).split())[:400]}"
        ) from error
    onnx.helper.set_model_props(made, dict(about or {}))
    return made.SerializeToString(deterministic=True)


def described(bundle: Bundle, *, planes: bool = False) -> dict[str, str]:
    """What a lone file must say: labels, preprocessing, order of its input, where it comes from."""
    labels = bundle.labels
    return {
        "edgefer.version": __version__,
        "edgefer.bundle": bundle.digest,
        "edgefer.labels": json.dumps(labels.names),
        "edgefer.labels.korean": json.dumps(labels.korean, ensure_ascii=False),
        "edgefer.labels.name": labels.name,
        "edgefer.size": str(bundle.size),
        "edgefer.preprocess": PREPROCESS,
        "edgefer.input": f"float32 {'NCHW' if planes else 'NHWC'}, one grey channel, 0..255",
    }


def check_onnx(data: bytes, expected: np.ndarray, patches: np.ndarray) -> Check:
    """Compare a file's answers on ONNX Runtime with those of the network it was made from.

    Parameters
    ----------
    data : bytes
        The file.
    expected : ndarray of float32, shape (N, K)
        The network's probabilities, or the float TFLite model's.
    patches : ndarray of uint8, shape (N, S, S)
        Of the same faces.

    Raises
    ------
    BundleError
        If they differ by more than rounding does.
    """
    check = Check.of(expected, onnx_answers(data, patches))
    require_same(check)
    return check


def trtexec(file: str, audit: OnnxAudit, *, usual: int = 1, most: int = 8) -> str:
    """What to type on a Jetson to build an engine in float16, and int8 where the file has scales.

    Parameters
    ----------
    file : str
        Name of the ONNX file there.
    audit : OnnxAudit
        What it holds.
    usual, most : int
        Faces in a batch that the engine is tuned for, and that it must take.
    """
    (given,) = audit.inputs
    line = ["trtexec", f"--onnx={file}", f"--saveEngine={file.removesuffix('.onnx')}.engine"]
    rest = "x".join(map(str, given.shape[1:]))
    sizes = {"min": 1, "opt": usual, "max": most}
    line += [f"--{name}Shapes={given.name}:{n}x{rest}" for name, n in sizes.items()]
    int8 = ["--int8"] if "QuantizeLinear" in audit.operators else []
    return " ".join([*line, *int8, "--fp16"])
