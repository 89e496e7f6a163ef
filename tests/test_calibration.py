import numpy as np
import pytest
from click.testing import CliRunner
from toys import SIZE, toy_face, toy_faces

from edgefer.bundle import Bundle
from edgefer.errors import DataError
from edgefer.export.calibration import (
    check_calibration,
    make_calibration,
    neighbor_likeness,
    representative,
)
from edgefer.export.commands import calib
from edgefer.faceset import FaceSet
from edgefer.facewriter import write_faceset
from edgefer.labels import FER7, KOREAN7, labels_of


@pytest.fixture
def faces(tmp_path):
    return toy_faces(tmp_path / "faces", people=6)


@pytest.fixture
def bundle(tmp_path):
    return Bundle(tmp_path / "bundle", FER7, SIZE, {}, {}, ())


def few(out, patches, *, emotion="happy", split="train", people=None):
    with write_faceset(out, FER7, SIZE, source="a test") as writer:
        for i, patch in enumerate(patches):
            writer.add(patch, emotion, split=split, person=people[i] if people else "")
    return FaceSet.load(out)


def test_every_emotion_gives_the_same_number(faces, tmp_path):
    made = make_calibration(faces, tmp_path / "c", per_emotion=5)
    assert made.counts == {"train": dict.fromkeys(FER7.names, 5)}


def test_only_the_train_split_is_used(faces, tmp_path):
    made = make_calibration(faces, tmp_path / "c", per_emotion=10)
    assert not made.shared_with(faces.split("val"))
    assert made.shared_with(faces.split("train")).faces == 70


def test_the_seed_decides(faces, tmp_path):
    digests = [
        make_calibration(faces, tmp_path / name, per_emotion=5, seed=seed).hashes.tolist()
        for name, seed in (("a", 3), ("b", 3), ("c", 4))
    ]
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


def test_it_says_where_it_was_drawn_from(faces, tmp_path):
    source = make_calibration(faces, tmp_path / "c", per_emotion=5, seed=3).source
    assert faces.digest in source
    assert "5 faces an emotion, seed 3" in source


def test_an_emotion_with_fewer_faces_is_taken_whole_and_said(faces, tmp_path, capsys):
    made = make_calibration(faces, tmp_path / "c", per_emotion=30)
    assert made.counts["train"]["happy"] == 18
    assert "happy: 18 faces, fewer than the 30 asked for" in capsys.readouterr().err


def test_one_face_of_each_person_comes_before_a_second(faces, tmp_path):
    everyone = set(faces.split("train").persons)
    made = make_calibration(faces, tmp_path / "c", per_emotion=len(everyone))
    for target in range(len(FER7)):
        assert set(made.persons[made.targets == target]) == everyone


def test_without_a_train_split_the_others_are_named(faces, tmp_path):
    with pytest.raises(DataError, match="no split 'train'; it has: val"):
        make_calibration(faces.split("val"), tmp_path / "c")


def test_no_face_is_asked_for(faces, tmp_path):
    with pytest.raises(DataError, match="Name 1 or more"):
        make_calibration(faces, tmp_path / "c", per_emotion=0)


def test_pictures_and_people_of_other_splits_are_passed_over(tmp_path):
    rng = np.random.default_rng(2)
    patches = [toy_face(3, rng) for _ in range(6)]
    with write_faceset(tmp_path / "mixed", FER7, SIZE, source="a test") as writer:
        writer.add(patches[0], "happy", split="train", person="a")
        writer.add(patches[0], "happy", split="val", person="b")  # the same picture is judged
        writer.add(patches[1], "happy", split="train", person="c")
        writer.add(patches[2], "happy", split="test", person="c")  # the same person is judged
        writer.add(patches[3], "happy", split="train", person="d")
        writer.add(patches[3], "happy", split="train", person="e")  # a second copy tells nothing
    mixed = FaceSet.load(tmp_path / "mixed")
    made = make_calibration(mixed, tmp_path / "c")
    assert len(made) == 1
    assert (made.patches[0] == patches[3]).all()
    everything = mixed.select(np.arange(4))
    with pytest.raises(DataError, match="is also in another split"):
        make_calibration(everything, tmp_path / "d")


