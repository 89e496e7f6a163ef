"""VGG19: sixteen 3x3 convolutions in five stages."""

from typing import Any

from edgefer.keras import keras

from .parts import answered, convolved, faces_of

CONVOLUTIONS = (2, 2, 4, 4, 4)


def vgg19(classes: int, size: int, *, width: int = 64, dropout: float = 0.4) -> Any:
    """Configuration E of Simonyan and Zisserman (2015), normalized, with a pooled head.

    Each convolution is Conv -> BatchNormalization -> ReLU. In place of the dense layers of 4096,
    made for pictures of 224 pixels, stand global average pooling and one dense layer.

    | patch, labels | parameters | MMAC | int8 file | score |
    | --- | ---: | ---: | ---: | --- |
    | 48, 7 | 20,043,335 | 893 | 20.2 MB | .665 |

    The score is what the earlier work reports for seven emotions; it was not measured here.

    Parameters
    ----------
    classes : int
        Number of labels.
    size : int
        Side of the patch, in pixels; at least 32. The earlier work had 48.
    width : int
        Filters of the first stage: doubled from stage to stage, to eight times as many at most.
    dropout : float
        Share of pooled features dropped before the last layer.

    Returns
    -------
    keras.Model
        Takes float32 (N, S, S, 1), 0..255; gives probabilities, float32 (N, K).
    """
    faces, x = faces_of(size, 32, "vgg19")
    for stage, count in enumerate(CONVOLUTIONS, 1):
        for conv in range(1, count + 1):
            x = convolved(x, width * min(2 ** (stage - 1), 8), f"stage{stage}_{conv}")
        x = keras.layers.MaxPooling2D(name=f"stage{stage}_pool")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    x = keras.layers.Dropout(dropout, name="drop")(x)
    return keras.Model(faces, answered(x, classes), name="vgg19")
