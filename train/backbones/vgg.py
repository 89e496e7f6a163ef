"""VGG for the edge: 3x3 convolutions in four stages and a pooled head."""

from typing import Any

from edgefer.errors import EdgeferError
from edgefer.keras import keras

from .parts import answered, convolved, faces_of

STAGES = 4


def vgg(classes: int, size: int, *, width: int = 32, depth: int = 8, dropout: float = 0.4) -> Any:
    """Four stages of 3x3 convolutions, each Conv -> BatchNormalization -> ReLU.

    Filters double from stage to stage and the picture halves between stages (max pooling). Global
    average pooling takes the place of VGG's dense layers, so a patch of any size fits, and width 32
    has 1.2 M parameters where the HUFS network has 93.6 M. Sources: Simonyan and Zisserman, "Very
    Deep Convolutional Networks for Large-Scale Image Recognition", 2015; the pooled head is that of
    Lin et al., "Network in Network", 2014.

    Patches of 48 pixels, seven labels; the score is FER2013's PublicTest in int8 (docs/models.md).

    | width, depth | parameters | MMAC | int8 file | score |
    | --- | ---: | ---: | ---: | ---: |
    | 8, 8 | 74,639 | 7 | 0.09 MB | .638 |
    | 12, 8 | 166,819 | 17 | 0.18 MB | .649 |
    | 16, 9 | 443,543 | 35 | 0.47 MB | .688 |
    | 32, 8 | 1,176,359 | 117 | 1.21 MB | .688 |
    | 32, 10 | 1,915,175 | 160 | 1.96 MB | .702 |

    Parameters
    ----------
    classes : int
        Number of labels.
    size : int
        Side of the patch, in pixels; at least 16.
    width : int
        Filters of the first stage.
    depth : int
        Convolutions in all, at least 4; the later stages get one more where it is no multiple of 4.
    dropout : float
        Share of pooled features dropped before the last layer, and a third of it between stages.

    Returns
    -------
    keras.Model
        Takes float32 (N, S, S, 1), 0..255; gives probabilities, float32 (N, K).

    Raises
    ------
    EdgeferError
        If the patch is too small, or the convolutions too few, for four stages.
    """
    if depth < STAGES:
        raise EdgeferError(f"vgg has {STAGES} stages, a depth of {depth} cannot fill them.")
    layers = keras.layers
    faces, x = faces_of(size, 16, "vgg")
    for stage in range(1, STAGES + 1):
        for conv in range(1, (depth + stage - 1) // STAGES + 1):
            x = convolved(x, width * 2 ** (stage - 1), f"stage{stage}_{conv}")
        if stage < STAGES:
            x = layers.MaxPooling2D(name=f"stage{stage}_pool")(x)
            x = layers.Dropout(dropout / 3, name=f"stage{stage}_drop")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dropout(dropout, name="drop")(x)
    return keras.Model(faces, answered(x, classes), name="vgg")
