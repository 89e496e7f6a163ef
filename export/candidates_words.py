"""What ways to export a network cost and gain, in words and tables."""

from collections.abc import Sequence

from edgefer.report import Drop
from edgefer.report.drop import BETTER, OPEN, WORSE
from edgefer.report.words import percent, points, size, span

from .candidate import NEAR, Candidate, Candidates, near
from .recipe import RUNGS

HOW = {
    "float": "Weights and arithmetic in 32-bit floats: what the others are compared with.",
    "float, reshaped": "Floats, after channels were cut, or weights set to zero or clustered.",
    "float16": "Weights stored in 16 bits, arithmetic in 32; here to compare with.",
    "dynamic": "Weights in 8 bits, the range of every activation found anew; here to compare with.",
    "int8": "Weights and arithmetic in 8-bit integers, ranges from the calibration faces.",
    "corrected": "int8, with like ranges for the channels of a layer, and ranges of least error.",
    "mixed": "int8, but the layers that it hurts most stay in float.",
    "qat": "int8, after training that computed as int8 will.",
}


def headline(found: Candidates) -> str:
    """What is worth taking, and why, in one sentence."""
    pick, first = found.pick, found.reference
    if len(found.found) == 1:
        return f"Only {first.name} was made: there is nothing to compare it with."
    if pick is first:
        return f"Keep {first.name}: nothing here is faster or smaller without a loss."
    return f"Take {pick.name}: {_gains(pick, first)}, {_cost(pick.overall)}."


def sentences(found: Candidates) -> list[str]:
    """What else is to be known, a sentence for each."""
    pick, first = found.pick, found.reference
    told = []
    if pick is not first:
        told.append(
            f"{pick.name} names {percent(pick.accuracy)} % of {pick.overall.support:,} "
            f"faces rightly, {first.name} {percent(first.accuracy)} %: {_drop(pick.overall)}."
        )
        few = [row for row in pick.drops if row.verdict in OPEN]
        if few:
            told.append(
                f"Too few {_crowd(few[0])} to tell what {pick.name} costs on {_listed(few)}."
            )
        told += _as_good(found)
    if pick.name in RUNGS:
        told.append(f"edgefer export BUNDLE --int8 --calib DIR --rung {pick.name} -o NEW makes it.")
    told += _faster(found)
    return told


def _as_good(found: Candidates) -> list[str]:
    """Those that are as fast and as small as the one to take, but come after it."""
    pick = found.pick
    better = pick.verdict == BETTER
    after = found.found if better else found.found[found.found.index(pick) + 1 :]
    names = [
        one.name
        for one in after
        if one is not pick
        and one.verdict not in (WORSE, *OPEN)
        and near(one.milliseconds, pick.milliseconds)
        and near(one.gzipped, pick.gzipped)
    ]
    if not names:
        return []
    are = "is" if len(names) == 1 else "are"
    why = "right more often" if better else "simpler to make"
    return [
        f"{_and(names)} {are} as fast and as small and lost nothing that shows either; "
        f"{pick.name} is {why}."
    ]


def _faster(found: Candidates) -> list[str]:
    """Those that are faster or smaller than the one to take, and why they are not it."""
    pick, told = found.pick, []
    for one in found.found:
        better = [
            f"{word} ({number})"
            for word, number, cost in (
                ("faster", ms(one.milliseconds), "milliseconds"),
                ("a smaller download", size(one.gzipped), "gzipped"),
            )
            if getattr(one, cost) * NEAR < getattr(pick, cost)
        ]
        if not better or one is pick:
            continue
        said = f"{one.name} is {' and '.join(better)}, but "
        if one.verdict == WORSE:
            told.append(f"{said}it {_worse(one)}.")
        elif one.verdict in OPEN:
            told.append(f"{said}the {_crowd(one.overall)} are too few to tell what it costs.")
        elif one.milliseconds > NEAR * pick.milliseconds:
            told.append(f"{said}slower ({ms(one.milliseconds)}).")
    return told


def verdict(found: Candidates, one: Candidate) -> str:
    """What a candidate gains and loses, in one line."""
    if one is found.reference:
        return f"{ms(one.milliseconds)} a face, {size(one.gzipped)} to download."
    gains = _gains(one, found.reference)
    lost = _worse(one) if one.verdict == WORSE else _drop(one.overall)
    return f"{gains[0].upper()}{gains[1:]}; {lost}."


def ms(milliseconds: float) -> str:
    """``0.41 ms``."""
    return f"{milliseconds:.2f} ms"


def pays(row: Drop | None) -> str:
    """The emotion that pays most, in the terminal."""
    return "none" if row is None else f"{row.emotion} {points(row.drop)} ({row.verdict})"


