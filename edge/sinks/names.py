"""What emotions are called where people read them."""

from functools import lru_cache
from typing import NamedTuple

from edgefer.labels import KOREAN, canonical

from ..steady import UNSURE

# Told of a face and never a label of one, so it is not among those of `edgefer.labels`.
NAMES = KOREAN | {UNSURE: "불확실"}


class Names(NamedTuple):
    """An emotion's names."""

    english: str
    korean: str


@lru_cache(64)
def names(emotion: str) -> Names:
    """English and Korean name of what is told of a face; one that is not known keeps its own."""
    name = canonical(emotion)
    return Names(name, NAMES[name]) if name in NAMES else Names(emotion, emotion)
