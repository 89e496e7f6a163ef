"""`edgefer explain` on drawn faces, whose action units are known."""

# ruff: noqa: E402  (what stands after importorskip needs TensorFlow)
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from chromium import BROWSER, Page
from click.testing import CliRunner
from trainings import draw

pytest.importorskip("tensorflow", reason="explaining needs TensorFlow")

pytestmark = pytest.mark.train

from edgefer.bundle import Step, write_bundle
from edgefer.cli import edgefer
from edgefer.errors import DataError
from edgefer.keras import keras
from edgefer.labels import FER7, labels_of
from edgefer.synth import (
    ACTION_UNITS,
    PROTOTYPES,
    openface_row,
)
from edgefer.train.backbones.vgg import vgg
from edgefer.train.ensemble import make_ensemble
from edgefer.train.explain.explanation import explain
from edgefer.train.explain.heat import heat_maps
from edgefer.train.explain.judged import judged_faces
from edgefer.train.explain.openface import read_openface
from edgefer.train.explain.page import to_html
from edgefer.train.explain.surrogate import fit_surrogate

CORE = 0.9  # how often a unit takes part in an emotion that cannot do without it


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """Sixty drawn people, whose action units are known."""
    return draw(tmp_path_factory.mktemp("explain") / "faces", people=60, takes=2, seed=3)


@pytest.fixture(scope="module")
def table(faces):
    return faces.folder / "action_units.csv"


@pytest.fixture(scope="module")
def bundle(faces, tmp_path_factory):
    """A network that learned a little from some of these faces."""
    folder = tmp_path_factory.mktemp("network")
    keras.utils.set_random_seed(0)
    model = vgg(7, 48, width=8, depth=4, dropout=0.0)
    model.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy")
    model.optimizer.build(model.trainable_variables)  # else each step is traced twice
    train = faces.split("train")
    shown = train.patches[..., None].astype(np.float32)
    model.fit(shown, train.targets, epochs=15, batch_size=32, verbose=0)
    model.save(folder / "model.keras")
    files = {"keras": folder / "model.keras"}
    return write_bundle(folder / "bundle", labels=FER7, size=48, files=files, history=[])


@pytest.fixture(scope="module")
def found(bundle, faces, table):
    return explain(bundle, faces, read_openface(table, faces), asked=[faces.ids[5]])


def shown(**units):
    return openface_row(dict.fromkeys(ACTION_UNITS, 0.0) | units)


@pytest.mark.parametrize("emotion", FER7.names)
def test_the_planted_units_come_out_for_every_emotion(found, emotion):
    names = found.units.names
    row = found.of_labels.classes.index(FER7.index(emotion))
    speak_for = [names[i] for i in found.of_labels.speaks_for(row)]
    against = [names[i] for i in found.of_labels.speaks_against(row)]
    planted = PROTOTYPES[emotion]
    core = {unit for unit, (_, often) in planted.items() if often >= CORE}
    assert core <= set(speak_for)
    assert set(speak_for) <= set(planted)
    assert not core & set(against)


def test_drawn_faces_keep_to_the_prototypes(found):
    for emotion in ("happy", "sad", "surprise", "angry"):
        check = found.check(found.of_labels, FER7.index(emotion))
        assert not check.contrary
        assert len(check.found) >= len(check.open)
    assert found.check(found.of_labels, FER7.index("neutral")) is None


def test_the_surrogate_is_faithful_beyond_guessing(found):
    assert found.fidelity.accuracy > found.guess + 0.2
    assert found.regression.accuracy > found.network.accuracy > 0.4
    assert (found.fidelity.confusion.sum(axis=1) == np.bincount(found.answers, minlength=7)).all()


def test_weights_sum_to_nothing_and_lie_in_their_intervals(found):
    for fitted in (found.of_labels, found.of_answers):
        np.testing.assert_allclose(fitted.weights.sum(axis=0), 0, atol=1e-9)
        inside = (fitted.low <= fitted.weights) & (fitted.weights <= fitted.high)
        assert inside.mean() > 0.95


