"""Numbers and findings as words, the same in the terminal, in Markdown and in HTML."""

from edgefer.report.comparison import Comparison
from edgefer.report.drop import BETTER, FEW_PEOPLE, HELD, OPEN, WORSE, Balance, Drop

_DROP = (
    "The same faces went through both models on the runtime named here, so every face is its own "
    "control. A drop is the share recognized by the float model minus the share recognized by the "
    "int8 model, in percentage points: above 0, int8 is worse."
)
_MEAN = "that of the emotions' mean adds up theirs by variance recovery (Zou and Donner 2008)"
_HOLM = (
    "Over the emotions it is corrected for their number by Holm's method; the rows over all faces "
    "are single tests and stay uncorrected."
)


def method(comparison: Comparison) -> tuple[str, ...]:
    """How intervals and tests were reckoned, in sentences."""
    people = comparison.overall.people
    if not people:
        return (
            _DROP,
            "Intervals are 95 % for the paired difference (Newcombe 1998, method 10), each row for "
            f"itself; {_MEAN}.",
            f"p is the exact McNemar test on the faces that only one of the models recognized. "
            f"{_HOLM}",
            "Faces are taken as independent of one another.",
        )
    return (
        _DROP,
        "Faces of one person resemble each other, so people are counted, not faces: "
        f"{people:,} of them, a face of nobody known as a person of its own. Intervals are 95 % by "
        "leaving out one person at a time (jackknife), with Student's quantile for the people in "
        "whom an answer turned, and never narrower than independent faces would have them "
        f"(Newcombe 1998, method 10), each row for itself; {_MEAN}, or is the jackknife's where "
        "that is wider.",
        "p is the exact sign-flip test over people: in each of them float and int8 might have "
        f"changed places. {_HOLM}",
        "A row in which every face is of another person has Newcombe's interval and the exact "
        "McNemar test. Of fewer than ten people it is never said that an emotion held.",
    )


def test_name(comparison: Comparison) -> str:
    """What p is, in a few words."""
    people = comparison.overall.people
    return f"p exact sign-flip over {people:,} people" if people else "p exact McNemar"


def named(emotion: str, korean: str) -> str:
    """``angry 분노``: both names where there are two."""
    return f"{emotion} {korean}" if korean not in ("", emotion) else emotion


def percent(share: float) -> str:
    """``64.9`` for .649: a share in percent."""
    return f"{100 * share:.1f}"


def points(share: float) -> str:
    """``+0.4`` for .004: a difference of shares in points."""
    text = f"{100 * share:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text


def span(row: Drop | Balance) -> str:
    """Interval of a drop, in points."""
    return f"{points(row.low)} to {points(row.high)}"


def p_value(p: float) -> str:
    """Two significant digits, or ``<.001``."""
    if p < 0.001:
        return "<.001"
    return "1" if p > 0.995 else f"{p:.3f}".removeprefix("0") if p < 0.1 else f"{p:.2f}"[1:]


def size(count: int) -> str:
    """Bytes in kB or MB, of 1000."""
    return f"{count / 1e6:.2f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"


def margin(comparison: Comparison) -> str:
    """``3 points``: a drop that would not matter."""
    return _margin(comparison.overall)


def _margin(row: Drop) -> str:
    value = f"{100 * row.margin:g}"
    return f"{value} point" + ("s" if value != "1" else "")


def note(row: Drop) -> str:
    """What a row says."""
    if row.verdict == HELD:
        return f"under {_margin(row)}"
    return "too few people" if row.verdict == FEW_PEOPLE else row.verdict


def advice(row: Drop) -> str:
    """What would help a row that has too few faces."""
    if row.verdict not in OPEN:
        return ""
    if row.needed == (row.people or row.support):
        return "a drop beyond the margin is neither shown nor ruled out"
    if row.people:
        return f"{row.people:,} people; about {row.needed:,} would do"
    return f"{row.support:,} faces; about {row.needed:,} would do"


def headline(comparison: Comparison) -> str:
    """What int8 did, in one sentence."""
    row = comparison.overall
    count = sum(each.verdict == WORSE for each in comparison.drops)
    emotions = f"{count} of {len(comparison.drops)} emotions get worse"
    if row.verdict == WORSE:
        said = f"int8 costs {points(row.drop).lstrip('+')} points overall"
        return f"{said}, and {emotions}." if count else f"{said}."
    if row.verdict == BETTER:
        said = f"int8 gains {points(-row.drop).lstrip('+')} points overall"
    elif row.verdict == HELD:
        said = "int8 holds overall"
    else:
        few = "people" if row.people else "faces"
        said = f"Too few {few} to tell what int8 costs overall"
    return f"{said}, but {emotions}." if count else f"{said}."


def findings(comparison: Comparison) -> list[str]:
    """What int8 did to the emotions: a sentence for each kind of verdict."""
    groups = {
        verdict: [row for row in comparison.drops if row.verdict == verdict]
        for verdict in (WORSE, BETTER, HELD)
    }
    unclear = [row for row in comparison.drops if row.verdict in OPEN]

    def listed(rows: list[Drop]) -> str:
        return ", ".join(f"{row.emotion} ({points(row.drop)})" for row in rows)

    row = comparison.overall
    said = [
        f"Overall {percent(row.before)} % to {percent(row.after)} %, a drop of {points(row.drop)} "
        f"points ({span(row)})."
    ]
    if groups[WORSE]:
        said.append(f"Worse: {listed(groups[WORSE])}.")
    if groups[BETTER]:
        said.append(f"Better: {listed(groups[BETTER])}.")
    if unclear:
        few = "people" if any(row.people for row in unclear) else "faces"
        said.append(f"Too few {few} to tell: {listed(unclear)}.")
    if len(groups[HELD]) == len(comparison.drops):
        said.append(f"Every emotion's drop stays under {margin(comparison)}.")
    elif groups[HELD]:
        names = ", ".join(row.emotion for row in groups[HELD])
        said.append(f"Drop under {margin(comparison)}: {names}.")
    return said


def facts(comparison: Comparison) -> list[tuple[str, str]]:
    """Agreement, size and speed, each with its name."""
    row = comparison.overall
    said = [
        (
            "agreement",
            f"{percent(comparison.agreement)} % of {row.support:,} faces answered alike; "
            f"{row.turned_wrong} turned wrong, {row.turned_right} turned right",
        )
    ]
    if row.people:
        said.append(
            (
                "people",
                f"{row.people:,}, {row.support / row.people:.1f} faces each: intervals and p count "
                "people",
            )
        )
    if {"float", "int8"} <= set(comparison.sizes):
        was, is_now = comparison.sizes["float"], comparison.sizes["int8"]
        said.append(("size", f"{size(was)} to {size(is_now)}, {100 * is_now / was:.0f} % of it"))
    if comparison.speedup is not None:
        was_ms, now_ms = comparison.latency["float"], comparison.latency["int8"]
        said.append(
            (
                "latency",
                f"{was_ms.median:.2f} to {now_ms.median:.2f} ms a face (p95 {was_ms.p95:.2f} and "
                f"{now_ms.p95:.2f}), {times(comparison.speedup)}",
            )
        )
    about = comparison.about
    if "runtime" in about and "machine" in about:
        said.append(("measured on", f"{about['runtime']}, {about['machine']['cpu']}"))
    return said


def times(ratio: float) -> str:
    """``3.5 times as fast``, or ``takes 1.7 times as long`` where int8 is the slower one."""
    return f"{ratio:.1f} times as fast" if ratio >= 1 else f"takes {1 / ratio:.1f} times as long"
