"""Named recipes: a good one, those of the earlier work as far as they are told, a last phase."""

from typing import Any

from .recipe import NETWORK

_PLAIN = {"light": 0.0, "votes": 0.0, "balance": 0.0, "weight_decay": 0.0, "patience": 0}
# What a preset sets; all else is as in `TrainRecipe`, whose defaults are "best".
PRESETS: dict[str, dict[str, Any]] = {
    "best": {},
    # Balanced there by SMOTE on pixels, which draws ghosts; here rare emotions are shown again.
    "hufs": _PLAIN
    | {"backbone": "vgg_hufs", "batch": 8, "rate": 1e-4, "balance": 1.0, "balance_by": "sampler"}
    | {"schedule": "plateau", "lower": 0.5, "lower_after": 3, "patience": 5, "epochs": 100}
    | {"rotate": 30.0, "shear": 0.2, "shift": 0.2, "zoom": 0.1},
    # At a rate that stays: a plateau as long as the training lowers nothing.
    "resnet50": _PLAIN
    | {"backbone": "resnet50", "batch": 16, "rate": 5e-4, "epochs": 50}
    | {"schedule": "plateau", "lower_after": 50}
    | {"rotate": 40.0, "shear": 0.2, "shift": 0.07, "zoom": 0.2, "noise": 5.0},
    # A weighted sampler and a weighted loss at once, as there.
    "vgg19": {"backbone": "vgg19", "balance": 1.0, "balance_by": "both", "votes": 0.0},
}
# Only for a transfer. A network is trained once more on its own faces, hardly augmented and nearer
# to the labels, as the last epochs of Ge et al., "YOLOX: Exceeding YOLO Series in 2021".
FINISH: dict[str, dict[str, Any]] = {
    "finish": {"epochs": 6, "rate": 6e-4, "warmup": 0, "patience": 0, "average": 0.998}
    | {"votes": 0.3, "balance": 0.1}
    | {"rotate": 2.0, "shift": 0.05, "zoom": 0.02, "light": 0.05},
}
# What the work did otherwise when it carried a network over to Korean faces.
TRANSFER: dict[str, dict[str, Any]] = {
    "hufs": {"lower": 0.1, "lower_after": 5, "patience": 10},
}


def preset(name: str, *, transfer: bool = False) -> dict[str, Any]:
    """Choices of a preset; for a transfer without those of the network, which is the bundle's."""
    chosen = (PRESETS | FINISH)[name]
    if transfer:
        chosen = {key: value for key, value in chosen.items() if key not in NETWORK}
        chosen |= TRANSFER.get(name, {})
    return chosen
