"""Following faces: numbers that stay, searches that are rare, and faces that are forgotten."""

import numpy as np
import pytest
from scenes import IMAGE, Scene

from edgefer.edge.detectors.region import overlap
from edgefer.edge.track import CROWD, Follower
from edgefer.edge.wishes import Wishes
from edgefer.preprocess import Box

pytestmark = pytest.mark.edge

FACE = Box(100, 100, 60, 60)
OTHER = Box(200, 20, 60, 60)


def moved(box: Box, x: float, y: float = 0) -> Box:
    return box._replace(x=round(box.x + x), y=round(box.y + y))


def test_faces_are_numbered_from_left_to_right_from_0_on():
    scene = Scene()
    assert list(scene.show(Follower(scene), OTHER, FACE).items()) == [(FACE, 0), (OTHER, 1)]


def test_a_face_that_moves_keeps_its_number_and_its_place_is_the_one_found():
    scene = Scene()
    follower = Follower(scene)
    for step in range(30):
        box = moved(FACE, 5 * step - 50, step)
        assert scene.show(follower, box) == {box: 0}


def test_a_face_that_runs_is_expected_where_its_speed_brings_it():
    scene = Scene()
    follower = Follower(scene)
    x, seen = 0.0, []
    for step in range(12):  # in the end 55 pixels a picture: the last box hardly overlaps the next
        x += 5 * step
        seen.append(set(scene.show(follower, moved(FACE, x)).values()))
    assert seen == [{0}] * 12


def test_the_whole_picture_is_searched_every_so_many_pictures():
    scene = Scene()
    follower = Follower(scene, Wishes(every=5))
    for _ in range(11):
        scene.show(follower, FACE)
    searches = [asked for asked in scene.asked if asked != "near"]
    assert searches == ["all", "quick", "quick"]
    assert scene.asked.count("near") == 10


def test_where_nobody_is_somebody_is_looked_for_twice_as_often():
    scene = Scene()
    follower = Follower(scene, Wishes(every=10))
    for _ in range(11):
        scene.show(follower)
    assert scene.asked == ["all", "quick", "quick"]


def test_every_picture_may_be_searched_with_patience():
    scene = Scene()
    follower = Follower(scene, Wishes(every=1))
    assert [scene.show(follower, moved(FACE, 4 * step)) for step in range(3)] == [
        {FACE: 0},
        {moved(FACE, 4): 0},
        {moved(FACE, 8): 0},
    ]
    assert scene.asked == ["all"] * 3


def test_a_face_that_is_lost_is_searched_everywhere_at_once_and_only_once():
    scene = Scene()
    follower = Follower(scene, Wishes(every=100), patience=5)
    scene.show(follower, FACE)
    scene.asked.clear()
    for _ in range(3):
        assert scene.show(follower) == {}
    assert scene.asked == ["near", "quick", "near", "near"]


def test_a_face_that_jumped_is_found_again_in_the_same_picture_under_a_new_number():
    scene = Scene()
    follower = Follower(scene, Wishes(every=100))
    scene.show(follower, FACE)
    assert scene.show(follower, OTHER) == {OTHER: 1}


@pytest.mark.parametrize(("gap", "number"), [(1, 0), (5, 0), (6, 1), (40, 1)])
def test_a_face_that_comes_back_keeps_its_number_until_it_is_forgotten(gap, number):
    scene = Scene()
    follower = Follower(scene, Wishes(every=2), patience=5)
    scene.show(follower, FACE)
    for _ in range(gap):
        assert scene.show(follower) == {}
    back = [scene.show(follower, FACE) for _ in range(3)]  # in one of them it is searched
    assert back[-1] == {FACE: number}


def test_numbers_are_not_given_again():
    scene, numbers = Scene(), []
    follower = Follower(scene, Wishes(every=1), patience=0)
    for step in range(6):
        numbers += scene.show(follower, *([FACE] if step % 2 else [])).values()
    assert numbers == [0, 1, 2]


def test_somebody_new_gets_a_number_and_leaves_the_other_ones_alone():
    scene = Scene()
    follower = Follower(scene, Wishes(every=3))
    scene.show(follower, FACE)
    seen = [scene.show(follower, FACE, OTHER) for _ in range(3)]
    assert seen == [{FACE: 0}, {FACE: 0}, {FACE: 0, OTHER: 1}]


# Who turns round within one picture at a third of a face's width a picture is not told apart.
@pytest.mark.parametrize(
    ("speed", "turn"),
    [*((speed, False) for speed in (1, 3, 7, 12, 20)), *((speed, True) for speed in (1, 3, 7, 12))],
)
@pytest.mark.parametrize("down", [0, 25, 45])
@pytest.mark.parametrize("hidden", [True, False])
@pytest.mark.parametrize("every", [1, 10])
def test_two_who_meet_never_swap_their_numbers(speed, down, hidden, turn, every):
    scene = Scene()
    follower = Follower(scene, Wishes(every=every))
    owners: dict[int, set[str]] = {}
    left, right = Box(20, 80, 60, 60), Box(240, 80 + down, 60, 60)
    steps = 220 // (2 * speed)
    ways = [*range(steps), *(range(steps, -1, -1) if turn else range(steps, 2 * steps))]
    for way in ways:
        people = {"in front": moved(left, speed * way), "behind": moved(right, -speed * way)}
        apart = overlap(*people.values()) == 0
        boxes = people.values() if apart or not hidden else [people["in front"]]
        for box, number in scene.show(follower, *boxes).items():
            if apart:
                (name,) = (name for name, where in people.items() if where == box)
                owners.setdefault(number, set()).add(name)
    assert {"in front", "behind"} == set.union(*owners.values())
    assert all(len(names) == 1 for names in owners.values()), owners


