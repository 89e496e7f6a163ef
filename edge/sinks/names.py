"""What emotions are called where people read them."""

from functools import lru_cache

from edgefer.labels import KOREAN, canonical

from ..steady import UNSURE
from ..words import Words

# Told of a face and never a label of one, so it is not among those of `edgefer.labels`.
NAMES = KOREAN | {UNSURE: "불확실"}


@lru_cache(64)
def names(emotion: str) -> Words:
    """English and Korean name of what is told of a face; one that is not known keeps its own."""
    name = canonical(emotion)
    return Words(name, NAMES[name]) if name in NAMES else Words(emotion, emotion)