def test_a_shared_picture_is_refused_with_the_count(faces, bundle, tmp_path):
    leaked = few(tmp_path / "c", faces.split("val").patches[:3])
    with pytest.raises(DataError, match="shares 3 faces with the val split"):
        check_calibration(leaked, bundle, faces)


def test_a_shared_person_is_refused_with_the_count(faces, bundle, tmp_path):
    patches = [toy_face(1, np.random.default_rng(9 + i)) for i in range(4)]
    leaked = few(tmp_path / "c", patches, people=["val3", "new", "val3", "val3"])
    with pytest.raises(DataError, match="shares 1 people with the val split"):
        check_calibration(leaked, bundle, faces)


def test_sharing_with_the_train_split_is_fine(faces, bundle, tmp_path, capsys):
    check_calibration(make_calibration(faces, tmp_path / "c", per_emotion=5), bundle, faces)
    assert capsys.readouterr().err == ""


def test_a_face_set_without_judges_is_said(faces, bundle, tmp_path, capsys):
    check_calibration(make_calibration(faces, tmp_path / "c"), bundle, faces.split("train"))
    assert "has no val or test split" in capsys.readouterr().err


def test_other_labels_are_fine(bundle, tmp_path):
    check_calibration(toy_faces(tmp_path / "korean", labels=KOREAN7).split("train"), bundle)


def test_faces_that_judge_are_refused_even_alone(bundle, tmp_path):
    with pytest.raises(DataError, match="42 faces of the splits val and test.*edgefer calib "):
        check_calibration(toy_faces(tmp_path / "c"), bundle)


def test_other_patch_sizes_are_refused(bundle, tmp_path):
    with pytest.raises(DataError, match="patches of 16 pixels, those of .* have 24"):
        check_calibration(toy_faces(tmp_path / "large", size=24), bundle)


@pytest.mark.parametrize("kind", ["noise", "blank"])
def test_what_is_no_face_is_refused(kind, bundle, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (30, SIZE, SIZE)).astype(np.uint8)
    patches = noise if kind == "noise" else np.zeros_like(noise)
    with pytest.raises(DataError, match="looks like noise"):
        check_calibration(few(tmp_path / "c", patches), bundle)


def test_few_faces_are_said(bundle, tmp_path, capsys):
    check_calibration(toy_faces(tmp_path / "c", each=2), bundle)
    assert "only 14 calibration faces" in capsys.readouterr().err


def test_faces_of_one_emotion_are_refused_with_the_reason(bundle, tmp_path):
    rng = np.random.default_rng(1)
    happy = few(tmp_path / "c", [toy_face(3, rng) for _ in range(30)])
    with pytest.raises(DataError, match="all 30 faces of .* are happy.*other emotions may exceed"):
        check_calibration(happy, bundle)


def test_a_face_set_with_one_label_may_show_one_emotion_and_is_refused(bundle, tmp_path):
    faces = toy_faces(tmp_path / "c", each=30, labels=labels_of("people", "face")).split("train")
    with pytest.raises(DataError, match="calls all its faces 'face' and has no other label"):
        check_calibration(faces, bundle)


def test_two_emotions_are_enough(bundle, tmp_path):
    two = labels_of("two", "happy", "sad")
    check_calibration(toy_faces(tmp_path / "c", labels=two).split("train"), bundle)


def test_likeness_tells_faces_from_noise(faces):
    noise = np.random.default_rng(0).integers(0, 256, (30, SIZE, SIZE)).astype(np.uint8)
    assert neighbor_likeness(faces.patches) > 0.8
    assert abs(neighbor_likeness(noise)) < 0.1


@pytest.mark.parametrize("size", [8, 16, 48])
def test_a_ramp_over_all_values_comes_first(size):
    patches = np.full((2, size, size), 77, np.uint8)
    (ramp,), (first,), (second,) = representative(patches)
    assert (ramp.min(), ramp.max()) == (0, 255)
    assert {one.shape for one in (ramp, first, second)} == {(1, size, size, 1)}
    assert (first == 77).all()


def test_the_command_counts_what_it_took(faces, tmp_path):
    out = tmp_path / "c"
    result = CliRunner().invoke(calib, [str(faces.folder), "-o", str(out), "--per-emotion", "4"])
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{out}: 28 faces: 4 angry, 4 disgust")
    assert FaceSet.load(out).counts["train"]["sad"] == 4
