"""What is drawn into pictures: Hangul where it can be, and faces that nobody can read."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from click.testing import CliRunner
from tiny_tflite import tiny_bundle

from edgefer.detect import FaceDetector
from edgefer.edge.cameras.opencv import VideoFile
from edgefer.edge.look import Look
from edgefer.edge.quality import FLAWS
from edgefer.edge.reading import Frame, Reading
from edgefer.edge.run_command import run
from edgefer.edge.sinks import open_sink
from edgefer.edge.sinks.blur import CELLS, HOLD, MARGIN, pixelate
from edgefer.edge.sinks.drawing import COLOR, GRAY, Painter, draw_readings, label
from edgefer.edge.sinks.hangul import Hangul, find_font
from edgefer.edge.sinks.names import names
from edgefer.edge.steady import UNSURE
from edgefer.errors import EdgeferError
from edgefer.labels import canonical, labels_of
from edgefer.preprocess import Box
from edgefer.synth import find_population, stream

pytestmark = pytest.mark.edge

BOX = Box(60, 60, 80, 80)
COVERED = (slice(40, 160), slice(40, 160))  # the box and its margin
LATIN = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


@pytest.fixture(scope="module")
def hangul():
    if find_font() is None:
        pytest.skip("no font with Hangul: apt install fonts-nanum")
    return Hangul()


def reading(emotion="happy", box=BOX, face=0) -> Reading:
    return Reading(face, box, emotion, 0.75, {emotion: 0.75, "other": 0.25})


def frame(seconds=0.0, name="") -> Frame:
    image = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    return Frame(round(25 * seconds), seconds, image, name)


def flat(shape=(240, 320, 3)) -> Frame:
    return Frame(0, 0.0, np.full(shape, 60, np.uint8))


# Hangul


@pytest.mark.parametrize("emotion", ["happy", "기쁨"])
def test_hangul_is_drawn(hangul, emotion):
    korean = draw_readings(flat(), [reading(emotion)], hangul)
    english = draw_readings(flat(), [reading(emotion)])
    label = korean[30:60, 60:140]
    assert (korean != english).any()
    assert (label == 255).any()  # white letters, on the shade above the box
    # Outside the label the two are the same.
    korean[30:61], english[30:61] = 0, 0
    assert (korean == english).all()


def test_each_emotion_has_letters_of_its_own(hangul):
    masks = [hangul.draw(word, 16) for word in ("분노", "혐오", "공포", "기쁨", "슬픔", "놀람")]
    assert len({mask.tobytes() for mask in masks}) == 6
    assert all(12 < mask.shape[0] < 24 < mask.shape[1] < 40 for mask in masks)


@pytest.mark.parametrize("shape", [(96, 128), (5, 5, 3), (1080, 1920, 3)])
@pytest.mark.parametrize("box", [Box(-20, -20, 60, 60), Box(100, 80, 90, 90), Box(0, 0, 1, 1)])
def test_hangul_reaches_past_no_border(hangul, shape, box):
    assert draw_readings(flat(shape), [reading(box=box)], hangul).shape == (*shape[:2], 3)


def test_korean_names_have_english_ones_where_hangul_cannot_be_drawn():
    assert (
        draw_readings(flat(), [reading("기쁨")]) == draw_readings(flat(), [reading("happy")])
    ).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda _: LATIN, "has no Hangul. Try --font with another, or: sudo apt install fonts"),
        (lambda folder: folder / "none.ttf", "none.ttf is no font that can be read"),
        (lambda _: Path(__file__), "test_drawing.py is no font that can be read"),
    ],
)
def test_a_font_that_cannot_write_korean_is_refused(tmp_path, make, message):
    with pytest.raises(EdgeferError, match=message):
        Painter(Look("ko", make(tmp_path)))


def test_a_font_is_looked_for_by_name_the_better_first(tmp_path):
    assert find_font((str(tmp_path), "/nowhere")) is None
    for name in ("opentype/noto/NotoSansCJK-Regular.ttc", "truetype/nanum/NanumGothic.ttf"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    assert find_font((str(tmp_path),)).name == "NanumGothic.ttf"


@pytest.mark.parametrize(
    ("missing", "code", "said"),
    [
        (
            "PIL",
            "from edgefer.edge.sinks.drawing import Painter; assert Painter(Look('ko')).hangul "
            "is None",
            "drawing English names: Hangul is drawn by the package Pillow. Try: pip install "
            "'.[hangul]'",
        ),
        (
            "aiohttp",
            "from edgefer.edge.sinks import open_sink; open_sink('web:0')",
            "EdgeferError: web needs the package aiohttp. Try: pip install '.[web]'",
        ),
    ],
)
def test_what_is_not_installed_is_named(missing, code, said):
    code = (
        f"import sys; sys.modules[{missing!r}] = None; from edgefer.edge.look import Look; {code}"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert said in done.stderr


# Names


def unsure() -> Reading:
    return Reading(0, BOX, UNSURE, 0.25, {"happy": 0.25, "sad": 0.25, "angry": 0.5})


@pytest.mark.parametrize(
    ("told", "english", "korean"),
    [
        ("happy", "happy", "기쁨"),
        ("기쁨", "happy", "기쁨"),
        ("unsure", "unsure", "불확실"),
        ("very odd", "very odd", "very odd"),
    ],
)
def test_what_is_told_has_a_name_in_both_languages(told, english, korean):
    assert names(told) == (english, korean)


def test_unsure_is_no_label_of_a_face():
    assert canonical(names(UNSURE).korean) == names(UNSURE).korean
    assert labels_of("odd", UNSURE).korean == (UNSURE,)


def test_what_is_unsure_is_drawn_in_grey():
    image = draw_readings(flat(), [unsure()])
    assert image[BOX.y + BOX.h, BOX.x + 40].tolist() == list(GRAY)
    assert not (image == COLOR).all(axis=2).any()
    assert draw_readings(flat(), [reading()])[BOX.y + BOX.h, BOX.x + 40].tolist() == list(COLOR)


@pytest.mark.parametrize("flaw", FLAWS)
def test_why_a_face_was_not_read_stands_in_its_label(hangul, flaw):
    refused = replace(unsure(), confidence=0.0, flaw=flaw)
    assert label(refused) == f"unsure: {FLAWS[flaw].english}"
    assert label(refused, korean=True) == f"불확실: {FLAWS[flaw].korean}"
    assert hangul.draw(label(refused, korean=True), 16).any()


def test_no_share_stands_behind_unsure(hangul):
    drawn = draw_readings(flat(), [unsure()], hangul)
    ink = hangul.draw("불확실", 16)
    behind = drawn[35:60, 60:140]
    across = np.flatnonzero((behind > 128).all(axis=2).any(axis=0))
    assert np.ptp(across) <= ink.shape[1]


# Covered faces


def test_a_covered_face_is_unreadable_and_the_rest_is_as_it_was():
    image = frame().image
    pixelate(image, [BOX])
    assert len(np.unique(image[COVERED].reshape(-1, 3), axis=0)) <= CELLS**2
    before = frame().image
    before[COVERED], image[COVERED] = 0, 0
    assert (image == before).all()


def test_a_detector_finds_no_covered_face():
    detector = FaceDetector(threads=1)
    for _, moment in zip(range(3), stream(0, find_population("base"), fps=1), strict=False):
        boxes = detector(moment.image)
        assert boxes
        image = moment.image.copy()
        pixelate(image, boxes)
        assert not detector(image)


@pytest.mark.parametrize("box", [Box(-500, 0, 60, 60), Box(-20, -20, 60, 60), Box(310, 230, 1, 1)])
def test_covering_reaches_past_no_border(box):
    image = frame().image
    pixelate(image, [box])
    assert image.shape == (240, 320, 3)


def test_where_two_overlap_neither_shows_the_other():
    image = frame().image
    pixelate(image, [BOX, Box(100, 100, 80, 80)])
    union = image[COVERED]
    assert len(np.unique(union.reshape(-1, 3), axis=0)) <= 2 * CELLS**2


def test_a_face_that_is_lost_for_a_moment_stays_covered():
    paint = Painter(Look(blur=True))
    paint(frame(0.0), [reading()])
    lost, later = paint(frame(HOLD / 2), []), paint(frame(HOLD + 0.1), [])
    assert (lost[COVERED] != frame().image[COVERED]).any()
    assert (later == frame().image).all()


def test_pictures_of_a_folder_do_not_cover_one_another():
    paint = Painter(Look(blur=True))
    paint(frame(0.0, "a.png"), [reading()])
    assert (paint(frame(0.5, "b.png"), []) == frame().image).all()


def test_the_frame_itself_is_left_alone():
    lent = frame()
    Painter(Look(blur=True))(lent, [reading()])
    assert (lent.image == frame().image).all()


def test_a_video_of_covered_faces_holds_none(tmp_path):
    detector, faces = FaceDetector(threads=1), 0
    sink = open_sink(f"video:{tmp_path / 'out.avi'}", look=Look(blur=True))
    for index, moment in zip(range(6), stream(0, find_population("base"), fps=5), strict=False):
        boxes = detector(moment.image)
        faces += len(boxes)
        here = [reading(box=box, face=face) for face, box in enumerate(boxes)]
        sink.write(Frame(index, index / 5, moment.image), here)
    sink.close()
    assert faces >= 5
    assert not any(detector(one.image) for one in VideoFile(str(tmp_path / "out.avi")))


def test_the_margin_is_what_the_docstring_says():
    image = frame().image
    pixelate(image, [BOX])
    changed = np.argwhere((image != frame().image).any(axis=2))
    low, high = changed.min(axis=0), changed.max(axis=0)
    assert low.tolist() == [60 - MARGIN * 80] * 2
    assert high.tolist() == [140 + MARGIN * 80 - 1] * 2


# As typed


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return str(tiny_bundle(tmp_path_factory.mktemp("run") / "parts").folder)


def test_options_reach_the_video_and_the_page(bundle, tmp_path, monkeypatch):
    monkeypatch.delenv("EDGEFER_WEB_TOKEN", raising=False)
    pictures = []
    for name, options in (("en", []), ("ko", ["--lang", "ko"]), ("blur", ["--blur-faces"])):
        video = tmp_path / f"{name}.avi"
        sinks = ["--sink", f"video:{video}", "--sink", "web:0"]
        done = CliRunner().invoke(
            run, [bundle, "--camera", "synth", "--frames", "2", *sinks, *options]
        )
        assert done.exit_code == 0, done.output
        assert "watch at http://127.0.0.1:" in done.stderr
        pictures.append(next(iter(VideoFile(str(video)))).image)
    plain, korean, covered = pictures
    assert (plain != covered).any()
    assert find_font() is None or (plain != korean).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--font", "x.ttf"], "--font is for --lang ko"),
        (["--blur-faces", "--min-confidence", "0.5"], "leave out --min-confidence"),
        (["--lang", "fr"], "'fr' is not one of 'en', 'ko'"),
    ],
)
def test_options_that_do_not_go_together_are_refused(bundle, options, message):
    done = CliRunner().invoke(run, [bundle, "--camera", "synth", *options])
    assert done.exit_code == 2
    assert message in done.output
