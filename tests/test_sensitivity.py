# ruff: noqa: E402  (what stands after importorskip needs TensorFlow)
import csv
import json
import re
import xml.etree.ElementTree as ET

import pytest
from toys import toy_bundle

pytest.importorskip("tensorflow", reason="sensitivity needs TensorFlow")
pytestmark = pytest.mark.train

from collapses import collapsed

from edgefer.errors import DataError
from edgefer.export.mixed import Calibrated
from edgefer.export.sensitivity import measured
from edgefer.export.sensitivity_page import Found, headline, measure_sensitivity, to_html, to_text

BROKEN = {"stage2_1_conv", "stage3_1_conv"}  # what gives the channel, and what reads it


@pytest.fixture(scope="module")
def calibration(tmp_path_factory, faces):
    from edgefer.faceset import copy_faceset

    return copy_faceset(faces.split("train"), tmp_path_factory.mktemp("toys") / "calib")


@pytest.fixture(scope="module")
def networks(model, calibration):
    broken = collapsed(model, "stage2_1_norm", ("stage3_1_conv",))
    both = {"sound": model, "broken": broken}
    return {name: Calibrated.of(each, calibration.patches) for name, each in both.items()}


@pytest.fixture(scope="module")
def found(networks, calibration):
    return {name: measured(each, calibration.patches) for name, each in networks.items()}


def test_every_layer_is_there_once_the_worst_first(found, networks):
    layers = found["sound"].layers
    # Left in float, a softmax would give bytes all the same.
    names = [name for name in networks["sound"].names if name != "softmax"]
    assert found["sound"].order == tuple(names)
    assert sorted(layer.name for layer in layers) == sorted(names)
    assert [layer.alone for layer in layers] == sorted((x.alone for x in layers), reverse=True)


def test_single_errors_are_those_of_rounding(found):
    for layer in found["sound"].layers:
        assert 0 < layer.rmse < 1
        assert 20 < layer.sqnr < 70


def test_a_channel_that_takes_the_whole_range_is_found_with_its_reader(found):
    assert found["sound"].whole.agreement > 0.95
    assert found["broken"].whole.agreement < 0.6
    assert {layer.name for layer in found["broken"].layers[:2]} == BROKEN
    by_name = {layer.name: layer for layer in found["broken"].layers}
    # The error of the layer as a whole looks harmless.
    assert by_name["stage2_1_conv"].sqnr > 20 > by_name["stage2_1_conv"].channel_sqnr


def test_the_first_two_left_in_float_mend_it_and_one_does_not(found):
    one, two, *_ = found["broken"].spared
    assert one.agreement < 0.6
    assert two.agreement > 0.95


def test_the_headline_names_what_is_hurt(found):
    assert headline(found["sound"]) == "No layer suffers much from int8."
    assert all(name in headline(found["broken"]) for name in BROKEN)
    assert to_text(found["broken"]).splitlines()[1].split()[0] in BROKEN


def test_a_report_is_written_whole(tmp_path, model, faces, calibration):
    bundle = toy_bundle(tmp_path / "toy", model, faces)
    out = tmp_path / "out"
    made = measure_sensitivity(bundle, calibration, out)
    told = json.loads((out / "sensitivity.json").read_text())
    assert told["layers"] == [layer.to_json() for layer in made.sensitivity.layers]
    assert told["bundle_digest"] == bundle.digest
    with (out / "sensitivity.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == [layer.name for layer in made.sensitivity.layers]
    with pytest.raises(DataError, match="exists"):
        measure_sensitivity(bundle, calibration, out)
    page = (out / "sensitivity.html").read_text()
    plots = re.findall(r"<svg.*?</svg>", page, re.S)
    assert len(plots) == 4
    for plot in plots:
        ET.fromstring(plot)
    assert "http" not in page.replace("http-equiv", "")


def test_names_are_escaped(found):
    page = to_html(Found("<b>x", "<i>y", found["broken"], {"source": "<u>z"}))
    assert "<b>x" not in page
    assert "<i>y" not in page
    assert "<u>z" not in page
