"""Which layers int8 hurts: each one quantized alone, left in float alone, and its own error."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from edgefer.progress import hushed

from .check import Check, answers
from .mixed import Calibrated, Part

_BATCH = 16
# Single errors settle within some dozen faces.
_ENOUGH = 48
_LEAST = 1e-12
# So many layers are tried in float together.
_SPARED = 8


@dataclass(frozen=True)
class Layer:
    """What int8 does to one layer, and what the layer does to the answers.

    Attributes
    ----------
    name : str
        Of the Keras layer; a convolution stands for the normalization and ReLU folded into it.
    operator : str
        As TFLite calls it, such as ``CONV_2D``.
    node : str
        Name of the tensor it gives, in every file made of the network.
    alone : float
        Mean distance of the probabilities from the float model's when this layer alone is
        quantized, from what it reads to what it gives. The layers are ranked by it.
    agreement : float
        Share of faces that are then answered as the float model does.
    spared : float
        By how much the mean distance of the int8 model shrinks when this layer alone is left in
        float; below 0 it grows.
    rmse : float
        Root of the mean squared error of what it gives, from what the quantized layer before it
        gave, in steps of its scale. Rounding alone comes to .29, much more points to its weights.
    sqnr : float
        Its signal to that error, in dB.
    channel_sqnr : float
        The median over its channels: low where a few channels take the whole range.
    """

    name: str
    operator: str
    node: str
    alone: float
    agreement: float
    spared: float
    rmse: float
    sqnr: float
    channel_sqnr: float

    def to_json(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Sensitivity:
    """Every layer, the most sensitive first.

    Attributes
    ----------
    layers : tuple of Layer
        By `Layer.alone`, highest first.
    order : tuple of str
        Names of the layers, in the order of the network.
    whole : Check
        The int8 model against the float model.
    spared : tuple of Check
        The same with the first, the first two, ... of ``layers`` left in float together.
    """

    layers: tuple[Layer, ...]
    order: tuple[str, ...]
    whole: Check
    spared: tuple[Check, ...]


def measured(
    network: Calibrated, patches: np.ndarray, *, per_channel_dense: bool = False
) -> Sensitivity:
    """Quantize every layer of a network alone, leave it out alone, and measure its own error.

    The layers are ranked by the first, as it alone finds what ruins a network. Where one channel
    takes the whole range of a layer, SQNR and RMSE find nothing wrong with that layer, and leaving
    out one layer mends nothing, as its numbers pass through 8 bits on their way out; quantized
    alone, the layer and its reader stand out a hundredfold, and left in float together they mend
    it. Where nothing is wrong it does as well as SQNR: with the four layers ranked highest in
    float, the packaged networks' mean distance on 1,795 other faces falls from .0026 to .0020 and
    from .0028 to .0021, with the four of least SQNR to .0021 and .0020; ranked by what leaving one
    out wins, to .0023 and .0024.

    TensorFlow's QuantizationDebugger offers the single errors only, for another model: it passes
    neither uint8 input nor the one scale of dense layers on. ai-edge-quantizer's validator compares
    finished files, where errors add up from layer to layer.

    Parameters
    ----------
    network : Calibrated
        With the range of every number.
    patches : ndarray of uint8, shape (N, S, S)
        Faces to answer; those of the calibration will do.
    per_channel_dense : bool
        As in `edgefer.export.convert.to_int8`.

    Returns
    -------
    Sensitivity
    """

    def ask(keep: Sequence[str]) -> np.ndarray:
        made = network.quantize(keep, per_channel_dense=per_channel_dense, float_answers=True)
        return answers(made, patches)

    names = network.names
    # Answers are bytes in the end, whatever the softmax computes in: nothing is won by sparing it.
    last = network.parts[-1]
    candidates = [
        part for part in network.parts if part.name in names and (part.weighted or part is not last)
    ]
    truth = ask(names)
    whole = Check.of(truth, ask(()))
    errors = _errors(network, patches, per_channel_dense=per_channel_dense)
    layers = []
    for part in candidates:
        alone = Check.of(truth, ask([name for name in names if name != part.name]))
        without = Check.of(truth, ask([part.name]))
        layers.append(
            Layer(
                part.name,
                part.operator,
                part.node,
                alone.mean,
                alone.agreement,
                whole.mean - without.mean,
                *errors[part.name],
            )
        )
    layers.sort(key=lambda layer: -layer.alone)
    ranked = [layer.name for layer in layers]
    most = min(len(ranked), _SPARED)
    spared = [Check.of(truth, ask(ranked[:count])) for count in range(1, most + 1)]
    order = tuple(part.name for part in candidates)
    return Sensitivity(tuple(layers), order, whole, tuple(spared))


def twins(
    network: Calibrated, patches: np.ndarray, *, per_channel_dense: bool = False
) -> Iterator[tuple[str, float, np.ndarray, np.ndarray]]:
    """What each layer gives in int8 and in float of the same numbers: its own error, no other's.

    Beside every quantized operator stands its float twin, which reads what the quantized operators
    before it gave.

    Parameters
    ----------
    network : Calibrated
        With the range of every number.
    patches : ndarray of uint8, shape (N, S, S)
        Faces, of which 48 are shown: kernels that keep every number are slow.
    per_channel_dense : bool
        As in `edgefer.export.convert.to_int8`.

    Yields
    ------
    tuple
        For each batch of faces and each layer: its name, its scale, and what it gives in integers,
        scaled back, and in float, both float64 (B, ..., C).
    """
    chosen = patches[np.linspace(0, len(patches) - 1, min(len(patches), _ENOUGH)).astype(int)]
    made = network.quantize(verify=True, per_channel_dense=per_channel_dense)
    with hushed():
        # XNNPACK would keep to itself what lies between its operators.
        interpreter = Interpreter(
            model_content=made,
            num_threads=1,
            experimental_preserve_all_tensors=True,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
    (given,) = interpreter.get_input_details()
    for start in range(0, len(chosen), _BATCH):
        faces = chosen[start : start + _BATCH, ..., None]
        interpreter.resize_tensor_input(given["index"], faces.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(given["index"], faces)
        interpreter.invoke()
        for name, quantized, twin in _pairs(interpreter, network.parts):
            scale, zero = quantized["quantization"]
            stored = interpreter.get_tensor(quantized["index"]).astype(np.float64)
            meant = interpreter.get_tensor(twin["index"]).astype(np.float64)
            yield name, scale, (stored - zero) * scale, meant


def _errors(
    network: Calibrated, patches: np.ndarray, *, per_channel_dense: bool
) -> dict[str, tuple[float, float, float]]:
    """Of each layer the RMSE in steps, the SQNR in dB and the median SQNR of its channels."""
    sums: dict[str, list[Any]] = {}
    for name, scale, given, meant in twins(network, patches, per_channel_dense=per_channel_dense):
        axes = tuple(range(meant.ndim - 1))
        kept = sums.setdefault(name, [scale, 0, 0.0, 0.0])
        kept[1] += meant[..., 0].size
        kept[2] = kept[2] + (meant**2).sum(axis=axes)
        kept[3] = kept[3] + ((given - meant) ** 2).sum(axis=axes)
    return {name: _told(scale, a / n, b / n) for name, (scale, n, a, b) in sums.items()}


def _told(scale: float, signal: np.ndarray, noise: np.ndarray) -> tuple[float, float, float]:
    # A channel that is never above zero says nothing, and is reproduced without an error.
    alive = signal > _LEAST
    each = 10 * np.log10(signal[alive] / np.maximum(noise[alive], _LEAST))
    all_of_it = 10 * np.log10(max(signal.mean(), _LEAST) / max(noise.mean(), _LEAST))
    middle = float(np.median(each)) if len(each) else float(all_of_it)
    return float(np.sqrt(noise.mean())) / scale, float(all_of_it), middle


def _pairs(interpreter: Any, parts: Sequence[Part]) -> list[tuple[str, Any, Any]]:
    """Layers' names with the tensors that the quantized operator and its float twin give."""
    tensors = {tensor["index"]: tensor for tensor in interpreter.get_tensor_details()}
    waiting = {part.node: part.name for part in parts if part.scaled}
    pairs = []
    for step in interpreter._get_ops_details():
        if step["op_name"] != "NumericVerify":
            continue
        quantized, twin = (tensors[int(i)] for i in step["inputs"])
        # The tensor that goes out keeps its name, its twin gets a digit more.
        node = next((n for n in (twin["name"], twin["name"][:-1]) if n in waiting), None)
        if node:
            pairs.append((waiting.pop(node), quantized, twin))
    return pairs
