"""Write a study of calibration faces; its page has no script and loads nothing from anywhere."""

from pathlib import Path
from typing import Any

from edgefer.folders import new_folder
from edgefer.report import html

from . import study_svg
from .findings import halves
from .study_words import (
    METHOD,
    comparisons,
    headline,
    points,
    sentences,
    table,
    table_rows,
    to_json,
    to_markdown,
)
from .trials import MARKER, NOISE, OTHER_HALF, Study


def to_html(study: Study) -> str:
    """A page that stands alone; whatever came from a file is escaped."""
    environment = html.environment("edgefer.export")
    return environment.get_template("study.html.j2").render(
        study=study,
        headline=headline(study),
        sentences=sentences(study),
        tiles=_tiles(study),
        legend=[(study_svg.style(way), way) for way in study_svg.ways(study)],
        sizes_plot=html.both(lambda width: study_svg.sizes(study, width)),
        contrasts_plot=html.both(lambda width: study_svg.contrasts(study, width)),
        emotions_plot=html.both(lambda width: study_svg.emotions(study, width)),
        table=table(study),
        comparisons=comparisons(study),
        method=METHOD,
        provenance=_provenance(study),
        command=study.about.get("command", ""),
        when=study.about.get("when", ""),
    )


def save(study: Study, out: Path, *, force: bool = False) -> None:
    """Write ``study.json``, ``study.md`` and ``study.html`` into a new folder."""
    with new_folder(out, MARKER, force=force) as folder:
        for name, text in (
            (MARKER, to_json(study)),
            ("study.md", to_markdown(study)),
            ("study.html", to_html(study)),
        ):
            (folder / name).write_text(text, encoding="utf-8")


def _tiles(study: Study) -> list[tuple[str, str, str]]:
    """Name, number and note of what is to be seen first."""
    rows = [row for row in table_rows(study) if row.way == "balanced"] or list(table_rows(study))
    ends = [row.drop for row in table_rows(study) if row.way != NOISE]
    tiles = [
        ("Float accuracy", f"{100 * study.accuracy:.1f} %", f"{len(study.targets):,} faces"),
        (
            "Calibrations",
            f"{len(study.trials)}",
            f"{len(study.seeds)} draws, {', '.join(map(str, study.sizes))} faces",
        ),
        (
            f"Drop, {rows[-1].way}",
            f"{points(rows[-1].drop)}",
            f"{rows[-1].size} faces, mean of the draws",
        ),
        (
            "Largest gap",
            points(max(ends) - min(ends)).lstrip("+"),
            "between the means of two rows",
        ),
    ]
    if OTHER_HALF in study.ways:
        apart = [half.apart for half in halves(study)]
        number = points(sum(apart) / len(apart)).lstrip("+")
        tiles.append(("Chance alone", f"± {number}", "between two halves of one draw"))
    return tiles


def _provenance(study: Study) -> list[tuple[str, str]]:
    about: dict[str, Any] = dict(study.about)
    versions = about.get("versions", {})
    known = (
        ("bundle", study.bundle),
        ("bundle digest", about.get("bundle_digest")),
        ("face set", study.faceset),
        ("face set digest", about.get("faceset_digest")),
        ("source", about.get("source")),
        ("split", study.split),
        ("other domain", about.get("against")),
        ("its source", about.get("against_source")),
        (
            "faces to choose from",
            ", ".join(f"{k} {v:,}" for k, v in about.get("pools", {}).items()),
        ),
        ("versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
    )
    return [(name, str(value)) for name, value in known if value]
