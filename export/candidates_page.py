"""Ways to export one network, as one HTML file: no script, nothing loaded from anywhere."""

import json
from typing import Any

from edgefer.report import html
from edgefer.report import words as numbers

from . import candidates_svg as svg
from . import candidates_words as words
from .candidate import Candidates


def to_html(found: Candidates) -> str:
    """A page that stands alone; whatever came from a file is escaped."""
    environment = html.environment("edgefer.export")
    environment.filters |= {
        "bytes": numbers.size,
        "percent": numbers.percent,
        "points": lambda share: html.minus(numbers.points(share)),
        "span": lambda row: html.minus(numbers.span(row)),
        "p": numbers.p_value,
    }
    return environment.get_template("candidates.html.j2").render(
        found=found,
        pick=found.pick,
        front=found.front(),
        headline=words.headline(found),
        sentences=words.sentences(found),
        tiles=_tiles(found),
        how=words.HOW,
        kind=lambda one: svg.kind_of(found, one),
        verdict=lambda one: words.verdict(found, one),
        time_plot=html.both(lambda width: svg.pareto(found, "milliseconds", width)),
        download_plot=html.both(lambda width: svg.pareto(found, "gzipped", width)),
        emotions_plot=html.both(lambda width: svg.emotions(found, width))
        if len(found.found) > 1
        else "",
        method=words.method(found),
        provenance=_provenance(found),
        recipe=json.dumps(found.about.get("recipe", {}), ensure_ascii=False, indent=2),
        when=found.about.get("when", ""),
    )


def _tiles(found: Candidates) -> list[tuple[str, str, str]]:
    """Name, number and note of what is to be seen first."""
    pick, first = found.pick, found.reference
    row, worst = pick.overall, pick.worst
    right = f"{numbers.percent(pick.accuracy)} %"
    tiles = [
        ("Time of one face", words.ms(pick.milliseconds), f"float {words.ms(first.milliseconds)}"),
        (
            "Download",
            numbers.size(pick.gzipped),
            f"float {numbers.size(first.gzipped)}, both gzipped",
        ),
    ]
    if pick is first:
        return [*tiles, ("Accuracy", right, f"{row.support:,} faces")]
    drop = f"{numbers.points(row.drop)} ({numbers.span(row)})"
    tiles.append(("Accuracy", right, f"float {numbers.percent(first.accuracy)} %; drop {drop}"))
    if worst is None:
        tiles.append(("Pays most", "none", "no emotion loses"))
    else:
        name = numbers.named(worst.emotion, worst.korean)
        note = f"{name}, {worst.support:,} faces: {worst.verdict}"
        tiles.append(("Pays most", numbers.points(worst.drop), note))
    return tiles


def _provenance(found: Candidates) -> list[tuple[str, str]]:
    about: dict[str, Any] = dict(found.about)
    versions = about.get("versions", {})
    known = (
        ("bundle", found.bundle),
        ("bundle digest", about.get("bundle_digest")),
        ("face set", found.faceset),
        ("face set digest", about.get("faceset_digest")),
        ("split", found.split),
        ("calibration digest", about.get("calibration_digest")),
        ("machine", about.get("machine")),
        ("versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
    )
    return [(name, str(value)) for name, value in known if value]
