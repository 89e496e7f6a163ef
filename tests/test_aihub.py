import csv
import json
import os

import numpy as np
import pytest
from aihub_tree import BACKGROUNDS, TROUBLES, draw_photo, make_tree, write_zip
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from edgefer.errors import DataError
from edgefer.faceset import FaceSet
from edgefer.labels import HUFS5, KOREAN7
from edgefer.preprocess import Box
from edgefer.train.commands import data as command
from edgefer.train.datasets.aihub import LABEL_BY, LabelRecipe, decide, plan_aihub
from edgefer.train.datasets.crop import overlap
from edgefer.train.datasets.sources import read

VOTE = LabelRecipe("vote", 2, {})
# A person's number, 64 digits long, and the rest of a name.
NAME = "0" * 63 + "1_여_20_기쁨_자연환경_20201205000000-001-001.jpg"


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def run(*arguments):
    result = CliRunner().invoke(command, ["aihub", *map(str, arguments), "--workers", "1"])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp("aihub") / "092.한국인 감정인식"
    return root, make_tree(root, photos=252, people=16, large=84)


@pytest.fixture(scope="module")
def made(tree, tmp_path_factory):
    out = tmp_path_factory.mktemp("made") / "korean"
    return out, run(tree[0], "-o", out)


def test_every_record_and_photo_ends_in_faces_or_is_dropped_with_its_reason(tree, made):
    truths, out = tree[1], made[0]
    faces = {row["origin"]: row for row in rows(out / "faces.csv")}
    dropped = [(row["origin"], row["reason"]) for row in rows(out / "dropped.csv")]
    reasons = dict(dropped)
    unseen = 0
    for truth in truths:
        expected = TROUBLES.get(truth.trouble, "")
        if truth.trouble == "twice":
            assert (truth.name, expected) in dropped
        elif expected:
            # A photo without a record has the name of its file, in which an unpacker lost the &.
            plain = truth.name.replace("&", "_")
            assert expected in (reasons.get(truth.name), reasons.get(plain))
            continue
        if truth.name not in faces:
            assert reasons[truth.name] == "no face found"
            unseen += 1
            continue
        face = faces[truth.name]
        assert (face["label"], face["split"], face["person"]) == (
            truth.emotion,
            truth.split,
            truth.person,
        )
    assert unseen <= 0.03 * len(truths)
    twins = sum(reason == "a second photo of that name" for _, reason in dropped)
    assert twins == len({(t.split, t.emotion) for t in truths if t.trouble == "twin"})
    extra = twins + sum(t.trouble == "twice" for t in truths)
    assert len(faces) + len(dropped) == len(truths) + extra


def test_the_face_that_was_marked_was_cut_out(tree, made):
    boxes = {truth.name: truth.box for truth in tree[1]}
    for row in rows(made[0] / "faces.csv"):
        assert overlap(Box(*map(int, row["box"].split())), boxes[row["origin"]]) > 0.5, row


def test_all_four_labels_are_kept_as_votes(tree, made):
    faces = FaceSet.load(made[0])
    about = {row["id"]: row for row in rows(made[0] / "photos.csv")}
    assert list(about) == list(faces.ids)
    for name, votes in zip(faces.ids, faces.votes, strict=True):
        said = [
            about[name][who] for who in ("uploader", "annotator_a", "annotator_b", "annotator_c")
        ]
        assert votes.tolist() == [said.count(label) for label in KOREAN7.names]
    assert {row["background"] for row in about.values()} <= set(BACKGROUNDS)
    assert {row["crop"] for row in about.values()} == {"haar"}


def test_the_command_says_what_came_of_it(made):
    text = made[1].stdout
    assert "Haar found 9" in text or "Haar found 100" in text
    assert "the photo is missing" in text
    found = json.loads((made[0] / "import.json").read_text(encoding="utf-8"))
    assert found["faces"] + sum(found["dropped"].values()) == found["records"]
    assert found["recall"] == pytest.approx(found["found"] / found["annotated"], abs=1e-4)
    assert "--min-votes 2" in found["source"]
    assert found["found"] >= 0.97 * found["annotated"] > 150


