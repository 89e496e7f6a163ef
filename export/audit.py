"""Read back what was written: data types, operators and their versions, scales, sizes, work."""

import gzip
import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgefer.errors import BundleError

_TYPES = {
    number: name.lower() for name, number in vars(schema.TensorType).items() if name.isupper()
}
_OPERATORS = {
    number: name for name, number in vars(schema.BuiltinOperator).items() if name.isupper()
}
# The operators that do the work.
WEIGHTED = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}
# A full-integer model is made of these: pixels and answers, weights, biases, shapes, conditions.
_INTEGERS = {"uint8", "int8", "int32", "bool"}


@dataclass(frozen=True)
class Tensor:
    """One array of a model.

    Attributes
    ----------
    name, dtype : str
        Its name, and its type as TFLite calls it, such as ``int8``.
    shape : tuple of int
        Its shape for one face.
    constant : bool
        It lies in the file: a weight, a bias, a shape.
    scales : int
        How many scales it has: 0 is not quantized, more than 1 is one for each channel.
    scale, zero_point : float and int, optional
        value = scale * (stored - zero point); only where there is one scale.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    constant: bool
    scales: int
    scale: float | None
    zero_point: int | None


@dataclass(frozen=True)
class Operator:
    """One step of a model.

    Attributes
    ----------
    name : str
        Such as ``CONV_2D``; of a custom operator, the name it was given.
    version : int
        What the runtime must know.
    inputs, outputs : tuple of int
        Positions of the tensors it reads and writes.
    """

    name: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class Audit:
    """What a TFLite file holds.

    Attributes
    ----------
    bytes, gzipped : int
        Size of the file, and of the file after gzip -9: the download.
    tensors : tuple of Tensor
        Every array.
    operators : tuple of Operator
        Every step, in order.
    inputs, outputs : tuple of int
        Positions of the tensors that go in and come out.
    """

    bytes: int
    gzipped: int
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    @property
    def dtypes(self) -> dict[str, int]:
        """How many tensors have each type."""
        return dict(Counter(tensor.dtype for tensor in self.tensors))

    @property
    def counts(self) -> dict[tuple[str, int], int]:
        """How often each operator occurs, by name and version."""
        return dict(Counter((step.name, step.version) for step in self.operators))

    @property
    def parameters(self) -> int:
        """Weights and biases, after normalization was folded into them."""
        return sum(
            int(np.prod(tensor.shape))
            for tensor in self.tensors
            if tensor.constant and (tensor.scales or tensor.dtype.startswith("float"))
        )

    @property
    def macs(self) -> int:
        """Multiplications with addition that one face costs in convolutions and dense layers."""
        return sum(self._macs(step) for step in self.operators)

    def _macs(self, step: Operator) -> int:
        """For each number it gives, a convolution does kernel * channels, a dense layer one row."""
        if step.name not in WEIGHTED:
            return 0
        weights, given = self.tensors[step.inputs[1]].shape, self.tensors[step.outputs[0]].shape
        each = weights[1:3] if step.name == "DEPTHWISE_CONV_2D" else weights[1:]
        return int(np.prod(given) * np.prod(each))

    def to_json(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {**self.summary(), "tensors": [asdict(tensor) for tensor in self.tensors]}

    def summary(self) -> dict[str, Any]:
        """Everything but the single tensors, ready for JSON."""
        return {
            "bytes": self.bytes,
            "gzipped": self.gzipped,
            "parameters": self.parameters,
            "macs": self.macs,
            "inputs": [asdict(self.tensors[i]) for i in self.inputs],
            "outputs": [asdict(self.tensors[i]) for i in self.outputs],
            "dtypes": self.dtypes,
            "operators": [
                {"name": name, "version": version, "count": count}
                for (name, version), count in self.counts.items()
            ],
        }


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


def require_int8(model: Audit) -> None:
    """Refuse a model that is not whole in integers, or whose input is not the patch itself.

    Raises
    ------
    BundleError
        If an operator reads or writes anything but integers, or the input is not uint8 of scale 1
        and zero point 0, or the output not uint8; the operators are named.
    """
    found = [
        f"{step.name} ({', '.join(foreign)})"
        for step in model.operators
        if (foreign := sorted(_dtypes(model, step) - _INTEGERS))
    ]
    if found:
        raise BundleError(
            f"the int8 model is not whole: {len(found)} of {len(model.operators)} operators are "
            f"not in integers: {', '.join(found)}. Use layers that quantize: convolution, "
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
