import unicodedata

import pytest

from edgefer.errors import DataError
from edgefer.labels import (
    FER7,
    HUFS5,
    KOREAN7,
    TABLE,
    Labels,
    canonical,
    labels_of,
    parse_labels,
    parse_map,
    translate,
)


@pytest.mark.parametrize("labels", TABLE.values(), ids=TABLE)
def test_every_emotion_of_a_known_set_has_a_korean_name(labels):
    assert all("가" <= name[0] <= "힣" for name in labels.korean)


def test_fer2013_codes_are_in_their_published_order():
    assert FER7.names == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Happiness", "happy"),  # FERPlus
        ("기쁨", "happy"),  # AI Hub
        (unicodedata.normalize("NFD", "당황"), "embarrassed"),  # a folder copied on macOS
        (" fearful ", "fear"),  # DeepFace's folders
        ("boredom", "boredom"),  # unknown names stay
    ],
)
def test_names_from_elsewhere_are_understood(written, meant):
    assert canonical(written) == meant


def test_labels_can_be_a_list_of_ones_own():
    assert parse_labels("Happy, 슬픔,bored").names == ("happy", "sad", "bored")


@pytest.mark.parametrize("text", ["fer8", "", "happy,happiness", ","])
def test_labels_that_make_no_sense_are_refused(text):
    with pytest.raises(DataError):
        parse_labels(text)


def test_labels_need_as_many_korean_names():
    with pytest.raises(DataError, match="2 labels have 1"):
        Labels("odd", ("happy", "sad"), ("기쁨",))


def test_translation_leaves_out_what_the_other_set_lacks():
    assert translate(FER7, KOREAN7) == {0: 2, 3: 0, 4: 5, 6: 6}


def test_surprise_is_read_as_embarrassed_when_told_so():
    renames = parse_map("surprise=embarrassed,disgust=,fear=")
    assert translate(FER7, HUFS5, renames) == {0: 0, 3: 2, 4: 3, 5: 1, 6: 4}


@pytest.mark.parametrize("text", ["surprise", "=happy", "surprise=embarrassed,fear"])
def test_a_map_without_an_old_and_a_new_name_is_refused(text):
    with pytest.raises(DataError, match="OLD=NEW"):
        parse_map(text)


@pytest.mark.parametrize("text", ["bored=happy", "happy=bored"])
def test_a_map_of_unknown_emotions_is_refused_by_name(text):
    with pytest.raises(DataError, match="bored"):
        translate(FER7, HUFS5, parse_map(text))


def test_an_emotion_without_a_korean_name_keeps_its_own():
    assert labels_of("mine", "bored", "happy").korean == ("bored", "기쁨")
