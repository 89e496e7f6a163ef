"""The cleaned set: what is found is written, judged and left out."""

import csv
import json

import numpy as np
import pytest
from click.testing import CliRunner
from drawn import drawn, jpeg, make

from edgefer.cli import edgefer
from edgefer.errors import DataError
from edgefer.labels import FER7, labels_of
from edgefer.train.clean.apply import apply_drops
from edgefer.train.clean.findings import (
    suggested_drops,
)
from edgefer.train.clean.search import clean, search, to_text


@pytest.fixture
def messy(tmp_path):
    """Eight good faces, a duplicate, a leak, a blank one and a copy that was compressed again."""
    patches = drawn(8, seed=2)
    rows = [(patch, FER7.names[i % 7], "train") for i, patch in enumerate(patches)]
    rows += [
        (patches[0], "angry", "train"),
        (patches[1], "disgust", "val"),
        (np.zeros((48, 48), np.uint8), "sad", "val"),
        (jpeg(patches[3], 70), "happy", "train"),
    ]
    return make(tmp_path / "set", *rows)


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_what_is_found_is_written_and_told(messy, tmp_path):
    about = clean(messy, tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "findings.csv",
        "findings.json",
        "drops.csv",
        "review.html",
    }
    assert json.loads((tmp_path / "out" / "findings.json").read_text()) == about
    assert about["kinds"]["near"] == {"faces": 2, "groups": 1, "drop": 0}
    assert about["drop_per_split"] == {"train": 2, "val": 1}
    found = rows_of(tmp_path / "out" / "findings.csv")
    assert [row["kind"] for row in found] == ["blank", *["leak"] * 2, *["duplicate"] * 2] + [
        "near"
    ] * 2
    assert found[2]["reason"] == "the same picture as disgust_000001 in val"
    drops = {row["id"] for row in rows_of(tmp_path / "out" / "drops.csv")}
    assert drops == {"sad_000001", "disgust_000000", "angry_000002"}
    assert "1 faces of val also stand in train" in to_text(about)


def test_applying_the_drops_makes_the_cleaned_set(messy, tmp_path):
    clean(messy, tmp_path / "out")
    made = apply_drops(messy, tmp_path / "out" / "drops.csv", tmp_path / "clean")
    assert len(made) == 9
    assert (made.patches == messy.patches[[0, 2, 3, 4, 5, 6, 7, 9, 11]]).all()
    assert (made.splits == messy.splits[[0, 2, 3, 4, 5, 6, 7, 9, 11]]).all()
    reasons = {row["origin"]: row["reason"] for row in rows_of(made.folder / "dropped.csv")}
    assert reasons == {
        "before.png": "no face",
        "10.png": "blank: one tone all over",
        "1.png": "the same picture as disgust_000001 in val",
        "8.png": "the same picture as angry_000000 in train",
    }
    assert not suggested_drops(search(made))


def test_a_clean_set_is_told_to_be_clean(tmp_path):
    faces = make(tmp_path / "set", *((patch, "happy") for patch in drawn(5)))
    about = clean(faces, tmp_path / "out")
    assert to_text(about) == "nothing was found\n0 of 5 faces should go"
    assert rows_of(tmp_path / "out" / "drops.csv") == []
    made = apply_drops(faces, tmp_path / "out" / "drops.csv", tmp_path / "same")
    assert (made.patches == faces.patches).all()


def drops(path, *rows, header=("id", "reason", "faceset")):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


@pytest.mark.parametrize(
    ("rows", "header", "said"),
    [
        ([["happy_000099", "x", ""]], None, "'happy_000099'"),  # not in the set
        ([["happy_000000", "x", "0123456789abcdef"]], None, "0123456789abcdef"),  # of another set
        ([["happy_000000", "x"]], None, "columns id,reason,faceset"),  # cut off
        ([["happy_000000", "x", ""]], ("id", "why", "faceset"), "columns id,reason,faceset"),
        ([["happy_000000", "x", ""], ["sad_000000", "x", ""]], None, "drops every face"),
    ],
)
def test_a_list_that_does_not_fit_is_refused(tmp_path, rows, header, said):
    one, other = drawn(2)
    faces = make(tmp_path / "set", (one, "happy"), (other, "sad"))
    filled = [[*row[:2], row[2] or faces.digest[:16]] if len(row) > 2 else row for row in rows]
    path = drops(tmp_path / "drops.csv", *filled, header=header or ("id", "reason", "faceset"))
    with pytest.raises(DataError, match=said):
        apply_drops(faces, path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("data", [b"", b"\xff\xfe\x00", b"id,reason\n", b'"' * 200_001])
def test_what_is_no_list_is_one_error(messy, tmp_path, data):
    (tmp_path / "drops.csv").write_bytes(data)
    with pytest.raises(DataError, match="drops.csv.*edgefer data clean"):
        apply_drops(messy, tmp_path / "drops.csv", tmp_path / "out")


def test_the_commands_lead_from_one_to_the_next(messy, tmp_path):
    folder = messy.folder

    def data(*arguments):
        command = ["data", "clean", str(folder), *map(str, arguments)]
        return CliRunner().invoke(edgefer, command, catch_exceptions=False)

    said = data("-o", tmp_path / "out").output
    assert f"edgefer data clean {folder} --apply {tmp_path / 'out' / 'drops.csv'} -o NEW" in said
    with pytest.raises(DataError, match="--force"):
        data("-o", tmp_path / "out")
    about = json.loads(data("-o", tmp_path / "out", "--force", "--json").stdout)
    assert about["drop"] == 3
    done = data("--apply", tmp_path / "out" / "drops.csv", "-o", tmp_path / "clean")
    assert "9 faces (8 train, 1 val)" in done.output
    assert "4 left out" in done.output


def test_another_label_set_and_size_are_cleaned_alike(tmp_path):
    labels = labels_of("custom", "화남", "happy")
    one, other = drawn(2, size=96)
    faces = make(tmp_path / "set", (one, "화남"), (one, "화남"), (other, "happy"), labels=labels)
    clean(faces, tmp_path / "out")
    assert [row["id"] for row in rows_of(tmp_path / "out" / "drops.csv")] == ["화남_000001"]