def test_the_same_seed_gives_the_same_intervals(found, faces):
    again = fit_surrogate(found.units.values, found.targets, faces.persons)
    assert np.array_equal(again.low, found.of_labels.low)


def test_a_heat_map_is_warm_where_the_answer_comes_from():
    """A network that answers by the brightness of a corner looks at that corner."""
    faces = keras.Input((48, 48, 1))
    conv = keras.layers.Conv2D(1, 6, strides=6, use_bias=False)
    maps = keras.layers.ReLU()(conv(faces))
    conv.set_weights([np.full((6, 6, 1, 1), 1 / 36, np.float32)])
    answer = keras.layers.Dense(2, "softmax", use_bias=False)
    model = keras.Model(faces, answer(keras.layers.Flatten()(maps)))
    weights = np.zeros((64, 2), np.float32)
    weights[0] = 0.64, -0.64
    answer.set_weights([weights])
    patch = np.zeros((2, 48, 48), np.uint8)
    patch[:, :6, :6], patch[:, 42:, 42:] = 40, 2
    first, second = heat_maps(model, patch, np.array([0, 1]))
    assert first.max() == 1.0
    assert np.unravel_index(first.argmax(), (48, 48)) < (8, 8)
    assert first[:3, :3].min() > 0.8
    assert first[16:].max() < 0.1
    assert second.max() == 0.0  # nothing speaks for the other answer


def test_heat_is_that_of_the_last_convolution_and_not_of_a_pooling_behind_it():
    faces = keras.Input((48, 48, 1))
    conv = keras.layers.Conv2D(1, 6, strides=6, use_bias=False)
    maps = keras.layers.ReLU()(conv(faces))
    conv.set_weights([np.full((6, 6, 1, 1), 1 / 36, np.float32)])
    pooled = keras.layers.MaxPooling2D(4)(maps)
    answer = keras.layers.Dense(2, "softmax", use_bias=False)
    model = keras.Model(faces, answer(keras.layers.Flatten()(pooled)))
    weights = np.zeros((4, 2), np.float32)
    weights[0, 0] = 1.0
    answer.set_weights([weights])
    patch = np.zeros((1, 48, 48), np.uint8)
    patch[:, 6:12, 12:18] = 40
    heat = heat_maps(model, patch, np.array([0]))[0]
    place = np.unravel_index(heat.argmax(), heat.shape)
    assert 6 <= place[0] < 12
    assert 12 <= place[1] < 18


def test_an_ensemble_is_explained_without_heat(bundle, faces, table, tmp_path):
    files = {"keras": bundle.path("keras")}
    history = [Step("train base")]
    other = write_bundle(tmp_path / "b", labels=FER7, size=48, files=files, history=history)
    both = make_ensemble([bundle, other], faces, tmp_path / "both")
    found = explain(both, faces, read_openface(table, faces), looks=1)
    assert all(look.heat is None for look in found.looks)
    page = to_html(found)
    assert "no heat maps" in page
    assert "Where the network looks" not in page


def test_a_face_is_explained_by_its_own_units(found, faces):
    look = found.asked[0]
    assert look.name == faces.ids[5]
    row = found.of_answers.classes.index(FER7.index(look.answer))
    values = found.units.values[5]
    added = {unit: part for unit, _, part in look.parts}
    expected = found.of_answers.parts(values, row)
    np.testing.assert_allclose([added[unit] for unit in found.units.names], expected)
    sizes = [abs(part) for _, _, part in look.parts]
    assert sizes == sorted(sizes, reverse=True)


def test_looks_show_the_surest_answers_and_a_mistake(found):
    for emotion in FER7.names:
        own = [look for look in found.looks if look.label == emotion]
        assert len(own) <= 4
        right = [look.probability for look in own if look.answer == emotion]
        assert right == sorted(right, reverse=True)
        assert sum(look.answer != emotion for look in own) <= 1


