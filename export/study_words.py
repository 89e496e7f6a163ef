"""A study of calibration faces as sentences and tables."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from edgefer.report.words import p_value

from .findings import Finding, fewer, findings, halves
from .paired import (
    EMOTION_MARGIN,
    HERE,
    LESS,
    MORE,
    OVERALL_MARGIN,
    SAME,
    TRIFLE,
    UNCLEAR,
    Contrast,
)
from .trials import OTHER_DOMAIN, OTHER_HALF, Row, Study

# What is chosen on purpose; noise is there to show what harm looks like.
_CHOICES = {("balanced", "random"), ("spread", "random"), ("spread", "balanced")}

METHOD = (
    "Every calibration makes an int8 model of the same network, and all of them are judged on the "
    "same faces, by LiteRT. A drop is the share recognized by the float model minus the share "
    "recognized by the int8 model, in points: above 0, int8 is worse.",
    "A seed is one draw of calibration faces. Draws of one way differ in the faces that they "
    "happened to choose, not in the faces that judge and not in the network: what is said here is "
    "about this network. Seeds pair the ways by number only.",
    "p is the exact sign-flip test over the draws, of the mean over the sizes where none is "
    "named. It is corrected by Holm: over the questions, and over the sizes or emotions of one. It "
    "asks whether other draws would have shown a difference on these faces. The 95 % interval is "
    "over draws and faces: it asks about other faces too.",
    f"“Makes no difference here” means that the whole interval lies within "
    f"{100 * OVERALL_MARGIN:g} points of zero, for single emotions {100 * EMOTION_MARGIN:g}. "
    "“Too few to tell” means that the draws or the faces show neither that nor a difference.",
    "Halves are two halves of one random draw. They share no face and are equally good, so what "
    "they differ by is what chance alone makes of a calibration set. Each pair's models are "
    "compared by the exact McNemar test, corrected by Holm over all pairs.",
    "The other domain's faces are balanced over its own emotions.",
)


def points(share: float) -> str:
    """``+0.42`` for .0042: a difference of shares in points."""
    text = f"{100 * share:+.2f}"
    return "0.00" if text in ("+0.00", "-0.00") else text


def span(contrast: Contrast) -> str:
    """Interval of a difference, in points."""
    return f"{points(contrast.low)} to {points(contrast.high)}"


def sentence(contrast: Contrast) -> str:
    """What one way of choosing does against another."""
    one, other = contrast.one, contrast.other
    size = points(abs(contrast.difference)).lstrip("+")
    more = "more" if contrast.difference > 0 else "less"
    told = f"95 % {span(contrast)}, p {p_value(contrast.p)}"
    if contrast.verdict == SAME:
        text = f"{one} against {other} makes no difference here: {points(contrast.difference)} "
        return f"{text}points ({told})."
    if contrast.verdict == TRIFLE:
        text = f"{one} against {other} makes no difference that matters: it loses {size} points "
        return f"{text}{more} ({told})."
    if contrast.verdict in (MORE, LESS):
        return f"{one} loses {size} points {more} than {other} ({told})."
    if contrast.verdict == HERE:
        text = f"{one} loses {size} points {more} than {other} on these faces, but others might "
        return f"{text}not show it ({told})."
    return f"{one} against {other}: too few draws or faces to tell ({told})."


def headline(study: Study) -> str:
    """What the choice is worth, in one sentence."""
    asked = [each.overall for each in findings(study)]
    choices = [each for each in asked if (each.one, each.other) in _CHOICES]
    if all(each.verdict in (SAME, TRIFLE) for each in choices):
        return "How the calibration faces are chosen makes no difference here."
    shown = [each for each in choices if each.verdict in (MORE, LESS, HERE)]
    if not shown:
        return "Too few draws or faces to tell whether the choice of calibration faces matters."
    return " ".join(_short(each) for each in shown)


def sentences(study: Study) -> list[str]:
    """Every question's answer, what stands out at a size or an emotion, and what chance does."""
    said = []
    for finding in findings(study):
        text = _named(study, sentence(finding.overall))
        said.append(" ".join([text, *_exceptions(finding)]))
    said += [f"{_named(study, sentence(contrast))}" for contrast in fewer(study)]
    found = halves(study)
    if found:
        pairs, differ = sum(each.pairs for each in found), sum(each.differ for each in found)
        apart = sum(each.apart * each.pairs for each in found) / pairs
        otherwise = sum(each.otherwise * each.pairs for each in found) / pairs
        said.append(
            f"Two disjoint halves of one random draw: McNemar's test tells {differ} of {pairs} "
            f"pairs apart. By chance alone their drops lie {points(apart).lstrip('+')} points "
            f"apart on average, {points(max(each.farthest for each in found)).lstrip('+')} at "
            f"most, and their models answer {100 * otherwise:.2f} % of the faces differently."
        )
    return said


def to_text(study: Study) -> str:
    """Headline, sentences and the table of drops, for a terminal."""
    head, *rows = table(study)
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    lines = [_aligned(row, widths) for row in (head, *rows)]
    told = (f"- {text}" for text in sentences(study))
    return "\n".join([_title(study), "", *lines, "", headline(study), *told])


def to_markdown(study: Study) -> str:
    """All tables, with what they mean, in Markdown."""
    lines = [f"# {_title(study)}", "", f"**{headline(study)}**", ""]
    lines += [f"* {text}" for text in sentences(study)]
    lines += ["", "## Drop after each calibration, points", "", *_markdown(table(study)), ""]
    for title, rows in comparisons(study):
        lines += [f"## {title}", "", *_markdown(rows), ""]
    lines += ["## How this was measured", "", *METHOD, ""]
    return "\n".join([*lines, "```sh", str(study.about.get("command", "")), "```", ""])


