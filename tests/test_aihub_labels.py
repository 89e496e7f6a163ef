"""AI Hub's label files: four answers become one label or a reason, whatever stands in them."""

import json

import pytest
from aihub_packing import write_zip
from aihub_records import NAME, VOTE, plan, record
from hypothesis import given
from hypothesis import strategies as st

from edgefer.errors import DataError
from edgefer.labels import KOREAN7
from edgefer.preprocess import Box
from edgefer.train.datasets.aihub import LabelRecipe, decide, plan_aihub
from edgefer.train.datasets.sources import read


@pytest.mark.parametrize(
    ("said", "by", "least", "expected"),
    [
        (["happy", "happy", "sad", "hurt"], "vote", 2, "happy"),
        (["sad", "happy", "happy", "happy"], "vote", 3, "happy"),
        (["happy", "happy", "sad", "sad"], "vote", 2, "tied"),
        (["happy", "sad", "hurt", "angry"], "vote", 1, "tied"),
        (["happy", "happy", "sad", "hurt"], "vote", 3, "fewer than 3 votes agree"),
        (["happy", "", "", ""], "vote", 1, "happy"),
        (["happy", "", "", ""], "vote", 2, "fewer than 2 votes agree"),
        (["", "", "", ""], "vote", 1, "nobody knew"),
        (["happy", "sad", "sad", "sad"], "uploader", 2, "happy"),
        (["happy", "sad", "hurt", "angry"], "annotator-a", 2, "sad"),
        (["happy", "sad", "hurt", "angry"], "annotator-c", 2, "angry"),
        (["happy", "sad", "", "angry"], "annotator-b", 2, "annotator b did not know"),
    ],
)
def test_four_answers_become_one_label_or_a_reason(said, by, least, expected):
    recipe = LabelRecipe(by, least, {})
    if expected in KOREAN7.names:
        assert decide(said, recipe) == expected
    else:
        with pytest.raises(DataError, match=expected):
            decide(said, recipe)


def test_an_emotion_that_is_left_out_keeps_its_votes(tmp_path):
    (tmp_path / NAME).write_bytes(b"photo")
    sad = {"boxes": record()["annot_A"]["boxes"], "faceExp": "슬픔"}
    text = json.dumps([record(annot_C=sad)])
    (tmp_path / "img_emotion_training_data(기쁨).json").write_text(text)
    (photo,) = plan_aihub([tmp_path], KOREAN7, LabelRecipe("vote", 1, {"happy": ""}))
    assert photo.reason == "left out by --map"
    (photo,) = plan_aihub([tmp_path], KOREAN7, LabelRecipe("vote", 1, {"sad": ""}))
    assert photo.emotion == "happy"


@pytest.mark.parametrize(("by", "least"), [("mother", 2), ("vote", 0), ("vote", 5)])
def test_a_recipe_that_makes_no_sense_is_refused(by, least):
    with pytest.raises(DataError, match="--label-by|--min-votes"):
        LabelRecipe(by, least, {})


def test_field_names_of_the_official_document_are_read_alike(tmp_path):
    (photo,) = plan(tmp_path / "a", [record()])
    official = {key: value for key, value in record().items() if not key.startswith("annot")}
    for judge in "ABC":
        official[f"faceExp_{judge}"] = "기쁨"
        official[f"faceBB_{judge}"] = record()["annot_A"]["boxes"]
    (other,) = plan(tmp_path / "b", [official])
    assert (other.emotion, other.boxes, other.votes) == (photo.emotion, photo.boxes, photo.votes)
    assert photo.boxes == (Box(1, 2, 29, 38),) * 3
    assert photo.split == "val"
    assert photo.person == "0" * 63 + "1"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_labels_are_read_in_every_encoding_they_come_in(tmp_path, encoding):
    (photo,) = plan(tmp_path, [record()], encoding)
    assert photo.about["background"] == "자연환경"


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ('{"a": 1}', "holds a dict, not a list"),
        ("[1, null, {}]", "not as documented"),
        ([record(filename=7)], "not as documented"),
        ([record(annot_A=[1], annot_B=3, annot_C=None, faceExp_uploader=None)], "nobody knew"),
        (
            [record(annot_A={"boxes": {"minX": "a"}, "faceExp": "기쁨"})],
            "a box is not as documented",
        ),
        (
            [record(annot_A={"boxes": [1, 2, 3, 4], "faceExp": "기쁨"})],
            "a box is not as documented",
        ),
        ([record(faceExp_uploader="심심"), record()], "second record"),
    ],
)
def test_labels_that_are_not_as_documented_are_reasons(tmp_path, records, reason):
    photos = plan(tmp_path, records)
    assert any(reason in photo.reason for photo in photos)


