"""Ways to export, side by side: what the table says, and which is worth taking."""

import json
from dataclasses import replace

import pytest
from ways import candidate, candidates

from edgefer.export.candidates_words import headline, sentences, verdict


def test_the_front_holds_those_that_no_other_beats():
    found = candidates(
        candidate("float16", 1.6, 2000),
        candidate("dynamic", 0.8, 1500, lost=5),
        candidate("int8", 0.4, 1000, lost=9),
        candidate("mixed", 0.9, 1200, lost=6),
    )
    assert found.front() == ("float", "float16", "dynamic", "int8")
    assert found.front("gzipped") == ("float16", "dynamic", "int8", "mixed")


@pytest.mark.parametrize(
    ("others", "name"),
    [
        # The fastest that holds.
        ((("float16", 1.6, 2000), ("int8", 0.4, 1000, 3)), "int8"),
        # The fastest gets worse: the next one.
        ((("int8", 0.4, 1000, 90), ("mixed", 0.8, 1000, 3)), "mixed"),
        # Only one emotion gets worse: that is enough.
        ((("int8", 0.4, 1000, 12, 12, 1), ("mixed", 0.8, 1000, 3)), "mixed"),
        # Faster still, but only here to compare with.
        ((("dynamic", 0.2, 1000), ("int8", 0.4, 1000)), "int8"),
        # A tenth is noise: the smaller of two, the simpler of two as small.
        ((("int8", 0.42, 1200), ("corrected", 0.4, 1000)), "corrected"),
        ((("int8", 0.42, 1050), ("corrected", 0.4, 1000)), "int8"),
        # None is faster, one is smaller.
        ((("int8", 0.4, 1000, 90), ("mixed", 1.6, 2000)), "mixed"),
        # Of several as fast and as small, one that is right more often.
        ((("int8", 0.4, 1000), ("qat", 0.4, 1000, 0, 60)), "qat"),
        # Nothing gains.
        ((("int8", 0.4, 1000, 90),), "float"),
        ((), "float"),
    ],
)
def test_the_fastest_that_lost_nothing_is_the_one_to_take(others, name):
    found = candidates(*(candidate(*each) for each in others))
    assert found.pick.name == name
    assert headline(found).split(":")[0] in (f"Take {name}", "Keep float", "Only float was made")
    assert (name == "float") == ("Take" not in headline(found))


def few(each):
    """The same, as if a handful of faces had judged: nothing is shown, nothing ruled out."""
    return replace(each, overall=replace(each.overall, low=-0.2, high=0.3, p=1.0))


def test_what_faces_are_too_few_to_judge_is_taken_last():
    slow, fast = candidate("mixed", 0.8, 1000), few(candidate("int8", 0.4, 1000, lost=3))
    assert candidates(slow, fast).pick is slow
    assert sentences(candidates(slow, fast))[-1] == (
        "int8 is faster (0.40 ms), but the faces are too few to tell what it costs."
    )
    assert candidates(fast).pick is fast
    assert headline(candidates(fast)).endswith("but 1,820 faces are too few to tell what it costs.")


def test_the_headline_says_what_is_gained_and_lost():
    assert headline(candidates(candidate("int8", 0.4, 1000, lost=3))) == (
        "Take int8: 4.0 times as fast as float, 25 % of the download, and nothing lost that "
        "1,820 faces can show."
    )
    better = headline(candidates(candidate("qat", 1.5, 3900, won=60)))
    assert better == (
        "Take qat: as fast as float, as large a download, and right 3.3 points more often."
    )


def test_why_a_faster_one_is_not_taken_is_told():
    found = candidates(
        candidate("int8", 0.4, 1000, lost=90, emotion=1), candidate("mixed", 1.6, 2000)
    )
    assert sentences(found)[-1] == (
        "int8 is faster (0.40 ms) and a smaller download (1.00 MB), but it loses 4.9 points "
        "overall and 15.0 on sad."
    )
    slow = candidates(candidate("mixed", 1.6, 2000), candidate("qat", 3.2, 1000))
    assert sentences(slow)[-1] == ("qat is a smaller download (1.00 MB), but slower (3.20 ms).")
    assert "takes 2.0 times as long as float" in verdict(slow, slow.found[2]).lower()


def test_the_table_names_the_emotion_that_pays_most():
    found = candidates(
        candidate("int8", 0.4, 1000, lost=60, emotion=1),
        candidate("mixed", 0.8, 1500, won=4, kept=("dense", "conv")),
    )
    lines = found.to_text().splitlines()
    head, whole, int8, mixed = lines[4:8]
    assert head.split()[:5] == ["MB", "gzip", "MB", "MMAC", "ms"]
    assert whole.split() == ["float", "4.40", "4.00", "38.4", "1.60", "90.0"]
    assert int8.split()[:7] == ["int8*", "1.10", "1.00", "38.4", "0.40", "86.7", "+3.3"]
    assert int8.endswith("sad +10.0 (worse)")
    assert mixed.startswith("mixed*")
    assert mixed.endswith("none")
    assert "mixed keeps dense, conv in float" in lines


def test_json_has_the_pick_the_fronts_and_every_drop():
    found = candidates(candidate("int8", 0.4, 1000, lost=60, emotion=1), when="today")
    told = json.loads(json.dumps(found.to_json()))
    assert (told["pick"], told["when"]) == ("float", "today")
    assert told["front"] == {"milliseconds": ["float", "int8"], "gzipped": ["float", "int8"]}
    assert told["candidates"][1]["verdict"] == "worse"
    assert told["candidates"][1]["drops"][1]["drop"] == pytest.approx(0.1)
