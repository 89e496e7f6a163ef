"""What is wrong with a face set is found: duplicates, blanks, leaks, faces that are none."""

from collections import Counter

import cv2
import numpy as np
import pytest
from drawn import drawn, jpeg, make
from hypothesis import given, settings
from hypothesis import strategies as st

from edgefer.labels import HUFS5
from edgefer.train.clean.duplicates import find_duplicates
from edgefer.train.clean.findings import (
    DROP,
    KEEP,
    LOOK,
    Finding,
    rank,
    settle,
    suggested_drops,
)
from edgefer.train.clean.leaks import find_others, find_people_across
from edgefer.train.clean.near import close_codes, find_near
from edgefer.train.clean.quality import find_faceless, find_poor


def told(findings):
    """(kind, face, suggestion) of each."""
    return {(item.kind, item.face, item.suggestion) for item in findings}


def moved(patch, x, y):
    shift = np.float32([[1, 0, x], [0, 1, y]])
    return cv2.warpAffine(patch, shift, patch.shape, borderMode=cv2.BORDER_REPLICATE)


def relit(patch, factor, offset):
    return np.clip(patch * factor + offset, 0, 255).astype(np.uint8)


def cropped(patch, margin):
    inner = patch[margin:-margin, margin:-margin]
    return cv2.resize(inner, patch.shape, interpolation=cv2.INTER_CUBIC)


def test_of_equal_pictures_in_one_split_the_first_stays(tmp_path):
    one, other = drawn(2)
    faces = make(tmp_path / "set", (one, "happy"), (other, "sad"), (one, "happy"), (one, "happy"))
    assert told(find_duplicates(faces)) == {
        ("duplicate", 0, KEEP),
        ("duplicate", 2, DROP),
        ("duplicate", 3, DROP),
    }


@pytest.mark.parametrize(
    ("splits", "stays"),
    [
        (("train", "val"), 1),  # what judges stays
        (("val", "test", "train"), 1),
        (("test", "train", "test"), 0),
        (("train", ""), 1),
        (("train", "mine", "val"), 2),
    ],
)
def test_of_equal_pictures_in_several_splits_the_judging_one_stays(tmp_path, splits, stays):
    (patch,) = drawn()
    faces = make(tmp_path / "set", *((patch, "happy", split) for split in splits))
    assert told(find_duplicates(faces)) == {
        ("leak", face, KEEP if face == stays else DROP) for face in range(len(splits))
    }


def test_equal_pictures_under_several_labels_all_go(tmp_path):
    (patch,) = drawn()
    faces = make(tmp_path / "set", (patch, "happy", "train"), (patch, "sad", "val"))
    findings = find_duplicates(faces)
    assert told(findings) == {("conflict", 0, DROP), ("conflict", 1, DROP)}
    assert findings[0].reason == "the same picture is called happy, sad"


