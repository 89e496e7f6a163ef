"""The report's plots, as SVG text: small functions, no library, colors from the page's style.

Every plot is drawn for a given width in pixels, so that text keeps its size on a phone, and says in
its title and description what it shows.
"""

from collections.abc import Sequence
from html import escape
from math import ceil, floor, log10
from zlib import crc32

import numpy as np

from edgefer.labels import Labels
from edgefer.report import words
from edgefer.report.comparison import Comparison
from edgefer.report.drop import Balance, Drop


def drops(comparison: Comparison, width: int) -> str:
    """Drop of each emotion: a dot with its interval around zero."""
    rows: list[tuple[str, str, Drop | Balance, str]] = [
        ("overall", "전체", comparison.overall, _kind(comparison.overall) + " whole"),
        ("emotions’ mean", "감정 평균", comparison.balanced, "mean whole"),
        *((row.emotion, row.korean, row, _kind(row)) for row in comparison.drops),
    ]
    margin = comparison.overall.margin
    low = min(-margin * 1.35, *(row.low for _, _, row, _ in rows))
    high = max(margin * 1.35, *(row.high for _, _, row, _ in rows))
    left, right, top, step = 104, width - (52 if width < 500 else 64), 34, 38
    bottom = top + step * len(rows)

    def x(share: float) -> float:
        return left + (share - low) / (high - low) * (right - left)

    parts = [_rect(x(margin), top - 8, right - x(margin), bottom - top + 8, "band", rx=3)]
    for tick in _ticks(low, high, 5 if width < 500 else 9):
        style = "zero" if abs(tick) < 1e-9 else "grid"
        parts.append(_line(x(tick), top - 8, x(tick), bottom, style))
        parts.append(_text(x(tick), bottom + 17, _points(tick), "tick middle"))
    parts.append(_text(x(0) - 10, 14, "← int8 better", "hint end"))
    parts.append(_text(x(0) + 10, 14, "int8 worse →", "hint"))
    for i, (name, korean, row, kind) in enumerate(rows):
        y = top + step * (i + 0.5)
        if i == 2:
            parts.append(_line(0, top + step * 2, width, top + step * 2, "rule"))
        shown = _elided(name, 15)
        parts += [_text(0, y - 1, shown, "name"), _text(0, y + 13, korean, "korean")]
        parts.append(_line(x(row.low), y, x(row.high), y, f"span {kind}"))
        parts += [_line(x(end), y - 5, x(end), y + 5, f"cap {kind}") for end in (row.low, row.high)]
        parts.append(
            f'<circle cx="{x(row.drop):.1f}" cy="{y:.1f}" r="6" class="dot {kind}">'
            f"<title>{escape(name)}: {_points(row.drop)} points, {words.span(row)}</title></circle>"
        )
        parts.append(_text(width, y + 5, _points(row.drop), f"value end {kind}"))
    described = "; ".join(f"{n}: {words.points(r.drop)} ({words.span(r)})" for n, _, r, _ in rows)
    title = "Drop per emotion in points, with 95 % intervals"
    return _svg(width, bottom + 24, title, described, parts)


def shares(comparison: Comparison, width: int) -> str:
    """Share of each emotion that is recognized: a bar for the float model, one for int8."""
    left, right, top, step = 104, width - 52, 8, 46
    bottom = top + step * len(comparison.drops)
    parts = []
    for tick in range(0, 101, 25 if width < 500 else 20):
        x = left + tick / 100 * (right - left)
        parts.append(_line(x, top, x, bottom, "grid"))
        parts.append(_text(x, bottom + 17, f"{tick} %", "tick middle"))
    for i, row in enumerate(comparison.drops):
        y = top + step * i
        parts.append(_text(0, y + 21, _elided(row.emotion, 15), "name"))
        parts.append(_text(0, y + 35, row.korean, "korean"))
        for offset, share, role in ((7, row.before, "float"), (24, row.after, "int8")):
            length = max(share * (right - left), 1.0)
            parts.append(_rect(left, y + offset, length, 14, f"bar {role}", rx=2))
            parts.append(_text(left + length + 6, y + offset + 11.5, words.percent(share), "tick"))
    described = "; ".join(
        f"{row.emotion}: float {words.percent(row.before)}, int8 {words.percent(row.after)}"
        for row in comparison.drops
    )
    title = "Share of each emotion recognized, in percent, float and int8"
    return _svg(width, bottom + 24, title, described, parts)


