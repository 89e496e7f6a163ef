import zipfile

import pytest
from aihub_photos import draw_photo
from click.testing import CliRunner

from edgefer.errors import DataError
from edgefer.faceset import FaceSet
from edgefer.train.commands import data as command
from edgefer.train.datasets.kface import parse_numbers, plan_kface

PEOPLE = ("19062421", "19062422")


@pytest.fixture(scope="module")
def download(tmp_path_factory):
    """Two people: one in a folder, one in a zip; two accessories, lights and views."""
    root = tmp_path_factory.mktemp("kface") / "High"
    names = [
        f"S00{accessory}/L{light}/E0{expression}/C{view}.jpg"
        for accessory in (1, 2)
        for light in (1, 12)
        for expression in (1, 2, 3)
        for view in (6, 7)
    ]
    emotions = {"E01": "neutral", "E02": "happy", "E03": "angry"}
    pictures = {
        who: {
            name: draw_photo(who + name, emotions[name.split("/")[2]], who, quality=70)[0]
            for name in names
        }
        for who in PEOPLE
    }
    for name, picture in pictures[PEOPLE[0]].items():
        path = root / PEOPLE[0] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture)
    with zipfile.ZipFile(root / f"{PEOPLE[1]}.zip", "w") as archive:
        for name, picture in pictures[PEOPLE[1]].items():
            archive.writestr(name, picture)
    return root


def test_expressions_people_lights_and_views_are_read_from_names(download):
    photos = list(plan_kface([download]))
    assert len(photos) == 48
    assert {photo.person for photo in photos} == set(PEOPLE)
    assert photos[0].origin == "19062421/S001/L1/E01/C6"
    assert photos[0].emotion == "neutral"
    assert photos[0].about == {"accessory": "S001", "light": "1", "view": "6"}
    emotions = [photo.emotion for photo in photos]
    assert [emotions.count(name) for name in ("neutral", "happy", "frown")] == [16] * 3


def test_fewer_lights_views_and_accessories_can_be_taken(download):
    photos = list(plan_kface([download], lights=(12,), views=(7, 8), accessories=(1,)))
    assert [photo.origin.split("/", 1)[1] for photo in photos[:3]] == [
        f"S001/L12/E0{expression}/C7" for expression in (1, 2, 3)
    ]
    assert len(photos) == 6


def test_a_persons_zip_can_be_named_alone(download):
    assert len(list(plan_kface([download / f"{PEOPLE[1]}.zip"]))) == 24


def test_a_persons_folder_can_be_named_alone(download):
    photos = list(plan_kface([download / PEOPLE[0]]))
    assert len(photos) == 24
    assert {photo.person for photo in photos} == {PEOPLE[0]}


def test_the_same_pictures_in_another_resolution_are_taken_once(download):
    photos = list(plan_kface([download, download]))
    assert len(photos) == 96
    assert sum(photo.reason.startswith("the same picture again") for photo in photos) == 48


def test_the_command_cuts_faces_out(download, tmp_path):
    out = tmp_path / "out"
    arguments = ["kface", str(download), "-o", str(out), "--views", "7", "--workers", "1"]
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 0, result.output
    faces = FaceSet.load(out)
    assert faces.labels.names == ("neutral", "happy", "frown")
    assert faces.labels.korean == ("중립", "기쁨", "찡그림")
    assert len(faces) >= 22
    assert set(faces.persons) == set(PEOPLE)


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"views": (20,)}, "accessories 1, 2; lights 1, 12; views 6, 7"),
        ({}, "named as K-FACE's are"),
    ],
)
def test_nothing_to_take_says_what_to_do(download, tmp_path, choices, message):
    (tmp_path / "photo.jpg").write_bytes(b"x")
    with pytest.raises(DataError, match=message):
        list(plan_kface([download if choices else tmp_path], **choices))


@pytest.mark.parametrize(
    ("text", "numbers"), [("", ()), ("3", (3,)), ("1,4-6", (1, 4, 5, 6)), (" 2 , 2-3 ", (2, 2, 3))]
)
def test_numbers_and_ranges_are_read(text, numbers):
    assert parse_numbers(text) == numbers


@pytest.mark.parametrize("text", ["a", "1-", "5-3", "-1", "1;2", "99999", "²"])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(DataError, match="Example: 1,4-6"):
        parse_numbers(text)