def test_judged_are_all_faces_but_those_for_training(bundle, faces):
    judged, about = judged_faces(bundle, faces)
    assert "train" not in judged.split_names
    assert about == {"split": "all but train", "emotions_left_out": []}
    assert len(judged_faces(bundle, faces, split="all")[0]) == len(faces)
    only = faces.split("train")
    judged, about = judged_faces(bundle, only)
    assert (len(judged), about["split"]) == (len(only), "all")
    with pytest.raises(DataError, match="no split 'dev'"):
        judged_faces(bundle, faces, split="dev")


def test_emotions_that_the_network_lacks_are_left_out_and_said(bundle, faces, capsys):
    other = labels_of("three", "happy", "hurt", "embarrassed")
    first = faces.select(faces.targets < 3)
    three = replace(first, labels=other, votes=first.votes[:, :3])
    kept, about = judged_faces(bundle, three, split="all", renames={"embarrassed": "surprise"})
    assert about["emotions_left_out"] == ["hurt"]
    assert set(np.unique(kept.targets)) == {FER7.index("happy"), FER7.index("surprise")}
    assert "hurt" in capsys.readouterr().err
    none = replace(three, labels=labels_of("none", "a", "b", "c"))
    with pytest.raises(DataError, match="knows none of them"):
        judged_faces(bundle, none)


def test_another_patch_size_is_refused(bundle, faces, table):
    with pytest.raises(DataError, match="takes 48"):
        explain(bundle, replace(faces, size=96), read_openface(table, faces))


def test_a_face_that_is_not_there_is_refused(bundle, faces, table):
    with pytest.raises(DataError, match="no face nobody_1"):
        explain(bundle, faces, read_openface(table, faces), asked=["nobody_1"])


def test_the_page_escapes_names_and_holds_its_pictures(found):
    hostile = replace(found, faceset="<script>alert(1)</script>")
    page = to_html(hostile)
    assert "<script>" not in page
    assert page.count("data:image/png;base64,") >= 2 * len(found.looks)
    assert not re.search(r'(src|href)="(?!data:)', page)


@pytest.mark.skipif(BROWSER is None, reason="no chromium")
def test_the_page_fits_a_desktop_and_a_phone(found, tmp_path):
    path = tmp_path / "why.html"
    path.write_text(to_html(found), encoding="utf-8")
    with Page(tmp_path) as page:
        for width in (1100, 390):
            page.resize(width, 900)
            page.open(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            shown = "[...document.querySelectorAll('svg')].filter(x => x.getClientRects().length)"
            assert page.evaluate(f"{shown}.length") == 2
        loaded = "[...document.images].every(x => x.complete && x.naturalWidth)"
        assert page.evaluate(loaded)


def test_the_command_prints_writes_and_speaks_json(bundle, faces, table, tmp_path):
    page = tmp_path / "why.html"
    words = ["explain", str(bundle.folder), str(faces.folder), "--action-units", str(table)]
    words += ["--split", "all", "-o", str(page), "--looks", "1", "--face", faces.ids[0], "--json"]
    done = CliRunner().invoke(edgefer, words, catch_exceptions=False)
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert told["faces"] == len(faces)
    assert told["for_labels"]["happy"]["prototype"]["found"] == ["AU06", "AU12"]
    assert told["faces_asked"][0]["id"] == faces.ids[0]
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    again = CliRunner().invoke(edgefer, words)
    assert "exists. Replace it with --force" in str(again.exception)


def test_one_source_of_units_is_wanted(bundle, faces, table):
    words = ["explain", str(bundle.folder), str(faces.folder)]
    for more in ([], ["--action-units", str(table), "--blendshapes", "x.task"]):
        done = CliRunner().invoke(edgefer, words + more)
        assert done.exit_code == 2
        assert "either --action-units or --blendshapes" in done.output
