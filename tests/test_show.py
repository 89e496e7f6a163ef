import json

import cv2
import numpy as np
import pytest

from edgefer.errors import DataError
from edgefer.faceset import FaceSet
from edgefer.facewriter import write_faceset
from edgefer.labels import FER7, HUFS5
from edgefer.train.show import draw_sheet, summarize, to_json, to_text, written


@pytest.fixture
def faces(tmp_path):
    rng = np.random.default_rng(0)
    twin = rng.integers(0, 256, (48, 48), np.uint8)
    with write_faceset(tmp_path / "set", HUFS5, 48, source="a test", licence="ours") as writer:
        for i in range(20):
            writer.add(
                rng.integers(0, 256, (48, 48), np.uint8),
                HUFS5.names[i % 5],
                split="train" if i < 15 else "test",
                person=f"p{i % 4}" if i < 15 else f"q{i % 2}",
                votes=[3 * (k == (i % 5 if i < 16 else 0)) for k in range(5)],
            )
        writer.add(twin, "happy", split="train", person="p0")
        writer.add(twin, "sad", split="test", person="p0")
        writer.drop("x.png", "is no picture")
        writer.drop("y.png", "is no picture")
    return FaceSet.load(tmp_path / "set")


def test_it_counts_faces_people_votes_and_duplicates(faces):
    summary = summarize(faces)
    assert summary.counts["train"] == dict.fromkeys(HUFS5.names, 3) | {"happy": 4}
    assert summary.people == {"train": 4, "test": 3}
    assert summary.people_across == 1
    assert summary.voted == 20
    assert summary.agreement == pytest.approx(16 / 20)
    assert (summary.duplicates, summary.conflicting, summary.leaked) == (1, 1, {"test": 1})
    assert summary.dropped == {"is no picture": 2}


def test_people_read_all_of_it(faces):
    text = to_text(faces, summarize(faces))
    for line in (
        "22 faces of 48x48, labels hufs5",
        "embarrassed 당황",
        "4 in train, 3 in test",
        "1 in more than one split",
        "label on 80.0%",
        "1 groups of equal pictures, 1 of them under several labels",
        "1 faces of test also stand in train",
        "2 (is no picture)",
        faces.digest,
    ):
        assert line in text


def test_machines_read_the_same(faces):
    read = json.loads(json.dumps(to_json(faces, summarize(faces))))
    assert read["counts"]["test"]["sad"] == 2
    assert read["dropped"] == {"is no picture": 2}


def test_the_sheet_shows_a_row_of_faces_for_each_emotion(faces, tmp_path):
    draw_sheet(faces, tmp_path / "sheet.png", columns=4)
    sheet = cv2.imdecode(np.fromfile(tmp_path / "sheet.png", np.uint8), cv2.IMREAD_GRAYSCALE)
    assert sheet.shape == (5 * 68, 130 + 4 * 68)
    assert all(sheet[row * 68 : row * 68 + 64, 130:194].std() > 20 for row in range(5))


def test_a_sheet_replaces_nothing_unless_told_so(faces, tmp_path):
    sheet = tmp_path / "new" / "sheet.png"
    draw_sheet(faces, sheet)
    with pytest.raises(DataError, match="exists. Replace it with --force"):
        draw_sheet(faces, sheet)
    sheet.write_bytes(b"mine")
    draw_sheet(faces, sheet, force=True)
    assert sheet.read_bytes().startswith(b"\x89PNG")


def test_what_was_written_names_empty_emotions_and_what_was_left_out(tmp_path):
    with write_faceset(tmp_path / "set", FER7, 48, source="a test") as writer:
        writer.add(np.zeros((48, 48), np.uint8), "happy", split="train")
        for number in range(14):
            writer.drop("x", f"reason {number}")
            writer.drop("y", "the same reason")
    text = written(tmp_path / "set")
    assert "no face shows angry, disgust, fear, sad, surprise, neutral" in text
    assert "28 left out" in text
    assert "      14 the same reason\n" in text
    assert text.endswith("3 for 3 more reasons")