def test_how_it_is_packed_makes_no_difference(tree, made, tmp_path):
    make_tree(tmp_path / "folders", photos=252, people=16, large=84, packing="folders")
    run(tmp_path / "folders", "-o", tmp_path / "out")
    assert FaceSet.load(tmp_path / "out").digest == FaceSet.load(made[0]).digest


def test_parts_named_one_by_one_are_the_whole(tree, made, tmp_path):
    parts = sorted((tree[0] / "Validation").iterdir()) + sorted((tree[0] / "Training").iterdir())
    run(*parts, "-o", tmp_path / "out")
    assert FaceSet.load(tmp_path / "out").digest == FaceSet.load(made[0]).digest


def test_hufs5_leaves_out_the_others_and_a_map_brings_them_back(tree, tmp_path):
    run(tree[0], "-o", tmp_path / "five", "--labels", "hufs5", "--crop", "annotated")
    five = FaceSet.load(tmp_path / "five")
    assert five.labels == HUFS5
    reasons = [row["reason"] for row in rows(tmp_path / "five" / "dropped.csv")]
    assert "'anxious' is not one of the labels" in reasons
    run(
        tree[0], "-o", tmp_path / "mapped", "--labels", "hufs5", "--crop", "annotated",
        "--map", "hurt=sad,anxious=",
    )  # fmt: skip
    mapped = FaceSet.load(tmp_path / "mapped")
    assert mapped.counts["train"]["sad"] > five.counts["train"]["sad"] + 10
    assert {row["crop"] for row in rows(tmp_path / "mapped" / "photos.csv")} == {"annotated"}


def test_one_persons_word_can_count(tree, tmp_path):
    run(tree[0], "-o", tmp_path / "a", "--label-by", "annotator-a", "--crop", "annotated")
    faces = FaceSet.load(tmp_path / "a")
    about = rows(tmp_path / "a" / "photos.csv")
    assert [row["annotator_a"] for row in about] == [faces.labels.names[t] for t in faces.targets]
    assert any(row["annotator_a"] != row["uploader"] for row in about)


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


def record(**changes):
    box = {"minX": 1, "minY": 2, "maxX": 30, "maxY": 40}
    annotation = {"boxes": box, "faceExp": "기쁨", "bg": "자연환경"}
    whole = {
        "filename": NAME, "gender": "여", "age": 20, "isProf": "비전문인",
        "faceExp_uploader": "기쁨", "bg_uploader": "자연환경",
        "annot_A": annotation, "annot_B": annotation, "annot_C": annotation,
    }  # fmt: skip
    return whole | changes


def plan(folder, records, encoding="utf-8"):
    folder.mkdir(exist_ok=True)
    (folder / NAME).write_bytes(b"photo")
    text = records if isinstance(records, str) else json.dumps(records, ensure_ascii=False)
    (folder / "img_emotion_validation_data(기쁨).json").write_bytes(text.encode(encoding))
    return list(plan_aihub([folder], KOREAN7, VOTE))


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


def test_names_that_are_half_characters_are_imported_all_the_same(tmp_path):
    photo, _ = draw_photo("a", "happy", "somebody")
    records = [record(filename="\ud800 반쪽.jpg"), record(bg_uploader="\udfff")]
    folder = tmp_path / "in"
    plan(folder, "[]")
    (folder / NAME).write_bytes(photo)
    (folder / os.fsdecode(b"\xff\xb1\xe2.jpg")).write_bytes(photo)
    below = folder / os.fsdecode(b"\xff\xfe")
    below.mkdir()
    (folder / NAME).rename(below / NAME)
    (folder / "img_emotion_training_data(기쁨).json").write_text(json.dumps(records))
    run(folder, "-o", tmp_path / "out", "--crop", "annotated")
    faces = FaceSet.load(tmp_path / "out")
    assert faces.origins.tolist() == [NAME]
    dropped = rows(tmp_path / "out" / "dropped.csv")
    assert [row["reason"] for row in dropped] == ["the photo is missing", "no record names it"]


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


def test_faces_are_faces(made):
    patches = FaceSet.load(made[0]).patches
    assert patches.dtype == np.uint8
    assert (patches.reshape(len(patches), -1).std(axis=1) > 12).mean() > 0.98


def test_every_way_to_label_is_in_the_help():
    text = CliRunner().invoke(command, ["aihub", "--help"]).output
    assert all(way.split("-")[-1] in text for way in LABEL_BY)
