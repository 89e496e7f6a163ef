"""Build a head from a person and action units: every unit moves the geometry or folds the skin.

Lengths are pupil distances, motions those at full intensity (5). They were set by eye on contact
sheets, so that each unit moves what FACS says it moves and an expression reads as what it is.
"""

from collections.abc import Mapping

import numpy as np

from .canvas import Canvas, Shot
from .people import Person
from .units import ACTION_UNITS

_T = np.linspace(-1, 1, 15)  # along a feature, from one end to the other
_DOME = np.sqrt(1 - _T**2)
_COS, _SIN = np.cos(np.linspace(np.pi, 0, 21)), np.sin(np.linspace(np.pi, 0, 21)).clip(0)


def draw_head(
    person: Person, aus: Mapping[str, float], shot: Shot, side: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a lit head, upright, and where it hides the background.

    Returns
    -------
    image : ndarray of float32, shape (side, side)
        Grey values before the camera's gain, blur and noise.
    alpha : ndarray of uint8, shape (side, side)
        255 where the head is.
    """
    canvas = Canvas(side, shot)
    au = {unit: aus.get(unit, 0.0) / 5 for unit in ACTION_UNITS}
    _shape(canvas, person, au)
    for right in (-1, 1):
        half = {unit: value * (1 + right * person.lopsided) for unit, value in au.items()}
        _cheek(canvas, person, half, right)
        _eye(canvas, person, half, right)
        _brow(canvas, person, half, right)
    _forehead(canvas, person, au)
    _nose(canvas, person, au)
    _mouth(canvas, person, au)
    return canvas.lit(person.relief), canvas.alpha


def _shape(canvas: Canvas, person: Person, au: Mapping[str, float]) -> None:
    """Hair behind, neck, ears, face, beard, hair in front."""
    wide, chin = person.cheekbones, person.chin + 0.24 * au["AU26"] - 0.03 * au["AU17"]
    canvas.body(_oval(0, -0.2, wide * 1.16, 1.62, 2.3), person.hair)
    if person.hair_length > 0.2:
        canvas.body(_box(wide * 1.13, -0.2, wide * 1.05, person.hair_length), person.hair * 0.9)
    canvas.body(_box(0.58, 1.0, 0.66, 2.2), person.skin * 0.72)
    for right in (-1, 1):
        canvas.body(_oval(right * wide, 0.22, 0.1, 0.3), person.skin * 0.85)
    crown, jaw = _arc(0, 0.25, wide, -1.9, 2.1), _arc(0, 0.25, wide, chin - 0.25, person.jaw)
    canvas.body(np.concatenate([crown, jaw[::-1]]), person.skin)
    if person.beard:
        edge = person.nose + 0.16 + 0.32 * np.sin(np.pi * np.abs(_T) ** 0.8) - 0.4 * _T**4
        beard = np.concatenate([jaw, _curve(0.97 * wide * _T, edge)[::-1]])
        canvas.fill(beard, person.skin * (1 - 0.55 * person.beard))
    line = person.hairline + person.fringe + (0.35 - person.fringe) * np.abs(_T) ** 3 + 0.3 * _T**8
    line += person.parting * _T
    canvas.fill(np.concatenate([crown * (1.02, 1.03), _curve(wide * _T, line)[::-1]]), person.hair)
    for t in np.linspace(-0.9, 0.9, 13):  # strands, from the crown to the hairline
        root, end = (0.7 * wide * t, 0.6 * t * t - 1.6), (wide * t, np.interp(t, _T, line) - 0.04)
        canvas.line(np.array([root, end]), 0.03, person.hair * 1.3 + 5)
    canvas.soften(0.05)
    canvas.bump(0, chin - 0.24, 0.24, 0.15, 0.09)


def _cheek(canvas: Canvas, person: Person, au: Mapping[str, float], right: int) -> None:
    mirror = np.array([right, 1])
    lift = 0.6 * au["AU06"] + 0.5 * au["AU12"]
    canvas.bump(right * 0.64, 0.56 - 0.12 * lift, 0.28, 0.24 - 0.05 * lift, 0.09 + 0.09 * lift)
    # The fold from the nose's wing around the corner of the mouth.
    deep = 0.12 + 0.7 * au["AU12"] + 0.6 * au["AU10"] + 0.5 * au["AU09"] + 0.25 * au["AU06"]
    start = np.array([person.nose_width + 0.04, person.nose - 0.05])
    end = np.array([0.52 + 0.14 * au["AU12"] + 0.1 * au["AU20"], person.mouth - 0.02])
    bend = np.array([0.2 + 0.12 * au["AU12"], -0.12])
    t = (_T[:, None] + 1) / 2
    path = (1 - t) * start + t * end + t * (1 - t) * bend
    canvas.fold(mirror * path, person.creases * deep)
    # Crow's feet.
    for slope in (-0.3, 0.05, 0.4):
        x = np.array([0.82, 0.98])
        y = 0.02 + slope * (x - 0.8)
        canvas.fold(_curve(right * x, y), person.creases * 0.8 * au["AU06"], 0.03)


def _eye(canvas: Canvas, person: Person, au: Mapping[str, float], right: int) -> None:
    mirror = np.array([right, 1])
    tall, closed = person.eye_height, 0.95 * min(1.0, au["AU45"])
    above = tall * (1 + 0.75 * au["AU05"] - 0.2 * au["AU07"] - 0.15 * au["AU06"]) * (1 - closed)
    below = tall * (0.8 - 0.48 * au["AU07"] - 0.44 * au["AU06"]) * (1 - 0.7 * closed)
    x = 0.5 + _T * person.eye_width
    axis = -person.eye_tilt * _T - 0.2 * tall + 0.8 * tall * closed * _DOME
    upper, lower = axis - above * _DOME, axis + below * _DOME
    canvas.bump(right * 0.5, -0.06, 0.27, 0.16, -0.15)
    canvas.bump(right * 0.52, 0.02, 0.15, 0.09, 0.05)
    canvas.fill(mirror * _between(x, upper, lower), min(235, 60 + person.skin * 0.85))
    for radius, tone in ((0.115, person.eyes), (0.055, 12)):  # iris and pupil, cut off by the lids
        across, down = _oval(0.5, -0.25 * tall, radius, radius).T
        down = down.clip(np.interp(across, x, upper), np.interp(across, x, lower))
        canvas.fill(mirror * _curve(across, down), tone)
    canvas.line(mirror * _curve(x, upper), 0.045, 30)
    canvas.line(mirror * _curve(x, lower)[3:], 0.02, person.skin * 0.55)
    fold = _curve(x, upper - 0.06 - 0.03 * (1 - au["AU05"]))
    canvas.fold(mirror * fold[2:], person.lid_fold * (0.7 - 0.4 * au["AU05"]), 0.03)
    pouch = _curve(0.5 + _T * 0.22, 0.2 + 0.06 * _DOME - 0.06 * au["AU06"] - 0.03 * au["AU07"])
    deep = 0.12 + 0.45 * au["AU06"] + 0.35 * au["AU07"]
    canvas.fold(mirror * pouch, person.creases * deep, 0.03)
    if person.glasses:
        canvas.line(mirror * _oval(0.53, 0.04, 0.38, 0.29, 3.0), 0.04, person.glasses, closed=True)
        canvas.line(np.array([[right * 0.15, 0.0], [0.0, -0.03]]), 0.04, person.glasses)


def _brow(canvas: Canvas, person: Person, au: Mapping[str, float], right: int) -> None:
    mirror = np.array([right, 1])
    t = (_T + 1) / 2  # 0 at the nose, 1 at the temple
    x = 0.2 + 0.62 * t - 0.07 * au["AU04"] * (1 - t)
    rise = 0.2 * au["AU01"] * (1 - t) ** 1.5 + 0.2 * au["AU02"] * t**0.8 + 0.02 * au["AU05"]
    drop = (0.17 * au["AU04"] + 0.07 * au["AU09"]) * (1 - t) ** 1.2
    drop += 0.05 * au["AU04"] + 0.02 * au["AU06"] * t
    y = person.brow - person.brow_arch * np.sin(np.pi * t**1.3) + 0.03 * t - rise + drop
    thick = person.brow_thickness * np.sqrt((1.15 - t).clip(0, 1)) * (0.6 + (2 * t).clip(0, 0.4))
    tone = 0.62 * person.hair + 0.25 * person.skin
    canvas.fill(mirror * _between(x, y - thick / 2, y + thick / 2), tone)
    canvas.bump(right * 0.5, float(y.mean()) + 0.03, 0.3, 0.09, 0.06)


def _forehead(canvas: Canvas, person: Person, au: Mapping[str, float]) -> None:
    raised = person.creases * (0.4 * au["AU01"] + 0.45 * au["AU02"])
    for level in (0.2, 0.33, 0.46):
        y = person.brow - level + 0.04 * np.cos(np.pi * _T) * (1 if au["AU02"] > au["AU04"] else -1)
        canvas.fold(_curve(0.6 * _T, y), raised, 0.035)
    furrow = person.creases * (0.95 * au["AU04"] + 0.3 * au["AU09"])
    for right in (-1, 1):
        ends = [[right * 0.09, person.brow - 0.1], [right * 0.075, person.brow + 0.16]]
        canvas.fold(np.array(ends), furrow)
    canvas.bump(0, person.brow + 0.05, 0.1, 0.08, 0.06 * au["AU04"])


def _nose(canvas: Canvas, person: Person, au: Mapping[str, float]) -> None:
    tip = person.nose - 0.04 * au["AU09"]
    wide = person.nose_width * (1 + 0.15 * au["AU09"] + 0.06 * au["AU12"])
    canvas.bump(0, tip * 0.35, 0.10, 0.26, 0.14 * person.bridge)
    canvas.bump(0, tip * 0.9, 0.13, 0.12, 0.15)
    for right in (-1, 1):
        canvas.bump(right * wide * 0.85, tip + 0.03 - 0.05 * au["AU09"], 0.06, 0.06, 0.06)
        nostril = _oval(right * wide * 0.5, tip + 0.1 - 0.03 * au["AU09"], wide * 0.28, 0.032)
        canvas.fill(nostril, person.skin * 0.35)
        for level in (0.0, 0.1, 0.2):
            wrinkle = np.array([[right * 0.05, 0.05 + level], [right * 0.2, 0.0 + level]])
            canvas.fold(wrinkle, person.creases * au["AU09"], 0.035)


def _mouth(canvas: Canvas, person: Person, au: Mapping[str, float]) -> None:
    wide = person.mouth_width + 0.16 * au["AU12"] + 0.03 * au["AU14"] + 0.13 * au["AU20"]
    wide -= 0.07 * au["AU23"] + 0.05 * au["AU26"]
    corner = person.mouth_bend + 0.17 * au["AU15"] + 0.07 * au["AU17"] + 0.03 * au["AU20"]
    corner -= 0.2 * au["AU12"]
    center = person.mouth - 0.05 * au["AU17"] - 0.02 * au["AU10"] + 0.02 * au["AU12"]
    gap = 0.13 * au["AU25"] + 0.42 * au["AU26"] + 0.06 * au["AU10"]
    lip = person.lips * (1 - 0.6 * au["AU23"] - 0.2 * au["AU12"] - 0.15 * au["AU20"])

    x = _T * wide
    line = center + corner * np.abs(_T) ** 1.8
    upper, lower = line - 0.25 * gap * _DOME, line + 0.75 * gap * _DOME
    bow = 1 - 0.25 * np.exp(-((_T / 0.18) ** 2))
    top = upper - lip * 0.85 * bow * _DOME - 0.08 * au["AU10"] * _DOME
    bottom = lower + lip * (1.1 + 0.3 * au["AU17"]) * _DOME
    canvas.fill(_between(x, top, bottom), person.skin * 0.70)
    canvas.fill(_between(x, upper, lower), 28)
    if gap > 0:
        teeth = min(0.11, gap) * min(1.0, 0.6 + 0.8 * au["AU12"] + 0.4 * (au["AU10"] + au["AU20"]))
        edge = np.minimum(upper + teeth * _DOME, lower)
        canvas.fill(_between(0.85 * x, upper, edge), 100 + 0.5 * person.skin)
    canvas.line(_curve(x, upper), 0.035, person.skin * 0.3)

    canvas.bump(0, float(top.min()) + 0.03, 0.3, 0.1, 0.05)
    canvas.bump(0, float(bottom.max()) - 0.05, 0.2, 0.06, 0.04 + 0.03 * au["AU17"])
    chin = float(bottom.max()) + 0.12 + 0.07 * _T**2
    canvas.fold(_curve(0.25 * _T, chin), person.creases * (0.2 + 0.8 * au["AU17"]))
    dimple = person.creases * (0.15 + 0.85 * au["AU14"] + 0.4 * au["AU12"])
    hang = person.creases * 0.8 * au["AU15"]
    end, level = wide, center + corner
    for right in (-1, 1):
        side = np.array([[end + 0.03, level - 0.05], [end + 0.05, level + 0.06]])
        below = np.array([[end + 0.02, level], [end + 0.06, level + 0.2]])
        canvas.fold(side * (right, 1), dimple)
        canvas.fold(below * (right, 1), hang)


def _curve(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.array([x, y]).T


def _between(x: np.ndarray, upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """Outline of the area between two curves over the same x."""
    return _curve(np.concatenate([x, x[::-1]]), np.concatenate([upper, lower[::-1]]))


def _oval(x: float, y: float, wide: float, tall: float, square: float = 2.0) -> np.ndarray:
    return np.concatenate([_arc(x, y, wide, -tall, square), _arc(x, y, wide, tall, square)[::-1]])


def _arc(x: float, y: float, wide: float, tall: float, square: float) -> np.ndarray:
    """Half of a superellipse, from left to right; `tall` is negative for the upper half."""
    across = np.sign(_COS) * np.abs(_COS) ** (2 / square)
    return _curve(x + wide * across, y + tall * _SIN ** (2 / square))


def _box(wide: float, top: float, foot: float, bottom: float) -> np.ndarray:
    return np.array([[-wide, top], [wide, top], [foot, bottom], [-foot, bottom]])
