"""Networks: one file a family, one line in the table."""

from typing import Any, Protocol


class Backbone(Protocol):
    """Builds an untrained network.

    It takes float32 (N, S, S, 1) with values 0..255 and answers probabilities, float32 (N, K); its
    last layer is the dense one that answers. A convolution is followed by BatchNormalization and
    then ReLU, so that all of it quantizes, prunes and takes quantization-aware training
    (``vgg_hufs`` keeps its own order). The layers of a stage are named ``stage<number>_...``:
    transfer freezes and thaws by that.
    """

    def __call__(self, classes: int, size: int, **choices: Any) -> Any:
        """Untrained ``keras.Model`` for this many classes and this side of the patch.

        Those of ``width``, ``depth`` and ``dropout`` that the network leaves open are keyword
        arguments; what the user leaves open is not given.
        """


BACKBONES: dict[str, Backbone | str] = {
    "vgg": "edgefer.train.backbones.vgg:vgg",
    "vgg_hufs": "edgefer.train.backbones.vgg_hufs:vgg_hufs",
    "vgg_hufs_gap": "edgefer.train.backbones.vgg_hufs:vgg_hufs_gap",
    "vgg19": "edgefer.train.backbones.vgg19:vgg19",
    "resnet50": "edgefer.train.backbones.resnet50:resnet50",
}
