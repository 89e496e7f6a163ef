"""Action units of judged faces: OpenFace's tables and MediaPipe's blendshapes."""

import csv

import numpy as np
import pytest
from trainings import draw

from edgefer.errors import DataError
from edgefer.faceset import FaceSet
from edgefer.facewriter import write_faceset
from edgefer.labels import FER7, labels_of
from edgefer.synth import (
    ACTION_UNITS,
    OPENFACE_COLUMNS,
    find_population,
    openface_row,
)
from edgefer.train.datasets.synth import import_synth
from edgefer.train.explain.blendshapes import BLENDSHAPES, read_blendshapes
from edgefer.train.explain.openface import read_openface
from edgefer.train.explain.units import NAMES


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """Twelve drawn people, whose action units are known."""
    return draw(tmp_path_factory.mktemp("explain") / "faces", people=12, takes=2, seed=3)


def write(path, rows, header=("id", *OPENFACE_COLUMNS)):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, header)
        writer.writeheader()
        writer.writerows(rows)
    return path


def shown(**units):
    return openface_row(dict.fromkeys(ACTION_UNITS, 0.0) | units)


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


def test_rows_that_are_cut_off_are_counted_and_left_out(faces, tmp_path):
    text = (faces.folder / "action_units.csv").read_text()
    cut = tmp_path / "cut.csv"
    cut.write_text(text[: text.rindex(",")])
    units = read_openface(cut, faces)
    assert len(units.faces) == len(faces) - 1
    assert units.left_out == {"rows that are cut off": 1}


def test_a_drawn_table_joins_its_own_pictures_only(faces, tmp_path):
    """Every drawn set calls its faces happy_000000 and so on."""
    out = tmp_path / "others"
    with write_faceset(out, FER7, 48, source="drawn") as writer:
        import_synth(find_population("base"), writer, people=12, takes=2, seed=4)
    units = read_openface(out / "action_units.csv", faces)
    assert not len(units.faces)
    assert units.left_out == {
        "rows of another picture of the same name: another face set's table?": len(faces)
    }
    assert read_openface(faces.folder / "action_units.csv", faces).source.startswith("data synth")