def test_boxes_of_nonsense_are_no_boxes(tmp_path):
    nonsense = [(9, 9, 9, 9), (9, 9, 1, 1), (0, 0, 1e300, 1e300), ("nan", 0, 1, 1)]
    for i, corners in enumerate(nonsense):
        box = dict(zip(("minX", "minY", "maxX", "maxY"), corners, strict=True))
        annotation = {"boxes": box, "faceExp": "기쁨"}
        (photo,) = plan(tmp_path / str(i), [record(annot_A=annotation)])
        assert len(photo.boxes) == 2 or photo.reason == "a box is not as documented"


def test_a_photo_of_one_name_in_two_zips_is_taken_once(tmp_path):
    for part in ("01", "02"):
        write_zip(
            tmp_path / f"[원천]EMOIMG_기쁨_VALID_{part}.zip", [(NAME, part.encode())], "cp949"
        )
    text = json.dumps([record()], ensure_ascii=False).encode()
    write_zip(tmp_path / "[라벨]a.zip", [("img_emotion_validation_data(기쁨).json", text)], "cp949")
    first, second = plan_aihub([tmp_path], KOREAN7, VOTE)
    assert first.entry.path.endswith("_01.zip")
    assert second.reason == "a second photo of that name"


@pytest.mark.parametrize("packed", [(), ("01",), ("02",), ("01", "02")])
def test_which_photo_of_one_name_is_taken_does_not_depend_on_the_packing(tmp_path, packed):
    for part in ("01", "02"):
        source = tmp_path / f"[원천]EMOIMG_기쁨_VALID_{part}"
        if part in packed:
            write_zip(source.with_suffix(".zip"), [(NAME, part.encode())], "cp949")
        else:
            source.mkdir()
            (source / NAME).write_bytes(part.encode())
    text = json.dumps([record()], ensure_ascii=False)
    labels = tmp_path / "labels"
    labels.mkdir()
    (labels / "a.json").write_text(text, encoding="utf-8")
    taken, _ = plan_aihub([tmp_path], KOREAN7, VOTE)
    assert read(taken.entry) == b"01"
    named = [path for path in tmp_path.iterdir() if path != labels]
    (taken, _), (other, _) = (
        plan_aihub([*order, labels], KOREAN7, VOTE) for order in (named, named[::-1])
    )
    assert taken.entry == other.entry


def test_photos_without_labels_are_asked_for(tmp_path):
    (tmp_path / NAME).write_bytes(b"photo")
    with pytest.raises(DataError, match=r"no labels \(.json\).*\[라벨\]"):
        list(plan_aihub([tmp_path], KOREAN7, VOTE))


def test_labels_without_photos_ask_for_them(tmp_path):
    (tmp_path / "img_emotion_training_data(기쁨).json").write_text("[]")
    with pytest.raises(DataError, match=r"no photos.*only labels.*\[원천\]"):
        list(plan_aihub([tmp_path], KOREAN7, VOTE))


@pytest.mark.parametrize("renames", [{"hrt": "sad"}, {"hurt": "sadd"}])
def test_an_emotion_to_rename_that_is_none_is_named_before_the_work(tmp_path, renames):
    with pytest.raises(DataError, match="'(hrt|sadd)' is not one of"):
        next(plan_aihub([tmp_path / "nowhere"], KOREAN7, LabelRecipe("vote", 2, renames)))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from([*record(), "boxes", "minX", "minY", "maxX", "maxY", "faceExp"]), inner
        )
    ),
    max_leaves=20,
)


@given(value=json_values, changes=st.dictionaries(st.sampled_from(list(record())), json_values))
def test_hostile_labels_are_photos_or_reasons(tmp_path_factory, value, changes):
    folder = tmp_path_factory.mktemp("hostile")
    for photo in plan(folder, json.dumps([value, record(**changes)])):
        assert photo.reason or (photo.entry and photo.emotion in KOREAN7)
        json.dumps(photo.to_json(), ensure_ascii=False).encode()


@given(data=st.binary(max_size=200))
def test_hostile_bytes_are_photos_or_reasons(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "a.json").write_bytes(data)
    (folder / NAME).write_bytes(data)
    for photo in plan_aihub([folder], KOREAN7, VOTE):
        assert photo.reason
