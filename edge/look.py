"""How sinks that show pictures show them."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Look:
    """How pictures with readings look.

    Attributes
    ----------
    lang : str
        Language of what is written: ``en`` or ``ko``.
    font : Path or None
        A font with Hangul; None looks for one on the system.
    blur : bool
        Whether faces are made unreadable before a picture is shown, written or sent.
    """

    lang: str = "en"
    font: Path | None = None
    blur: bool = False
