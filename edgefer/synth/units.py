"""Say how an emotion moves a face: FACS action units, drawn at random around a prototype.

Sources: P. Ekman and W. Friesen, *Facial Action Coding System* (1978; 2002 with J. Hager), and its
EMFACS prototypes for the six basic emotions. Embarrassed follows D. Keltner, "Signs of appeasement"
(1995): a smile under control, lips pressed, lids lowered. Anxious and hurt have no such prototype:
here anxious is a fear with the mouth stretched and not dropped, hurt a sadness with narrowed eyes
and a raised lip, near to tears. Neighbors are mistaken for each other, as they are on real photos.
"""

from collections.abc import Mapping

import numpy as np

from edgefer.errors import DataError

from .people import Population

# The units, and their order, of the CSV that OpenFace 2 writes (T. Baltrusaitis et al., 2018).
ACTION_UNITS = tuple(
    f"AU{n:02d}" for n in (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45)
)

# emotion -> unit -> (usual intensity on OpenFace's scale of 0 to 5, how often the unit takes part)
# fmt: off
PROTOTYPES: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "angry": {
        "AU04": (3.8, 1.0), "AU05": (2.4, 0.6), "AU07": (3.2, 0.9), "AU10": (1.8, 0.25),
        "AU17": (2.0, 0.4), "AU23": (3.4, 0.9), "AU25": (1.8, 0.25),
    },
    "disgust": {
        "AU04": (1.8, 0.5), "AU07": (1.6, 0.3), "AU09": (3.8, 0.9), "AU10": (3.2, 0.7),
        "AU15": (2.2, 0.6), "AU17": (2.2, 0.6), "AU25": (1.5, 0.3),
    },
    "fear": {
        "AU01": (3.6, 1.0), "AU02": (2.4, 0.8), "AU04": (2.8, 0.9), "AU05": (3.4, 0.9),
        "AU07": (1.5, 0.4), "AU20": (3.4, 0.9), "AU25": (2.4, 0.7), "AU26": (1.8, 0.5),
    },
    "happy": {
        "AU06": (3.0, 0.85), "AU07": (1.2, 0.3), "AU10": (1.0, 0.15), "AU12": (3.8, 1.0),
        "AU14": (1.2, 0.2), "AU25": (2.8, 0.65), "AU26": (1.8, 0.25),
    },
    "sad": {
        "AU01": (3.4, 0.95), "AU04": (2.6, 0.85), "AU07": (1.0, 0.2), "AU15": (3.2, 0.95),
        "AU17": (2.6, 0.6), "AU45": (1.8, 0.3),
    },
    "surprise": {
        "AU01": (3.6, 1.0), "AU02": (3.6, 1.0), "AU05": (3.2, 0.85), "AU25": (2.8, 0.9),
        "AU26": (3.8, 0.9),
    },
    "neutral": {},
    "embarrassed": {
        "AU01": (1.8, 0.4), "AU02": (2.0, 0.4), "AU06": (1.0, 0.3), "AU12": (2.2, 0.95),
        "AU14": (3.4, 0.9), "AU17": (2.0, 0.5), "AU23": (3.0, 0.75), "AU45": (3.0, 0.75),
    },
    "anxious": {
        "AU01": (3.2, 0.95), "AU02": (2.4, 0.7), "AU04": (2.4, 0.7), "AU05": (2.8, 0.7),
        "AU14": (1.5, 0.3), "AU20": (3.4, 0.95), "AU23": (1.5, 0.3), "AU25": (2.0, 0.5),
    },
    "hurt": {
        "AU01": (2.4, 0.7), "AU04": (3.2, 0.9), "AU06": (2.0, 0.6), "AU07": (3.0, 0.85),
        "AU10": (2.8, 0.8), "AU15": (1.6, 0.4), "AU17": (2.4, 0.6), "AU25": (2.0, 0.5),
        "AU45": (2.0, 0.5),
    },
}
# fmt: on

# AU28 (lips sucked in) has a presence and no intensity; names keep OpenFace's leading spaces.
_PRESENT = tuple(sorted((*ACTION_UNITS, "AU28")))
OPENFACE_COLUMNS = (
    "face",
    " confidence",
    *(f" {unit}_r" for unit in ACTION_UNITS),
    *(f" {unit}_c" for unit in _PRESENT),
)


def action_units(
    rng: np.random.Generator, population: Population, emotion: str
) -> dict[str, float]:
    """Draw what one face does when it shows an emotion.

    The prototype shows as strongly as chance and the population will have it, weakly now and then;
    each of its units varies, and a few that have nothing to do with it join in, so classes overlap.

    Parameters
    ----------
    rng : numpy.random.Generator
    population : Population
        Says how strongly emotions show, and which there are.
    emotion : str
        One of ``population.labels.names``.

    Returns
    -------
    dict of str to float
        Every unit of `ACTION_UNITS`, in order, intensity 0 to 5.

    Raises
    ------
    DataError
        If the population has no such emotion.
    """
    if emotion not in population.labels.names:
        raise DataError(
            f"The population {population.name!r} does not show {emotion!r}. "
            f"Choose one of: {', '.join(population.labels.names)}."
        )
    count = len(ACTION_UNITS)
    usual, often = np.array([PROTOTYPES[emotion].get(unit, (0.0, 0.0)) for unit in ACTION_UNITS]).T
    strength = population.strength * (0.4 + 0.8 * rng.beta(2.4, 1.5))
    shown = (rng.random(count) < often) * usual * strength * rng.lognormal(0.0, 0.25, count)
    stray = (rng.random(count) < 0.18) * rng.exponential(0.7, count)
    return dict(zip(ACTION_UNITS, np.clip(shown + stray, 0.0, 5.0).tolist(), strict=True))


def openface_row(
    aus: Mapping[str, float], *, face: int = 0, confidence: float = 0.98
) -> dict[str, str]:
    """One face as OpenFace's ``FaceLandmarkImg`` would write it, keyed by `OPENFACE_COLUMNS`.

    Parameters
    ----------
    aus : mapping of str to float
        Intensities 0 to 5; a unit left out is 0.
    face : int
        Number of the face in its picture.
    confidence : float
        Of the landmarks, 0 to 1.

    Returns
    -------
    dict of str to str
        Intensities (``_r``) with two decimals; presence (``_c``) is 1 from intensity 1 on.
    """
    intensity = {f" {unit}_r": f"{aus.get(unit, 0.0):.2f}" for unit in ACTION_UNITS}
    presence = {f" {unit}_c": f"{float(aus.get(unit, 0.0) >= 1):.2f}" for unit in _PRESENT}
    return {"face": str(face), " confidence": f"{confidence:.2f}", **intensity, **presence}
