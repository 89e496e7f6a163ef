"""Networks: one file a family, one line in the table."""

from typing import Any, Protocol


class Backbone(Protocol):
    """Builds an untrained network.

    It takes float32 (N, S, S, 1) with values 0..255 and answers probabilities, float32 (N, K).
    Every convolution is followed by BatchNormalization and then ReLU, so that all of it quantizes
    and prunes. The layers of a stage are named ``stage<number>_...``: transfer freezes by that.
    """

    def __call__(self, classes: int, size: int, *, width: int, depth: int, dropout: float) -> Any:
        """Untrained ``keras.Model`` for this many classes and this side of the patch."""


def _vgg(classes: int, size: int, *, width: int, depth: int, dropout: float) -> Any:
    from .vgg import vgg

    return vgg(classes, size, width=width, depth=depth, dropout=dropout)


BACKBONES: dict[str, Backbone] = {"vgg": _vgg}
