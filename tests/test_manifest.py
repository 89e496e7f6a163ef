import csv
import json
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_layouts import make, read_back

from edgefer.errors import DataError
from edgefer.faceset import FaceSet
from edgefer.facewriter import write_faceset
from edgefer.labels import FER7
from edgefer.preprocess import Box
from edgefer.train.datasets.folder import find_pictures, import_folder
from edgefer.train.datasets.manifest import read_about
from edgefer.train.layouts import export_faces


@pytest.fixture
def tree(tmp_path):
    export_faces(make(tmp_path / "set"), tmp_path / "tree", "hufs")
    return tmp_path / "tree"


def reasons(faces):
    with (faces.folder / "dropped.csv").open(encoding="utf-8", newline="") as file:
        return {row["origin"]: row["reason"] for row in csv.DictReader(file)}


def test_a_removed_picture_is_left_out_with_its_reason(tree, tmp_path):
    faces = FaceSet.load(tmp_path / "set")
    (tree / "dataset/test/fear/fear_000003.png").unlink()
    back = read_back(tree, tmp_path / "back")
    gone = int(np.flatnonzero(faces.ids == "fear_000003")[0])
    assert (back.patches == np.delete(faces.patches, gone, axis=0)).all()
    assert reasons(back)[faces.origins[gone]] == "is on the list, but no longer in its folder"


def test_a_picture_moved_to_another_folder_takes_its_emotion_and_split(tree, tmp_path):
    faces = FaceSet.load(tmp_path / "set")
    old = tree / "dataset/test/fear/fear_000003.png"
    old.rename(tree / "dataset/train/sad" / old.name)
    back = read_back(tree, tmp_path / "back")
    moved = int(np.flatnonzero(faces.ids == "fear_000003")[0])
    assert (back.patches == faces.patches).all()
    assert (FER7.names[back.targets[moved]], back.splits[moved]) == ("sad", "train")
    assert back.persons[moved] == faces.persons[moved]
    assert back.origins[moved] == faces.origins[moved]
    assert (back.votes == faces.votes).all()


def test_a_new_picture_comes_last_as_an_ordinary_one(tree, tmp_path):
    faces = FaceSet.load(tmp_path / "set")
    shutil.copy(tree / "dataset/test/fear/fear_000003.png", tree / "dataset/train/happy/나.png")
    back = read_back(tree, tmp_path / "back")
    assert len(back) == len(faces) + 1
    assert (FER7.names[back.targets[-1]], back.splits[-1]) == ("happy", "train")
    assert back.origins[-1] == "dataset/train/happy/나.png"


def test_an_edited_picture_is_read_as_it_is_now(tree, tmp_path):
    from PIL import Image

    Image.new("RGB", (60, 80), (7, 7, 7)).save(tree / "dataset/test/fear/fear_000003.png")
    (tree / "dataset/test/fear/fear_000000.png").write_text("spoiled")
    back = read_back(tree, tmp_path / "back")
    faces = FaceSet.load(tmp_path / "set")
    edited = int(np.flatnonzero(faces.ids == "fear_000003")[0])
    spoiled = int(np.flatnonzero(faces.ids == "fear_000000")[0])
    assert (back.patches[back.origins == faces.origins[edited]] == 7).all()
    assert "no picture" in reasons(back)[faces.origins[spoiled]]


def test_without_its_list_a_tree_is_read_by_its_folders(tree, tmp_path):
    shutil.rmtree(tree / "csvs")
    back = read_back(tree, tmp_path / "back", "--labels", "fer7")
    assert back.counts == FaceSet.load(tmp_path / "set").counts
    assert back.origins[0] == "dataset/test/angry/angry_000002.png"


def test_a_list_of_somebody_else_is_no_list(tree, tmp_path):
    (tree / "csvs" / "labels.json").unlink()
    (tree / "csvs" / "merged.csv").write_text("filename,emotion\na.jpg,angry\n")
    assert read_about(tree) is None
    assert len(read_back(tree, tmp_path / "back")) == 42


def test_a_map_renames_what_the_list_says_and_moves_its_votes(tree, tmp_path):
    faces = FaceSet.load(tmp_path / "set")
    back = read_back(tree, tmp_path / "back", "--map", "surprise=embarrassed,disgust=,fear=")
    kept = faces.select(~np.isin(faces.targets, [1, 2]))
    assert back.labels.names == ("angry", "embarrassed", "happy", "sad", "neutral")
    assert (back.patches == kept.patches).all()
    assert (back.votes == kept.votes[:, [0, 5, 3, 4, 6]]).all()


def test_other_patches_may_be_asked_for(tree, tmp_path):
    assert read_back(tree, tmp_path / "back", "--size", 32).size == 32


def edit(tree, change):
    path = tree / "csvs" / "merged.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    change(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def test_a_spreadsheet_may_save_the_list(tree, tmp_path):
    path = tree / "csvs" / "merged.csv"
    edit(tree, lambda rows: None)  # \r\n
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_back(tree, tmp_path / "back").digest == FaceSet.load(tmp_path / "set").digest


@pytest.mark.parametrize(
    ("row", "column", "text"),
    [
        (0, 1, "picture"),  # another column
        (3, 1, "../../set/patches.npy"),  # out of the tree
        (3, 1, "/etc/passwd"),
        (3, 1, "dataset/train/angry/angry_000000.png"),  # twice
        (3, 6, "1 2 3"),  # half a box
        (3, 6, "a b c d"),
        (3, 7, "1 2"),  # votes for other labels
    ],
)
def test_a_garbled_list_is_named_with_its_line(tree, row, column, text):
    def change(rows):
        rows[row][column] = text

    edit(tree, change)
    with pytest.raises(DataError, match="merged.csv.*line 4" if row else "merged.csv.*columns"):
        find_pictures(tree)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"labels": 3}', '{"labels": {"name": "x", "names": [], "korean": []}}']
)
def test_a_garbled_description_says_what_to_delete(tree, text):
    (tree / "csvs" / "labels.json").write_text(text)
    with pytest.raises(DataError, match="labels"):
        read_about(tree)


def test_another_preprocessing_is_refused(tree):
    path = tree / "csvs" / "labels.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"preprocess": "other-2"}))
    with pytest.raises(DataError, match="other-2"):
        read_about(tree)


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@settings(max_examples=40)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(FER7.names),
            words,
            words,
            words,
            st.none() | st.tuples(*[st.integers(-9, 9999)] * 4),
            st.none() | st.tuples(*[st.integers(0, 10)] * 7),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_whatever_the_rows_say_comes_back(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("any")
    with write_faceset(folder / "set", FER7, 16, source="any") as writer:
        for i, (emotion, split, person, origin, box, votes) in enumerate(rows):
            writer.add(
                np.full((16, 16), i, np.uint8),
                emotion,
                split=split,
                person=person,
                origin=origin,
                box=Box(*box) if box else None,
                votes=votes,
            )
    faces = FaceSet.load(folder / "set")
    export_faces(faces, folder / "tree", "hufs")
    about = read_about(folder / "tree")
    with write_faceset(folder / "back", about.labels, about.size, source="any") as writer:
        import_folder(folder / "tree", writer)
    assert FaceSet.load(folder / "back").digest == faces.digest
