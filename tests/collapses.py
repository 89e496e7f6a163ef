"""Networks that answer in float as before, and in int8 no more."""

from typing import Any

import numpy as np

from edgefer.keras import keras
from edgefer.train.backbones.parts import answered, convolved, faces_of


def residual(classes: int, size: int) -> Any:
    """A ResNet of two blocks: one with a convolution on its way past, one without."""
    faces, x = faces_of(size, 16, "residual")
    x = convolved(x, 8, "stage1_1")
    for block, filters in (("stage2_1", 16), ("stage2_2", 16)):
        past = x
        if x.shape[-1] != filters:
            past = convolved(x, filters, f"{block}_0", kernel=1, relu=False)
        x = convolved(x, filters, f"{block}_1")
        x = convolved(x, filters, f"{block}_2", relu=False)
        x = keras.layers.Add(name=f"{block}_add")([past, x])
        x = keras.layers.ReLU(name=f"{block}_relu")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(faces, answered(x, classes), name="residual")


def collapsed(model: Any, norm: str, readers: tuple[str, ...], factor: float = 1000.0) -> Any:
    """Channel 1 so many times too large, and the weights that read it as much too small."""
    broken = model.__class__.from_config(model.get_config())
    broken.set_weights(model.get_weights())
    layer = broken.get_layer(norm)
    factors = np.where(np.arange(layer.gamma.shape[0]) == 1, factor, 1.0)
    layer.gamma.assign(layer.gamma * factors)
    layer.beta.assign(layer.beta * factors)
    for name in readers:
        kernel = broken.get_layer(name).kernel
        kernel.assign(kernel / factors[:, None])
    return broken
