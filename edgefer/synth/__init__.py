"""Draw faces that show emotions: training data, videos and tests without a single download.

A face is a `Person` of a `Population` and the intensity of its FACS action units; the emotion sets
the units. Everything comes from a NumPy generator, so the same seed gives the same faces.
"""

from .people import POPULATIONS, Person, Population, draw_person, find_population
from .scene import draw_face, face_patch
from .units import ACTION_UNITS, OPENFACE_COLUMNS, PROTOTYPES, action_units, openface_row
from .video import Appearance, Moment, stream

__all__ = [
    "ACTION_UNITS",
    "OPENFACE_COLUMNS",
    "POPULATIONS",
    "PROTOTYPES",
    "Appearance",
    "Moment",
    "Person",
    "Population",
    "action_units",
    "draw_face",
    "draw_person",
    "face_patch",
    "find_population",
    "openface_row",
    "stream",
]
