"""The explanation as one HTML file: no script, nothing loaded from anywhere, light and dark."""

import base64
from typing import Any

import cv2
import numpy as np
from markupsafe import escape

from edgefer.report import draw, html
from edgefer.report.words import percent

from .explanation import Explanation, Look
from .surrogate import Surrogate
from .units import NAMES
from .words import METHOD, findings, headline, parts, rare, warnings

SIDE = 144  # pixels of a face on the page


def to_html(found: Explanation) -> str:
    """A page that stands alone; whatever came from a file is escaped."""
    environment = html.environment("edgefer.train.explain")
    environment.filters |= {
        "percent": percent,
    }
    return environment.get_template("explain.html.j2").render(
        found=found,
        headline=headline(found),
        findings=findings(found),
        warnings=warnings(found),
        method=METHOD,
        names=NAMES,
        sides=[
            _side(found, *side)
            for side in (
                ("What the network’s answers rest on", found.of_answers),
                ("What the labels rest on", found.of_labels),
            )
        ],
        rows=_recalls(found),
        looks=[_shown(look) for look in found.looks],
        asked=[_shown(look) for look in found.asked],
        provenance=_provenance(found),
    )


def _side(found: Explanation, title: str, surrogate: Surrogate) -> dict[str, Any]:
    """One regression: its plot, and a row for each emotion."""
    names, emotions = found.units.names, []
    for row, emotion in enumerate(surrogate.classes):
        emotions.append(
            {
                "name": found.labels.names[emotion],
                "korean": found.labels.korean[emotion],
                "for": [names[i] for i in surrogate.speaks_for(row)],
                "against": [names[i] for i in surrogate.speaks_against(row)],
                "check": found.check(surrogate, emotion),
                "weights": [
                    f"{w:+.2f} ({a:+.2f} to {b:+.2f})"
                    for w, a, b in zip(
                        surrogate.weights[row], surrogate.low[row], surrogate.high[row], strict=True
                    )
                ],
            }
        )
    return {
        "title": title,
        "plot": html.both(lambda width: weights_plot(found, surrogate, title, width)),
        "emotions": emotions,
        "rare": rare(found, surrogate),
    }


def weights_plot(found: Explanation, surrogate: Surrogate, title: str, width: int) -> str:
    """A disc for each unit and emotion, as large as the weight, filled where its interval is."""
    units, classes = found.units.names, surrogate.classes
    emotions = [found.labels.names[emotion] for emotion in classes]
    across = width > 500  # units side by side; on a phone, one below the other
    columns, rows = (units, emotions) if across else (emotions, units)
    left, top, height = (104, 70, 40) if across else (82, 84, 30)
    cell = (width - left) / len(columns)
    strokes = []
    for i, name in enumerate(rows):
        y = top + height * (i + 0.5)
        strokes += [draw.line(left, y, width, y, "grid")]
        strokes += [draw.text(0, y - 1 if across else y + 4, draw.elided(name, 13), "name")]
        if across:
            strokes.append(draw.text(0, y + 13, found.labels.korean[classes[i]], "korean"))
    for j, name in enumerate(columns):
        strokes.append(
            f'<text class="column" transform="translate({left + cell * (j + 0.5) + 4:.1f} '
            f'{top - 8}) rotate(-50)">{escape(draw.elided(name, 12))}</text>'
        )
    largest = max(float(np.abs(surrogate.weights).max()), 1e-9)
    for (row, unit), weight in np.ndenumerate(surrogate.weights):
        low, high = surrogate.low[row, unit], surrogate.high[row, unit]
        kind = "for" if low > 0 else "against" if high < 0 else "open"
        radius = max(min(cell, height) * 0.46 * (abs(weight) / largest) ** 0.5, 1.5)
        i, j = (row, unit) if across else (unit, row)
        said = f"{units[unit]} on {emotions[row]}: {weight:+.2f} ({low:+.2f} to {high:+.2f})"
        strokes.append(
            f'<circle cx="{left + cell * (j + 0.5):.1f}" cy="{top + height * (i + 0.5):.1f}" '
            f'r="{radius:.1f}" class="unit {kind}"><title>{escape(said)}</title></circle>'
        )
    told = [[units[i] for i in surrogate.speaks_for(row)] for row in range(len(classes))]
    described = "; ".join(
        f"{name}: for {', '.join(those)}" for name, those in zip(emotions, told, strict=True)
    )
    return draw.svg(width, top + height * len(rows) + 4, title, described, strokes)


def _recalls(found: Explanation) -> list[tuple[str, str, int, str, str, str]]:
    """Emotion, its Korean name, faces, network, units, same answer."""
    rows = []
    for i, (name, korean) in enumerate(zip(found.labels.names, found.labels.korean, strict=True)):
        faces, given = found.network.confusion[i].sum(), found.fidelity.confusion[i].sum()
        rows.append(
            (
                name,
                korean,
                int(faces),
                percent(found.network.recall[i]) if faces else "–",
                percent(found.regression.recall[i]) if faces else "–",
                percent(found.fidelity.recall[i]) if given else "–",
            )
        )
    return rows


def _shown(look: Look) -> dict[str, Any]:
    pictures = [look.patch]
    if look.heat is not None:
        warm = cv2.applyColorMap((255 * look.heat).astype(np.uint8), cv2.COLORMAP_INFERNO)
        share = 0.55 * look.heat[..., None]
        grey = cv2.cvtColor(look.patch, cv2.COLOR_GRAY2BGR)
        pictures.append(np.round((1 - share) * grey + share * warm).astype(np.uint8))
    return {
        "look": look,
        "right": look.label == look.answer,
        "pictures": [_png(picture) for picture in pictures],
        "parts": parts(look.parts),
    }


def _png(picture: np.ndarray) -> str:
    way = cv2.INTER_CUBIC if len(picture) < SIDE else cv2.INTER_AREA
    large = cv2.resize(picture, (SIDE, SIDE), interpolation=way)
    return (
        "data:image/png;base64,"
        + base64.b64encode(cv2.imencode(".png", large)[1].tobytes()).decode()
    )


def _provenance(found: Explanation) -> list[tuple[str, str]]:
    about = found.about
    known = (
        ("bundle", found.bundle),
        ("bundle digest", about.get("bundle_digest")),
        ("face set", found.faceset),
        ("face set digest", about.get("faceset_digest")),
        ("split", about.get("split")),
        ("source", about.get("source")),
        ("people", about.get("people")),
        ("action units", found.units.source),
        ("versions", ", ".join(f"{name} {v}" for name, v in about.get("versions", {}).items())),
    )
    return [(name, str(value)) for name, value in known if value]