def test_a_face_that_may_be_behind_another_costs_both_their_numbers():
    scene = Scene()
    follower = Follower(scene)
    for right in (90, 70, 50):  # it comes nearer, and is expected at 45 and 32
        scene.show(follower, FACE, moved(FACE, right))
    assert [scene.show(follower, FACE) for _ in range(3)] == [{FACE: 0}, {FACE: 2}, {FACE: 2}]
    back = moved(FACE, 50)
    seen = [scene.show(follower, FACE, back) for _ in range(10)]
    assert seen[-1] == {FACE: 2, back: 3}


def test_a_neighbor_that_is_lost_costs_no_number():
    scene = Scene()
    follower = Follower(scene, patience=2)
    scene.show(follower, FACE, moved(FACE, 50))
    assert [scene.show(follower, FACE) for _ in range(4)] == [{FACE: 0}] * 4


def test_two_boxes_on_one_face_are_one_face():
    scene = Scene()
    assert len(scene.show(Follower(scene), FACE, moved(FACE, 8, 8))) == 1


def test_a_face_that_leaves_the_picture_is_followed_over_the_border_and_forgotten():
    scene = Scene()
    follower = Follower(scene, Wishes(every=100), patience=4)
    for step in range(10):
        scene.show(follower, moved(FACE, 20 * step))
    for _ in range(5):
        assert scene.show(follower) == {}
    scene.asked.clear()
    scene.show(follower)
    assert "near" not in scene.asked


def test_nobody_is_nobody():
    scene = Scene()
    follower = Follower(scene)
    assert [scene.show(follower) for _ in range(30)] == [{}] * 30


def test_fifty_faces_keep_their_numbers_and_are_not_searched_for_one_by_one():
    scene = Scene()
    follower = Follower(scene)
    crowd = [Box(30 * x, 40 * y, 24, 24) for x in range(10) for y in range(5)]
    first = scene.show(follower, *crowd)
    assert sorted(first.values()) == list(range(50))
    walked = {moved(box, 5): number for box, number in first.items()}
    assert scene.show(follower, *reversed(walked)) == walked
    assert scene.asked == ["all", "all"]
    assert len(crowd) > CROWD


@pytest.mark.parametrize(("times", "searches"), [(1, 17), (2, 9), (4, 5), (8, 3)])
@pytest.mark.parametrize("every", [1, 10])
def test_a_crowd_is_searched_less_often_where_a_warm_board_asks_for_it(every, times, searches):
    scene = Scene()
    follower = Follower(scene, Wishes(every=every))
    crowd = [Box(30 * x, 40 * y, 24, 24) for x in range(5) for y in range(4)]
    first = scene.show(follower, *crowd)
    follower.slower = times
    for step in range(1, 17):
        walked = {moved(box, 2 * step): number for box, number in first.items()}
        assert scene.show(follower, *walked) == walked
    assert scene.asked.count("all") == searches
    assert "quick" not in scene.asked


def test_who_is_lost_in_a_crowd_of_a_warm_board_waits_for_the_next_search():
    scene = Scene()
    follower = Follower(scene)
    crowd = [Box(30 * x, 40 * y, 24, 24) for x in range(5) for y in range(4)]
    first = scene.show(follower, *crowd)
    follower.slower = 8
    rest = dict(list(first.items())[1:])
    assert [scene.show(follower, *rest) for _ in range(7)] == [rest] * 7
    assert scene.asked.count("all") == 1
    assert scene.show(follower, *crowd) == first


def test_a_picture_of_another_size_begins_anew():
    scene = Scene()
    follower = Follower(scene)
    scene.show(follower, FACE)
    assert scene.show(follower, FACE, image=np.zeros((480, 640), np.uint8)) == {FACE: 1}
    assert scene.asked == ["all", "all"]


def test_pictures_that_do_not_belong_together_are_searched_with_patience_each():
    scene = Scene()
    follower = Follower(scene)
    seen = []
    for _ in range(3):
        follower.forget()
        seen.append(scene.show(follower, FACE))
    assert seen == [{FACE: 0}, {FACE: 1}, {FACE: 2}]
    assert scene.asked == ["all"] * 3


def test_a_box_is_never_a_guess():
    scene = Scene()
    follower = Follower(scene)
    for step in range(4):
        scene.show(follower, moved(FACE, 10 * step))
    assert follower(IMAGE) != []
    scene.faces = []
    assert follower(IMAGE) == []
