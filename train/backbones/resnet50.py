"""ResNet50 as the Korean work has it: flattened into a dense layer of 512."""

from typing import Any

from edgefer.keras import keras

from .parts import answered, convolved, faces_of

BLOCKS = (3, 4, 6, 3)


def resnet50(classes: int, size: int, *, width: int = 64, dropout: float = 0.0) -> Any:
    """Bottleneck blocks of He et al., "Deep Residual Learning for Image Recognition", 2016.

    A 7x7 convolution and max pooling, then 3, 4, 6 and 3 blocks of 1x1, 3x3 and 1x1 convolutions;
    the stride is in the first of them. The last feature maps are flattened into a dense layer of
    512.

    | patch, labels | parameters | MMAC | int8 file | score |
    | --- | ---: | ---: | ---: | --- |
    | 96, 5 | 32,995,141 | 703 | 33.6 MB | .88 |

    The score is what the work reports for Korean faces, with augmented copies in several splits; it
    was not measured here.

    Parameters
    ----------
    classes : int
        Number of labels.
    size : int
        Side of the patch, in pixels; 96 in the work, at least 33.
    width : int
        Filters of the first convolution.
    dropout : float
        Share of the 512 features dropped before the last layer.

    Returns
    -------
    keras.Model
        Takes float32 (N, S, S, 1), 0..255; gives probabilities, float32 (N, K).
    """
    layers = keras.layers
    faces, x = faces_of(size, 33, "resnet50")
    # Padded on all sides alike, as Keras's own: ImageNet weights fit to the pixel.
    x = layers.ZeroPadding2D(3, name="stage1_1_pad")(x)
    x = convolved(x, width, "stage1_1", kernel=7, stride=2, padding="valid")
    x = layers.ZeroPadding2D(1, name="stage1_pool_pad")(x)
    x = layers.MaxPooling2D(3, 2, name="stage1_pool")(x)
    for stage, count in enumerate(BLOCKS, 2):
        for block in range(1, count + 1):
            stride = 2 if block == 1 and stage > 2 else 1
            x = _bottleneck(x, width * 2 ** (stage - 2), stride, f"stage{stage}_{block}")
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(512, activation="relu", name="dense")(x)
    x = layers.Dropout(dropout, name="drop")(x)
    return keras.Model(faces, answered(x, classes), name="resnet50")


def _bottleneck(x: Any, filters: int, stride: int, name: str) -> Any:
    shortcut = x
    if name.endswith("_1"):
        shortcut = convolved(x, 4 * filters, f"{name}_0", kernel=1, stride=stride, relu=False)
    x = convolved(x, filters, f"{name}_1", kernel=1, stride=stride)
    x = convolved(x, filters, f"{name}_2")
    x = convolved(x, 4 * filters, f"{name}_3", kernel=1, relu=False)
    x = keras.layers.Add(name=f"{name}_add")([shortcut, x])
    return keras.layers.ReLU(name=f"{name}_relu")(x)
