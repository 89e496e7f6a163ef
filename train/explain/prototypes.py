"""What the Facial Action Coding System expects of an emotion, and whether it was found.

Sources: P. Ekman and W. Friesen, *Facial Action Coding System* (1978; 2002 with J. Hager) and
EMFACS-7 (1983), the prototypes of the basic emotions; D. Keltner, "Signs of appeasement" (1995),
for embarrassment. Anxious and hurt have no prototype there and are not checked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# Those of a prototype's units that OpenFace measures: it has no AU16, no AU24 and no gaze.
PROTOTYPES: Mapping[str, tuple[str, ...]] = {
    "angry": ("AU04", "AU05", "AU07", "AU23"),
    "disgust": ("AU09", "AU10", "AU15", "AU17"),
    "embarrassed": ("AU12", "AU14", "AU23"),
    "fear": ("AU01", "AU02", "AU04", "AU05", "AU20", "AU26"),
    "happy": ("AU06", "AU12"),
    "sad": ("AU01", "AU04", "AU15", "AU17"),
    "surprise": ("AU01", "AU02", "AU05", "AU26"),
}


@dataclass(frozen=True)
class Check:
    """An emotion's prototype against what was found.

    Attributes
    ----------
    found : tuple of str
        Units of the prototype that speak for the emotion.
    contrary : tuple of str
        Those that speak against it.
    open : tuple of str
        Those whose interval reaches across 0.
    """

    found: tuple[str, ...]
    contrary: tuple[str, ...]
    open: tuple[str, ...]

    def __str__(self) -> str:
        expected = len(self.found) + len(self.contrary) + len(self.open)
        text = f"{len(self.found)} of {expected}"
        return f"{text}, against: {' '.join(self.contrary)}" if self.contrary else text


def check_prototype(
    emotion: str, measured: Sequence[str], speak_for: Sequence[str], against: Sequence[str]
) -> Check | None:
    """Compare; None where the emotion has no prototype, or none of its units was measured."""
    expected = [unit for unit in PROTOTYPES.get(emotion, ()) if unit in measured]
    if not expected:
        return None
    found = tuple(unit for unit in expected if unit in speak_for)
    contrary = tuple(unit for unit in expected if unit in against)
    return Check(found, contrary, tuple(u for u in expected if u not in (*found, *contrary)))
