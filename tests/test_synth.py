import cv2
import numpy as np
import pytest

from edgefer.errors import DataError
from edgefer.synth import (
    ACTION_UNITS,
    OPENFACE_COLUMNS,
    POPULATIONS,
    PROTOTYPES,
    action_units,
    draw_face,
    draw_person,
    face_patch,
    find_population,
    openface_row,
    stream,
)

BOTH = pytest.mark.parametrize("population", POPULATIONS.values(), ids=POPULATIONS)


@pytest.fixture(scope="module", params=["frontalface_default", "frontalface_alt2"])
def cascade(request):
    return cv2.CascadeClassifier(f"{cv2.data.haarcascades}haarcascade_{request.param}.xml")


def boxes_in(image, cascade):
    return cascade.detectMultiScale(image, 1.2, 5, minSize=(60, 60))


def drawn(rng, population, emotion, **options):
    aus = action_units(rng, population, emotion)
    return draw_face(rng, population, draw_person(rng, population), aus, **options)


@BOTH
def test_haar_finds_the_drawn_face_in_a_camera_picture(population, cascade):
    rng, hits = np.random.default_rng(3), 0
    for turn in range(14):
        emotion = population.labels.names[turn % 7]
        face, _ = drawn(rng, population, emotion, side=int(rng.integers(150, 310)))
        picture = cv2.GaussianBlur(rng.uniform(0, 255, (480, 640)).astype(np.uint8), (0, 0), 25)
        top, left = rng.integers(0, 480 - len(face)), rng.integers(0, 640 - len(face))
        picture[top : top + len(face), left : left + len(face)] = face
        hits += len(boxes_in(picture, cascade)) == 1
    assert hits >= 13  # 14 when written; 1,199 of 1,200 over more faces


@BOTH
def test_the_box_is_where_haar_puts_it(population, cascade):
    rng, errors = np.random.default_rng(4), []
    for _ in range(20):
        image, box = drawn(rng, population, "neutral", side=200)
        for found in boxes_in(image, cascade):
            errors.append((found - np.array(box)) / box.w)
    assert len(errors) >= 4
    assert np.abs(np.mean(errors, axis=0)).max() < 0.1


@BOTH
@pytest.mark.parametrize("size", [48, 96, 224])
def test_patches_come_in_any_size(population, size):
    rng = np.random.default_rng(0)
    aus = action_units(rng, population, "happy")
    patch = face_patch(rng, population, draw_person(rng, population), aus, size)
    assert patch.shape == (size, size)
    assert patch.dtype == np.uint8
    assert patch.std() > 10


@BOTH
def test_the_same_seed_draws_the_same_bytes(population):
    first, second = (
        drawn(np.random.default_rng(seed), population, "sad")[0].tobytes() for seed in (5, 5)
    )
    other = drawn(np.random.default_rng(6), population, "sad")[0].tobytes()
    assert first == second
    assert first != other


@BOTH
def test_an_emotion_shows_its_own_units_most(population):
    rng = np.random.default_rng(0)
    for emotion in population.labels.names:
        mean = np.mean(
            [list(action_units(rng, population, emotion).values()) for _ in range(200)], axis=0
        )
        usual = [np.prod(PROTOTYPES[emotion].get(unit, (0, 0))) for unit in ACTION_UNITS]
        if emotion != "neutral":
            assert np.corrcoef(mean, usual)[0, 1] > 0.97


@pytest.mark.parametrize(
    ("emotion", "high", "low"),
    [
        ("happy", "AU12", "AU15"),
        ("sad", "AU15", "AU12"),
        ("surprise", "AU26", "AU04"),
        ("angry", "AU04", "AU02"),
        ("disgust", "AU09", "AU12"),
        ("fear", "AU20", "AU12"),
    ],
)
def test_units_tell_emotions_apart(emotion, high, low):
    rng = np.random.default_rng(1)
    shown = [action_units(rng, POPULATIONS["base"], emotion) for _ in range(50)]
    assert np.mean([aus[high] for aus in shown]) > 2
    assert np.mean([aus[low] for aus in shown]) < 0.5


