"""The table after a training: what it sets side by side."""

from edgefer.labels import Labels
from edgefer.train.scores import score_table

LABELS = Labels("three", ("happy", "sad", "hurt"), ("기쁨", "슬픔", "상처"))


def table(**scores):
    rows = [line.split() for line in score_table(LABELS, scores).splitlines()]
    return {" ".join(row[:-2]): row[-2:] for row in rows}


def test_before_and_after_stand_over_the_same_emotions():
    before = {"accuracy": 0.5, "recall": {"happy": 0.4, "sad": 0.6}}
    after = {
        "accuracy": 0.45,
        "recall": {"happy": 0.8, "sad": 0.6, "hurt": 0.0},
        "confusion": [[8, 2, 0], [4, 6, 0], [5, 5, 0]],
    }
    rows = table(before={"val": before}, val=after)
    assert rows["all of these"] == ["50.0", "70.0"]
    assert rows["all"] == ["-", "46.7"]
    assert rows["hurt"] == ["-", "0.0"]


def test_a_transfer_that_reads_the_old_emotions_worse_says_so():
    def rows(right):
        after = {
            "accuracy": right,
            "recall": {"happy": right, "sad": right, "hurt": 0.0},
            "confusion": [[10 * right, 10 - 10 * right, 0], [0, 10, 0], [0, 0, 0]],
        }
        before = {"accuracy": 0.8, "recall": {"happy": 0.8, "sad": 0.8}}
        return score_table(LABELS, {"before": {"val": before}, "val": after}).splitlines()

    assert rows(0.2)[-1] == "val fell from 80.0 to 60.0: on these the base is better"
    assert not [line for line in rows(0.6) if "fell" in line]


def test_an_emotion_without_a_face_is_a_dash():
    nothing = {
        "accuracy": 1.0,
        "recall": {"happy": 1.0, "sad": 0.0, "hurt": 0.0},
        "confusion": [[4, 0, 0], [0, 0, 0], [0, 0, 0]],
    }
    rows = table(train=nothing, val=nothing)
    assert rows["happy"] == ["100.0", "100.0"]
    assert rows["sad"] == ["-", "-"]
