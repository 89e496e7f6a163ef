import csv
import json

import numpy as np
import pytest

from edgefer.errors import DataError
from edgefer.faceset import FaceSet, copy_faceset
from edgefer.facewriter import write_faceset
from edgefer.labels import FER7, HUFS5, parse_map, translate
from edgefer.preprocess import Box


def patch(value):
    return np.full((48, 48), value, np.uint8)


@pytest.fixture
def folder(tmp_path):
    with write_faceset(tmp_path / "set", FER7, 48, source="a test") as writer:
        for i in range(70):
            writer.add(
                patch(i),
                FER7.names[i % 7],
                split="train" if i < 56 else "val",
                person=f"p{i % 10}",
                origin=f'사진 {i}, "x"\n.jpg',
                box=Box(i, -2, 30, 40) if i % 2 else None,
                votes=[i % 3] * 7 if i % 3 else None,
            )
        writer.drop("nowhere.jpg", "no face")
    return tmp_path / "set"


def test_what_was_written_is_read_back(folder):
    faces = FaceSet.load(folder)
    assert len(faces) == 70
    assert (faces.patches[:, 0, 0] == np.arange(70)).all()
    assert faces.ids[8] == "disgust_000001"
    assert faces.origins[3] == '사진 3, "x"\n.jpg'
    assert faces.boxes[1].tolist() == [1, -2, 30, 40]
    assert faces.votes[2].tolist() == [2] * 7


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", '"', ",", " "])
def test_any_text_is_read_back(tmp_path, end):
    with write_faceset(tmp_path / "set", FER7, 48, source="a test") as writer:
        writer.add(patch(1), "happy", person=f"a{end}", origin=end)
        writer.add(patch(2), "happy", origin=f"{end}b")
    faces = FaceSet.load(tmp_path / "set")
    assert faces.persons.tolist() == [f"a{end}", ""]
    assert faces.origins.tolist() == [end, f"{end}b"]


def test_patches_stay_on_disk(folder):
    assert isinstance(FaceSet.load(folder).store, np.memmap)


def test_a_split_is_the_faces_of_that_name(folder):
    faces = FaceSet.load(folder)
    assert (faces.split("val").patches[:, 0, 0] == np.arange(56, 70)).all()
    assert faces.counts["val"] == dict.fromkeys(FER7.names, 2)


def test_a_missing_split_names_those_there_are(folder):
    with pytest.raises(DataError, match="it has: train, val"):
        FaceSet.load(folder).split("test")
    moved = folder.rename(folder.with_name("a set"))
    with pytest.raises(DataError, match=r"edgefer data split '/.*a set' --ratio 8:1:1 -o NEW\.$"):
        FaceSet.load(moved).split("test")


def test_an_untouched_face_set_has_its_digest_under_other_labels_too(folder):
    faces = FaceSet.load(folder)
    faces.verify()
    faces.split("val").relabel(HUFS5, translate(FER7, HUFS5, {"surprise": "embarrassed"})).verify()


@pytest.mark.parametrize("name", ["patches.npy", "faces.csv"])
def test_a_changed_face_is_found(folder, name):
    data = bytearray((folder / name).read_bytes())
    data[-60] = ord("7") if name == "faces.csv" else data[-60] ^ 1
    (folder / name).write_bytes(bytes(data))
    with pytest.raises(DataError, match="changed since it was written"):
        FaceSet.load(folder).verify()


