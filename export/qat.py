"""Train a network a little further while it computes as int8 will: quantization-aware training.

Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", 2018, by TensorFlow's Model Optimization Toolkit (annotate, then apply). Four things are
done here because the toolkit does otherwise:

* Normalization is folded before, with the statistics that training found (`fold`): what is trained
  is what runs. The toolkit refuses a normalization behind a ReLU, and a bias before one.
* The toolkit's ranges begin at -6 to 6 and move by a thousandth a step: after the few hundred steps
  of an export they would still be there. Here they begin where the float network's faces are.
* The input is 0..255 whatever the faces: the patch is its own quantized value.
* Zeros and clusters are kept by projection (`keep`), and counted in the file.

Fake quantization is in float32 only.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow_model_optimization as tfmot

from edgefer.errors import BundleError, EdgeferError
from edgefer.faceset import FaceSet
from edgefer.keras import keras, probabilities, tf
from edgefer.progress import say
from edgefer.report import Score

from .audit import audit, require_int8
from .check import Check, answers
from .convert import to_int8_as_trained
from .finetune import chunks, finetune, score
from .fold import Folded, folded
from .keep import Keep
from .kernels import is_weighted, kernels_in, require_clusters, require_sparse
from .recipe import ExportRecipe

_FACES = 256
_BATCH = 16
# Weights that a training has found are only nudged: the recipe's rate is for pruning, which tears
# them out.
_GENTLE = 0.1
# A scale far below the layer's would make a bias overflow its 32 bits.
_LEAST = 1e-3
# Both round alike; what is left is integer sums against float ones: .002 on the packaged network.
_SAME = 0.02


@dataclass(frozen=True)
class Aware:
    """What quantization-aware training gives.

    Attributes
    ----------
    int8 : bytes
        The full-integer ``.tflite`` file.
    twin : keras.Model
        The weights of the same training, computing in float: what the rounding alone costs. Takes
        float32 (N, S, S, 1), 0..255.
    check : Check
        The file against the network that was trained, which rounds as the file does.
    before : Score, optional
        Of the network that was given, on the ``val`` split, where there is one.
    twin_score, after : Score, optional
        Of the twin and of the int8 file, on the same faces.
    """

    int8: bytes
    twin: Any
    check: Check
    before: Score | None
    twin_score: Score | None
    after: Score | None


def qat(
    model: Any, faces: FaceSet, recipe: ExportRecipe, *, calibration: np.ndarray | None = None
) -> Aware:
    """Train a network further, rounded as int8 rounds, and convert it.

    Parameters
    ----------
    model : keras.Model
        Takes float32 (N, S, S, 1), 0..255; it stays as it is. Its zeros stay zeros; its
        clusters stay clusters if the recipe has some.
    faces : FaceSet
        Its ``train`` split is trained on, its ``val`` split is scored.
    recipe : ExportRecipe
        epochs, batch, rate (a tenth of it), teacher and seed apply; sparsity and clusters say what
        the file must still have.
    calibration : ndarray of uint8, shape (N, S, S), optional
        Faces on which the ranges begin; some of the training faces without them.

    Returns
    -------
    Aware

    Raises
    ------
    EdgeferError
        If dense layers are to have a scale for every output.
    DataError
        If there is no ``train`` split.
    BundleError
        If a layer cannot be folded or quantized, or the file is not what it should be.
    """
    if recipe.per_channel_dense:
        # "tfl.transpose op has mismatched quantized axes", TensorFlow 2.21.
        raise EdgeferError(
            "the converter does not take a scale for every output of a dense layer from "
            "quantization-aware training: leave --per-channel-dense out."
        )
    train = faces.split("train")
    val = faces.split("val") if "val" in faces.split_names else None
    keras.utils.set_random_seed(recipe.seed)
    if calibration is None:
        rows = np.random.default_rng(recipe.seed).permutation(len(train))[:_FACES]
        calibration = train.take(np.sort(rows))
    before = score(model, val)
    plain = folded(model)
    aware = _aware(plain.model)
    _set_ranges(aware, plain, calibration)
    given = keras.Input(model.input_shape[1:])
    working = keras.Model(given, aware(keras.layers.Rescaling(plain.scale)(given)))
    keep = Keep(_kernels(aware), clusters=bool(recipe.clusters))
    gentle = replace(recipe, rate=recipe.rate * _GENTLE)
    say(f"training for int8 on {len(train)} faces, float32")
    finetune(working, train, gentle, teacher=model, epochs=recipe.epochs, callbacks=[keep])
    _finish(aware, plain)
    data = to_int8_as_trained(aware)
    require_int8(audit(data))
    kernels = kernels_in(data)
    require_sparse(kernels, recipe.sparsity, "quantization-aware training")
    require_clusters(kernels, recipe.clusters, "quantization-aware training")
    check = Check.of(probabilities(aware, calibration), answers(data, calibration))
    if not check.mean <= _SAME:
        raise BundleError(
            f"the int8 model's probabilities are {check.mean:.3f} from those of the network that "
            f"was trained for it, expected {_SAME} at most: the conversion went wrong."
        )
    return Aware(data, plain.model, check, before, score(plain.model, val), _score_int8(data, val))


def _aware(model: Any) -> Any:
    """Same network with fake quantization at every place where int8 rounds."""
    toolkit = tfmot.quantization.keras
    try:
        annotated = keras.models.clone_model(model, clone_function=toolkit.quantize_annotate_layer)
        annotated.set_weights(model.get_weights())
        aware = toolkit.quantize_apply(annotated)
    except (RuntimeError, ValueError) as error:
        raise BundleError(
            f"quantization-aware training does not take this network: "
            f"{' '.join(str(error).split())[:300]} Use convolution, normalization, ReLU, pooling, "
            "addition and dense layers, or leave it out."
        ) from error
    ranged = _kernels(aware)
    bare = [one.name for one in model.layers if is_weighted(one) and one.name not in ranged]
    if bare:
        raise BundleError(
            f"quantization-aware training leaves the weights of {', '.join(bare)} in float. "
            "Expected behind them is a plain ReLU, or nothing."
        )
    return aware


def _set_ranges(aware: Any, plain: Folded, patches: np.ndarray) -> None:
    """Begin every range where the float network's numbers are on these faces, the input at 0..255.

    Ranges reach to zero, which int8 must be able to say.
    """
    wanted = {}
    for layer in aware.layers:
        for name, (low, high) in _ranges(layer).items():
            if name == "pixels":
                low.assign(0.0)
                high.assign(255 * plain.scale)
            elif name in ("output", "post_activation", "pre_activation"):
                inner = plain.model.get_layer(_inner(layer))
                tensor = inner.output if name != "pre_activation" else _before_activation(inner)
                wanted[layer.name, name] = (tensor, low, high)
    measured = keras.Model(plain.model.input, [tensor for tensor, _, _ in wanted.values()])

    def extremes(faces: Any) -> Any:
        outputs = tf.nest.flatten(measured(faces, training=False))
        return [(tf.reduce_min(x), tf.reduce_max(x)) for x in outputs]

    # Reduced inside: feature maps of many large patches would not fit in the memory.
    reduced = tf.function(extremes)
    found = [
        reduced(patches[i : i + _BATCH, ..., None].astype(np.float32) * np.float32(plain.scale))
        for i in range(0, len(patches), _BATCH)
    ]
    for (_, low, high), (lows, highs) in zip(
        wanted.values(), np.array(found).transpose(1, 2, 0), strict=True
    ):
        low.assign(min(lows.min(), 0.0))
        high.assign(max(highs.max(), 0.0))


def _finish(aware: Any, plain: Folded) -> None:
    """Give the twin the weights, let both take 0..255, set the weights' ranges to what they are."""
    for name, kernel in _kernels(aware).items():
        if name in plain.first:
            kernel.assign(kernel * plain.scale)
    for layer in aware.layers:
        ranges = _ranges(layer)
        if "pixels" in ranges:
            low, high = ranges["pixels"]
            low.assign(0.0)
            high.assign(255.0)
        weights = _weights(layer)
        if not weights:
            continue
        plain.model.get_layer(_inner(layer)).set_weights([one.numpy() for one in weights])
        # The ranges on record are those before the last step.
        low, high = next(ranges[name] for name in ranges if name.endswith("kernel"))
        size = np.abs(weights[0].numpy())
        each = size.max(axis=tuple(range(size.ndim - 1))) if low.shape.rank else size.max()
        most = np.maximum(each, size.max() * _LEAST)
        low.assign(-most)
        high.assign(most)


