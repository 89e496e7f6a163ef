"""Cameras: every kind of source a string can name, whole or damaged, live or stored."""

import struct
from itertools import islice

import cv2
import numpy as np
import pytest
from videos import ListVideo, picture, save_picture, save_video

from edgefer.edge.cameras import open_camera
from edgefer.edge.cameras.images import read_image
from edgefer.edge.cameras.jetson import pipeline
from edgefer.edge.cameras.opencv import VideoFile, open_url
from edgefer.edge.reading import Frame
from edgefer.edge.secrets import hide_secrets
from edgefer.errors import CameraError, EdgeferError

pytestmark = pytest.mark.edge


def test_a_video_is_read_frame_by_frame(tmp_path):
    save_video(tmp_path / "clip.avi", 12)
    camera = open_camera(str(tmp_path / "clip.avi"))
    frames = list(camera)
    camera.close()
    assert [frame.index for frame in frames] == list(range(12))
    np.testing.assert_allclose([frame.seconds for frame in frames], np.arange(12) / 25, atol=1e-3)
    assert [round(frame.image.mean(), -1) for frame in frames] == [10 * i for i in range(12)]
    assert camera.dropped == 0


@pytest.mark.parametrize("name", ["한국어 영상.avi", "12:30 100%.avi", "-x.avi"])
def test_a_video_may_have_any_name(tmp_path, monkeypatch, name):
    save_video(tmp_path / "clip.avi", 3)
    (tmp_path / "clip.avi").rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert len(list(open_camera(name))) == 3


def test_a_damaged_frame_is_counted_and_the_rest_is_read(capsys):
    camera = VideoFile("clip", ListVideo(picture(1), None, None, picture(2)))
    assert [frame.index for frame in camera] == [0, 3]
    assert camera.dropped == 2
    assert capsys.readouterr().err == "clip: 2 damaged frame(s) left out\n"


def test_a_video_that_was_cut_short_is_named(capsys):
    assert len(list(VideoFile("clip", ListVideo(picture(1), picture(2), announced=90)))) == 2
    assert "ended after 2 of 90 announced frames" in capsys.readouterr().err


def test_a_header_that_is_off_by_one_is_no_news(capsys):
    assert len(list(VideoFile("clip", ListVideo(*[picture(1)] * 9, announced=10)))) == 9
    assert capsys.readouterr().err == ""


def test_a_video_without_a_single_frame_is_an_error():
    with pytest.raises(CameraError, match="holds no frame that can be decoded"):
        list(VideoFile("clip", ListVideo(announced=5)))


def test_real_clips_are_read_whole(shared):
    assert sum(1 for _ in open_camera(str(shared / "clips" / "eat.mkv"))) == 47


def test_a_folder_gives_its_pictures_in_the_order_of_their_numbers(tmp_path):
    folder = tmp_path / "사진"
    (folder / "more").mkdir(parents=True)
    for number in (10, 9, 1):
        save_picture(folder / f"얼굴{number}.png", picture(number))
    save_picture(folder / "more" / "x.JPG".lower(), picture(200))
    (folder / "notes.txt").write_text("not a picture")
    (folder / "._hidden.png").write_bytes(b"")
    frames = list(open_camera(str(folder)))
    assert [frame.name for frame in frames] == ["x.jpg", "얼굴1.png", "얼굴9.png", "얼굴10.png"]
    assert [frame.seconds for frame in frames] == [0, 1, 2, 3]


def test_one_picture_is_a_camera_too(tmp_path):
    save_picture(tmp_path / "me.png", picture(7))
    (frame,) = open_camera(str(tmp_path / "me.png"))
    assert isinstance(frame, Frame)
    assert (frame.image == 7).all()


@pytest.mark.parametrize(
    ("orientation", "corner"), [(1, (0, 0)), (3, (1, 1)), (6, (0, 1)), (8, (1, 0)), (2, (0, 1))]
)
def test_a_photo_is_turned_as_its_exif_says(tmp_path, orientation, corner):
    image = picture(0, (64, 64, 3))
    image[:32, :32] = 255
    data = cv2.imencode(".jpg", image)[1].tobytes()
    entry = struct.pack("<HHII", 0x0112, 3, 1, orientation)
    tiff = b"II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4)
    segment = b"\xff\xe1" + struct.pack(">H", len(tiff) + 8) + b"Exif\0\0" + tiff
    (tmp_path / "photo.jpg").write_bytes(data[:2] + segment + data[2:])
    turned = read_image(tmp_path / "photo.jpg")
    bright = np.argwhere(turned[16::32, 16::32, 0] > 128)
    assert [tuple(at) for at in bright] == [corner]


