"""What finds faces in a stream: Haar's three searches, YuNet, one's own, and what can be wrong."""

import subprocess
import sys
from itertools import islice

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from tiny_tflite import tiny_bundle

from edgefer.detect import CASCADES
from edgefer.edge.detectors import open_detector
from edgefer.edge.detectors.haar import Haar
from edgefer.edge.detectors.region import cut, overlap
from edgefer.edge.run_command import run
from edgefer.edge.track import Follower
from edgefer.edge.wishes import Wishes
from edgefer.errors import BackendError, EdgeferError
from edgefer.preprocess import Box
from edgefer.synth import find_population, stream

pytestmark = pytest.mark.edge


@pytest.fixture(scope="module")
def haar() -> Haar:
    return Haar()


@pytest.fixture(scope="module")
def moment():
    return next(stream(1, find_population("base")))


@pytest.fixture(scope="module")
def place(moment) -> Box:
    return moment.faces[0].box


def test_every_search_finds_a_drawn_face_where_it_is(haar, moment, place):
    for boxes in (haar(moment.image), haar.quick(moment.image, []), haar.near(moment.image, place)):
        (box,) = boxes
        assert overlap(box, place) > 0.6


def test_a_face_that_moved_a_little_is_found_from_its_last_place(haar, moment, place):
    for across in (-place.w // 4, place.w // 4):
        (box,) = haar.near(moment.image, place._replace(x=place.x + across))
        assert overlap(box, place) > 0.6


def test_a_box_follows_a_face_that_goes_away_slowly(haar, moment, place):
    box, middle = place, (place.x + place.w / 2, place.y + place.h / 2)
    for picture in range(1, 21):
        far = cv2.getRotationMatrix2D(middle, 0, 0.99**picture)
        image = cv2.warpAffine(moment.image, far, None, borderMode=cv2.BORDER_REPLICATE)
        (box,) = haar.near(image, box)
    assert box.w / place.w == pytest.approx(0.99**20, rel=0.08)


def test_a_face_elsewhere_is_not_near(haar, moment, place):
    assert haar.near(moment.image, Box(5, 5, 80, 80)) == []
    assert haar.near(moment.image, place._replace(w=place.w * 2, h=place.h * 2)) == []


def test_a_known_face_is_not_found_again(haar, moment, place):
    assert haar.quick(moment.image, [place]) == []


def test_grey_and_color_give_the_same_boxes(haar, moment, place):
    gray = moment.image[..., 0]
    assert haar.near(gray, place) == haar.near(moment.image, place)
    assert haar.quick(gray, []) == haar.quick(moment.image, [])


def test_a_face_smaller_than_asked_for_is_left_out(moment, place):
    haar = Haar(min_size=place.w * 2)
    assert haar.quick(moment.image, []) == haar.near(moment.image, place) == []


@pytest.mark.parametrize(
    "box",
    [
        Box(-40, -40, 80, 80),
        Box(600, 440, 80, 80),
        Box(-500, 0, 80, 80),
        Box(9000, 9000, 80, 80),
        Box(0, 0, 3000, 3000),
        Box(10, 10, 1, 1),
    ],
)
def test_a_place_at_or_past_the_border_is_no_trouble(haar, moment, box):
    assert all(overlap(found, box) > 0 for found in haar.near(moment.image, box))


@pytest.mark.parametrize("shape", [(1, 1), (10, 300), (23, 23), (480, 640, 3)])
def test_a_picture_without_a_face_gives_no_boxes(haar, shape):
    image = np.full(shape, 120, np.uint8)
    assert haar.quick(image, []) == haar.near(image, Box(0, 0, 60, 60)) == []


def test_a_cut_ends_at_the_border():
    part, where = cut(np.zeros((100, 200), np.uint8), Box(150, 80, 40, 40), 0.5)
    assert (part.shape, where) == ((40, 70), Box(130, 60, 70, 40))


def test_two_boxes_of_nothing_share_nothing():
    assert overlap(Box(3, 3, 0, 0), Box(3, 3, 0, 0)) == 0


def test_a_drawn_person_is_one_number_in_nearly_every_frame():
    follower = Follower(Haar())
    moments = list(islice(stream(1, find_population("base")), 25))
    seen = [follower(moment.image) for moment in moments]
    assert {face for faces in seen for face, _ in faces} == {0}
    places = [moment.faces[0].box for moment in moments]
    right = [
        overlap(faces[0].box, box) > 0.5 for faces, box in zip(seen, places, strict=True) if faces
    ]
    assert sum(right) >= 23


def test_a_real_person_is_covered_as_well_as_by_a_search_of_every_frame(haar, shared):
    from edgefer.edge.cameras import open_camera

    clip = open_camera(str(shared / "clips" / "bird.mkv"))
    images = [frame.image for frame in clip]
    clip.close()
    follower = Follower(haar)
    seen = [follower(image) for image in images]
    assert len({face for faces in seen for face, _ in faces}) == 1
    every = range(0, len(images), 3)
    known = {index: haar(images[index])[0] for index in every if haar(images[index])}
    covered = [any(overlap(box, known[i]) >= 0.5 for _, box in seen[i]) for i in known]
    assert len(known) >= 15
    assert np.mean(covered) >= 0.9


@pytest.mark.parametrize("cascade", CASCADES)
def test_every_cascade_of_opencv_can_be_used(cascade, moment, place):
    haar = open_detector(Wishes(cascade=cascade, neighbors=1, scale=1.05))
    assert any(overlap(box, place) > 0.5 for box in haar.near(moment.image, place))


def test_the_command_offers_every_cascade():
    (parameter,) = (parameter for parameter in run.params if "--cascade" in parameter.opts)
    assert tuple(parameter.type.choices) == CASCADES


class Own:
    """Somebody's own detector: one face, always there."""

    def __init__(self, wishes):
        self.size = wishes.min_face

    def __call__(self, image):
        return [Box(10, 10, self.size, self.size)]

    def quick(self, image, known):
        return []

    def near(self, image, place):
        return [place]


def test_a_detector_of_ones_own_gets_what_is_asked_for(tmp_path):
    assert open_detector(Wishes("test_detectors:Own", min_face=77))(None) == [Box(10, 10, 77, 77)]


def test_a_detector_that_is_none_is_refused():
    with pytest.raises(EdgeferError, match="without quick, near"):
        open_detector(Wishes("test_detectors:Half"))
    with pytest.raises(EdgeferError, match="Built in: haar, yunet"):
        open_detector(Wishes("hog"))


class Half(Own):
    quick = near = property()  # not there


@pytest.fixture(scope="module")
def yunet(tmp_path_factory):
    pytest.importorskip("onnx")
    from tiny_yunet import tiny_yunet

    path = tmp_path_factory.mktemp("yunet") / "얼굴.onnx"
    path.write_bytes(tiny_yunet())
    return path


def test_yunet_finds_what_its_network_takes_for_a_face(yunet):
    detector = open_detector(Wishes("yunet", yunet))
    image = np.zeros((480, 640, 3), np.uint8)
    image[96:192, 192:288] = 255  # shrunk to a third, a square of 32 pixels
    assert detector(image) == detector(image[..., 0]) == [Box(192, 96, 96, 96)]
    assert detector.quick(image, [Box(190, 90, 100, 100)]) == []
    assert detector.quick(image, [Box(0, 0, 100, 100)]) == [Box(192, 96, 96, 96)]


def test_yunet_looks_near_a_place(yunet):
    detector = open_detector(Wishes("yunet", yunet, min_face=24))
    image = np.zeros((480, 640, 3), np.uint8)
    image[196:228, 296:328] = 255
    # The cut begins half a face before the place, at (264, 164): the square is one of its cells.
    assert detector.near(image, Box(280, 180, 32, 32)) == [Box(296, 196, 32, 32)]
    assert detector.near(image[..., 0], Box(280, 180, 32, 32)) == [Box(296, 196, 32, 32)]
    assert detector.near(image, Box(80, 180, 32, 32)) == []
    assert detector.near(image, Box(-300, 900, 40, 40)) == []


def test_yunet_leaves_out_faces_smaller_than_asked_for(yunet):
    detector = open_detector(Wishes("yunet", yunet, min_face=40))
    image = np.zeros((128, 128, 3), np.uint8)
    image[32:64, 32:64] = 255
    assert detector.near(image, Box(40, 40, 48, 48)) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file"),
        (b"", "is not a YuNet that OpenCV"),
        (b"garbage " * 100, "is not a YuNet that OpenCV"),
        ("other", "is not a YuNet that OpenCV"),
    ],
)
def test_a_file_that_is_no_yunet_is_refused(tmp_path, content, message):
    path = tmp_path / "model.onnx"
    if content == "other":
        onnx = pytest.importorskip("onnx")
        value = onnx.helper.make_tensor_value_info("input", 1, [1, 3, 128, 128])
        out = onnx.helper.make_tensor_value_info("out", 1, [1, 3, 128, 128])
        node = onnx.helper.make_node("Relu", ["input"], ["out"])
        graph = onnx.helper.make_graph([node], "other", [value], [out])
        content = onnx.helper.make_model(graph, ir_version=8).SerializeToString()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BackendError, match=message):
        open_detector(Wishes("yunet", path))


