"""Intervals and tests by people: against brute force, other libraries, and their own promise."""

import importlib.util
from itertools import product

import numpy as np
import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from edgefer.report.drop import Drop
from edgefer.report.people import (
    number_people,
    people_interval,
    sign_flip,
)
from edgefer.report.statistics import mcnemar

losses = st.lists(st.tuples(st.integers(0, 7), st.integers(-1, 1)), min_size=1, max_size=40)


def row(people, change):
    """A drop of faces whose answers turned wrong (1), right (-1) or stayed right (0)."""
    change = np.asarray(change)
    before, after = (change >= 0).astype(int), (change <= 0).astype(int)
    return Drop.of("x", "", np.ones(len(change), int), before, after, people=np.asarray(people))


@given(losses)
def test_the_sign_flip_test_counts_every_exchange(faces):
    people, change = (np.array(part) for part in zip(*faces, strict=True))
    each = np.bincount(people, change, minlength=8)
    sums = [abs(np.dot(each, signs)) for signs in product((-1, 1), repeat=8)]
    expected = np.mean([total >= abs(each.sum()) for total in sums])
    assert sign_flip(change, people) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("lost", "won"), [(0, 0), (1, 7), (16, 6), (40, 20), (700, 650)])
def test_with_a_face_a_person_the_sign_flip_test_is_mcnemars(lost, won):
    change = np.repeat([0, 1, -1], [5, lost, won])
    assert sign_flip(change, np.arange(len(change))) == pytest.approx(mcnemar(lost, won), abs=1e-9)


def test_the_interval_leaves_out_one_person_at_a_time():
    people = np.repeat(np.arange(12), [3, 9, 4, 7, 5, 5, 6, 2, 8, 4, 3, 6])
    change = np.random.default_rng(3).choice([-1, 0, 1], len(people), p=[0.1, 0.6, 0.3])
    without = np.array([change[people != person].mean() for person in range(12)])
    spread = np.sqrt(11 / 12 * ((without - change.mean()) ** 2).sum())
    telling = len(set(people[change != 0].tolist()))
    half = t.ppf(0.975, telling - 1) * spread
    assert people_interval(change, people) == pytest.approx(
        (change.mean() - half, change.mean() + half), rel=1e-6
    )


def test_the_mean_of_emotions_leaves_out_people_from_all_of_them():
    people, groups = np.tile(np.arange(10), 6), np.repeat([0, 0, 1, 1, 1, 1], 10)
    change = np.random.default_rng(5).choice([-1, 0, 1], 60)

    def mean(keep):
        return np.mean([change[keep & (groups == group)].mean() for group in (0, 1)])

    without = np.array([mean(people != person) for person in range(10)])
    spread = np.sqrt(9 / 10 * ((without - mean(people >= 0)) ** 2).sum())
    low, high = people_interval(change, people, groups)
    telling = len(set(people[change != 0].tolist()))
    assert (high - low) / 2 == pytest.approx(t.ppf(0.975, telling - 1) * spread, rel=1e-6)


def test_one_person_alone_tells_nothing_of_others():
    assert people_interval(np.ones(50, int), np.zeros(50, int)) == (-1, 1)
    assert row([0] * 50, [1] * 50).verdict == "too few people to tell"


def test_people_who_differ_widen_the_interval_and_raise_p():
    people, change = np.repeat(np.arange(20), 50), np.zeros(1000, int)
    change[:40] = 1  # one person loses nearly everything
    alone, together = row(np.arange(1000), change), row(people, change)
    assert (alone.people, together.people) == (0, 20)
    assert alone.p < 1e-9
    assert together.p == pytest.approx(1)
    assert together.low < 0 < alone.low
    assert together.verdict == "too few people to tell"


def test_where_every_face_is_of_its_own_person_nothing_changes():
    change = np.random.default_rng(0).choice([-1, 0, 1], 400, p=[0.02, 0.94, 0.04])
    named = row(np.random.default_rng(1).permutation(400), change)
    answers = np.ones(400, int), (change >= 0).astype(int), (change <= 0).astype(int)
    assert named == Drop.of("x", "", *answers)


def test_an_interval_over_people_is_never_narrower_than_over_faces():
    people, change = np.repeat(np.arange(30), 20), np.zeros(600, int)
    alone, together = row(np.arange(600), change), row(people, change)
    assert (together.low, together.high) == (alone.low, alone.high)


def test_nine_people_never_show_that_an_emotion_held():
    change = np.zeros(900, int)
    assert row(np.repeat(np.arange(9), 100), change).verdict == "too few people to tell"
    assert row(np.repeat(np.arange(10), 90), change).verdict == "held"
    assert row(np.repeat(np.arange(9), 100), change + 1).verdict == "worse"


def test_about_as_many_people_as_said_narrow_the_interval_to_the_margin():
    rng = np.random.default_rng(1)

    def draw(count):
        rates = rng.dirichlet([1.0, 0.2, 0.2, 0.6], count)
        cells = np.concatenate([rng.choice([0, 1, -1, 0], 30, p=rate) for rate in rates])
        return row(np.repeat(np.arange(count), 30), cells)

    first = draw(40)
    assert first.verdict == "too few people to tell"
    more = draw(first.needed)
    assert (more.high - more.low) / 2 == pytest.approx(0.03, rel=0.35)


def test_faces_without_a_name_are_people_of_their_own():
    numbers = number_people(np.array(["민수", "", "민수", "", "지영"], object))
    assert len(set(numbers.tolist())) == 4
    assert numbers[0] == numbers[2]


@pytest.mark.slow
@pytest.mark.parametrize(("people", "each"), [(20, 50), (200, 5)])
@pytest.mark.parametrize("alike", [0.0, 0.33])
def test_the_interval_covers_the_true_drop_as_often_as_it_says(people, each, alike):
    spec = importlib.util.spec_from_file_location("coverage", ROOT / "benchmarks" / "coverage.py")
    coverage = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(coverage)
    by_face, by_person, alarms = coverage.coverage(people, each, (0.05, 0.05), alike, 400)
    assert by_person > 0.93  # 400 draws are uncertain by .02
    assert alarms < 0.08
    assert (by_face < 0.9) == (alike > 0)
