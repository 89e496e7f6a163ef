# ruff: noqa: E402  (what stands after importorskip needs TensorFlow)
import numpy as np
import pytest
from toys import taught, toy_model

pytest.importorskip("tensorflow", reason="quantizing needs TensorFlow")
pytestmark = pytest.mark.train

from collapses import residual

from edgefer.export.audit import audit, require_int8
from edgefer.export.check import Check, answers
from edgefer.export.convert import to_float
from edgefer.export.mixed import Calibrated
from edgefer.export.ranges import least_distance, least_squares, with_ranges


@pytest.fixture(scope="module")
def patches(faces):
    return faces.split("train").patches


@pytest.fixture(scope="module")
def models(faces):
    return {"vgg": toy_model(faces), "residual": taught(residual(7, faces.size), faces)}


def test_a_rare_number_does_not_widen_the_steps_of_all_others():
    numbers = np.append(np.random.default_rng(0).normal(0, 1, 1_000_000), [-40, 40])
    low, high = least_squares(*np.histogram(numbers, 2048))
    assert -20 < low < -5
    assert 5 < high < 20


def test_numbers_that_are_all_alike_common_keep_their_range():
    low, high = least_squares(*np.histogram(np.linspace(0, 6, 10_000), 2048))
    assert (low, high) == (pytest.approx(0), pytest.approx(6, rel=0.02))


def test_an_emotion_of_next_to_no_probability_is_cut_off():
    scores = np.random.default_rng(1).normal([3, 2, 0, 0, 0, 0, -20], 1, (200, 7))
    low, high = least_distance(scores)
    assert scores.min() < -18
    assert low > -12
    assert high > 0.7 * scores.max()


def test_scores_that_all_matter_are_kept():
    scores = np.random.default_rng(2).uniform(-1, 1, (200, 7))
    assert least_distance(scores) == (pytest.approx(-1, abs=0.08), pytest.approx(1, abs=0.08))


@pytest.mark.parametrize("name", ["vgg", "residual"])
def test_the_steps_become_finer_and_the_answers_stay(models, patches, faces, name):
    plain = Calibrated.of(models[name], patches)
    made = with_ranges(plain, patches)
    before, after = audit(plain.quantize()), audit(made.quantize())
    require_int8(after)
    scales = [
        (before.tensors[one.outputs[0]].scale, after.tensors[other.outputs[0]].scale)
        for one, other in zip(before.operators, after.operators, strict=True)
    ]
    assert all(new <= old * 1.001 for old, new in scales)
    assert any(new < 0.99 * old for old, new in scales)
    float_answers = answers(to_float(models[name]), faces.patches)
    check = Check.of(float_answers, answers(made.quantize(), faces.patches))
    assert check.agreement > 0.95


def test_pooling_goes_with_the_layer_before_it(models, patches):
    found = audit(with_ranges(Calibrated.of(models["vgg"], patches), patches).quantize())
    pools = [step for step in found.operators if step.name == "MAX_POOL_2D"]
    assert pools
    for step in pools:
        taken, given = found.tensors[step.inputs[0]], found.tensors[step.outputs[0]]
        assert (taken.scale, taken.zero_point) == (given.scale, given.zero_point)


def test_a_layer_that_gives_nothing_but_zeros_is_left_alone(models, patches, faces):
    dead = models["vgg"].__class__.from_config(models["vgg"].get_config())
    dead.set_weights(models["vgg"].get_weights())
    norm = dead.get_layer("stage4_1_norm")
    norm.gamma.assign(norm.gamma * 0)
    norm.beta.assign(norm.beta * 0 - 1)
    made = with_ranges(Calibrated.of(dead, patches), patches).quantize()
    apart = np.abs(answers(to_float(dead), faces.patches) - answers(made, faces.patches))
    assert apart.max() < 0.02