def to_json(study: Study) -> str:
    """All numbers, shares between 0 and 1."""
    found: dict[str, Any] = {
        "format": 1,
        "bundle": study.bundle,
        "faceset": study.faceset,
        "split": study.split,
        "faces": len(study.targets),
        "float_accuracy": study.accuracy,
        "headline": headline(study),
        "sentences": sentences(study),
        "rows": [row.to_json() for row in study.rows()],
        "findings": [finding.to_json() for finding in findings(study)],
        "fewer": [contrast.to_json() for contrast in fewer(study)],
        "halves": [half.to_json() for half in halves(study)],
        **study.about,
    }
    return json.dumps(found, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def comparisons(study: Study) -> list[tuple[str, list[list[str]]]]:
    """Tables of the comparisons: title, and rows of which the first is the head."""
    found, pairs = findings(study), halves(study)
    head = ["", "difference, points", "95 % interval", "p", "finding"]
    tables = [("One way against another, mean over the sizes", [head, *_cells(found, "overall")])]
    if len(study.sizes) > 1:
        tables.append(("At each size", [head, *_cells(found, "sizes")]))
        tables.append(
            (
                "Fewer faces",
                [head, *([f"{c.one} against {c.other}", *_cell(c)] for c in fewer(study))],
            )
        )
    tables.append(("Emotion by emotion", [head, *_cells(found, "emotions")]))
    if pairs:
        rows = [
            ["faces in a half", "pairs", "told apart", "drops apart", "at most", "other answers"]
        ]
        for each in pairs:
            numbers = [points(each.apart).lstrip("+"), points(each.farthest).lstrip("+")]
            share = f"{100 * each.otherwise:.2f} %"
            rows.append([str(each.size), str(each.pairs), str(each.differ), *numbers, share])
        tables.append(("Two halves of one random draw", rows))
    return tables


def _cells(found: Iterable[Finding], part: str) -> list[list[str]]:
    rows = []
    for finding in found:
        each = finding.overall
        contrasts = {"overall": (each,), "sizes": finding.sizes, "emotions": finding.emotions}[part]
        for c in contrasts:
            name = "" if part == "overall" else f", {c.name}" + " faces" * (part == "sizes")
            rows.append([f"{c.one} against {c.other}{name}", *_cell(c)])
    return rows


def _cell(contrast: Contrast) -> list[str]:
    return [points(contrast.difference), span(contrast), p_value(contrast.p), contrast.verdict]


def table_rows(study: Study) -> list[Row]:
    """Rows that a table shows, way by way; the other halves are random draws like the first."""
    return sorted(
        (row for row in study.rows() if row.way != OTHER_HALF),
        key=lambda row: (study.ways.index(row.way), row.size),
    )


def table(study: Study) -> list[list[str]]:
    """Drops of every way and size, the first row being the head."""
    head = ["way", "faces", "drop", "± sd", "lost", "won", "same %", *study.emotions]
    return [head] + [
        [
            row.way,
            f"{row.faces:.0f}",
            points(row.drop),
            f"{100 * row.spread:.2f}",
            f"{row.turned_wrong:.1f}",
            f"{row.turned_right:.1f}",
            f"{100 * row.agreement:.1f}",
            *(points(float(drops.mean())) for drops in row.emotions.values()),
        ]
        for row in table_rows(study)
    ]


def _exceptions(finding: Finding) -> list[str]:
    """Sizes and emotions at which a difference shows, and emotions with too few faces."""
    said = []
    for where, unit, contrasts in (
        ("at", "size", finding.sizes if len(finding.sizes) > 1 else ()),
        ("on", "emotion", finding.emotions),
    ):
        shown = [each for each in contrasts if each.verdict in (MORE, LESS, HERE)]
        listed = ", ".join(
            f"{each.name}{' faces' * (unit == 'size')} {points(each.difference)} "
            f"(p {p_value(each.p)}{', these faces only' * (each.verdict == HERE)})"
            for each in shown
        )
        if shown:
            every = len(shown) == len(contrasts)
            said.append(f"{where} {f'every {unit}' if every else listed}")
    begin = "It" if finding.overall.verdict in (MORE, LESS, HERE) else "But a difference"
    told = [f"{begin} shows {' and '.join(said)}."] if said else []
    unclear = [each.name for each in finding.emotions if each.verdict == UNCLEAR]
    if unclear and finding.overall.verdict != UNCLEAR:
        told.append(f"Too few to tell on {', '.join(unclear)}.")
    return told


def _short(contrast: Contrast) -> str:
    more = "more" if contrast.difference > 0 else "less"
    size = points(abs(contrast.difference)).lstrip("+")
    here = " on these faces" if contrast.verdict == HERE else ""
    text = f"{contrast.one} loses {size} points {more} than {contrast.other}{here}."
    return text[0].upper() + text[1:]


def _named(study: Study, text: str) -> str:
    against = study.about.get("against")
    text = text.replace(OTHER_DOMAIN, f"other domain ({against})") if against else text
    return text[0].upper() + text[1:]


def _title(study: Study) -> str:
    return (
        f"{study.bundle} on {study.faceset}, split {study.split}: what the choice of calibration "
        "faces is worth"
    )


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = zip(row, widths, strict=True)
    return f"{first[0]:{first[1]}}" + "".join(f"  {cell:>{width}}" for cell, width in rest)


def _markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    head, *body = rows
    rule = ["---", *["---:"] * (len(head) - 1)]
    return [f"| {' | '.join(row)} |" for row in (head, rule, *body)]
