# ruff: noqa: E402  (what stands after importorskip needs TensorFlow)
import csv
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from chromium import BROWSER, Page
from click.testing import CliRunner

pytest.importorskip("tensorflow", reason="explaining needs TensorFlow")
pytestmark = pytest.mark.train

from edgefer.bundle import write_bundle
from edgefer.cli import edgefer
from edgefer.errors import DataError
from edgefer.faceset import FaceSet
from edgefer.facewriter import write_faceset
from edgefer.keras import keras
from edgefer.labels import FER7, labels_of
from edgefer.synth import (
    ACTION_UNITS,
    OPENFACE_COLUMNS,
    PROTOTYPES,
    find_population,
    openface_row,
)
from edgefer.train.backbones.vgg import vgg
from edgefer.train.datasets.synth import import_synth
from edgefer.train.ensemble import make_ensemble
from edgefer.train.explain.blendshapes import BLENDSHAPES, read_blendshapes
from edgefer.train.explain.explanation import explain
from edgefer.train.explain.heat import heat_maps
from edgefer.train.explain.judged import judged_faces
from edgefer.train.explain.openface import read_openface
from edgefer.train.explain.page import to_html
from edgefer.train.explain.prototypes import check_prototype
from edgefer.train.explain.surrogate import fit_surrogate
from edgefer.train.explain.units import NAMES

CORE = 0.9  # how often a unit takes part in an emotion that cannot do without it


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """Sixty drawn people, whose action units are known."""
    out = tmp_path_factory.mktemp("explain") / "faces"
    with write_faceset(out, FER7, 48, source="drawn") as writer:
        import_synth(find_population("base"), writer, people=60, takes=2, seed=3)
    return FaceSet.load(out)


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
    train = faces.split("train")
    shown = train.patches[..., None].astype(np.float32)
    model.fit(shown, train.targets, epochs=15, batch_size=32, verbose=0)
    model.save(folder / "model.keras")
    files = {"keras": folder / "model.keras"}
    return write_bundle(folder / "bundle", labels=FER7, size=48, files=files, history=[])


@pytest.fixture(scope="module")
def found(bundle, faces, table):
    return explain(bundle, faces, read_openface(table, faces), asked=[faces.ids[5]])


def write(path, rows, header=("id", *OPENFACE_COLUMNS)):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, header)
        writer.writeheader()
        writer.writerows(rows)
    return path


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


def test_weights_sum_to_nothing_and_lie_in_their_intervals(found):
    for fitted in (found.of_labels, found.of_answers):
        np.testing.assert_allclose(fitted.weights.sum(axis=0), 0, atol=1e-9)
        inside = (fitted.low <= fitted.weights) & (fitted.weights <= fitted.high)
        assert inside.mean() > 0.95


def test_emotions_of_few_people_are_not_told_apart():
    values = np.random.default_rng(0).normal(size=(45, 3))
    targets = np.array([0] * 20 + [1] * 20 + [4] * 5)
    assert fit_surrogate(values, targets, np.full(45, "", object)).classes == (0, 1)
    persons = np.array([f"p{i % 9}" for i in range(45)], object)
    with pytest.raises(DataError, match="the labels .* name 0 emotions on 10 people or more"):
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


def test_the_same_seed_gives_the_same_intervals(found, faces):
    again = fit_surrogate(found.units.values, found.targets, faces.persons)
    assert np.array_equal(again.low, found.of_labels.low)


def test_a_prototype_is_found_contradicted_or_open():
    check = check_prototype("sad", tuple(NAMES), ["AU15", "AU12"], ["AU04"])
    assert (check.found, check.contrary, check.open) == (("AU15",), ("AU04",), ("AU01", "AU17"))
    assert str(check) == "1 of 4, against: AU04"
    assert check_prototype("happy", ("AU01",), [], []) is None
    assert check_prototype("hurt", tuple(NAMES), [], []) is None


def test_rows_are_joined_by_id_and_the_surest_row_counts(faces, tmp_path):
    name = faces.ids[3]
    rows = [
        {"id": name, **shown(AU12=1.0), " confidence": "0.7"},
        {"id": name, **shown(AU12=4.0), " confidence": "0.9"},
        {"id": faces.ids[1], **shown(AU04=2.0)},
        {"id": "somebody else", **shown()},
        {"id": faces.ids[2], **shown(), " confidence": "0.2"},
        {"id": faces.ids[4], **shown(), " AU12_r": "many"},
        {"id": faces.ids[4], **shown(), " AU12_r": "nan"},
        {"id": faces.ids[4], **shown(), " AU12_r": "7"},
    ]
    units = read_openface(write(tmp_path / "units.csv", rows), faces)
    assert units.faces.tolist() == [1, 3]
    assert units.values[1, units.names.index("AU12")] == 4.0
    assert units.left_out == {
        "further rows of a face": 1,
        "rows of no face in the set": 1,
        "rows of which OpenFace is not sure (confidence below 0.5)": 1,
        "rows with an intensity that is no number from 0 to 5": 3,
    }
    some = units.only(faces.select(np.array([0, 3, 4])))
    assert some.faces.tolist() == [1]
    assert some.values[0, units.names.index("AU12")] == 4.0
    assert some.left_out["faces without action units"] == 2


