import numpy as np
import pytest

from edgefer.errors import DataError
from edgefer.faceset import FaceSet
from edgefer.facewriter import write_faceset
from edgefer.labels import FER7
from edgefer.train.split import deal_splits, parse_ratio


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


@pytest.mark.parametrize("text", ["8:1", "8:1:1:1", "a:b:c", "-8:1:1", "0:0:0", "", "8:1:²"])
def test_a_ratio_that_makes_no_sense_is_refused(text):
    with pytest.raises(DataError, match="--ratio 8:1:1"):
        parse_ratio(text)
