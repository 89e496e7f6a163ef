"""The strokes that plots are made of, as SVG text; colors come from the page's style."""

from collections.abc import Sequence
from html import escape
from math import ceil, floor, log10
from zlib import crc32

from edgefer.report import words


def points(share: float) -> str:
    """A difference of shares in points, with the minus sign of print."""
    return words.points(share).replace("-", "−")


def elided(text: str, length: int) -> str:
    """Text, cut short where it is longer than so many letters."""
    return text if len(text) <= length else text[: length - 1] + "…"


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round shares from low to high, at most so many, zero among them."""
    least = (high - low) / most
    power = 10.0 ** floor(log10(least))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least)
    return [i * step for i in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]


def svg(width: float, height: float, title: str, described: str, parts: Sequence[str]) -> str:
    """A whole plot, with the words that stand for it where it cannot be seen."""
    # The same plot may stand twice in a page, wide and narrow: an id is told by what it names.
    key = crc32(f"{width} {title} {described}".encode())
    return (
        f'<svg role="img" aria-labelledby="t{key} d{key}" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}"><title id="t{key}">{escape(title)}</title>'
        f'<desc id="d{key}">{escape(described)}</desc>{"".join(parts)}</svg>'
    )


def text(x: float, y: float, text: str, style: str) -> str:
    """Words at a point, escaped."""
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{style}">{escape(text)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    """A stroke between two points."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{style}"/>'


def rect(x: float, y: float, width: float, height: float, style: str, *, rx: float = 0) -> str:
    """A box, with rounded corners if asked."""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{rx:g}" '
        f'class="{style}"/>'
    )
