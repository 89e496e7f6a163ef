"""The comparison as one HTML file: no script, nothing loaded from anywhere, light and dark."""

import json
from typing import Any

import numpy as np
from markupsafe import Markup

from edgefer.report import against, html, svg, words
from edgefer.report.comparison import Comparison
from edgefer.report.drop import Drop

MATRIX = 440  # pixels


def to_html(comparison: Comparison) -> str:
    """A page that stands alone; whatever came from a file is escaped."""
    environment = html.environment()
    environment.filters |= {
        "percent": words.percent,
        "points": lambda share: html.minus(words.points(share)),
        "span": lambda row: html.minus(words.span(row)),
        "p": words.p_value,
        "bytes": words.size,
        "pretty": lambda value: json.dumps(value, ensure_ascii=False, indent=2),
    }
    return environment.get_template("page.html.j2").render(
        c=comparison,
        about=comparison.about,
        headline=words.headline(comparison),
        findings=[html.minus(line) for line in words.findings(comparison)],
        method=words.method(comparison),
        provenance=_provenance(comparison),
        margin=words.margin(comparison),
        note=words.note,
        advice=words.advice,
        times=words.times,
        kind=lambda row: row.verdict.split()[0],
        lost_to=lambda row: _lost_to(comparison, row),
        drops_plot=html.both(lambda width: svg.drops(comparison, width)),
        shares_plot=html.both(lambda width: svg.shares(comparison, width)),
        differences=_differences(comparison),
        matrices=_matrices(comparison),
        shifts=_shifts(comparison),
        precision=[
            (name, was, is_now)
            for name, was, is_now in zip(
                comparison.labels.names,
                comparison.before.precision.tolist(),
                comparison.after.precision.tolist(),
                strict=True,
            )
        ],
    )


def _differences(comparison: Comparison) -> dict[str, Any]:
    """Another machine beside this one; nothing if there is none."""
    rows = against.difference_rows(comparison)
    if not rows:
        return {}
    where, *notes = against.difference_words(comparison)
    shown = [[html.minus(cell) for cell in row] for row in rows]
    return {"where": where, "notes": notes, "columns": against.COLUMNS, "rows": shown}


def _matrices(comparison: Comparison) -> list[dict[str, Any]]:
    """The three heat maps, each with the numbers behind it."""
    labels = comparison.labels
    before, after = comparison.before.confusion, comparison.after.confusion
    kinds = (
        ("float", "What the float model answers", before, svg.confusion),
        ("int8", "What the int8 model answers", after, svg.confusion),
        ("change", "What changed from float to int8", after - before, svg.changes),
    )
    return [
        {
            "name": name,
            "title": title,
            "table": table.tolist(),
            "plot": Markup(draw(labels, table, f"{title}, faces", MATRIX)),
        }
        for name, title, table, draw in kinds
    ]


def _provenance(comparison: Comparison) -> list[tuple[str, str]]:
    """What was judged, on what: name and value, those that are known."""
    about = comparison.about
    machine = about.get("machine", {})
    renames = about.get("translation", {}).get("renames", {})
    versions = about.get("versions", {})
    known = (
        ("bundle", comparison.bundle),
        ("bundle digest", about.get("bundle_digest")),
        ("face set", comparison.faceset),
        ("face set digest", about.get("faceset_digest")),
        ("split", about.get("split")),
        ("source", about.get("source")),
        ("licence", about.get("licence")),
        ("read as", ", ".join(f"{a} as {b}" if b else f"no {a}" for a, b in renames.items())),
        ("runtime", about.get("runtime")),
        ("processor", machine.get("cpu")),
        ("cores", machine.get("cores")),
        ("system", machine.get("system")),
        ("versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
    )
    return [(name, str(value)) for name, value in known if value]


def _shifts(comparison: Comparison, most: int = 8) -> list[tuple[str, str, int]]:
    """Largest changes of the confusion matrix: truth, answer, faces more or fewer."""
    change = comparison.after.confusion - comparison.before.confusion
    names = comparison.labels.names
    cells = sorted(np.argwhere(change != 0).tolist(), key=lambda cell: -abs(change[tuple(cell)]))
    return [(names[i], names[j], int(change[i, j])) for i, j in cells[:most]]


def _lost_to(comparison: Comparison, row: Drop) -> str:
    """Answers that int8 gives more often to faces of an emotion, most first."""
    truth = comparison.labels.names.index(row.emotion)
    more = (comparison.after.confusion - comparison.before.confusion)[truth]
    found = [
        (count, name)
        for name, count in zip(comparison.labels.names, more.tolist(), strict=True)
        if count > 0 and name != row.emotion
    ]
    return ", ".join(f"{name} +{count}" for count, name in sorted(found, reverse=True)[:3])
