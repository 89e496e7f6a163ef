"""The regression from action units to answers: folds, intervals, prototypes."""

import numpy as np
import pytest

from edgefer.errors import DataError
from edgefer.train.explain.prototypes import check_prototype
from edgefer.train.explain.surrogate import fit_surrogate
from edgefer.train.explain.units import NAMES


def test_answers_out_of_fold_come_from_other_people():
    """One person's units are his own names for the emotions: nobody else foretells him."""
    rng = np.random.default_rng(0)
    targets = np.tile([0, 1], 60)
    persons = np.repeat([f"p{i}" for i in range(10)], 12).astype(object)
    values = rng.normal(0, 0.1, (120, 10))
    for i in range(10):
        own = persons == f"p{i}"
        values[own, i] += np.where(targets[own] == 1, 5.0, 0.0)
    fitted = fit_surrogate(values, targets, persons)
    assert (fitted.answers == targets).mean() < 0.7
    alone = fit_surrogate(values, targets, np.full(120, "", object))
    assert (alone.answers == targets).mean() > 0.95


def test_intervals_by_person_are_wider_than_by_face():
    rng = np.random.default_rng(1)
    persons = np.repeat([f"p{i}" for i in range(60)], 10).astype(object)
    values = np.repeat(rng.normal(0, 1, (60, 2)), 10, axis=0)
    targets = np.repeat((rng.normal(0, 1, 60) + values[::10, 0] > 0).astype(int), 10)
    by_person = fit_surrogate(values, targets, persons)
    by_face = fit_surrogate(values, targets, np.full(600, "", object))
    assert ((by_person.high - by_person.low) > 2 * (by_face.high - by_face.low)).all()


def test_emotions_of_few_people_are_not_told_apart():
    values = np.random.default_rng(0).normal(size=(45, 3))
    targets = np.array([0] * 20 + [1] * 20 + [4] * 5)
    assert fit_surrogate(values, targets, np.full(45, "", object)).classes == (0, 1)
    persons = np.array([f"p{i % 9}" for i in range(45)], object)
    with pytest.raises(DataError, match="45 faces of 9 people .* the labels name 0 emotions on 10"):
        fit_surrogate(values, targets, persons)


def test_people_who_alone_show_an_emotion_are_dealt_out_over_the_folds():
    """Every other person shows only the first emotion: no fold may hold all of the others."""
    rng = np.random.default_rng(0)
    persons = np.repeat([f"p{i:02d}" for i in range(60)], 4).astype(object)
    rare = np.isin(persons, [f"p{i:02d}" for i in range(4, 60, 5)])
    values = rng.normal(size=(240, 2)) + 4 * rare[:, None]
    fitted = fit_surrogate(values, rare.astype(int), persons)
    assert (fitted.answers == rare).mean() > 0.95
    np.testing.assert_allclose(fitted.weights.sum(axis=0), 0, atol=1e-12)  # of two classes


def test_a_unit_that_is_alike_in_all_faces_says_nothing():
    rng = np.random.default_rng(0)
    values = np.column_stack([rng.normal(size=90), np.full(90, 0.3)])
    targets = np.repeat([0, 1, 2], 30)
    fitted = fit_surrogate(values, targets, np.full(90, "", object))
    assert not fitted.weights[:, 1].any()
    assert not any(1 in fitted.speaks_for(row) + fitted.speaks_against(row) for row in range(3))
    assert fitted.parts(np.array([0.0, 5.0]), 0)[1] == 0


def test_intervals_of_units_that_tell_nothing_hold_zero_all_at_once():
    wrong = 0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        values, targets = rng.normal(size=(150, 6)), rng.integers(0, 3, 150)
        fitted = fit_surrogate(values, targets, np.full(150, "", object), seed=seed)
        wrong += bool(((fitted.low > 0) | (fitted.high < 0)).any())
    assert wrong <= 2


def test_a_prototype_is_found_contradicted_or_open():
    check = check_prototype("sad", tuple(NAMES), ["AU15", "AU12"], ["AU04"])
    assert (check.found, check.contrary, check.open) == (("AU15",), ("AU04",), ("AU01", "AU17"))
    assert str(check) == "1 of 4, against: AU04"
    assert check_prototype("happy", ("AU01",), [], []) is None
    assert check_prototype("hurt", tuple(NAMES), [], []) is None
