"""The one door to TensorFlow and to the Keras that its optimization toolkit understands."""

import os

# TFMOT works with tf_keras only; both switches are read when TensorFlow is imported.
os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from edgefer.errors import BundleError
from edgefer.progress import hushed, say

# TensorFlow announces at length that there is no GPU; that is news only where there is one.
with hushed() as _heard:
    import tensorflow as tf
    import tf_keras as keras

    _gpus = tf.config.list_physical_devices("GPU")

# Its warnings are about retracing, which several models in one process do by nature.
if not os.environ.get("EDGEFER_VERBOSE"):
    tf.get_logger().setLevel("ERROR")

if Path("/dev/nvidia0").exists() and not _gpus:
    say("TensorFlow does not see this machine's GPU:\n" + "".join(_heard).strip())

for _gpu in _gpus:
    tf.config.experimental.set_memory_growth(_gpu, True)


# What a network may be built of: Keras's own parts, without those that run whatever they are told.
_PARTS = {
    "keras",
    "keras.constraints",
    "keras.initializers",
    "keras.layers",
    "keras.mixed_precision",
    "keras.models",
    "keras.regularizers",
    "tf_keras.src.engine.functional",
    "tf_keras.src.engine.sequential",
}
_FOREIGN = {
    "ClassMethod",
    "InstanceMethod",
    "InstanceProperty",
    "Lambda",
    "SlicingOpLambda",
    "TFOpLambda",
    "TFSMLayer",
    "TensorFlowOpLayer",
    "__lambda__",
    "function",
}


def load_model(path: Path) -> Any:
    """Read a Keras model without running code that came with it.

    Raises
    ------
    BundleError
        If the file is no ``.keras`` archive, or is built of anything but Keras's own layers.
    """
    try:
        foreign = sorted(set(_foreign(_description(path))))
        if foreign:
            raise ValueError(f"it is built of {', '.join(foreign)}, which may run foreign code")
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except (AttributeError, OSError, ValueError, TypeError, KeyError, zipfile.BadZipFile) as error:
        raise BundleError(f"{path} is no Keras model that can be read safely: {error}.") from error


def _description(path: Path) -> Any:
    """What the network in a file is built of."""
    # Keras looks at the content, not at the name, and checks nothing in HDF5: a layer's code there
    # runs while it is read.
    if path.suffix != ".keras" or not zipfile.is_zipfile(path):
        raise ValueError("expected the archive that model.save('NAME.keras') writes")
    with zipfile.ZipFile(path) as archive:
        about = json.loads(archive.read("config.json"))
    # How it was trained is not read: an optimizer is no part of the network.
    return {**about, "compile_config": None}


def _foreign(part: Any) -> Iterator[str]:
    """Names of the parts that are not Keras's own or run what they are told, however deep."""
    if isinstance(part, list):
        for each in part:
            yield from _foreign(each)
    if isinstance(part, dict):
        name, module = str(part.get("class_name")), part.get("module")
        if "class_name" in part and (name in _FOREIGN or module not in _PARTS):
            yield f"{module}.{name}" if module else name
        for each in part.values():
            yield from _foreign(each)


def precision() -> str:
    """Fastest Keras policy that this machine trains well with.

    ``mixed_float16`` on a GPU, ``mixed_bfloat16`` where the processor multiplies bfloat16 itself
    (AMX, or AVX-512 BF16), ``float32`` elsewhere.
    """
    if tf.config.list_physical_devices("GPU"):
        return "mixed_float16"
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text(encoding="utf-8").split() if cpuinfo.exists() else []
    return "mixed_bfloat16" if {"amx_bf16", "avx512_bf16"} & set(flags) else "float32"


def with_policy(model: Any, policy: str) -> Any:
    """Same model, computing under another policy; what goes in and comes out stays float32.

    Parameters
    ----------
    model : keras.Model
        A functional model; its weights are copied.
    policy : str
        ``float32``, ``mixed_float16`` or ``mixed_bfloat16``.
    """
    config = model.get_config()
    # The first layer is the input and the last one answers: both stay float32.
    for layer in config["layers"][1:-1]:
        layer["config"]["dtype"] = policy
    copy = model.__class__.from_config(config)
    copy.set_weights(model.get_weights())
    return copy


def scaled(optimizer: Any, policy: str) -> Any:
    """Optimizer for a policy: in float16 small gradients would vanish, so the loss is scaled up."""
    # Keras does so by itself only where the whole model has the policy, not layer by layer.
    if policy == "mixed_float16":
        return keras.mixed_precision.LossScaleOptimizer(optimizer)
    return optimizer


def accuracy() -> Any:
    """How many targets, one-hot or soft, are answered right."""
    # By its name alone, Keras would make it in the first step, and trace that step a second time.
    return keras.metrics.CategoricalAccuracy("accuracy")


def probabilities(model: Any, patches: np.ndarray, batch: int = 256) -> np.ndarray:
    """Answers of a model for patches, uint8 (N, S, S), as float32 (N, K)."""
    parts = [
        model.predict_on_batch(patches[i : i + batch, ..., None].astype(np.float32))
        for i in range(0, len(patches), batch)
    ]
    return np.concatenate(parts)
