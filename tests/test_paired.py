import numpy as np
import pytest
from scipy import stats

from edgefer.export.paired import Contrast, corrected, interval, sign_flip


def contrast(low, high, p, *, margin=0.005):
    return Contrast("overall", "a", "b", (low + high) / 2, low, high, p, p, margin)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("count", [2, 5, 10])
def test_the_sign_flip_test_is_the_exact_permutation_test(seed, count):
    differences = np.random.default_rng([seed, count]).normal(0.4, 1, count)
    oracle = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    assert sign_flip(differences.tolist()) == pytest.approx(oracle.pvalue)


def test_ten_differences_of_one_sign_are_as_sure_as_ten_can_be():
    assert sign_flip([0.1] * 10) == 2 / 1024
    assert sign_flip([0.0] * 10) == 1


def test_too_many_signs_to_try_are_refused():
    with pytest.raises(ValueError, match="21 differences"):
        sign_flip([0.1] * 21)


def test_with_many_faces_the_interval_is_students_over_the_draws():
    shifts = np.random.default_rng(0).normal(0.02, 0.01, 10)
    losses = np.repeat(shifts[:, None], 50_000, axis=1)
    low, high = interval(losses)
    oracle = stats.t.interval(0.95, 9, shifts.mean(), stats.sem(shifts))
    assert (low, high) == pytest.approx(oracle, rel=2e-3)


def test_with_many_draws_alike_the_interval_is_students_over_the_faces():
    faces = np.random.default_rng(0).choice([-1.0, 0.0, 1.0], 400, p=[0.1, 0.8, 0.1])
    low, high = interval(np.tile(faces, (5, 1)))
    oracle = stats.t.interval(0.95, 399, faces.mean(), stats.sem(faces))
    # One more face counts as changed.
    assert (low, high) == pytest.approx(oracle, abs=1e-3)
    assert low < oracle[0]


def test_few_faces_prove_little_even_where_nothing_changed():
    low, high = interval(np.zeros((10, 50)))
    assert low == -high == pytest.approx(-0.04, abs=1e-3)
    low, high = interval(np.zeros((10, 5000)))
    assert high < 0.0005


def test_the_interval_covers_what_is_true_of_all_faces():
    rng = np.random.default_rng(0)
    hits, rounds, draws, faces = 0, 200, 6, 300
    for _ in range(rounds):
        # Each face has its own leaning to either way, each draw its own strength; the mean is zero.
        leaning = rng.choice([-0.5, 0, 0.5], faces, p=[0.1, 0.8, 0.1])
        strength = rng.normal(0, 0.02, draws)
        losses = rng.random((draws, faces)) < np.abs(leaning + strength[:, None])
        low, high = interval(losses * np.sign(leaning + strength[:, None]))
        hits += low <= 0 <= high
    assert hits / rounds > 0.92


@pytest.mark.parametrize(
    ("low", "high", "p", "verdict"),
    [
        (-0.002, 0.003, 0.4, "no difference"),
        (0.001, 0.003, 0.01, "too little"),  # sure, and within the margin
        (0.002, 0.012, 0.01, "more"),
        (-0.012, -0.002, 0.01, "less"),
        (-0.001, 0.012, 0.01, "these faces only"),  # other faces might show none
        (-0.004, 0.012, 0.4, "too few to tell"),
        (0.001, 0.012, 0.06, "too few to tell"),  # the draws do not show it
    ],
)
def test_the_verdicts(low, high, p, verdict):
    assert contrast(low, high, p).verdict == verdict


def test_p_is_corrected_over_what_is_read_together():
    rows = corrected([contrast(-0.001, 0.001, p) for p in (0.01, 0.5, 0.02)])
    assert [row.p for row in rows] == pytest.approx([0.03, 0.5, 0.04])
    assert [row.raw_p for row in rows] == [0.01, 0.5, 0.02]