def method(found: Candidates) -> list[str]:
    """How it was measured, in sentences."""
    row = found.reference.overall
    if row.people:
        test = (
            f"Faces of one person resemble each other, so intervals (95 %, jackknife) and tests "
            f"(exact sign-flip) count the {row.people:,} people."
        )
    else:
        test = (
            "Intervals are 95 % for the paired difference (Newcombe 1998, method 10), p is the "
            "exact McNemar test; faces are taken as independent of one another."
        )
    return [
        f"Every candidate was made from {found.bundle}, and answered the same "
        f"{row.support:,} faces on LiteRT. A drop is the share that float names rightly minus the "
        "share that the candidate does, in percentage points: above 0, the candidate is worse.",
        f"{test} Over the emotions of one candidate p is corrected by Holm’s method, over the "
        "candidates it is not: of many, one may seem worse, or better, by chance.",
        f"Worse: p is below .05. Held: it is not, and the interval ends below {100 * row.margin:g} "
        "points. Else the faces are too few to tell.",
        "Milliseconds are the median of single faces on one thread of the machine that exported, "
        "the models in turn. Another processor may order them otherwise: measure on the device. "
        "The download is the file after gzip -9; MACs are the multiplications for one face.",
        "Times and downloads within 10 % of each other count as the same. The one to take is the "
        "fastest of those that no test shows to have lost; of several, the smallest; of several "
        "still, one that is right more often by its test, or else the simplest to make.",
        "These faces chose, so they flatter what they chose: tell what it costs on others, with "
        "edgefer compare on the test split.",
    ]


def table(found: Candidates) -> list[list[str]]:
    """Numbers of each candidate for the terminal, the first row being the head."""
    front = found.front()
    unit, each = ("MB", 1e6) if found.reference.bytes >= 1e6 else ("kB", 1e3)
    head = ["", unit, f"gzip {unit}", "MMAC", "ms", "right %", "drop", "95 % interval", "pays most"]
    return [head] + [
        [
            one.name + ("*" if one.name in front else ""),
            f"{one.bytes / each:.2f}",
            f"{one.gzipped / each:.2f}",
            f"{one.macs / 1e6:.1f}",
            f"{one.milliseconds:.2f}",
            percent(one.accuracy),
            *(
                ("", "", "")
                if one is found.reference
                else (points(one.overall.drop), span(one.overall), pays(one.worst))
            ),
        ]
        for one in found.found
    ]


def to_text(found: Candidates) -> str:
    """Headline, table and sentences for a terminal."""
    rows = table(found)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    kept = [f"{one.name} keeps {', '.join(one.kept)} in float" for one in found.found if one.kept]
    return "\n".join(
        [
            headline(found),
            "",
            f"{found.bundle} on {found.faceset}, split {found.split}, "
            f"{found.reference.overall.support:,} faces; drops in points against float",
            "",
            *(_aligned(row, widths) for row in rows),
            "",
            "* no other is both as fast and as often right",
            *kept,
            "",
            *sentences(found),
        ]
    ).rstrip()


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    """Names and emotions to the left, numbers to the right."""
    first, *middle, last = zip(row, widths, strict=True)
    cells = [f"{first[0]:{first[1]}}", *(f"{cell:>{width}}" for cell, width in middle), last[0]]
    return "  ".join(cells).rstrip()


def _gains(one: Candidate, first: Candidate) -> str:
    """Speed and download against float."""
    ratio = first.milliseconds / one.milliseconds
    if near(one.milliseconds, first.milliseconds):
        speed = f"as fast as {first.name}"
    elif ratio > 1:
        speed = f"{ratio:.1f} times as fast as {first.name}"
    else:
        speed = f"takes {1 / ratio:.1f} times as long as {first.name}"
    if near(one.gzipped, first.gzipped):
        return f"{speed}, as large a download"
    return f"{speed}, {100 * one.gzipped / first.gzipped:.0f} % of the download"


def _cost(row: Drop) -> str:
    if row.verdict in OPEN:
        crowd = row.people or row.support
        return f"but {crowd:,} {_crowd(row)} are too few to tell what it costs"
    if row.verdict == BETTER:
        return f"and right {points(-row.drop).lstrip('+')} points more often"
    return f"and nothing lost that {row.support:,} faces can show"


def _drop(row: Drop) -> str:
    return f"a drop of {points(row.drop)} points ({span(row)})"


def _worse(one: Candidate) -> str:
    """Where it lost, as far as tests show."""
    rows = [one.overall] if one.overall.verdict == WORSE else []
    amounts = [points(row.drop).lstrip("+") for row in (*rows, *one.worse)]
    places = ["points overall"] * len(rows) + [f"on {row.emotion}" for row in one.worse]
    if not rows:
        places[0] = f"points {places[0]}"
    said = [f"{amount} {where}" for amount, where in zip(amounts, places, strict=True)]
    return f"loses {_and(said)}"


def _listed(rows: Sequence[Drop]) -> str:
    return _and([f"{row.emotion} ({points(row.drop)})" for row in rows])


def _and(words: Sequence[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _crowd(row: Drop) -> str:
    return "people" if row.people else "faces"
