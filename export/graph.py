"""What a TFLite file holds: arrays, steps, sizes, work."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

# The operators that do the work.
WEIGHTED = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}


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