def test_the_korean_population_shows_less():
    rng = np.random.default_rng(1)
    base, korean = (
        np.mean([action_units(rng, population, "happy")["AU12"] for _ in range(300)])
        for population in POPULATIONS.values()
    )
    assert korean < 0.95 * base


@pytest.mark.parametrize("unit", ACTION_UNITS)
def test_every_unit_changes_the_picture(unit):
    population = POPULATIONS["base"]
    person = draw_person(np.random.default_rng(0), population)
    rest, moved = (
        draw_face(np.random.default_rng(1), population, person, aus)[0].astype(int)
        for aus in ({}, {unit: 5.0})
    )
    # The generator's state is the same, so is the noise: what differs is the face.
    assert np.abs(moved - rest).max() > 20


@BOTH
def test_people_differ_more_than_pictures_of_one(population):
    rng = np.random.default_rng(2)
    people = [draw_person(rng, population) for _ in range(20)]
    assert len({(person.skin, person.brow, person.mouth_width) for person in people}) == 20
    assert np.std([person.cheekbones for person in people]) > 0.02


def test_an_openface_row_has_openface_columns():
    row = openface_row({"AU12": 3.456, "AU04": 0.4}, face=2)
    assert tuple(row) == OPENFACE_COLUMNS
    assert row["face"] == "2"
    assert (row[" AU12_r"], row[" AU12_c"]) == ("3.46", "1.00")
    assert (row[" AU04_r"], row[" AU04_c"]) == ("0.40", "0.00")
    assert row[" AU28_c"] == "0.00"
    assert " AU28_r" not in row


@BOTH
@pytest.mark.parametrize("people", [1, 2])
def test_haar_finds_everybody_in_a_video(population, people, cascade):
    moments = list(stream(8, population, 5, fps=0.4, people=people))
    assert len(moments) == 5
    assert {moment.image.shape for moment in moments} == {(480, 640, 3)}
    assert {moment.image.dtype for moment in moments} == {np.dtype(np.uint8)}
    assert sum(len(boxes_in(moment.image, cascade)) == people for moment in moments) >= 4


@BOTH
def test_a_video_goes_through_every_emotion_smoothly(population):
    moments = list(stream(1, population, 14 * 5, size=(120, 160), fps=5))
    assert {moment.faces[0].emotion for moment in moments} == set(population.labels.names)
    smiles = np.array([moment.faces[0].aus["AU12"] for moment in moments])
    assert np.ptp(smiles) > 1
    assert np.abs(np.diff(smiles)).max() < np.ptp(smiles)


def test_the_same_seed_films_the_same_video():
    first, second = (list(stream(3, POPULATIONS["base"], 4, fps=1)) for _ in range(2))
    assert all((a.image == b.image).all() for a, b in zip(first, second, strict=True))


def test_a_video_can_show_nobody_for_a_while(cascade):
    moments = list(stream(2, POPULATIONS["base"], 16, fps=2, absence=0.5))
    empty = [moment for moment in moments if not moment.faces]
    assert len(empty) == 8
    assert not any(len(boxes_in(moment.image, cascade)) for moment in empty)


def test_a_video_without_an_end_goes_on():
    endless = stream(0, POPULATIONS["base"], size=(60, 80))
    assert len([next(endless) for _ in range(5)]) == 5


def test_an_emotion_the_population_lacks_is_named():
    with pytest.raises(DataError, match=r"'korean' does not show 'disgust'.*embarrassed"):
        action_units(np.random.default_rng(0), POPULATIONS["korean"], "disgust")


def test_an_unknown_population_is_named():
    with pytest.raises(DataError, match=r"'martian'.*base, korean"):
        find_population("martian")
