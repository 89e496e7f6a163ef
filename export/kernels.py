"""The weights of a model's layers, from Keras or from a file, and what is asked of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edgefer.errors import BundleError
from edgefer.keras import keras
from edgefer.report import Score

from .audit import audit
from .recipe import TWO_OF_FOUR

_STORED = {"float32": np.float32, "int8": np.int8}


@dataclass(frozen=True)
class Compressed:
    """A network after its weights were pruned or clustered.

    Attributes
    ----------
    model : keras.Model
        Without any trace of the toolkit, in float32.
    layers : mapping of str to float
        By layer, what was asked for: the share of zeros, or the number of different weights.
    before, after : Score, optional
        On the ``val`` split, where there is one.
    left_out : tuple of str
        Layers that it does not fit: 2:4 wants a number of inputs that four divides.
    """

    model: Any
    layers: Mapping[str, float]
    before: Score | None
    after: Score | None
    left_out: tuple[str, ...] = ()


def is_weighted(layer: Any) -> bool:
    """Whether sparsity and clusters are asked of a layer: convolutions and dense layers."""
    return isinstance(layer, keras.layers.Conv2D | keras.layers.Dense)


def kernels_of(model: Any) -> dict[str, np.ndarray]:
    """Weights of every convolution and dense layer of a Keras network, by name.

    Parameters
    ----------
    model : keras.Model
        Layers with weights for each channel alone (DepthwiseConv2D) are left out.

    Returns
    -------
    dict of str to ndarray of float32
        As a ``.tflite`` file has them: (outputs, H, W, inputs) or (outputs, inputs).
    """
    return {
        layer.name: np.moveaxis(layer.kernel.numpy(), -1, 0)
        for layer in model.submodules
        if is_weighted(layer)
    }


def kernels_in(model: bytes) -> dict[str, np.ndarray]:
    """Weights of every convolution and dense layer of a ``.tflite`` file, by tensor name.

    Returns
    -------
    dict of str to ndarray of float32 or int16
        (outputs, H, W, inputs) or (outputs, inputs); of int8, what is stored less the zero point: a
        zero is a weight of zero.

    Raises
    ------
    BundleError
        If these bytes are no TFLite model of one graph.
    """
    found = audit(model)
    root = schema.ModelT.InitFromPackedBuf(model, 0)
    (graph,) = root.subgraphs
    kernels: dict[str, np.ndarray] = {}
    for step in found.operators:
        if step.name not in ("CONV_2D", "FULLY_CONNECTED"):
            continue
        about, one = found.tensors[step.inputs[1]], graph.tensors[step.inputs[1]]
        if not about.constant or about.dtype not in _STORED:
            continue
        stored = np.frombuffer(bytes(root.buffers[one.buffer].data), _STORED[about.dtype])
        values = stored.reshape(about.shape)
        if about.dtype == "int8":
            zeros = np.asarray(one.quantization.zeroPoint, np.int16)
            # One zero point for all, or one for each output, which is the first axis.
            values = values.astype(np.int16) - zeros.reshape(-1, *(1,) * (values.ndim - 1))
        name = about.name if about.name not in kernels else f"{about.name} again, {len(kernels)}"
        kernels[name] = values
    return kernels


def require_sparse(kernels: Mapping[str, np.ndarray], sparsity: str, after: str) -> None:
    """Refuse weights that miss a sparsity in any layer.

    Parameters
    ----------
    kernels : mapping of str to ndarray
        As `kernels_of` gives them for a network, `kernels_in` for a ``.tflite`` file of it.
    sparsity : str
        A share, such as ``0.5``: of each layer. ``2:4``: at least two zeros among every four
        neighboring inputs; layers whose inputs four does not divide may be dense. Empty asks
        nothing.
    after : str
        What was done, for the message: such as ``conversion to int8``.

    Raises
    ------
    BundleError
        If a layer has fewer zeros; each is named.
    """
    if not sparsity:
        return
    missed = [
        f"{name} ({found:.2f})"
        for name, kernel in kernels.items()
        if (found := _missed(kernel, sparsity)) is not None
    ]
    if missed:
        raise BundleError(
            f"after {after} the sparsity {sparsity} is missed by {', '.join(missed)}. Give it more "
            "steps with --epochs, or ask less of --sparsity."
        )


def require_clusters(
    kernels: Mapping[str, np.ndarray], clusters: int, after: str, *, whole: bool = False
) -> None:
    """Refuse weights with more different values than were asked for.

    Parameters
    ----------
    kernels : mapping of str to ndarray
        As `kernels_of` gives them for a network, `kernels_in` for a ``.tflite`` file of it.
    clusters : int
        How many values; 0 asks nothing.
    after : str
        What was done, for the message: such as ``conversion to int8``.
    whole : bool
        Whether a layer as a whole has so many, as a Keras network does. In a file each output has:
        the normalization that was folded, and int8's scales, differ from output to output.

    Raises
    ------
    BundleError
        If a layer has more values; each is named.
    """
    if not clusters:
        return
    more = {name: _values(kernel, whole=whole) for name, kernel in kernels.items()}
    missed = [f"{name} ({found})" for name, found in more.items() if found > clusters]
    if missed:
        raise BundleError(
            f"after {after} there are more than {clusters} different weights in "
            f"{', '.join(missed)}: ask for more --clusters, or leave it out."
        )


def _missed(kernel: np.ndarray, sparsity: str) -> float | None:
    """What was found where it is not enough: share of zeros, or of fours with two of them."""
    zeros = kernel == 0
    if sparsity != TWO_OF_FOUR:
        share = float(zeros.mean())
        # The toolkit rounds the number of zeros, so one weight may be missing.
        return None if share >= float(sparsity) - 1.5 / kernel.size else share
    if kernel.shape[-1] % 4:
        return None
    share = float((zeros.reshape(-1, 4).sum(axis=1) >= 2).mean())
    return None if share == 1 else share


def _values(kernel: np.ndarray, *, whole: bool) -> int:
    return len(np.unique(kernel)) if whole else max(len(np.unique(output)) for output in kernel)
