"""`edgefer data aihub` over a whole tree: each photo is a face, or dropped with its reason."""

import csv
import json
import os

import numpy as np
import pytest
from aihub_photos import draw_photo
from aihub_records import NAME, plan, record
from aihub_tree import BACKGROUNDS, TROUBLES, make_tree
from click.testing import CliRunner

from edgefer.faceset import FaceSet
from edgefer.labels import HUFS5, KOREAN7
from edgefer.preprocess import Box
from edgefer.train.commands import data as command
from edgefer.train.datasets.aihub import LABEL_BY
from edgefer.train.datasets.crop import overlap


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


def test_faces_are_faces(made):
    patches = FaceSet.load(made[0]).patches
    assert patches.dtype == np.uint8
    assert (patches.reshape(len(patches), -1).std(axis=1) > 12).mean() > 0.98


def test_every_way_to_label_is_in_the_help():
    text = CliRunner().invoke(command, ["aihub", "--help"]).output
    assert all(way.split("-")[-1] in text for way in LABEL_BY)
