"""The report's plots, as SVG text: small functions, no library, colors from the page's style.

Every plot is drawn for a given width in pixels, so that text keeps its size on a phone, and says in
its title and description what it shows.
"""

from collections.abc import Sequence
from html import escape

import numpy as np

from edgefer.labels import Labels
from edgefer.report import draw, words
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

    parts = [draw.rect(x(margin), top - 8, right - x(margin), bottom - top + 8, "band", rx=3)]
    for tick in draw.ticks(low, high, 5 if width < 500 else 9):
        style = "zero" if abs(tick) < 1e-9 else "grid"
        parts.append(draw.line(x(tick), top - 8, x(tick), bottom, style))
        parts.append(draw.text(x(tick), bottom + 17, draw.points(tick), "tick middle"))
    parts.append(draw.text(x(0) - 10, 14, "← int8 better", "hint end"))
    parts.append(draw.text(x(0) + 10, 14, "int8 worse →", "hint"))
    for i, (name, korean, row, kind) in enumerate(rows):
        y = top + step * (i + 0.5)
        if i == 2:
            parts.append(draw.line(0, top + step * 2, width, top + step * 2, "rule"))
        shown = draw.elided(name, 15)
        parts += [draw.text(0, y - 1, shown, "name"), draw.text(0, y + 13, korean, "korean")]
        parts.append(draw.line(x(row.low), y, x(row.high), y, f"span {kind}"))
        parts += [
            draw.line(x(end), y - 5, x(end), y + 5, f"cap {kind}") for end in (row.low, row.high)
        ]
        parts.append(
            f'<circle cx="{x(row.drop):.1f}" cy="{y:.1f}" r="6" class="dot {kind}">'
            f"<title>{escape(name)}: {draw.points(row.drop)} points, {words.span(row)}</title>"
            "</circle>"
        )
        parts.append(draw.text(width, y + 5, draw.points(row.drop), f"value end {kind}"))
    described = "; ".join(f"{n}: {words.points(r.drop)} ({words.span(r)})" for n, _, r, _ in rows)
    title = "Drop per emotion in points, with 95 % intervals"
    return draw.svg(width, bottom + 24, title, described, parts)


def shares(comparison: Comparison, width: int) -> str:
    """Share of each emotion that is recognized: a bar for the float model, one for int8."""
    left, right, top, step = 104, width - 52, 8, 46
    bottom = top + step * len(comparison.drops)
    parts = []
    for tick in range(0, 101, 25 if width < 500 else 20):
        x = left + tick / 100 * (right - left)
        parts.append(draw.line(x, top, x, bottom, "grid"))
        parts.append(draw.text(x, bottom + 17, f"{tick} %", "tick middle"))
    for i, row in enumerate(comparison.drops):
        y = top + step * i
        parts.append(draw.text(0, y + 21, draw.elided(row.emotion, 15), "name"))
        parts.append(draw.text(0, y + 35, row.korean, "korean"))
        for offset, share, role in ((7, row.before, "float"), (24, row.after, "int8")):
            length = max(share * (right - left), 1.0)
            parts.append(draw.rect(left, y + offset, length, 14, f"bar {role}", rx=2))
            parts.append(
                draw.text(left + length + 6, y + offset + 11.5, words.percent(share), "tick")
            )
    described = "; ".join(
        f"{row.emotion}: float {words.percent(row.before)}, int8 {words.percent(row.after)}"
        for row in comparison.drops
    )
    title = "Share of each emotion recognized, in percent, float and int8"
    return draw.svg(width, bottom + 24, title, described, parts)


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
    parts = [draw.text(0, top - 8, "truth ↓  answer →", "hint")]
    for j, emotion in enumerate(labels.names):
        x = left + cell * (j + 0.5)
        parts.append(
            f'<text class="column" transform="translate({x + 4:.1f} {top - 8}) rotate(-50)">'
            f"{escape(draw.elided(emotion, 12))}</text>"
        )
    for i, emotion in enumerate(labels.names):
        y = top + height * i
        middle = y + height / 2
        parts.append(draw.text(left - 8, middle - 2, draw.elided(emotion, 12), "row end"))
        parts.append(draw.text(left - 8, middle + 12, labels.korean[i], "korean end"))
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
    return draw.svg(width, top + height * len(labels) + 4, title, described, parts)


def _kind(row: Drop) -> str:
    return row.verdict.split()[0]
