import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgefer.errors import DataError
from edgefer.faceset import FaceSet
from edgefer.facewriter import write_faceset
from edgefer.labels import FER7
from edgefer.train.split import deal_by, deal_splits, parse_ratio, shares, to_text


@pytest.fixture
def faces(tmp_path):
    rng = np.random.default_rng(0)
    with write_faceset(tmp_path / "set", FER7, 48, source="test") as writer:
        for i in range(700):
            writer.add(rng.integers(0, 256, (48, 48), np.uint8), FER7.names[i % 7])
        for i in range(20):  # one picture under several labels
            writer.add(np.full((48, 48), i // 4, np.uint8), FER7.names[i % 4])
    return FaceSet.load(tmp_path / "set")


def test_every_emotion_is_dealt_in_the_ratio(faces):
    splits = deal_splits(faces, (8, 1, 1))[:700]
    for target in range(7):
        own = splits[faces.targets[:700] == target]
        assert [int((own == name).sum()) for name in ("train", "val", "test")] == pytest.approx(
            [80, 10, 10], abs=2
        )


def test_equal_pictures_stay_together(faces):
    splits = deal_splits(faces)
    for group in range(5):
        assert len(set(splits[700 + 4 * group : 704 + 4 * group])) == 1


def test_the_seed_decides(faces):
    assert (deal_splits(faces, seed=1) == deal_splits(faces, seed=1)).all()
    assert (deal_splits(faces, seed=1) != deal_splits(faces, seed=2)).any()


def test_a_share_of_zero_leaves_a_split_empty(faces):
    assert set(deal_splits(faces, (4, 1, 0))) == {"train", "val"}


@pytest.mark.parametrize("people", [3, 5, 20])
def test_no_split_is_empty_while_there_are_people_enough(tmp_path, people):
    rng = np.random.default_rng(0)
    with write_faceset(tmp_path / "few", FER7, 48, source="test") as writer:
        for i in range(20 * people):
            patch = rng.integers(0, 256, (48, 48), np.uint8)
            writer.add(patch, FER7.names[i % 7], person=f"p{i % people}")
    few = FaceSet.load(tmp_path / "few")
    splits = deal_splits(few, by="person")
    assert set(splits) == {"train", "val", "test"}
    assert (splits == "train").sum() >= max((splits == "val").sum(), (splits == "test").sum())


@pytest.mark.parametrize("text", ["8:1", "8:1:1:1", "a:b:c", "-8:1:1", "0:0:0", "", "8:1:²"])
def test_a_ratio_that_makes_no_sense_is_refused(text):
    with pytest.raises(DataError, match="--ratio 8:1:1"):
        parse_ratio(text)


def crowd(out, people, *, twins=()):
    """Random faces: so many of these emotions for each person; twins share one picture."""
    rng = np.random.default_rng(0)
    shared = rng.integers(0, 256, (16, 16), np.uint8)
    with write_faceset(out, FER7, 16, source="test", force=True) as writer:
        for person, emotions in people:
            for target in emotions:
                patch = rng.integers(0, 256, (16, 16), np.uint8)
                writer.add(patch, FER7.names[target], person=person)
            if person in twins:
                writer.add(shared, "happy", person=person)
    return FaceSet.load(out)


@pytest.fixture
def people(tmp_path):
    rng = np.random.default_rng(1)
    # From 1 to 40 faces each, and nobody shows every emotion alike.
    names = [(f"p{i}", rng.integers(0, 7, rng.integers(1, 40))) for i in range(120)]
    return crowd(tmp_path / "people", names, twins=("p3", "p77"))


@pytest.mark.parametrize("seed", range(3))
def test_by_person_no_one_stands_in_two_splits(people, seed):
    splits = deal_splits(people, by="person", seed=seed)
    for person in set(people.persons):
        assert len(set(splits[people.persons == person])) == 1


def test_people_who_share_a_picture_stay_together(people):
    for seed in range(8):
        splits = deal_splits(people, (1, 1, 1), by="person", seed=seed)
        assert len(set(splits[np.isin(people.persons, ["p3", "p77"])])) == 1


def test_by_person_every_emotion_is_near_the_ratio(people):
    splits = deal_splits(people, (8, 1, 1), by="person")
    for share in shares(people, splits, (8, 1, 1)):
        assert share.reached == pytest.approx(share.wanted, abs=0.005)
        assert share.furthest == pytest.approx(share.wanted, abs=0.02)


def test_by_person_the_seed_decides(people):
    first, again, other = (deal_splits(people, by="person", seed=seed) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_a_face_without_a_person_is_dealt_on_its_own(tmp_path):
    faces = crowd(tmp_path / "set", [("", range(7))] * 30 + [("big", [3] * 40)])
    splits = deal_splits(faces, (1, 1, 1), by="person")
    assert len(set(splits[faces.persons == "big"])) == 1
    assert set(splits[faces.persons == ""]) == {"train", "val", "test"}


def test_what_is_off_is_told(tmp_path):
    faces = crowd(tmp_path / "set", [("a", [0, 1, 3, 3]), ("b", [0, 0, 1, 3])])
    splits = np.where(faces.persons == "a", "train", "test").astype(object)
    found = shares(faces, splits, (1, 0, 1))
    assert [(share.wanted, share.reached) for share in found] == [(0.5, 0.5), (0, 0), (0.5, 0.5)]
    # A third of the angry faces are in train where half were wanted.
    assert (found[0].emotion, found[0].furthest) == ("angry", pytest.approx(1 / 3))
    assert "train     50.0%    50.0%  angry 33.3%" in to_text(found)


def test_people_decide_where_one_is_known(faces, people):
    assert deal_by(faces) == "face"
    assert deal_by(people) == "person"


def test_dealing_by_people_nobody_knows_is_refused(faces):
    with pytest.raises(DataError, match="--by face"):
        deal_splits(faces, by="person")


@settings(max_examples=25)
@given(
    crowds=st.lists(st.lists(st.integers(0, 6), min_size=1, max_size=9), min_size=1, max_size=12),
    ratio=st.tuples(*[st.integers(0, 9)] * 3).filter(any),
    by=st.sampled_from(["face", "person"]),
)
def test_any_crowd_is_dealt_whole(tmp_path_factory, crowds, ratio, by):
    people = [(f"p{i}", emotions) for i, emotions in enumerate(crowds)]
    faces = crowd(tmp_path_factory.mktemp("crowd") / "set", people)
    splits = deal_splits(faces, ratio, by=by)
    allowed = {name for name, part in zip(("train", "val", "test"), ratio, strict=True) if part}
    assert set(splits) <= allowed
    assert sum(share.reached for share in shares(faces, splits, ratio)) == pytest.approx(1)
