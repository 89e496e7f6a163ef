"""A study's plots, as SVG text: every draw by size, each way against another, each emotion."""

from collections.abc import Callable, Sequence
from html import escape

import numpy as np

from edgefer.report import draw

from .findings import fewer, findings
from .paired import HERE, LESS, MORE, OVERALL_MARGIN, UNCLEAR, Contrast
from .study_words import points, span, table_rows
from .trials import NOISE, Row, Study

_KINDS = {MORE: "worse", LESS: "better", HERE: "too", UNCLEAR: "too"}


def ways(study: Study) -> tuple[str, ...]:
    """Ways that are drawn, in the order of the table."""
    return tuple(dict.fromkeys(row.way for row in table_rows(study)))


def style(way: str) -> str:
    """Class of a way's marks."""
    return "way-" + way.replace(" ", "-")


def sizes(study: Study, width: int) -> str:
    """Drop after each calibration: a faint dot for a draw, a bar for their mean."""
    rows, shown = table_rows(study), ways(study)
    low, high = _limits([row.drops for row in rows if row.way != NOISE], 0.001)
    left, right, top, bottom = 46, width, 30, 330

    def y(share: float) -> float:
        return bottom - (share - low) / (high - low) * (bottom - top)

    parts = []
    for tick in draw.ticks(low, high, 8):
        kind = "zero" if abs(tick) < 1e-9 else "grid"
        parts.append(draw.line(left, y(tick), right, y(tick), kind))
        parts.append(draw.text(left - 8, y(tick) + 4, _plain(tick), "tick end"))
    parts.append(draw.text(0, 12, "drop, points: above 0 int8 is worse", "hint"))
    cluster = (right - left) / len(study.sizes)
    for i, size in enumerate(study.sizes):
        start = left + cluster * i
        if i:
            parts.append(draw.line(start, top, start, bottom, "rule"))
        parts.append(draw.text(start + cluster / 2, bottom + 20, f"{size:,} faces", "tick middle"))
        for row in (row for row in rows if row.size == size):
            step = cluster * 0.84 / len(shown)
            x = start + cluster * 0.08 + step * (shown.index(row.way) + 0.5)
            parts += _draws(row, x, step, y, (low, high))
    told = "; ".join(f"{r.way}, {r.size} faces: {points(r.drop)}" for r in rows)
    title = "Drop in points after each calibration, by way of choosing and number of faces"
    return draw.svg(width, bottom + 28, title, told, parts)


def contrasts(study: Study, width: int) -> str:
    """How much more one way loses than another: a dot with its interval around zero."""
    groups = [[each.overall for each in findings(study)], list(fewer(study))]
    each = [contrast for group in groups for contrast in group]
    ends = np.array([(c.low, c.high) for c in each if NOISE not in (c.one, c.other)])
    low, high = _limits([ends], OVERALL_MARGIN)
    left, right, top, step = (132 if width < 500 else 200), width - 54, 34, 40
    bottom = top + step * len(each)

    def x(share: float) -> float:
        return left + (min(max(share, low), high) - low) / (high - low) * (right - left)

    zone = x(OVERALL_MARGIN) - x(-OVERALL_MARGIN)
    parts = [draw.rect(x(-OVERALL_MARGIN), top - 8, zone, bottom - top + 8, "zone", rx=3)]
    for tick in draw.ticks(low, high, 5 if width < 500 else 9):
        kind = "zero" if abs(tick) < 1e-9 else "grid"
        parts.append(draw.line(x(tick), top - 8, x(tick), bottom, kind))
        parts.append(draw.text(x(tick), bottom + 17, _plain(tick), "tick middle"))
    parts.append(draw.text(x(0) - 10, 14, "← loses less", "hint end"))
    parts.append(draw.text(x(0) + 10, 14, "loses more →", "hint"))
    for i, contrast in enumerate(each):
        y, kind = top + step * (i + 0.5), _KINDS.get(contrast.verdict, "held")
        if i == len(groups[0]):
            parts.append(draw.line(0, y - step / 2, width, y - step / 2, "rule"))
        parts.append(draw.text(0, y - 1, contrast.one, "name"))
        parts.append(draw.text(0, y + 13, f"against {contrast.other}", "korean"))
        parts += _interval(contrast, y, x, kind, (low, high))
        parts.append(draw.text(width, y + 5, _signed(contrast.difference), f"value end {kind}"))
    told = "; ".join(f"{c.one} against {c.other}: {points(c.difference)} ({span(c)})" for c in each)
    title = "Difference of drops in points, with 95 % intervals over draws and faces"
    return draw.svg(width, bottom + 24, title, told, parts)


