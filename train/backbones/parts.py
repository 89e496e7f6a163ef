"""What every network here is built of."""

from typing import Any

from edgefer.errors import EdgeferError
from edgefer.keras import keras


def faces_of(size: int, least: int, name: str) -> tuple[Any, Any]:
    """A network's input, float32 (N, S, S, 1) in 0..255, and the same in 0..1.

    Raises
    ------
    EdgeferError
        If the patches are smaller than the network can take.
    """
    if size < least:
        raise EdgeferError(f"{name} takes patches of {least} pixels or more, these have {size}.")
    faces = keras.Input((size, size, 1), name="faces")
    return faces, keras.layers.Rescaling(1 / 255, name="rescale")(faces)


def convolved(
    x: Any,
    filters: int,
    name: str,
    *,
    kernel: int = 3,
    stride: int = 1,
    padding: str = "same",
    relu: bool = True,
) -> Any:
    """Conv -> BatchNormalization -> ReLU, without a bias, which the normalization would undo."""
    layers = keras.layers
    x = layers.Conv2D(
        filters,
        kernel,
        stride,
        padding=padding,
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    x = normalized(x, name)
    return layers.ReLU(name=f"{name}_relu")(x) if relu else x


def normalized(x: Any, name: str) -> Any:
    """BatchNormalization that forgets its start within a small set's steps.

    Keras's momentum of .99 takes a thousand steps for that.
    """
    return keras.layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)


def answered(x: Any, classes: int) -> Any:
    """Probabilities from features, in float32 whatever the policy."""
    return keras.layers.Dense(classes, activation="softmax", dtype="float32", name="probabilities")(
        x
    )
