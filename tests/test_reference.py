"""What a bundle knows of its calibration faces, and how sure its models may be."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from drawn import make
from hypothesis import given
from hypothesis import strategies as st
from tiny_tflite import LABELS, band, bundle_with, tiny_bundle, tiny_tflite

from edgefer.bundle import Bundle
from edgefer.errors import BundleError
from edgefer.export.reference import LEAST, calibration_error, fit_temperature, make_reference
from edgefer.reference import Confidence, Reference, light, rescale, sharpness

pytestmark = pytest.mark.edge

REFERENCE = Reference(
    280,
    (60.0, 90.0, 130.0, 180.0, 200.0),
    (0.2, 0.4, 0.7, 1.3, 1.9),
    {
        "int8": Confidence((0.3, 0.5, 0.8, 0.9, 1.0), 1.25, 3309, (0.076, 0.025)),
        "float": Confidence((0.3, 0.5, 0.8, 0.9, 1.0)),
    },
)
SIDE = 24
MODELS = {
    "float": tiny_tflite(np.float32, size=SIDE),
    "int8": tiny_tflite(np.uint8, size=SIDE),
}
shares = st.lists(st.floats(0, 1), min_size=3, max_size=3).filter(lambda row: sum(row) > 0.01)


def sure_and_right(faces=4000, temperature=2.0):
    """Probabilities of a model that is surer than it should be, and what is right."""
    rng = np.random.default_rng(0)
    true = rng.dirichlet(np.ones(4), faces)
    targets = np.array([rng.choice(4, p=row) for row in true])
    return rescale(true, 1 / temperature), targets


def test_what_is_written_is_read_again(tmp_path):
    saved = REFERENCE.save(tmp_path / "saved.json").read_bytes()
    found = Reference.load(bundle_with(tmp_path, "reference", "reference.json", saved))
    assert found == REFERENCE
    assert found.temperature("int8") == 1.25
    assert found.temperature("float") is None
    assert found.temperature("onnx") is None
    told = {"int8": {"temperature": 1.25, "faces": 3309, "error": [0.076, 0.025]}}
    assert found.confidence() == told


def test_an_older_bundle_has_none(tmp_path):
    assert Reference.load(tiny_bundle(tmp_path / "old")) is None


@pytest.mark.parametrize("name", ["default", "small"])
def test_the_packaged_bundles_know(name):
    found = Reference.load(Bundle.load(name))
    assert set(found.models) == {"float", "int8"}
    for known in found.models.values():
        assert known.error[1] < 0.03
        assert known.faces == 3309


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"light": [3, 2, 1, 4, 5]},
        {"light": [1, 2, 3]},
        {"light": "dark"},
        {"sharpness": [0, 1, 2, 3, -4]},
        {"sharpness": [0, 1, 2, 3, True]},
        {"models": []},
        {"models": {"int8": {"temperature": 1}}},
        {"models": {"int8": asdict(replace(REFERENCE.models["int8"], temperature=0))}},
        {"models": {"int8": asdict(replace(REFERENCE.models["int8"], temperature="hot"))}},
        {"faces": 1e300},
    ],
)
def test_a_garbled_one_is_refused(tmp_path, change):
    text = json.dumps({"format": 1, **asdict(REFERENCE)} | change)
    with pytest.raises(BundleError, match=r"reference\.json lacks or garbles"):
        Reference.load(bundle_with(tmp_path, "reference", "reference.json", text.encode()))


@given(st.lists(shares, min_size=1, max_size=5), st.floats(0.2, 5))
def test_rescaled_shares_keep_their_order_and_sum(rows, temperature):
    before = np.array(rows)
    before /= before.sum(axis=1, keepdims=True)
    after = rescale(before, temperature)
    assert after.sum(axis=1) == pytest.approx(1)
    for old, new in zip(before, after, strict=True):
        assert (np.diff(new[np.argsort(old)]) >= -1e-12).all()
    if temperature > 1:
        assert (after.max(axis=1) <= before.max(axis=1) + 0.01).all()


def test_a_temperature_of_one_changes_nothing_but_noughts():
    shares = np.array([[0.9999, 0.00005, 0.00005], [0.5, 0.3, 0.2]])
    assert rescale(shares, 1) == pytest.approx(shares, abs=1e-12)
    powers = shares[0] ** (1 / 1.25)
    assert rescale(shares, 1.25)[0] == pytest.approx(powers / powers.sum())


def test_an_answer_of_nought_may_be_rescaled():
    assert rescale(np.array([[0.0, 1.0]]), 2)[0] == pytest.approx([0.0423, 0.9577], abs=1e-3)


def test_the_temperature_undoes_what_made_a_model_too_sure():
    probabilities, targets = sure_and_right(temperature=2.0)
    temperature = fit_temperature(probabilities, targets)
    assert temperature == pytest.approx(2.0, rel=0.06)
    assert calibration_error(probabilities, targets) > 0.1
    assert calibration_error(rescale(probabilities, temperature), targets) < 0.03


def test_a_model_that_is_always_right_gets_the_coldest():
    probabilities = np.tile([0.6, 0.4], (50, 1))
    assert fit_temperature(probabilities, np.zeros(50, int)) == pytest.approx(0.1)
    assert calibration_error(probabilities, np.zeros(50, int)) == pytest.approx(0.4)


def test_faces_that_were_judged_tell_the_temperature(tmp_path):
    rng = np.random.default_rng(0)
    targets = np.arange(LEAST) % 3
    noise = rng.integers(0, 40, (LEAST, SIDE, SIDE)).astype(np.uint8)
    patches = np.stack([band(target, SIDE) for target in targets]) + noise
    rows = [(patch, LABELS.names[i]) for patch, i in zip(patches, targets, strict=True)]
    judges = make(tmp_path / "faces", *rows, labels=LABELS)
    found = make_reference(MODELS, patches, judges)
    assert found.models["int8"].faces == LEAST
    assert 0.1 <= found.temperature("int8") <= 10
    assert found.light[2] == pytest.approx(np.median(light(patches)), abs=0.01)
    few = make_reference(MODELS, patches, judges.select(np.arange(LEAST - 1)))
    assert few.temperature("int8") is None
    assert few.models["int8"].quantiles == found.models["int8"].quantiles


def test_sharpness_does_not_depend_on_the_light():
    patch = np.random.default_rng(0).integers(0, 256, (1, 48, 48)).astype(np.uint8)
    assert sharpness(patch // 2) == pytest.approx(sharpness(patch), rel=0.05)
    assert sharpness(np.full((1, 48, 48), 99, np.uint8)) == 0
