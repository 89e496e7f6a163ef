"""The plots of ways to export, as SVG text: accuracy against what it costs, and each emotion."""

from collections.abc import Callable
from html import escape
from itertools import pairwise
from math import ceil
from typing import NamedTuple

from edgefer.report import Drop, draw
from edgefer.report.words import percent, points, span

from .candidate import Candidate, Candidates
from .places import NEXT, Box, place

# Pixels that a letter of a name takes, at most, and a line of text.
_LETTER, _LINE = 7.6, 15


class _Cost(NamedTuple):
    """An axis: what is measured there, in which unit, and how many of it make one."""

    name: str
    unit: str
    one: float


def pareto(found: Candidates, cost: str, width: int) -> str:
    """Accuracy against ``milliseconds`` or ``gzipped``: the front as a line, the beaten paler."""
    axis, front = _axis(found, cost), found.front(cost)
    ends = {one.name: _interval(found, one) for one in found.found}
    low, high = _limits([end for pair in ends.values() for end in pair])
    most = max(getattr(one, cost) for one in found.found) / axis.one * 1.08
    left, right, top, bottom = 46, width - 12, 30, (330 if width < 500 else 370)

    def x(one: Candidate) -> float:
        return left + getattr(one, cost) / axis.one / most * (right - left)

    def y(share: float) -> float:
        return bottom - (share - low) / (high - low) * (bottom - top)

    parts = []
    for tick, shown in _numbered([100 * tick for tick in draw.ticks(low, high, 7)]):
        parts.append(draw.line(left, y(tick / 100), right, y(tick / 100), "grid"))
        parts.append(draw.text(left - 8, y(tick / 100) + 4, shown, "tick end"))
    for tick, shown in _numbered(draw.ticks(0, most, 5 if width < 500 else 9)):
        at = left + tick / most * (right - left)
        parts.append(draw.line(at, top, at, bottom, "grid"))
        parts.append(draw.text(at, bottom + 18, shown, "tick middle"))
    parts.append(draw.text(0, 12, "right, % of the faces", "hint"))
    parts.append(draw.text(right, bottom + 37, f"{axis.name}, {axis.unit} →", "hint end"))
    best = sorted((x(one), y(one.accuracy)) for one in found.found if one.name in front)
    parts += _stairs(best, right, bottom)
    dots = [(x(one), y(one.accuracy)) for one in found.found]
    bars = [
        Box(x(one) - 4, y(ends[one.name][1]), x(one) + 4, y(ends[one.name][0]))
        for one in found.found
    ]
    told = {
        one.name: f"{one.name}: {getattr(one, cost) / axis.one:.2f} {axis.unit}, "
        f"{percent(one.accuracy)} % right"
        for one in found.found
    }
    labels = place(
        dots,
        [(_LETTER * len(one.name) + 4, _LINE) for one in found.found],
        Box(left + 2, top, right + 8, bottom - 2),
        radii=[11 if one is found.pick else 7 for one in found.found],
        avoid=[*bars, *_steps(best, right)],
    )
    strong = {*front, found.pick.name}
    marks = []
    # The beaten lie below the others, bars below dots.
    for one, dot, bar, label in sorted(
        zip(found.found, dots, bars, labels, strict=True), key=lambda each: each[0].name in strong
    ):
        kind = kind_of(found, one) + ("" if one.name in strong else " beaten")
        parts += _bar(dot[0], bar, kind) + _lead(dot, label)
        marks += _mark(dot, kind, told[one.name], ring=one is found.pick)
        marks.append(_label(dot, label, one.name, kind))
    parts += marks
    title = f"Accuracy against {axis.name}; no other beats {', '.join(front)}"
    return draw.svg(width, bottom + 44, title, "; ".join(told.values()), parts)


