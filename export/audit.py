"""Read back what was written: data types, operators and their versions, scales, sizes, work."""

import gzip
import re
import struct
from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgefer.errors import BundleError

from .graph import WEIGHTED, Audit, Operator, Tensor

__all__ = ["WEIGHTED", "Audit", "Operator", "Tensor", "audit", "require_int8"]

_TYPES = {
    number: name.lower() for name, number in vars(schema.TensorType).items() if name.isupper()
}
_OPERATORS = {
    number: name for name, number in vars(schema.BuiltinOperator).items() if name.isupper()
}
# The operators that have no weights: where they read a number in float, they hand one on.
_LIGHT = {
    *("ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "CONCATENATION"),
    *("RELU", "RELU6", "LEAKY_RELU", "ELU", "HARD_SWISH", "LOGISTIC", "TANH", "GELU", "SOFTMAX"),
    *("MAX_POOL_2D", "AVERAGE_POOL_2D", "MEAN", "SUM"),
    *("PAD", "RESHAPE", "SQUEEZE", "STRIDED_SLICE", "TRANSPOSE"),
}
# A full-integer model is made of these: pixels and answers, weights, biases, shapes, conditions.
_INTEGERS = {"uint8", "int8", "int32", "bool"}


def audit(model: bytes) -> Audit:
    """Look into a TFLite file; no TensorFlow, and nothing is run.

    Raises
    ------
    BundleError
        If these bytes are no TFLite model of one graph.
    """
    if model[4:8] != b"TFL3":
        raise BundleError(
            "this is no TFLite model: it lacks the mark TFL3. Export the bundle again."
        )
    try:
        root = schema.ModelT.InitFromPackedBuf(model, 0)
        (graph,) = root.subgraphs
        return Audit(
            len(model),
            len(gzip.compress(model, 9, mtime=0)),
            tuple(_tensor(one, root.buffers) for one in graph.tensors),
            tuple(_operator(one, root.operatorCodes) for one in graph.operators),
            tuple(map(int, graph.inputs)),
            tuple(map(int, graph.outputs)),
        )
    except (struct.error, IndexError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleError(
            f"this TFLite model is damaged: {error}. Export the bundle again."
        ) from error


def require_int8(model: Audit, but: Collection[str] = ()) -> None:
    """Refuse a model that is not whole in integers, or whose input is not the patch itself.

    Parameters
    ----------
    model : Audit
        What the file holds.
    but : collection of str
        What was left in float on purpose: names of layers, such as ``stage1_1_conv``, of operators,
        such as ``softmax``, or both, such as ``probabilities/softmax``. What only passes their
        numbers on in float, such as pooling and activations, is allowed with them, and the
        conversions where they meet integers.

    Raises
    ------
    BundleError
        If another operator reads or writes anything but integers, or nothing in float bears one of
        these names, or the input is not uint8 of scale 1 and zero point 0, or the output not uint8;
        the operators are named.
    """
    allowed = _left_in_float(model, but)
    found = [
        f"{step.name} ({', '.join(foreign)}) of {_layer(model, step)}"
        for step in model.operators
        if (foreign := _foreign(model, step)) and step not in allowed
    ]
    if found:
        beside = f" beside {', '.join(but)}" if but else ""
        raise BundleError(
            f"the int8 model is not whole: {len(found)} of {len(model.operators)} operators are "
            f"not in integers{beside}: {', '.join(found)}. Use layers that quantize: convolution, "
            "normalization, ReLU, pooling, dense."
        )
    for name, positions, wanted in (
        ("input", model.inputs, {"dtype": "uint8", "scale": 1.0, "zero_point": 0}),
        ("output", model.outputs, {"dtype": "uint8"}),
    ):
        for position in positions:
            about = asdict(model.tensors[position])
            if any(about[key] != value for key, value in wanted.items()):
                seen: Mapping[str, Any] = {
                    key: about[key] for key in ("dtype", "scale", "zero_point")
                }
                raise BundleError(f"the int8 model's {name} is {seen}, expected {wanted}.")


def _left_in_float(model: Audit, names: Collection[str]) -> set[Operator]:
    """Operators in float that bear one of these names, and those that serve them."""
    floats = [step for step in model.operators if _foreign(model, step)]
    convert = [step for step in floats if step.name in ("QUANTIZE", "DEQUANTIZE")]
    allowed: set[Operator] = set()
    given: set[int] = set()
    met: set[str] = set()
    for step in floats:
        mine = {name for name in names if _bears(model, step, name)}
        passes_on = step.name in _LIGHT and given & set(step.inputs)
        if step not in convert and (mine or passes_on):
            allowed.add(step)
            given |= set(step.outputs)
            met |= mine
    missed = [name for name in names if name not in met]
    if missed:
        raise BundleError(
            f"{', '.join(missed)} should have stayed in float, and no operator in float bears the "
            f"name. In float are: {', '.join(_layer(model, step) for step in floats) or 'none'}."
        )
    for step in convert:
        readers = [one for one in model.operators if set(step.outputs) & set(one.inputs)]
        if step.name == "QUANTIZE":
            serves = bool(given & set(step.inputs))
        else:
            serves = bool(readers) and allowed.issuperset(readers)
        if serves:
            allowed.add(step)
    return allowed


def _bears(model: Audit, step: Operator, name: str) -> bool:
    """Whether an operator is meant by a name: a layer's, an operator's, or ``layer/operator``."""
    layer, _, kind = name.partition("/")
    # Several of a kind are numbered from the second on.
    if kind and kind.rstrip("0123456789") != step.name.lower():
        return False
    tensors = [step.outputs[0]]
    # The last one's output bears the name of the model's; a layer's weights have its own.
    if step.name in WEIGHTED:
        tensors.append(step.inputs[1])
    whole = {part for i in tensors for part in re.split("[/;]", model.tensors[i].name)}
    return layer in whole or name.rstrip("0123456789") == step.name.lower()


def _layer(model: Audit, step: Operator) -> str:
    """Layer of an operator, as the name of its output tells: the last of those folded into it."""
    *_, last = model.tensors[step.outputs[0]].name.split(";")
    parts = last.split("/")
    return parts[-2] if len(parts) > 1 else last


def _foreign(model: Audit, step: Operator) -> list[str]:
    """Types that an operator reads or writes and that are no integers."""
    return sorted(_dtypes(model, step) - _INTEGERS)


def _dtypes(model: Audit, step: Operator) -> set[str]:
    # -1 stands for an input that is left out, such as a bias.
    return {model.tensors[i].dtype for i in (*step.inputs, *step.outputs) if i >= 0}


def _tensor(one: Any, buffers: list[Any]) -> Tensor:
    scales = [] if one.quantization is None else _list(one.quantization.scale)
    zeros = [] if one.quantization is None else _list(one.quantization.zeroPoint)
    single = len(scales) == 1
    data = buffers[one.buffer].data
    return Tensor(
        one.name.decode(),
        _TYPES[one.type],
        tuple(_list(one.shape)),
        data is not None and len(data) > 0,
        len(scales),
        scales[0] if single else None,
        zeros[0] if single else None,
    )


def _operator(one: Any, codes: list[Any]) -> Operator:
    code = codes[one.opcodeIndex]
    # Old files keep the number in a byte of its own, new ones in both.
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    name = code.customCode.decode() if code.customCode else _OPERATORS[number]
    return Operator(name, int(code.version), tuple(_list(one.inputs)), tuple(_list(one.outputs)))


def _list(values: Any) -> list[Any]:
    """Numbers of a vector that may be absent."""
    return [] if values is None else np.asarray(values).tolist()
