"""Cameras that wait for nobody: the latest picture, hanging drivers, streams."""

import io
import threading
from contextlib import redirect_stderr
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from queue import Queue

import cv2
import pytest
from videos import ListVideo, picture, save_video

from edgefer.edge.cameras import open_camera
from edgefer.edge.cameras.care import Care
from edgefer.edge.cameras.live import LiveCamera
from edgefer.errors import CameraError

pytestmark = pytest.mark.edge


class QueueVideo:
    """A camera that gives a picture when the test hands it one."""

    def __init__(self) -> None:
        self.queue, self.reads, self.released = Queue(), 0, False

    def show(self, *images) -> None:
        for image in images:
            self.queue.put(image)

    def settle(self) -> None:
        """Wait until the reader came back for more, so that what it read is in its slot."""
        self.queue.join()

    def read(self):
        if self.reads:
            self.queue.task_done()
        self.reads += 1
        image = self.queue.get()
        return image is not None, image

    def release(self) -> None:
        self.released = True


def test_a_live_camera_gives_the_latest_picture_and_counts_the_others():
    video = QueueVideo()
    camera = LiveCamera(video, "camera 0", patience=0.05)
    frames = iter(camera)
    video.show(picture(1))
    first = next(frames)
    video.show(picture(2), picture(3), picture(4))
    video.settle()
    second = next(frames)
    video.show(None)
    camera.close()
    assert (first.index, first.seconds, first.image.max()) == (0, 0.0, 1)
    assert (second.index, second.image.max()) == (3, 4)
    assert camera.dropped == 2


def test_a_failed_read_does_not_end_a_live_camera():
    video = QueueVideo()
    camera = LiveCamera(video, "camera 0", patience=60)
    frames = iter(camera)
    video.show(picture(1))
    next(frames)
    video.show(None, picture(2))
    assert next(frames).image.max() == 2
    assert camera.dropped == 1


@pytest.mark.parametrize(
    ("images", "may_end", "message"),
    [
        ([], True, "camera 0 gives no frames"),
        ([picture(1)], False, "camera 0 stopped giving frames"),
    ],
)
def test_a_live_camera_that_fails_is_an_error(images, may_end, message):
    camera = LiveCamera(ListVideo(*images), "camera 0", may_end=may_end, patience=0.05)
    with pytest.raises(CameraError, match=message):
        list(camera)


def test_a_stream_may_end():
    camera = LiveCamera(ListVideo(picture(1)), "stream", may_end=True, patience=0.05)
    assert [frame.index for frame in camera] == [0]


def test_a_camera_whose_driver_breaks_does_not_hang_the_program():
    class Broken(ListVideo):
        def read(self):
            raise MemoryError

        def release(self):
            pass

    camera = LiveCamera(Broken(), "camera 0")
    with pytest.raises(MemoryError):
        list(camera)
    camera.close()


def test_a_camera_whose_driver_hangs_does_not_hang_the_program():
    video = QueueVideo()
    camera = LiveCamera(video, "camera 0", patience=0.05)
    frames = iter(camera)
    video.show(picture(1))
    next(frames)
    camera.close()
    assert not video.released  # under the reader's feet that would crash
    video.show(None)


class Flapping(ListVideo):
    """A camera that fails after its first picture."""

    def __init__(self, *_):
        super().__init__(picture(1))

    def read(self):
        if not self.images:
            raise CameraError("camera 0 fell asleep.")
        return super().read()

    def release(self):
        pass


class Deaf(io.StringIO):
    """A standard error that nobody reads any more."""

    def write(self, text):
        raise BrokenPipeError


def flap(times, **care) -> int:
    """Losses of a camera that fails after each picture."""
    care = Care(retries=None, first_wait=0.001, longest_wait=0.002, **care)
    camera = LiveCamera(Flapping(), "camera 0", care=care, reopen=Flapping)
    taken = list(islice(camera, times + 1))
    camera.close()
    return taken[-1].index


def test_a_camera_that_comes_and_goes_all_the_time_fills_no_log(capsys):
    assert flap(20) >= 20
    first, second = capsys.readouterr().err.splitlines()
    assert first == "camera 0 fell asleep. It is opened again."
    assert second.startswith("camera 0 gives pictures after ")


def test_an_outage_that_lasts_is_told_although_the_one_before_was_just_over(capsys):
    missing = iter([None, *[CameraError("camera 0 is gone.")] * 30])

    def reopen():
        if error := next(missing, None):
            raise error
        return Flapping()

    care = Care(retries=None, first_wait=0.01, longest_wait=0.02, quiet=0.1)
    camera = LiveCamera(Flapping(), "camera 0", care=care, reopen=reopen)
    list(islice(camera, 3))
    camera.close()
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if "opened" in line] == [lines[0]] * 2
    assert len(lines) >= 3


def test_a_standard_error_that_nobody_reads_ends_no_camera():
    with redirect_stderr(Deaf()):
        assert flap(3, quiet=0) >= 3


class Server(BaseHTTPRequestHandler):
    """A network camera at /live, and a stored video at any other path."""

    stored = b""

    def do_GET(self):
        self.send_response(200)
        if self.path != "/live":
            self.send_header("Content-Length", str(len(self.stored)))
            self.end_headers()
            self.wfile.write(self.stored)
            return
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=b")
        self.end_headers()
        for value in range(250):
            jpeg = cv2.imencode(".jpg", picture(value))[1].tobytes()
            head = f"--b\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            self.wfile.write(head.encode() + jpeg + b"\r\n")

    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path):
    save_video(tmp_path / "clip.avi", 20)
    Server.stored = (tmp_path / "clip.avi").read_bytes()
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        work = threading.Thread(target=server.serve_forever)
        work.start()
        yield f"http://me:secret@127.0.0.1:{server.server_port}"
        server.shutdown()
        work.join()


def test_a_network_camera_is_live(server):
    camera = open_camera(f"{server}/live")
    assert isinstance(camera, LiveCamera)
    shown = []
    with pytest.raises(CameraError, match=r"http://\*\*\*@127.* stopped giving frames"):
        shown.extend(frame.index for frame in camera)
    camera.close()
    assert shown == sorted(set(shown))
    assert len(shown) + camera.dropped >= shown[-1] + 1


def test_a_stored_video_on_a_server_is_read_frame_by_frame(server):
    camera = open_camera(f"{server}/clip.avi")
    assert len(list(camera)) == 20
    camera.close()