CHANGES = {
    "jpeg": lambda patch: jpeg(patch, 60),
    "brighter": lambda patch: relit(patch, 1.15, 12),
    "darker": lambda patch: relit(patch, 0.7, -5),
    "shifted": lambda patch: moved(patch, 1, 0),
    "cropped": lambda patch: cropped(patch, 1),
    "blurred": lambda patch: cv2.GaussianBlur(patch, (0, 0), 0.8),
    "mirrored": lambda patch: np.ascontiguousarray(patch[:, ::-1]),
    "mirrored, jpeg": lambda patch: jpeg(np.ascontiguousarray(patch[:, ::-1]), 60),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("size", [48, 96])
def test_a_changed_copy_is_found(tmp_path, change, size):
    patches = drawn(12, size=size)
    copies = [(CHANGES[change](patch), "happy", "train") for patch in patches]
    faces = make(tmp_path / "set", *((patch, "happy", "train") for patch in patches), *copies)
    findings = find_near(faces)
    pairs = {(item.face % 12, item.group) for item in findings}
    # Hashes are coarse: a few may be missed, but no two people may be taken for one.
    assert len({face for face, _ in pairs}) >= (9 if change in ("cropped", "shifted") else 11)
    assert len(pairs) == len({group for _, group in pairs})
    assert {item.kind for item in findings} == {"near"}


def test_different_faces_of_one_person_are_not_alike(tmp_path):
    patches = drawn(60, people=6)
    assert find_near(make(tmp_path / "set", *((patch, "happy") for patch in patches))) == []


def test_nearly_equal_pictures_tell_of_splits_and_labels(tmp_path):
    one, other, third = drawn(3, seed=4)
    faces = make(
        tmp_path / "set",
        (one, "happy", "train"),
        (jpeg(one, 70), "happy", "test"),
        (other, "sad", "train"),
        (jpeg(other, 70), "happy", "train"),
        (third, "sad", "train"),
        (third, "sad", "val"),  # an equal copy, in another split than its like
        (jpeg(third, 70), "sad", "train"),
    )
    assert told(find_near(faces)) == {
        ("near-leak", 0, LOOK),
        ("near-leak", 1, KEEP),
        ("near-conflict", 2, KEEP),
        ("near-conflict", 3, LOOK),
        ("near-leak", 4, LOOK),
        ("near-leak", 5, KEEP),
        ("near-leak", 6, LOOK),
    }


@settings(max_examples=60)
@given(data=st.data())
def test_every_pair_of_near_hashes_is_found(data):
    word = st.integers(0, 2**64 - 1)
    codes = np.array(data.draw(st.lists(word, min_size=1, max_size=12)), np.uint64)
    flips = data.draw(st.lists(st.sets(st.integers(0, 63), max_size=10), min_size=1, max_size=12))
    queries = np.array(
        [
            codes[i % len(codes)] ^ np.uint64(sum(1 << bit for bit in set_))
            for i, set_ in enumerate(flips)
        ],
        np.uint64,
    )
    pairs = [tuple(pair) for part in close_codes(codes, queries) for pair in part.tolist()]
    found = set(pairs)
    assert len(found) == len(pairs)
    wanted = {
        (i, j)
        for i, query in enumerate(queries)
        for j, code in enumerate(codes)
        if int(query ^ code).bit_count() <= 10
    }
    assert found == wanted


def test_chunks_lose_no_pair(monkeypatch):
    import edgefer.train.clean.near as near

    codes = np.repeat(np.arange(5, dtype=np.uint64), 40)
    whole = {tuple(pair) for part in close_codes(codes, codes) for pair in part.tolist()}
    monkeypatch.setattr(near, "_CHUNK", 7)
    cut = {tuple(pair) for part in close_codes(codes, codes) for pair in part.tolist()}
    assert cut == whole == {(i, j) for i in range(200) for j in range(200)}


def text_picture():
    page = np.full((48, 48), 255, np.uint8)
    page[4:44:3, 4:44:2] = 0
    return page


@pytest.mark.parametrize(
    ("kind", "change", "suggestion"),
    [
        ("blank", lambda patch: np.full_like(patch, 0), DROP),
        ("blank", lambda patch: (patch // 64 + 90).astype(np.uint8), DROP),
        ("dark", lambda patch: relit(patch, 0.2, 0), LOOK),
        ("bright", lambda patch: relit(patch, 0.25, 185), LOOK),
        ("blurred", lambda patch: cv2.GaussianBlur(patch, (0, 0), 3), LOOK),
        ("drawing", lambda patch: text_picture(), LOOK),
    ],
)
def test_a_poor_picture_is_found(tmp_path, kind, change, suggestion):
    patches = drawn(6)
    rows = [(change(patch) if i == 2 else patch, "happy") for i, patch in enumerate(patches)]
    assert told(find_poor(make(tmp_path / "set", *rows))) == {(kind, 2, suggestion)}


@pytest.mark.parametrize("size", [16, 48, 96, 224])
def test_a_good_picture_is_not_poor_at_any_size(tmp_path, size):
    patches = drawn(40 if size < 200 else 8, size=size)
    assert find_poor(make(tmp_path / "set", *((patch, "happy") for patch in patches))) == []


def test_what_the_detector_misses_is_ranked(tmp_path):
    sign = np.full((48, 48), 250, np.uint8)
    sign[10:20, 8:40] = 30
    rows = [*drawn(20), text_picture(), sign]
    findings = rank(find_faceless(make(tmp_path / "set", *((p, "happy") for p in rows))))
    assert findings[0].face == 21
    assert 20 in {item.face for item in findings}
    assert len(findings) < 12
    assert {item.suggestion for item in findings} == {LOOK}


def test_a_person_in_two_splits_is_named_with_the_remedy(tmp_path):
    patches = drawn(5)
    rows = [("train", "a"), ("test", "a"), ("train", "b"), ("train", ""), ("test", "")]
    faces = make(
        tmp_path / "set", *((p, "happy", *row) for p, row in zip(patches, rows, strict=True))
    )
    findings = find_people_across(faces)
    assert told(findings) == {("person", 0, LOOK), ("person", 1, KEEP)}
    assert "edgefer data split --by person" in findings[0].reason


def test_what_another_set_holds_is_found(tmp_path):
    one, two, three, four = drawn(4, seed=9)
    others = make(tmp_path / "judges", (one, "sad", "test", "p"), (jpeg(two, 70), "happy", "test"))
    faces = make(
        tmp_path / "set", (four, "happy"), (one, "happy"), (two, "happy"), (three, "sad", "", "p")
    )
    findings = find_others(faces, others)
    assert {(item.kind, item.face, item.suggestion, item.other) for item in findings} == {
        ("leak", 1, DROP, 0),
        ("near-leak", 2, LOOK, 1),
        ("person", 3, DROP, 0),
    }


def test_copies_are_compared_with_another_set_once(tmp_path, monkeypatch):
    import edgefer.train.clean.near as near

    one, two, three = drawn(3, seed=9)
    others = make(tmp_path / "judges", *[(jpeg(two, 70), "sad")] * 30, (one, "sad"))
    faces = make(tmp_path / "set", (three, "sad"), *[(two, "sad")] * 40, *[(one, "sad")] * 5)
    compared, likeness = [], near.likeness
    monkeypatch.setattr(
        near, "likeness", lambda *args, **way: compared.extend(args[1]) or likeness(*args, **way)
    )
    findings = find_others(faces, others)
    kinds = Counter((item.kind, item.other) for item in findings)
    assert kinds == {("near-leak", 0): 40, ("leak", 30): 5}
    assert len(compared) <= 4


def test_urgent_kinds_come_first_and_groups_stay_together():
    found = [
        Finding("blurred", 1, 0.99, LOOK, ""),
        Finding("near", 2, 0.95, LOOK, "", "b"),
        Finding("near", 3, 0.93, LOOK, "", "a"),
        Finding("near", 4, 0.98, LOOK, "", "a"),
        Finding("near", 5, 0.93, KEEP, "", "a"),
        Finding("blank", 6, 0.1, DROP, ""),
    ]
    assert [item.face for item in rank(found)] == [6, 5, 4, 3, 2, 1]


def test_no_group_keeps_what_goes_for_another_reason():
    found = [Finding("blank", 0, 1, DROP, "x"), Finding("duplicate", 0, 1, KEEP, "", "g")]
    assert [item.suggestion for item in settle(found)] == [DROP, LOOK]
    assert suggested_drops(found) == {0: "x"}


def test_the_labels_of_the_hufs_work_are_known(tmp_path):
    (patch,) = drawn()
    faces = make(tmp_path / "set", (patch, "embarrassed"), (patch, "angry"), labels=HUFS5)
    assert "angry, embarrassed" in find_duplicates(faces)[0].reason