def _kernels(aware: Any) -> dict[str, Any]:
    """Variables of the weights that are fake-quantized, by the layer's own name."""
    return {_inner(layer): _weights(layer)[0] for layer in aware.layers if _weights(layer)}


def _weights(layer: Any) -> list[Any]:
    """Kernel and bias of a wrapped layer; empty where no kernel is fake-quantized."""
    if not any(name.endswith("kernel") for name in _ranges(layer)):
        return []
    return sorted(layer.trainable_weights, key=lambda one: one.shape.rank, reverse=True)


def _inner(layer: Any) -> str:
    return str(layer.name).removeprefix("quant_")


def _ranges(layer: Any) -> dict[str, tuple[Any, Any]]:
    """Lower and upper end of each range that a layer holds, by what it is the range of."""
    held = {one.name.rsplit("/", 1)[-1].split(":")[0]: one for one in layer.non_trainable_weights}
    found = {}
    for name, low in held.items():
        if name.endswith("_min"):
            what = name.removesuffix("_min")
            # The input's range is named after its layer, which the toolkit numbers.
            pixels = what.startswith("quantize_layer")
            found["pixels" if pixels else what] = (low, held[f"{what}_max"])
    return found


def _before_activation(layer: Any) -> Any:
    """What a dense layer with softmax gives before it."""
    return tf.matmul(layer.input, layer.kernel) + layer.bias


def _score_int8(data: bytes, faces: FaceSet | None) -> Score | None:
    if faces is None:
        return None
    rows = [answers(data, faces.take(part)).argmax(axis=1) for part in chunks(faces)]
    return Score.of(faces.labels, faces.targets, np.concatenate(rows))