def test_an_opencv_without_yunet_is_named(tmp_path):
    (tmp_path / "cv2.py").write_text("__version__ = '4.5.1'\n", encoding="utf-8")
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from pathlib import Path\n"
        "from edgefer.edge.detectors.yunet import YuNet\n"
        "from edgefer.errors import BackendError\n"
        "try:\n    YuNet(Path(__import__('os').devnull))\n"
        "except BackendError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert "OpenCV 4.5.1 has no FaceDetectorYN" in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--detector", "yunet"], "needs --detector-model FILE"),
        (["--detector", "yunet", "--cascade", "alt"], "yunet has no --cascade"),
        (["--detector", "yunet", "--scale", "1.1"], "yunet has no --scale"),
        (["--detector-model", "x.onnx"], "haar has no --detector-model"),
        (["--detector", "hog"], "'hog' is not known"),
        (["--cascade", "profile"], "'profile' is not one of"),
        (["--every", "0"], "0 is not in the range"),
    ],
)
def test_what_is_wrong_is_said(arguments, message):
    done = CliRunner().invoke(run, ["--camera", "synth", "--frames", "1", *arguments])
    assert done.exit_code != 0
    assert message in done.output + str(done.exception)


def test_a_run_with_yunet_and_one_with_ones_own(yunet, tmp_path):
    bundle = str(tiny_bundle(tmp_path / "parts").folder)
    common = [bundle, "--camera", "synth", "--frames", "3", "--json"]
    done = CliRunner().invoke(run, [*common, "--detector", "yunet", "--detector-model", str(yunet)])
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(run, [*common, "--detector", "test_detectors:Own"])
    assert '"faces": 3' in done.stdout