@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 4)])
def test_grey_pictures_and_transparent_ones_become_bgr(tmp_path, shape):
    save_picture(tmp_path / "a.png", picture(99, shape))
    assert read_image(tmp_path / "a.png").shape == (9, 7, 3)


def test_a_broken_picture_is_counted_and_the_others_are_read(tmp_path, capsys):
    save_picture(tmp_path / "b.png", picture(1))
    (tmp_path / "a.png").write_bytes(b"")
    (tmp_path / "c.jpg").write_bytes(b"\xff\xd8\xff\xe0 and nothing more")
    camera = open_camera(str(tmp_path))
    assert [(frame.index, frame.name) for frame in camera] == [(1, "b.png")]
    assert camera.dropped == 2
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_drawn_people_need_no_camera():
    frames = list(islice(open_camera("synth:korean"), 4))
    assert [frame.index for frame in frames] == [0, 1, 2, 3]
    assert frames[3].image.shape == (480, 640, 3)
    assert frames[3].seconds == pytest.approx(0.1)


def test_drawn_people_are_the_same_every_time():
    one, other = (next(iter(open_camera("synth"))).image for _ in range(2))
    assert (one == other).all()


class Thermal:
    """A camera of one's own."""

    def __iter__(self):
        yield Frame(0, 0.0, picture(37))

    def close(self):
        pass


def test_a_camera_of_ones_own_is_found_by_its_name():
    (frame,) = open_camera("test_cameras:Thermal")
    assert (frame.image == 37).all()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("873", "there is no camera 873"),
        ("/dev/video873", "there is no camera /dev/video873"),
        ("nothing-here.mp4", "there is no file or folder 'nothing-here.mp4'"),
        ("file:nothing-here.mp4", "there is no video file nothing-here.mp4"),
        ("images:nothing-here", "there is no folder or picture nothing-here"),
        ("synth:martian", "no population 'martian'"),
        ("picamera:x", "picamera:x is not known"),
        ("no_such_module:Camera", "cannot be imported"),
        ("synht", "there is no file or folder 'synht'. Did you mean synth[?]$"),
        ("synht:korean", "'synht:korean' cannot be imported: .* Did you mean synth[?]$"),
        ("picamra", "there is no file or folder 'picamra'. Did you mean picamera[?]$"),
        ("synth.mp4", "there is no file or folder 'synth.mp4'. Other cameras: a device"),
        ("http://me:secret@127.0.0.1:9/stream?token=secret", "gives no stream"),
    ],
)
def test_a_camera_that_is_not_there_is_named_in_one_line(source, message):
    with pytest.raises(EdgeferError, match=message) as error:
        open_camera(source)
    assert "secret" not in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.mkdir(), "holds no picture"),
        (lambda path: path.write_bytes(b""), "is no video that OpenCV can read"),
        (lambda path: path.write_bytes(b"RIFF and then nothing"), "is no video"),
    ],
    ids=["empty folder", "empty file", "not a video"],
)
def test_a_path_without_pictures_is_an_error(tmp_path, make, message):
    make(tmp_path / "source")
    with pytest.raises(CameraError, match=message):
        open_camera(str(tmp_path / "source"))


