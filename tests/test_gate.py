import numpy as np
import pytest

from edgefer.export.gate import FAILS, FEW, HOLDS, judge, table
from edgefer.labels import FER7

RNG = np.random.default_rng(0)


def faces(*counts):
    """Targets of so many faces an emotion, all of them answered right by the float model."""
    targets = np.repeat(np.arange(len(counts)), counts)
    return targets, targets.copy()


def wrong(targets, emotion, count):
    """Answers of which the first of an emotion are wrong."""
    after = targets.copy()
    after[np.flatnonzero(targets == emotion)[:count]] = (emotion + 1) % 7
    return after


def verdicts(found):
    return [row.verdict for row in (found.overall, *found.rows)]


@pytest.mark.parametrize(
    ("counts", "lost", "expected"),
    [
        ((2000, 2000), 0, [HOLDS, HOLDS, HOLDS]),
        # One of 2,000: at most .3 points.
        ((2000, 2000), 1, [HOLDS, HOLDS, HOLDS]),
        # 3 points of one emotion are 1.5 overall.
        ((2000, 2000), 60, [FAILS, FAILS, HOLDS]),
        # 30 faces can never show less than a point; one lost is no proof either.
        ((30, 4000), 0, [HOLDS, FEW, HOLDS]),
        ((30, 4000), 1, [HOLDS, FEW, HOLDS]),
        # But a rare emotion that is ruined does not pass because it is rare.
        ((30, 4000), 12, [HOLDS, FAILS, HOLDS]),
    ],
)
def test_each_emotion_is_judged_for_itself(counts, lost, expected):
    targets, before = faces(*counts)
    found = judge(FER7, targets, before, wrong(targets, 0, lost), 0.01)
    assert verdicts(found) == expected
    assert found.passed == (FAILS not in expected)


def test_a_lossless_model_is_refused_about_once_in_twenty_where_faces_are_enough():
    # As many answers turn right as turn wrong: the drop is 0, what is measured is chance.
    targets = np.zeros(4000, int)
    refused = enough = 0
    for _ in range(400):
        before, after = targets.copy(), targets.copy()
        before[RNG.random(4000) < 0.3] = 1
        turn = RNG.random(4000) < 0.004
        after[:] = np.where(turn, 1 - before, before)
        # Equal chances both ways, whatever was right before.
        flip = turn & (RNG.random(4000) < 0.5)
        before[flip], after[flip] = after[flip], before[flip]
        (row,) = judge(FER7, targets, before, after, 0.01).rows
        enough += row.verdict != FEW
        refused += row.verdict == FAILS
    assert enough > 380
    assert refused < 0.07 * 400


def test_people_count_where_they_have_several_faces():
    targets, before = faces(2000)
    after = wrong(targets, 0, 40)
    alone = judge(FER7, targets, before, after, 0.03)
    together = judge(FER7, targets, before, after, 0.03, people=np.arange(2000) // 40)
    assert alone.overall.verdict == HOLDS
    assert together.overall.upper > alone.overall.upper  # one person of fifty lost all
    assert together.overall.verdict == FEW


def test_changed_answers_count_also_where_both_are_wrong():
    targets = np.zeros(100, int)
    found = judge(FER7, targets, np.full(100, 1), np.full(100, 2), 0.5)
    assert (found.changed, found.overall.drop) == (1.0, 0.0)


def test_the_table_has_every_rung_and_marks_what_fails():
    targets, before = faces(2000, 20)
    answers = {"rung 0": before, "rung 100": wrong(targets, 0, 100)}
    tried = [(name, judge(FER7, targets, before, after, 0.01)) for name, after in answers.items()]
    lines = table(tried).splitlines()
    assert [line.split()[0] for line in lines] == ["drop,", "overall", "angry", "disgust"]
    assert "rung 0" in lines[0]
    assert "rung 100" in lines[0]
    assert lines[2].split()[1:] == ["2000", "+0.0", "(≤", "+0.1)", "+5.0", "(≤", "+5.9)", "!"]
    assert lines[3].count("?") == 2