def confusion(labels: Labels, table: np.ndarray, title: str, width: int) -> str:
    """Heat map of a confusion matrix: the color is a row's share, the number counts faces."""
    part = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    colors = [[("heat", float(part[i, j])) for j in range(len(labels))] for i in range(len(labels))]
    texts = [[f"{value:,}" if value else "·" for value in row] for row in table.tolist()]
    described = "; ".join(
        f"{emotion}: {part[i, i]:.0%} right" for i, emotion in enumerate(labels.names)
    )
    return _matrix(labels, texts, colors, title, described, width)


def changes(labels: Labels, table: np.ndarray, title: str, width: int) -> str:
    """Heat map of what int8 changed in a confusion matrix: for the worse, or for the better."""
    highest = max(int(np.abs(table).max()), 1)
    colors, texts = [], []
    for i, row in enumerate(table.tolist()):
        # On the diagonal more is better, elsewhere more is worse.
        good = [(value > 0) == (i == j) for j, value in enumerate(row)]
        kinds = ["better" if each else "worse" for each in good]
        colors.append([(kind, abs(v) / highest) for kind, v in zip(kinds, row, strict=True)])
        texts.append([f"{value:+,}".replace("-", "−") if value else "·" for value in row])
    described = "; ".join(
        f"{labels.names[i]} taken for {labels.names[j]}: {table[i, j]:+d}"
        for i, j in np.argwhere(table != 0).tolist()
    )
    return _matrix(labels, texts, colors, title, described or "nothing changed", width)


def _matrix(
    labels: Labels,
    texts: Sequence[Sequence[str]],
    colors: Sequence[Sequence[tuple[str, float]]],
    title: str,
    described: str,
    width: int,
) -> str:
    left, right, top = 84, width - 28, 84
    cell = (right - left) / len(labels)
    font = max(min(cell / 3.4, 13), 6)
    height = min(cell, 46)
    parts = [_text(0, top - 8, "truth ↓  answer →", "hint")]
    for j, emotion in enumerate(labels.names):
        x = left + cell * (j + 0.5)
        parts.append(
            f'<text class="column" transform="translate({x + 4:.1f} {top - 8}) rotate(-50)">'
            f"{escape(_elided(emotion, 12))}</text>"
        )
    for i, emotion in enumerate(labels.names):
        y = top + height * i
        middle = y + height / 2
        parts.append(_text(left - 8, middle - 2, _elided(emotion, 12), "row end"))
        parts.append(_text(left - 8, middle + 12, labels.korean[i], "korean end"))
        for j, (kind, strength) in enumerate(colors[i]):
            x = left + cell * j
            parts.append(
                f'<rect x="{x + 0.5:.1f}" y="{y + 0.5:.1f}" width="{cell - 1:.1f}" '
                f'height="{height - 1:.1f}" rx="3" class="cell {kind}" '
                f'fill-opacity="{0.06 + 0.94 * strength:.3f}"/>'
            )
            style = "number middle strong" if strength > 0.78 else "number middle"
            parts.append(
                f'<text x="{x + cell / 2:.1f}" y="{middle + font * 0.36:.1f}" class="{style}" '
                f'font-size="{font:.1f}">{escape(texts[i][j])}</text>'
            )
    return _svg(width, top + height * len(labels) + 4, title, described, parts)


def _kind(row: Drop) -> str:
    return row.verdict.split()[0]


def _points(share: float) -> str:
    return words.points(share).replace("-", "−")


def _elided(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _ticks(low: float, high: float, most: int) -> list[float]:
    """Round shares from low to high, at most so many, zero among them."""
    least = (high - low) / most
    power = 10.0 ** floor(log10(least))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least)
    return [i * step for i in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]


def _svg(width: float, height: float, title: str, described: str, parts: Sequence[str]) -> str:
    # The same plot may stand twice in a page, wide and narrow: an id is told by what it names.
    key = crc32(f"{width} {title} {described}".encode())
    return (
        f'<svg role="img" aria-labelledby="t{key} d{key}" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}"><title id="t{key}">{escape(title)}</title>'
        f'<desc id="d{key}">{escape(described)}</desc>{"".join(parts)}</svg>'
    )


def _text(x: float, y: float, text: str, style: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{style}">{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{style}"/>'


def _rect(x: float, y: float, width: float, height: float, style: str, *, rx: float = 0) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{rx:g}" '
        f'class="{style}"/>'
    )
