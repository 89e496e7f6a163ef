"""Intervals and tests for pairs: known examples, other libraries, and what must always hold."""

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from scipy.stats import t as scipy_t
from statsmodels.stats import contingency_tables
from statsmodels.stats.multitest import multipletests

from edgefer.report.statistics import (
    Pairs,
    faces_needed,
    holm,
    interval,
    mcnemar,
    mean_interval,
    student,
)

cells = st.integers(0, 2000)
pairs = st.builds(Pairs, cells, cells, cells, cells).filter(lambda pairs: sum(pairs) > 0)
shares = st.floats(0, 1, allow_nan=False)

# Published with the R package contingencytables, and in Altman, Machin, Bryant and Gardner,
# "Statistics with Confidence", 2000, table 6.2.
PUBLISHED = [
    (Pairs(1, 1, 7, 12), -0.507, -0.026, 3),  # airway hyper-responsiveness, Bentur 2009
    (Pairs(59, 6, 16, 80), -0.1186, -0.0046, 4),  # complete response, Cavo 2012
    (Pairs(14, 5, 0, 22), 0.011, 0.226, 3),
]


@pytest.mark.parametrize(("example", "low", "high", "digits"), PUBLISHED)
def test_the_interval_is_the_published_one(example, low, high, digits):
    assert interval(example) == (
        pytest.approx(low, abs=0.51 * 10**-digits),
        pytest.approx(high, abs=0.51 * 10**-digits),
    )


@settings(deadline=None)
@given(pairs)
def test_the_interval_holds_the_drop_and_stays_between_minus_one_and_one(example):
    low, high = interval(example)
    assert -1 <= low <= example.drop + 1e-12
    assert example.drop - 1e-12 <= high <= 1


@settings(deadline=None)
@given(pairs)
def test_swapping_the_models_mirrors_the_interval(example):
    low, high = interval(example)
    swapped = Pairs(
        example.both_right, example.turned_right, example.turned_wrong, example.both_wrong
    )
    assert interval(swapped) == (pytest.approx(-high), pytest.approx(-low))


@settings(deadline=None)
@given(pairs)
def test_swapping_right_and_wrong_mirrors_the_interval(example):
    low, high = interval(example)
    assert interval(Pairs(*reversed(example))) == (pytest.approx(-high), pytest.approx(-low))


@settings(deadline=None)
@given(pairs)
def test_more_faces_narrow_the_interval(example):
    (low, high), (narrow_low, narrow_high) = (
        interval(example),
        interval(Pairs(*(4 * cell for cell in example))),
    )
    assert narrow_high - narrow_low < high - low


def test_the_interval_covers_the_true_drop_as_often_as_it_says():
    draws = np.random.default_rng(7).multinomial(467, (0.58, 0.03, 0.02, 0.37), 2000)
    limits = np.array([interval(Pairs(*draw.tolist())) for draw in draws])
    covered = ((limits[:, 0] <= 0.01) & (limits[:, 1] >= 0.01)).mean()
    assert 0.94 <= covered <= 0.98


def test_no_change_at_all_still_leaves_an_interval():
    low, high = interval(Pairs(30, 0, 0, 26))
    assert low < -0.03
    assert high > 0.03


def test_six_losses_and_no_gain_are_one_in_thirty_two():
    assert mcnemar(6, 0) == 2 / 64


@pytest.mark.parametrize(
    ("lost", "won"), [(0, 0), (1, 7), (16, 6), (40, 20), (700, 650), (30, 5000)]
)
def test_mcnemar_equals_scipy_and_statsmodels(lost, won):
    p = mcnemar(lost, won)
    if lost + won:
        assert p == pytest.approx(binomtest(lost, lost + won).pvalue, rel=1e-8, abs=1e-300)
    assert p == pytest.approx(
        contingency_tables.mcnemar([[5, lost], [won, 5]], exact=True).pvalue if lost + won else 1.0,
        rel=1e-8,
        abs=1e-300,
    )


def test_long_and_short_sums_of_mcnemar_agree():
    exact = 2 * sum(comb(1001, k) for k in range(451)) / 2**1001
    assert mcnemar(450, 551) == pytest.approx(exact, rel=1e-9)


@settings(deadline=None)
@given(st.integers(0, 3000), st.integers(0, 3000))
def test_mcnemar_is_a_probability_and_knows_no_direction(lost, won):
    assert 0 <= mcnemar(lost, won) <= 1
    assert mcnemar(lost, won) == mcnemar(won, lost)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == [
        pytest.approx(0.03),
        pytest.approx(0.06),
        pytest.approx(0.06),
    ]


@settings(deadline=None)
@given(st.lists(shares, min_size=1, max_size=12))
def test_holm_never_lowers_a_p_and_keeps_their_order(ps):
    corrected = holm(ps)
    assert all(raw <= new <= 1 for raw, new in zip(ps, corrected, strict=True))
    order = sorted(range(len(ps)), key=lambda i: ps[i])
    assert [corrected[i] for i in order] == sorted(corrected)


@settings(max_examples=10)  # statsmodels collects garbage at each call
@given(st.lists(shares, min_size=1, max_size=12))
def test_holm_equals_statsmodels(ps):
    assert holm(ps) == pytest.approx(multipletests(ps, method="holm")[1].tolist())


def test_the_mean_of_one_drop_has_its_interval():
    assert mean_interval([(0.02, -0.01, 0.06)]) == (pytest.approx(-0.01), pytest.approx(0.06))


def test_the_mean_of_four_like_drops_has_half_the_interval():
    assert mean_interval([(0.02, -0.02, 0.06)] * 4) == (pytest.approx(0.0), pytest.approx(0.04))


def test_faces_needed_narrow_the_interval_to_the_margin():
    example = Pairs(18, 0, 0, 38)
    count = faces_needed(example, 0.03)
    low, high = interval(Pairs(*(cell * count / 56 for cell in example)))
    assert count > 56
    assert (high - low) / 2 == pytest.approx(0.03, rel=0.05)


def test_faces_needed_are_never_fewer_than_there_are():
    assert faces_needed(Pairs(600, 1, 1, 300), 0.05) == 902


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 9, 19, 60, 61, 199, 5000])
def teststudents_quantile_equals_scipys(freedom):
    assert student(freedom) == pytest.approx(scipy_t.ppf(0.975, freedom), rel=1e-5)


@pytest.mark.parametrize("freedom", [1.9, 4.5, 5.5, 17.3, 60.5])
def test_between_whole_degrees_of_freedom_it_is_near_or_cautious(freedom):
    exact = scipy_t.ppf(0.975, freedom)
    assert exact * 0.998 < student(freedom) <= exact * (1.002 if freedom > 5 else 3)
