"""Plots of a sensitivity measurement, as SVG text: each layer, and layers left in float."""

from html import escape

from edgefer.report import draw

from .sensitivity import Layer, Sensitivity

# Below this share of equal answers something is wrong with int8.
LOW = 0.9


def hurts(layer: Layer) -> bool:
    """Whether a layer alone in int8 changes more than one answer in ten."""
    return layer.agreement < LOW


def distance(share: float) -> str:
    """Difference of probabilities in points."""
    return f"{100 * share:.2f}"


def layers(found: Sensitivity, width: int) -> str:
    """Each layer's distance when it alone is in int8, a bar, from the pixels to the answers."""
    by_name = {layer.name: layer for layer in found.layers}
    rows = [by_name[name] for name in found.order]
    high = max(*(layer.alone for layer in rows), 1e-6) * 1.04
    left, right, top, step = (122 if width < 500 else 176), width - 58, 14, 30
    bottom = top + step * len(rows)

    def x(share: float) -> float:
        return left + share / high * (right - left)

    parts = []
    for tick in draw.ticks(0, high, 4 if width < 500 else 8):
        parts.append(draw.line(x(tick), top, x(tick), bottom, "zero" if not tick else "grid"))
        parts.append(draw.text(x(tick), bottom + 17, f"{100 * tick:g}", "tick middle"))
    for i, layer in enumerate(rows):
        y, kind = top + step * i, "worse" if hurts(layer) else "held"
        told = f"{layer.name}: {distance(layer.alone)} points, {layer.agreement:.1%} same answers"
        bar = draw.rect(left, y + 6, max(x(layer.alone) - left, 1), step - 12, f"bar {kind}", rx=2)
        name = draw.elided(layer.name, 16 if width < 500 else 24)
        parts += [
            draw.text(0, y + step / 2 + 4, name, "name"),
            f"<g><title>{escape(told)}</title>{bar}</g>",
            draw.text(width, y + step / 2 + 4, distance(layer.alone), f"value end {kind}"),
        ]
    told = "; ".join(f"{layer.name}: {distance(layer.alone)}" for layer in rows)
    title = "Mean distance of the probabilities in points when one layer alone is in int8"
    return draw.svg(width, bottom + 24, title, told, parts)


def spared(found: Sensitivity, width: int) -> str:
    """Distance of int8 with none, one, two, ... of the most sensitive layers left in float."""
    checks = [found.whole, *found.spared]
    names = ["nothing", *(layer.name for layer in found.layers)]
    high = max(*(check.mean for check in checks), 1e-6) * 1.04
    left, right, top, step = (140 if width < 500 else 200), width - 108, 34, 34
    bottom = top + step * len(checks)

    def x(share: float) -> float:
        return left + share / high * (right - left)

    parts = [
        draw.text(0, 14, "left in float", "hint"),
        draw.text(width - 56, 14, "points", "hint end"),
        draw.text(width, 14, "same %", "hint end"),
    ]
    for tick in draw.ticks(0, high, 3 if width < 500 else 8):
        parts.append(draw.line(x(tick), top, x(tick), bottom, "zero" if not tick else "grid"))
        parts.append(draw.text(x(tick), bottom + 17, f"{100 * tick:g}", "tick middle"))
    middles = [(x(check.mean), top + step * (i + 0.5)) for i, check in enumerate(checks)]
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in middles)
    parts.append(f'<polyline points="{path}" class="way"/>')
    for i, (check, (a, b)) in enumerate(zip(checks, middles, strict=True)):
        kind = "worse" if check.agreement < LOW else "held"
        name = names[i] if i < 2 else f"+ {names[i]}"
        told = f"{name}: {distance(check.mean)} points, {check.agreement:.1%} same answers"
        parts += [
            draw.text(0, b + 4, draw.elided(name, 17 if width < 500 else 26), "name"),
            f'<circle cx="{a:.1f}" cy="{b:.1f}" r="6" class="dot {kind}">'
            f"<title>{escape(told)}</title></circle>",
            draw.text(width - 56, b + 4, distance(check.mean), f"value end {kind}"),
            draw.text(width, b + 4, f"{100 * check.agreement:.1f}", "value end"),
        ]
    told = "; ".join(
        f"{name}: {distance(check.mean)} points, {check.agreement:.1%} same answers"
        for name, check in zip(names, checks, strict=False)
    )
    title = "Distance of int8 with the most sensitive layers left in float, one more in each row"
    return draw.svg(width, bottom + 24, title, told, parts)