def emotions(found: Candidates, width: int) -> str:
    """Drop of each emotion by candidate, with intervals: a panel for each emotion."""
    others = found.found[1:]
    panels = [("overall", "전체", [one.overall for one in others])]
    for i, row in enumerate(found.reference.drops):
        panels.append((row.emotion, row.korean, [one.drops[i] for one in others]))
    rows = [row for _, _, each in panels for row in each]
    margin = max((row.margin for row in rows), default=0.0)
    low = min(-margin * 1.2, *(row.low for row in rows))
    high = max(margin * 1.2, *(row.high for row in rows))
    columns = 1 if width < 500 else 2
    across = (width - 44 * (columns - 1)) / columns
    height, head, step = 52 + 19 * len(others), 28, 19
    name_width = _LETTER * max(len(one.name) for one in others) * 0.92 + 10
    parts: list[str] = []
    for k, (emotion, korean, each) in enumerate(panels):
        start = (across + 44) * (k % columns)
        top = height * (k // columns) + head
        left, right = start + name_width, start + across - 52

        def x(share: float, left: float = left, right: float = right) -> float:
            return left + (share - low) / (high - low) * (right - left)

        bottom = top + step * len(others)
        parts.append(draw.rect(x(margin), top - 2, right - x(margin), bottom - top + 4, "band"))
        for tick in draw.ticks(low, high, int((right - left) / 44)):
            kind = "zero" if abs(tick) < 1e-9 else "grid"
            parts.append(draw.line(x(tick), top - 2, x(tick), bottom + 2, kind))
            parts.append(draw.text(x(tick), bottom + 15, _plain(tick), "tick middle"))
        parts.append(_panel_name(start, top - 11, draw.elided(emotion, 18), korean))
        faces = f"{each[0].support:,} faces"
        parts.append(draw.text(start + across, top - 11, faces, "hint end"))
        for i, (one, row) in enumerate(zip(others, each, strict=True)):
            middle = top + step * (i + 0.5)
            parts.append(draw.text(start, middle + 4, one.name, "row"))
            parts += _drop(one, row, x, middle, start + across)
    told = "; ".join(
        f"{emotion}: "
        + ", ".join(
            f"{one.name} {points(row.drop)} ({span(row)}, {row.verdict})"
            for one, row in zip(others, each, strict=True)
        )
        for emotion, _, each in panels
    )
    title = "Drop of each emotion in points by candidate, with 95 % intervals"
    whole = height * ceil(len(panels) / columns) - 6
    return draw.svg(width, whole, title, told, parts)


def kind_of(found: Candidates, one: Candidate) -> str:
    """Class of a candidate's marks: its verdict's first word; float has none."""
    return "mean" if one is found.reference else one.verdict.split()[0]


def _axis(found: Candidates, cost: str) -> _Cost:
    if cost == "milliseconds":
        return _Cost("time of one face", "ms", 1.0)
    if max(one.gzipped for one in found.found) >= 1e6:
        return _Cost("download", "MB", 1e6)
    return _Cost("download", "kB", 1e3)


def _interval(found: Candidates, one: Candidate) -> tuple[float, float]:
    """Lowest and highest accuracy that its drop leaves; float's own is what was measured."""
    whole = found.reference.accuracy
    if one is found.reference:
        return whole, whole
    return whole - one.overall.high, whole - one.overall.low


def _limits(shares: list[float]) -> tuple[float, float]:
    """Shares to show: all of these with room around, a point at least."""
    low, high = min(shares), max(shares)
    room = max((high - low) * 0.18, (0.01 - (high - low)) / 2)
    return low - room, high + room


def _stairs(best: list[tuple[float, float]], right: float, bottom: float) -> list[str]:
    """The front: from each to the next dearer one; what lies under it is beaten."""
    corners = [best[0]]
    for (_, before), (x, y) in pairwise(best):
        corners += [(x, before), (x, y)]
    corners.append((right, best[-1][1]))
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    field = f"{best[0][0]:.1f},{bottom:.1f} {path} {right:.1f},{bottom:.1f}"
    return [
        f'<polygon points="{field}" class="field"/>',
        f'<polyline points="{path}" class="front"/>',
    ]


def _steps(best: list[tuple[float, float]], right: float) -> list[Box]:
    """Where the front runs, for labels to keep off."""
    found = []
    for (x, y), (beyond, _) in zip(best, [*best[1:], (right, 0.0)], strict=True):
        found.append(Box(x, y - 1, beyond, y + 1))
    return found


def _bar(x: float, bar: Box, kind: str) -> list[str]:
    if bar.bottom - bar.top < 1:
        return []
    ends = [draw.line(x - 4, end, x + 4, end, f"cap {kind}") for end in (bar.top, bar.bottom)]
    return [draw.line(x, bar.top, x, bar.bottom, f"span {kind}"), *ends]


def _lead(dot: tuple[float, float], label: Box) -> list[str]:
    """A stroke to a label that stands apart from its dot."""
    x, y = label.nearest(*dot)
    if abs(x - dot[0]) + abs(y - dot[1]) <= NEXT * 1.6:
        return []
    return [draw.line(*dot, x, y, "lead")]


def _mark(dot: tuple[float, float], kind: str, told: str, *, ring: bool) -> list[str]:
    around = f'<circle cx="{dot[0]:.1f}" cy="{dot[1]:.1f}" r="10.5" class="ring {kind}"/>'
    return [around] * ring + [_dot(*dot, 6, f"dot {kind}", told)]


def _label(dot: tuple[float, float], box: Box, name: str, kind: str) -> str:
    """A name in its box, at the side that is next to its dot."""
    x, side = (box.left + box.right) / 2, " middle"
    if box.left > dot[0]:
        x, side = box.left + 2, ""
    elif box.right < dot[0]:
        x, side = box.right - 2, " end"
    return draw.text(x, box.bottom - 3.5, name, f"label {kind}{side}")


def _numbered(ticks: list[float]) -> list[tuple[float, str]]:
    """Ticks with their numbers, all with as many digits as one needs."""
    digits = next(d for d in range(9) if all(abs(t - round(t, d)) < 1e-9 for t in ticks))
    return [(tick, f"{tick:.{digits}f}") for tick in ticks]


def _panel_name(x: float, y: float, emotion: str, korean: str) -> str:
    second = f' <tspan class="korean">{escape(korean)}</tspan>' if korean != emotion else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" class="name">{escape(emotion)}{second}</text>'


def _drop(
    one: Candidate, row: Drop, x: Callable[[float], float], y: float, right: float
) -> list[str]:
    """One candidate's drop on one emotion: a dot with its interval, and the number."""
    kind = row.verdict.split()[0]
    told = f"{one.name}, {row.emotion}: {points(row.drop)} points, {span(row)}, {row.verdict}"
    return [
        draw.line(x(row.low), y, x(row.high), y, f"span {kind}"),
        *(
            draw.line(x(end), y - 3.5, x(end), y + 3.5, f"cap {kind}")
            for end in (row.low, row.high)
        ),
        _dot(x(row.drop), y, 4.5, f"dot {kind}", told),
        draw.text(right, y + 4, draw.points(row.drop), f"value end {kind}"),
    ]


def _dot(x: float, y: float, radius: float, kind: str, told: str) -> str:
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" class="{kind}">'
        f"<title>{escape(told)}</title></circle>"
    )


def _plain(share: float) -> str:
    """A tick in points, with as many digits as it has."""
    return f"{round(100 * share, 6):+g}".replace("-", "−") if abs(share) > 1e-9 else "0"
