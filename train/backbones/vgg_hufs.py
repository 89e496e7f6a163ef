"""The VGGNet of the HUFS work, as it was, and with a head that fits a device."""

from typing import Any

from edgefer.keras import keras

from .parts import answered, faces_of, normalized

STAGES = 4


def vgg_hufs(classes: int, size: int, *, width: int = 64, dropout: float = 0.1) -> Any:
    """Four blocks of two convolutions, flattened into dense layers of 1024 and 256.

    Conv(3x3, ReLU, he_normal) -> BatchNormalization, in this order; the first convolution without
    padding; max pooling and dropout behind each block. 88.6 M of its parameters are in the first
    dense layer.

    | patch, labels | parameters | MMAC | int8 file | score |
    | --- | ---: | ---: | ---: | --- |
    | 224, 5 | 93,561,285 | 9,915 | 93.6 MB | .933 |

    The score is what the work reports for Korean faces, with people in several splits; it was not
    measured here.

    Parameters
    ----------
    classes : int
        Number of labels.
    size : int
        Side of the patch, in pixels; 224 in the work, at least 36.
    width : int
        Filters of the first block; each later one has twice as many.
    dropout : float
        Behind each block and the first dense layer.

    Returns
    -------
    keras.Model
        Takes float32 (N, S, S, 1), 0..255; gives probabilities, float32 (N, K).
    """
    layers = keras.layers
    faces, x = _blocks(size, width, dropout)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(1024, activation="relu", name="dense1")(x)
    x = layers.Dropout(dropout, name="drop")(x)
    x = layers.Dense(256, activation="relu", name="dense2")(x)
    return keras.Model(faces, answered(x, classes), name="vgg_hufs")


def vgg_hufs_gap(classes: int, size: int, *, width: int = 64, dropout: float = 0.1) -> Any:
    """The same blocks, averaged over the picture in place of the dense layers.

    | patch, labels | parameters | MMAC | int8 file | score |
    | --- | ---: | ---: | ---: | --- |
    | 224, 5 | 4,694,469 | 9,827 | 4.7 MB | not measured |
    | 48, 7 | 4,695,495 | 392 | 4.7 MB | not measured |

    Parameters and return value are those of `vgg_hufs`.
    """
    faces, x = _blocks(size, width, dropout)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(faces, answered(x, classes), name="vgg_hufs_gap")


def _blocks(size: int, width: int, dropout: float) -> tuple[Any, Any]:
    layers = keras.layers
    faces, x = faces_of(size, 36, "vgg_hufs")
    for stage in range(1, STAGES + 1):
        for conv in (1, 2):
            name = f"stage{stage}_{conv}"
            x = layers.Conv2D(
                width * 2 ** (stage - 1),
                3,
                padding="valid" if (stage, conv) == (1, 1) else "same",
                activation="relu",
                kernel_initializer="he_normal",
                name=f"{name}_conv",
            )(x)
            x = normalized(x, name)
        x = layers.MaxPooling2D(name=f"stage{stage}_pool")(x)
        x = layers.Dropout(dropout, name=f"stage{stage}_drop")(x)
    return faces, x