def test_a_folder_of_openfaces_files_is_joined_by_their_names(faces, tmp_path):
    for i in (0, 2):
        write(tmp_path / f"{faces.ids[i]}.csv", [shown(AU06=float(i))], OPENFACE_COLUMNS)
    units = read_openface(tmp_path, faces)
    assert units.faces.tolist() == [0, 2]
    assert units.values[:, units.names.index("AU06")].tolist() == [0.0, 2.0]


def test_of_equally_sure_rows_the_first_counts(faces, tmp_path):
    rows = [{"id": faces.ids[0], **shown(AU01=value)} for value in (1.0, 3.0)]
    units = read_openface(write(tmp_path / "units.csv", rows), faces)
    assert units.values[0, 0] == 1.0


@pytest.fixture
def named(tmp_path):
    """Pictures of several folders, two of them of one name."""
    with write_faceset(tmp_path / "set", labels_of("two", "happy", "sad"), 48, source="x") as out:
        for i, origin in enumerate(("사진/기쁨_1.jpg", "a/2.jpg", "b/2.jpg", "happy_000000.png")):
            out.add(np.full((48, 48), i, np.uint8), "sad" if i else "happy", origin=origin)
    return FaceSet.load(tmp_path / "set")


@pytest.mark.parametrize(
    ("column", "name", "place"),
    [
        ("filename", "사진/기쁨_1.png", 0),
        ("filename", "기쁨_1.jpg", 0),  # as a Mac decomposes it
        ("filename", "C:\\faces\\b\\2.jpg", 2),
        ("filename", "2.jpg", None),  # two have that name
        ("filename", "c/2.jpg", None),  # a folder of no face
        ("origin", "b/2.jpg", 2),
        ("origin", "2", None),
        ("id", "sad_000001", 2),
        ("filename", "sad_000001.png", 2),
        ("filename", "happy_000000.png", None),  # the id of one, the origin of another
        ("id", "happy_000000", 0),
        ("origin", "happy_000000.png", 3),
        ("file", "", None),
    ],
)
def test_a_name_joins_one_face_or_none(named, tmp_path, column, name, place):
    rows = [{column: name, **shown()}]
    path = write(tmp_path / "units.csv", rows, (column, *OPENFACE_COLUMNS))
    assert read_openface(path, named).faces.tolist() == ([] if place is None else [place])


def test_folders_tell_faces_of_one_name_apart(named, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / "units" / folder).mkdir(parents=True)
        write(tmp_path / "units" / folder / "2.csv", [shown()], OPENFACE_COLUMNS)
    assert read_openface(tmp_path / "units", named).faces.tolist() == [1, 2]


def test_a_face_for_training_is_not_taken_for_a_judged_one(named, tmp_path):
    rows = [{"filename": "a/2.jpg", **shown()}]
    units = read_openface(write(tmp_path / "u.csv", rows, ("filename", *OPENFACE_COLUMNS)), named)
    with pytest.raises(DataError, match="no action units"):
        units.only(named.select(np.array([2])))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not OpenFace's"),
        (b"id,emotion\na,happy\n", "is not OpenFace's: it lacks AU01_r"),
        (b"\xff\xfe\x00\x00", "cannot be read"),
        (("face," + ",".join(f"{n}_r" for n in NAMES) + "\n0" + ",1" * 17).encode(), "no column"),
        (("id," + ",".join(f"{n}_r" for n in NAMES) + '\n"' + "x" * 200_000).encode(), "read"),
    ],
)
def test_what_is_not_openfaces_is_refused(faces, tmp_path, content, message):
    (tmp_path / "units.csv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_openface(tmp_path / "units.csv", faces)


def test_an_empty_folder_and_no_folder_are_refused(faces, tmp_path):
    with pytest.raises(DataError, match=r"holds no \.csv"):
        read_openface(tmp_path, faces)
    with pytest.raises(DataError, match="cannot be read"):
        read_openface(tmp_path / "nowhere.csv", faces)


def test_blendshapes_are_read_as_the_units_they_stand_for(faces, tmp_path):
    some, asked = faces.select(np.arange(3)), []

    def measure(picture):
        asked.append(picture)
        return (
            {}
            if len(asked) == 2
            else dict.fromkeys(sum(BLENDSHAPES.values(), ()), 0.2)
            | {
                "mouthSmileLeft": 1.0,
                "mouthSmileRight": 0.6,
            }
        )

    units = read_blendshapes(tmp_path / "any.task", some, measure).only(some)
    assert units.faces.tolist() == [0, 2]
    assert units.values[0, units.names.index("AU12")] == pytest.approx(4.0)
    assert units.values[0, units.names.index("AU01")] == pytest.approx(1.0)
    assert units.left_out["faces that MediaPipe does not see"] == 1
    assert asked[0].shape == (384, 384, 3)
    assert asked[0].dtype == np.uint8
    nothing = read_blendshapes(tmp_path / "any.task", some, lambda picture: {})
    with pytest.raises(DataError, match="3 faces that MediaPipe does not see"):
        nothing.only(some)


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
    both = make_ensemble([bundle, bundle], faces, tmp_path / "both")
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