@pytest.mark.parametrize(("column", "cell"), [("box", "9"), ("votes", "5"), ("box", "1 2 3")])
def test_too_few_numbers_in_a_cell_are_refused(folder, column, cell):
    with (folder / "faces.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows[4][column] = cell
    with (folder / "faces.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(DataError, match=r"line 6: .*holds \d numbers, not"):
        FaceSet.load(folder)


def test_a_copy_has_the_same_digest(folder, tmp_path):
    faces = FaceSet.load(folder)
    assert copy_faceset(faces, tmp_path / "copy").digest == faces.digest


@pytest.mark.parametrize("change", ["patch", "label", "split", "order"])
def test_every_change_changes_the_digest(folder, tmp_path, change):
    faces = FaceSet.load(folder)
    with write_faceset(tmp_path / "other", FER7, 48, source="a test") as writer:
        order = range(70) if change != "order" else [1, 0, *range(2, 70)]
        for i in order:
            writer.add(
                patch(i + (change == "patch" and i == 5)),
                FER7.names[(i + (change == "label" and i == 5)) % 7],
                split="test" if change == "split" and i == 5 else faces.splits[i],
                person=faces.persons[i],
                origin=faces.origins[i],
            )
    assert FaceSet.load(tmp_path / "other").digest != faces.digest


def test_shared_pictures_and_people_are_found(folder):
    faces = FaceSet.load(folder)
    shared = faces.split("val").shared_with(faces.select(np.arange(60)))
    assert shared.faces == 4
    assert len(shared.people) == 10
    assert not faces.select(np.array([0])).shared_with(faces.select(np.array([1])))


def test_relabeled_faces_speak_the_other_set(folder):
    renames = parse_map("surprise=embarrassed,disgust=,fear=")
    faces = FaceSet.load(folder).relabel(HUFS5, translate(FER7, HUFS5, renames))
    assert len(faces) == 50
    assert HUFS5.names[faces.targets[faces.patches[:, 0, 0] == 5][0]] == "embarrassed"
    assert faces.votes.shape == (50, 5)


def test_what_was_left_out_is_listed(folder):
    with (folder / "dropped.csv").open(encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["origin", "reason"], ["nowhere.jpg", "no face"]]


def test_an_empty_set_is_not_written(tmp_path):
    with (
        pytest.raises(DataError, match="no face was found in there; 1 left out: blurred"),
        write_faceset(tmp_path / "set", FER7, 48, source="there") as writer,
    ):
        writer.drop("a", "blurred")
    assert not list(tmp_path.iterdir())


def damage_json(folder):
    (folder / "faceset.json").write_text("{")


def damage_format(folder):
    about = json.loads((folder / "faceset.json").read_text())
    (folder / "faceset.json").write_text(json.dumps({**about, "labels": 7}))


def other_preprocessing(folder):
    text = (folder / "faceset.json").read_text()
    (folder / "faceset.json").write_text(text.replace("gray-area-1", "gray-area-0"))


def truncate_patches(folder):
    data = (folder / "patches.npy").read_bytes()
    (folder / "patches.npy").write_bytes(data[:-100])


def pickled_patches(folder):
    np.save(folder / "patches.npy", np.array([object()]), allow_pickle=True)


def truncate_rows(folder):
    lines = (folder / "faces.csv").read_text(encoding="utf-8").splitlines()
    (folder / "faces.csv").write_text("\n".join(lines[:-4]), encoding="utf-8")


def unknown_label(folder):
    text = (folder / "faces.csv").read_text(encoding="utf-8")
    (folder / "faces.csv").write_text(text.replace("angry", "bored"), encoding="utf-8")


def binary_rows(folder):
    (folder / "faces.csv").write_bytes(b"\xff\xfe\x00" * 50)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (damage_json, "faceset.json"),
        (damage_format, "faceset.json"),
        (other_preprocessing, "gray-area-0.*gray-area-1"),
        (truncate_patches, "patches.npy"),
        (pickled_patches, "patches.npy"),
        (truncate_rows, "faces.csv"),
        (unknown_label, "faces.csv, line 2"),
        (binary_rows, "faces.csv"),
    ],
)
def test_a_damaged_set_is_refused_by_the_file_that_is_wrong(folder, damage, said):
    damage(folder)
    with pytest.raises(DataError, match=said):
        FaceSet.load(folder)


def test_a_folder_that_is_no_face_set_says_how_to_make_one(tmp_path):
    with pytest.raises(DataError, match="edgefer data"):
        FaceSet.load(tmp_path)


@pytest.mark.parametrize("face", [np.zeros((47, 48), np.uint8), np.zeros((48, 48), np.float32)])
def test_a_patch_of_another_shape_is_a_mistake(tmp_path, face):
    with (
        pytest.raises(ValueError, match="not uint8 of side 48"),
        write_faceset(tmp_path / "set", FER7, 48, source="x") as writer,
    ):
        writer.add(face, "happy")
