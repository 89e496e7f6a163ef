import csv
import json

import numpy as np
import pytest
from click.testing import CliRunner

from edgefer.cli import edgefer
from edgefer.errors import DataError
from edgefer.faceset import FaceSet
from edgefer.facewriter import write_faceset
from edgefer.labels import FER7, HUFS5, KOREAN7, labels_of
from edgefer.preprocess import Box
from edgefer.train.layouts import export_faces

ODD = labels_of("custom", "happy", "화남", "merged", "../up", "CON")


def make(out, labels=FER7, size=48, splits=("train", "val", "test")):
    rng = np.random.default_rng(0)
    with write_faceset(out, labels, size, source="a 시험", licence="ours") as writer:
        for i in range(6 * len(labels)):
            writer.add(
                rng.integers(0, 256, (size, size), np.uint8),
                labels.names[i % len(labels)],
                split=splits[i % len(splits)],
                person="" if i % 4 == 0 else f"사람 {i % 4}",
                origin="" if i % 5 == 0 else f'사진 {i}, "x"\n<b>.jpg',
                box=[None, Box(i, -2, 30, 40), Box(0, 0, 0, 0)][i % 3],
                votes=[None, [i % 3] * len(labels)][i % 2],
            )
        writer.drop("밤.jpg", "no face")
    return FaceSet.load(out)


def data(*arguments):
    done = CliRunner().invoke(edgefer, ["data", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def read_back(tree, out, *options):
    data("folder", tree, "-o", out, *options)
    return FaceSet.load(out)


@pytest.mark.parametrize("layout", ["hufs", "folders"])
@pytest.mark.parametrize(
    ("labels", "size", "splits"),
    [
        (FER7, 48, ("train", "val", "test")),
        (KOREAN7, 96, ("", "train")),  # some without a split
        (HUFS5, 16, ("훈련", "../test")),  # splits of nobody else
        (ODD, 20, ("test",)),  # labels that cannot be folders
    ],
)
def test_pictures_are_read_back_as_the_same_face_set(tmp_path, layout, labels, size, splits):
    faces = make(tmp_path / "set", labels, size, splits)
    export_faces(faces, tmp_path / "tree", layout)
    back = read_back(tmp_path / "tree", tmp_path / "back")
    assert back.digest == faces.digest
    assert (back.source, back.licence) == ("a 시험", "ours")
    assert (back.folder / "dropped.csv").read_text() == (faces.folder / "dropped.csv").read_text()


def test_the_hufs_tree_is_the_one_its_programs_know(tmp_path):
    export_faces(make(tmp_path / "set"), tmp_path / "tree", "hufs")
    for path in (
        "dataset/train/angry/angry_000000.png",
        "dataset/validation/disgust/disgust_000000.png",
        "dataset/test/fear/fear_000000.png",
        "csvs/angry.csv",
        "csvs/merged.csv",
    ):
        assert (tmp_path / "tree" / path).is_file()
    with (tmp_path / "tree" / "csvs" / "fear.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["label"] for row in rows} == {"fear"}
    assert rows[0]["file"] == "dataset/test/fear/fear_000000.png"
    assert rows[1]["origin"] == '사진 9, "x"\n<b>.jpg'


def test_every_name_is_ascii_and_stays_inside(tmp_path):
    export_faces(make(tmp_path / "set", ODD), tmp_path / "tree", "hufs")
    names = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.png")]
    assert len(names) == 30
    assert all(name.isascii() and name.startswith("tree/dataset/") for name in names)


def test_the_csv_is_fer2013s_own(tmp_path):
    faces = make(tmp_path / "set")
    export_faces(faces, tmp_path / "csv", "csv")
    with (tmp_path / "csv" / "fer2013.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["emotion", "pixels", "Usage"]
    assert [row["Usage"] for row in rows[:3]] == ["Training", "PublicTest", "PrivateTest"]
    sources = (tmp_path / "csv" / "fer2013.csv", "--ferplus", tmp_path / "csv" / "fer2013new.csv")
    data("fer2013", *sources, "-o", tmp_path / "back")
    back = FaceSet.load(tmp_path / "back")
    for name in ("patches", "targets", "splits", "votes", "ids"):
        assert (getattr(back, name) == getattr(faces, name)).all(), name


@pytest.mark.parametrize(
    ("labels", "size", "splits", "said"),
    [
        (HUFS5, 48, ("train",), "--layout folders"),
        (FER7, 96, ("train",), "--layout folders"),
        (FER7, 48, ("train", ""), "edgefer data split"),
    ],
)
def test_what_fer2013s_csv_cannot_say_is_refused(tmp_path, labels, size, splits, said):
    with pytest.raises(DataError, match=said):
        export_faces(make(tmp_path / "set", labels, size, splits), tmp_path / "csv", "csv")
    assert not (tmp_path / "csv").exists()


def test_only_an_export_is_replaced(tmp_path):
    faces = make(tmp_path / "set")
    export_faces(faces, tmp_path / "tree", "hufs")
    with pytest.raises(DataError, match="--force"):
        export_faces(faces, tmp_path / "tree", "hufs")
    export_faces(faces, tmp_path / "tree", "folders", force=True)
    assert not (tmp_path / "tree" / "dataset").exists()
    with pytest.raises(DataError, match="choose another name"):
        export_faces(faces, tmp_path / "set", "folders", force=True)


def test_the_command_says_under_which_terms(tmp_path):
    make(tmp_path / "set")
    said = data("export", tmp_path / "set", "-o", tmp_path / "tree", "--layout", "hufs")
    assert "42 faces, layout hufs; licence: ours" in said
    about = json.loads((tmp_path / "tree" / "csvs" / "labels.json").read_text(encoding="utf-8"))
    assert about["licence"] == "ours"