def test_a_folder_of_nothing_but_broken_pictures_is_an_error(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no")
    with pytest.raises(CameraError, match=r"none of 1 picture\(s\)"):
        list(open_camera(str(tmp_path)))


@pytest.mark.skipif(
    cv2.videoio_registry.hasBackend(cv2.CAP_GSTREAMER), reason="this OpenCV has GStreamer"
)
def test_a_pipeline_without_gstreamer_says_what_to_install():
    with pytest.raises(CameraError, match="apt install python3-opencv"):
        open_camera("videotestsrc ! videoconvert")


def test_picamera_says_how_to_get_it():
    try:
        import picamera2  # noqa: F401
    except ImportError:
        with pytest.raises(CameraError, match="sudo apt install python3-picamera2"):
            open_camera("picamera")
    else:
        pytest.skip("a Raspberry Pi")


PICAMERA2 = """
import numpy as np
class Picamera2:
    def __init__(self, number):
        self.number = number
    def create_video_configuration(self, main):
        return main
    def configure(self, main):
        self.main = main
    def start(self):
        if self.number > 1:
            raise RuntimeError("Camera __init__ sequence did not complete.")
    def capture_array(self, name):
        return np.full((*self.main["size"][::-1], 3), 40 + self.number, np.uint8)
    def stop(self): ...
    def close(self): ...
"""


def test_a_pi_camera_is_read_in_a_process_of_its_own(tmp_path, monkeypatch):
    (tmp_path / "picamera2.py").write_text(PICAMERA2)
    monkeypatch.syspath_prepend(tmp_path)
    camera = open_camera("picamera:1")
    frame = next(iter(camera))
    camera.close()
    assert (frame.image.shape, frame.image.min()) == ((480, 640, 3), 41)
    with pytest.raises(CameraError, match="Pi camera 2 does not start: Camera __init__ sequence"):
        open_camera("picamera:2")


@pytest.mark.parametrize(
    ("where", "asked"),
    [
        ("", "sensor-id=0 ! video/x-raw(memory:NVMM), width=1280, height=720, framerate=30/1"),
        ("1", "sensor-id=1 ! video/x-raw(memory:NVMM), width=1280, height=720, framerate=30/1"),
        (
            "640x480",
            "sensor-id=0 ! video/x-raw(memory:NVMM), width=640, height=480, framerate=30/1",
        ),
        (
            "1,640x480@60",
            "sensor-id=1 ! video/x-raw(memory:NVMM), width=640, height=480, framerate=60/1",
        ),
    ],
)
def test_a_jetson_camera_is_a_pipeline(where, asked):
    steps = pipeline(where)
    assert steps.startswith(f"nvarguscamerasrc {asked} ! nvvidconv ! ")
    assert steps.endswith(" ! video/x-raw, format=BGR ! appsink drop=true max-buffers=1 sync=false")


@pytest.mark.parametrize("where", ["x", ",", "1,", "1x", "640x480@", "1,2", "1x2x3"])
def test_a_jetson_camera_that_is_mistyped_is_named(where):
    with pytest.raises(CameraError, match=f"jetson:{where} is not known. Type jetson, jetson:1"):
        open_camera(f"jetson:{where}")


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("rtsp://me:pass@cam.local:554/live", "rtsp://***@cam.local:554/live"),
        ("rtsp://me:p@ss:word@cam.local/live", "rtsp://***@cam.local/live"),
        ("rtsp://cam/user=me_password=pass_channel=1", "rtsp://cam/user=me_password=***_channel=1"),
        ("rtsp://cam.local/live", "rtsp://cam.local/live"),
        ("rtsp://me:p/w@cam.local/live", "rtsp://***@cam.local/live"),
        ("http://cam/video?user=me&pwd=pass", "http://cam/video?***"),
        (
            "rtspsrc location=rtsp://me:pass@cam/1 user-pw=pass ! decodebin",
            "rtspsrc location=rtsp://***@cam/1 user-pw=*** ! decodebin",
        ),
        ("/home/me@work/a?b.mp4", "/home/me@work/a?b.mp4"),
    ],
)
def test_messages_hide_passwords(source, shown):
    assert hide_secrets(source) == shown


def test_opencv_itself_prints_no_password_either(capfd):
    with pytest.raises(CameraError):
        open_url("rtsp://me:secret@127.0.0.1:9/stream")
    out, err = capfd.readouterr()
    assert "secret" not in out + err


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("rstp://cam/x", "Did you mean rtsp?"),
        ("htpp://cam/x", "Did you mean http?"),
        ("rtsp://", "names no camera"),
        ("", "no camera is named"),
    ],
)
def test_what_would_be_waited_for_in_vain_is_refused_at_once(typed, message):
    with pytest.raises(CameraError) as refused:
        open_camera(typed)
    assert message in str(refused.value)