def emotions(study: Study, width: int) -> str:
    """Drop of each emotion after each way of choosing, mean of the sizes, and its draws' range."""
    shown, names = ways(study), list(study.emotions)
    drops = {(way, name): _over_sizes(study, way, name) for way in shown for name in names}
    low, high = _limits([each for (way, _), each in drops.items() if way != NOISE], 0.005)
    each = 11
    step = each * len(shown) + 16
    left, right, top = 92, width - 8, 30
    bottom = top + step * len(names)

    def x(share: float) -> float:
        return left + (min(max(share, low), high) - low) / (high - low) * (right - left)

    parts = []
    for tick in draw.ticks(low, high, 5 if width < 500 else 9):
        kind = "zero" if abs(tick) < 1e-9 else "grid"
        parts.append(draw.line(x(tick), top - 6, x(tick), bottom, kind))
        parts.append(draw.text(x(tick), bottom + 17, _plain(tick), "tick middle"))
    parts.append(draw.text(x(0) - 10, 14, "← int8 better", "hint end"))
    parts.append(draw.text(x(0) + 10, 14, "int8 worse →", "hint"))
    korean = dict(zip(study.labels.names, study.labels.korean, strict=True))
    for i, name in enumerate(names):
        start = top + step * i
        if i:
            parts.append(draw.line(0, start, width, start, "rule"))
        middle = start + step / 2
        parts.append(draw.text(0, middle - 1, draw.elided(name, 13), "name"))
        parts.append(draw.text(0, middle + 13, korean[name], "korean"))
        for k, way in enumerate(shown):
            found = drops[way, name]
            parts += _range(found, x, start + 8 + each * (k + 0.5), style(way), f"{name}, {way}")
    told = "; ".join(f"{n}, {w}: {points(float(found.mean()))}" for (w, n), found in drops.items())
    title = "Drop of each emotion in points, by way of choosing"
    return draw.svg(width, bottom + 24, title, told, parts)


def _over_sizes(study: Study, way: str, emotion: str) -> np.ndarray:
    """Drop of each draw, mean of the sizes, shape (R,)."""
    return np.mean([r.emotions[emotion] for r in study.rows() if r.way == way], axis=0)


def _draws(
    row: Row, x: float, step: float, y: Callable[[float], float], limits: tuple[float, float]
) -> list[str]:
    """A row's draws side by side, and their mean."""
    kind, (low, high) = style(row.way), limits
    parts = []
    for i, share in enumerate(row.drops.tolist()):
        at = x + step * 0.5 * ((i + 0.5) / len(row.drops) - 0.5)
        if low <= share <= high:
            parts.append(_dot(at, y(share), 2.6, f"draw {kind}", f"{row.way}: {points(share)}"))
    if not low <= row.drop <= high:
        sign, edge = ("↑", high) if row.drop > high else ("↓", low)
        text = f"{sign} {_signed(row.drop)}"
        return [*parts, draw.text(x, y(edge) + (12 if sign == "↑" else -4), text, f"far {kind}")]
    half = step * 0.34
    parts.append(draw.line(x - half, y(row.drop), x + half, y(row.drop), f"mean-bar {kind}"))
    return parts


def _interval(
    contrast: Contrast,
    y: float,
    x: Callable[[float], float],
    kind: str,
    limits: tuple[float, float],
) -> list[str]:
    low, high = contrast.low, contrast.high
    told = f"{contrast.one} against {contrast.other}: {points(contrast.difference)}"
    parts = [draw.line(x(low), y, x(high), y, f"span {kind}")]
    ends = [end for end in (low, high) if limits[0] <= end <= limits[1]]
    parts += [draw.line(x(end), y - 5, x(end), y + 5, f"cap {kind}") for end in ends]
    return [*parts, _dot(x(contrast.difference), y, 6, f"dot {kind}", f"{told}, {span(contrast)}")]


def _range(
    drops: np.ndarray, x: Callable[[float], float], y: float, kind: str, name: str
) -> list[str]:
    low, high, mean = float(drops.min()), float(drops.max()), float(drops.mean())
    told = f"{name}: {points(mean)}, draws {points(low)} to {points(high)}"
    return [
        draw.line(x(low), y, x(high), y, f"reach {kind}"),
        _dot(x(mean), y, 4, f"mark {kind}", told),
    ]


def _limits(found: Sequence[np.ndarray], least: float) -> tuple[float, float]:
    """Lowest and highest share to show: all of these, and more than the least."""
    low = min(-least, *(float(each.min()) for each in found))
    high = max(least, *(float(each.max()) for each in found))
    room = (high - low) * 0.06
    return low - room, high + room


def _dot(x: float, y: float, radius: float, kind: str, told: str) -> str:
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" class="{kind}">'
        f"<title>{escape(told)}</title></circle>"
    )


def _plain(share: float) -> str:
    """A tick in points, with as many digits as it has."""
    return f"{round(100 * share, 6):+g}".replace("-", "−") if abs(share) > 1e-9 else "0"


def _signed(share: float) -> str:
    return points(share).replace("-", "−")
