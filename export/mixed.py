"""Calibrate a network once, quantize it in many ways: whole, or with some layers left in float.

A layer left in float reads and gives float numbers in the file; where it meets the integers stand
``DEQUANTIZE`` and ``QUANTIZE``, and its numbers pass through 8 bits there: a layer whose answers
need more range than int8 has must be left in float together with those that read it.

16-bit numbers for single layers were tried and do not serve. TensorFlow's quantizer makes such a
file that LiteRT refuses (its int16 tensors have zero point -1). ai-edge-quantizer makes one that
LiteRT runs, two of the packaged network's eleven convolutions and dense layers in int16x8 costing
29 times the processor time of all in int8, as XNNPACK has no kernels for them; and tflite-runtime
2.14 refuses it (``QUANTIZE`` from int8 to int16).
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgefer.errors import BundleError
from edgefer.keras import keras, tf
from edgefer.progress import hushed

from .audit import WEIGHTED, Audit, audit
from .calibration import representative
from .convert import converter_of, run_converter

# What the quantizer gives the scale of its input: it costs nothing, and is named in no list.
_SAME_SCALE = {
    "MAX_POOL_2D",
    "PAD",
    "RESHAPE",
    "SQUEEZE",
    "STRIDED_SLICE",
    "TRANSPOSE",
}


@dataclass(frozen=True)
class Part:
    """One operator of a network that is about to be quantized.

    Attributes
    ----------
    name : str
        Of the Keras layer whose weights it holds, or that it computes: ``stage2_1_conv``.
    operator : str
        As TFLite calls it: ``CONV_2D``.
    node : str
        Name of the tensor that it gives: what the quantizer knows it by, and the name of that
        tensor in every file made of the network, in float or in integers.
    scaled : bool
        Whether what it gives has a scale of its own, and so an error of its own.
    reads, gives : tuple of int
        Positions of the tensors.
    """

    name: str
    operator: str
    node: str
    scaled: bool
    reads: tuple[int, ...]
    gives: tuple[int, ...]

    @property
    def weighted(self) -> bool:
        """Whether it is a convolution or a dense layer."""
        return self.operator in WEIGHTED


@dataclass(frozen=True)
class Calibrated:
    """A network with the range of every number in it.

    Calibration takes seconds, quantizing afterwards a fifth of a second: hundreds of combinations
    can be tried.

    Attributes
    ----------
    data : bytes
        A float TFLite model whose tensors carry the lowest and the highest value seen.
    parts : tuple of Part
        Its operators, in order.
    """

    data: bytes
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, model: Any, patches: np.ndarray) -> "Calibrated":
        """Show calibration faces, uint8 (N, S, S), to a Keras model, a ramp of 0..255 first.

        Raises
        ------
        BundleError
            If the network holds what TFLite does not have.
        """
        converter = converter_of(model)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: representative(patches)
        converter._experimental_calibrate_only = True
        data = run_converter(converter)
        return cls(data, _parts(model, audit(data)))

    @property
    def names(self) -> tuple[str, ...]:
        """Layers that may be left in float."""
        return tuple(part.name for part in self.parts if part.scaled)

    def quantize(
        self,
        keep: Collection[str] = (),
        *,
        per_channel_dense: bool = False,
        float_answers: bool = False,
        verify: bool = False,
    ) -> bytes:
        """A TFLite model in integers, but for the layers named.

        Parameters
        ----------
        keep : collection of str
            Names of `names` to leave in float. What lies between two of them alone, such as
            pooling, stays in float too, so that their numbers do not pass through 8 bits between.
        per_channel_dense : bool
            As in `edgefer.export.convert.to_int8`.
        float_answers : bool
            Give float32 probabilities instead of uint8.
        verify : bool
            Put beside every operator its float twin and an operator ``NumericVerify`` that gives
            the difference.

        Returns
        -------
        bytes
            Takes uint8 (1, S, S, 1) with scale 1 and zero point 0, whatever is left in float.

        Raises
        ------
        BundleError
            If a name is unknown.
        """
        from tensorflow.lite.python import convert  # noqa: TID251

        unknown = sorted(set(keep) - set(self.names))
        if unknown:
            raise BundleError(
                f"the network has no layer {', '.join(unknown)} to leave in float. Choose from "
                f"{', '.join(self.names)}."
            )
        # tf.lite's own QuantizationDebugger calls the same function, but passes neither the types
        # of input and output nor the one scale of dense layers on.
        with hushed():
            return bytes(
                convert.mlir_quantize(
                    self.data,
                    input_data_type=tf.uint8,
                    output_data_type=tf.float32 if float_answers else tf.uint8,
                    enable_numeric_verify=verify,
                    denylisted_nodes=self._nodes(set(keep)) or None,
                    disable_per_channel_for_dense_layers=not per_channel_dense,
                )
            )

    def _nodes(self, keep: Collection[str]) -> list[str]:
        """What the quantizer must leave alone: the layers, and what lies between two of them."""
        kept = {i for i, part in enumerate(self.parts) if part.scaled and part.name in keep}
        makers = {tensor: i for i, part in enumerate(self.parts) for tensor in part.gives}
        befores = [{makers[t] for t in part.reads if t in makers} for part in self.parts]
        afters: list[set[int]] = [set() for _ in self.parts]
        for i, before in enumerate(befores):
            for maker in before:
                afters[maker].add(i)
        light = [i for i, part in enumerate(self.parts) if not part.weighted]
        behind, ahead = set(kept), set(kept)
        for i in light:
            if befores[i] and befores[i] <= behind:
                behind.add(i)
        for i in reversed(light):
            if afters[i] and afters[i] <= ahead:
                ahead.add(i)
        return [self.parts[i].node for i in sorted(behind & ahead)]


def _parts(model: Any, found: Audit) -> tuple[Part, ...]:
    """Operators of a float model under the names of Keras layers, each name once."""
    layers = {
        layer.name: layer for layer in model.submodules if isinstance(layer, keras.layers.Layer)
    }
    parts: list[Part] = []
    for step in found.operators:
        node = found.tensors[step.outputs[0]].name
        scaled = step.name not in _SAME_SCALE
        name = _layer_of(node, step.name in WEIGHTED, layers) or step.name.lower()
        taken = {part.name for part in parts}
        if name in taken:
            name = next(
                made
                for number in range(1, len(parts) + 2)
                if (made := f"{name}/{step.name.lower()}{number if number > 1 else ''}")
                not in taken
            )
        parts.append(Part(name, step.name, node, scaled, step.inputs, step.outputs))
    return tuple(parts)


def _layer_of(node: str, weighted: bool, layers: dict[str, Any]) -> str:
    """Keras layer in a node's name, of those folded into it the one with weights; or nothing."""
    named = [part for part in node.replace(";", "/").split("/") if part in layers]
    kernels = [part for part in named if hasattr(layers[part], "kernel")]
    if weighted and kernels:
        return kernels[-1]
    return named[-1] if named else ""
