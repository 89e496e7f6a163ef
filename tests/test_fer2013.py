import csv
import gzip
import zipfile

import numpy as np
import pytest

from edgefer.errors import DataError
from edgefer.faceset import FaceSet
from edgefer.facewriter import write_faceset
from edgefer.labels import FER7
from edgefer.train.datasets.fer2013 import import_fer2013

FERPLUS = (
    "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
)


def pixels(value):
    return " ".join(map(str, [value] * 2304))


ROWS = [
    ("0", pixels(10), "Training"),
    ("3", pixels(20), "PublicTest"),
    ("6", pixels(30), "PrivateTest"),
]


def write(path, rows=ROWS, header="emotion,pixels,Usage"):
    text = "\n".join([header, *(",".join(row) for row in rows)]) + "\n"
    path.write_text(text, encoding="utf-8")
    return path


def read(source, tmp_path, **options):
    with write_faceset(tmp_path / "set", FER7, 48, source="test", force=True) as writer:
        import_fer2013(source, writer, **options)
    return FaceSet.load(tmp_path / "set")


def dropped(tmp_path):
    with (tmp_path / "set" / "dropped.csv").open(encoding="utf-8") as file:
        return [row["reason"] for row in csv.DictReader(file)]


def test_usage_becomes_the_split(tmp_path):
    faces = read(write(tmp_path / "fer2013.csv"), tmp_path)
    assert faces.splits.tolist() == ["train", "val", "test"]
    assert [FER7.names[target] for target in faces.targets] == ["angry", "happy", "neutral"]
    assert (faces.patches == np.array([10, 20, 30])[:, None, None]).all()
    assert faces.origins[0] == "fer2013.csv:2"


def test_the_columns_may_come_in_another_order_with_spaces(tmp_path):
    rows = [(emotion, usage, values) for emotion, values, usage in ROWS]
    source = write(tmp_path / "icml_face_data.csv", rows, "emotion, Usage, pixels")
    assert read(source, tmp_path).splits.tolist() == ["train", "val", "test"]


def test_gzip_and_zip_are_read_in_place(tmp_path):
    plain = write(tmp_path / "fer2013.csv")
    zipped = tmp_path / "fer.csv.gz"
    zipped.write_bytes(gzip.compress(plain.read_bytes()))
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.write(plain, "fer2013/fer2013.csv")
        archive.writestr("fer2013/README", "x")
    for source in (zipped, tmp_path / "archive.zip"):
        assert (read(source, tmp_path).patches == read(plain, tmp_path).patches).all()


def test_votes_are_joined_row_by_row_in_the_order_of_the_labels(tmp_path):
    votes = tmp_path / "fer2013new.csv"
    rows = [f"{usage},fer{i}.png,1,2,3,4,5,6,7,8,9,10" for i, (_, _, usage) in enumerate(ROWS)]
    votes.write_text("\n".join([FERPLUS, *rows]))
    faces = read(write(tmp_path / "fer2013.csv"), tmp_path, ferplus=votes)
    assert faces.votes[0].tolist() == [5, 6, 7, 2, 4, 3, 1]


@pytest.mark.parametrize("kept", [1, 2])
def test_votes_of_another_set_are_refused(tmp_path, kept):
    votes = tmp_path / "fer2013new.csv"
    rows = [f"{usage},x.png,1,2,3,4,5,6,7,8,9,10" for _, _, usage in ROWS[:kept] + ROWS[:1]]
    votes.write_text("\n".join([FERPLUS, *rows]))
    with pytest.raises(DataError, match="does not belong"):
        read(write(tmp_path / "fer2013.csv"), tmp_path, ferplus=votes)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (("0", pixels(1)[:-3], "Training"), "not 2304 pixels"),  # cut off
        (("0", pixels(256), "Training"), "0 to 255"),
        (("0", pixels(-1), "Training"), "not whole numbers from 0 on"),
        (("0", "a b c", "Training"), "not whole numbers"),
        (("0", pixels(1).replace(" ", "\v"), "Training"), "not whole numbers"),
        (("0", "9" * 40, "Training"), "0 to 255"),
        (("0", "", "Training"), "not 2304 pixels"),
        (("7", pixels(1), "Training"), "emotion '7'"),
        (("²", pixels(1), "Training"), "emotion '²'"),
        (("9" * 5000, pixels(1), "Training"), "emotion '999"),
        (("0", pixels(1), "Train"), "usage 'Train'"),
    ],
)
def test_a_bad_row_is_left_out_with_its_reason(tmp_path, row, reason):
    faces = read(write(tmp_path / "fer2013.csv", [*ROWS, row]), tmp_path)
    assert len(faces) == 3
    assert len(dropped(tmp_path)) == 1
    assert reason in dropped(tmp_path)[0]


def truncated_gzip(path):
    path.with_suffix(".csv.gz").write_bytes(gzip.compress(path.read_bytes())[:-20])
    return path.with_suffix(".csv.gz")


def not_a_gzip(path):
    return path.rename(path.with_suffix(".csv.gz"))


def not_a_zip(path):
    return path.rename(path.with_suffix(".zip"))


def two_in_a_zip(path):
    with zipfile.ZipFile(path.with_suffix(".zip"), "w") as archive:
        archive.write(path, "a.csv")
        archive.write(path, "b.csv")
    return path.with_suffix(".zip")


def damaged_zip(path):
    with zipfile.ZipFile(path.with_suffix(".zip"), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, "a.csv")
    data = bytearray(path.with_suffix(".zip").read_bytes())
    data[60:70] = b"\xff" * 10
    path.with_suffix(".zip").write_bytes(bytes(data))
    return path.with_suffix(".zip")


def other_columns(path):
    return write(path, header="a,b,c")


def empty(path):
    path.write_bytes(b"")
    return path


def binary(path):
    path.write_bytes(bytes(range(256)) * 100)
    return path


def endless_field(path):
    path.write_text("emotion,pixels,Usage\n0," + "1" * 200_000 + ",Training\n")
    return path


def missing(path):
    return path.with_name("nowhere.csv")


@pytest.mark.parametrize(
    "spoil",
    [
        truncated_gzip,
        not_a_gzip,
        not_a_zip,
        two_in_a_zip,
        damaged_zip,
        other_columns,
        empty,
        binary,
        endless_field,
        missing,
    ],
)
def test_a_spoiled_file_is_one_error_and_nothing_is_written(tmp_path, spoil):
    source = spoil(write(tmp_path / "fer2013.csv"))
    with pytest.raises(DataError, match=source.name):
        read(source, tmp_path)
    assert not (tmp_path / "set").exists()
