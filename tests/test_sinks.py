"""Sinks: what a run leaves on the console, in a log, in a video; and what they refuse to do."""

import io
import json

import cv2
import numpy as np
import pytest

from edgefer.edge.cameras.opencv import VideoFile
from edgefer.edge.reading import Frame, Reading
from edgefer.edge.sinks import open_sink, open_sinks
from edgefer.edge.sinks.console import ConsoleSink
from edgefer.edge.sinks.drawing import draw_readings
from edgefer.errors import EdgeferError
from edgefer.preprocess import Box

pytestmark = pytest.mark.edge

BOX = Box(10, 40, 30, 30)


def reading(emotion="happy", confidence=0.75, box=BOX, face=0) -> Reading:
    rest = {"sad": 1 - confidence} if emotion != "sad" else {"happy": 1 - confidence}
    return Reading(face, box, emotion, confidence, {emotion: confidence} | rest)


def frame(index=0, seconds=None, shape=(96, 128, 3), name="") -> Frame:
    seconds = index / 25 if seconds is None else seconds
    return Frame(index, seconds, np.full(shape, 60, np.uint8), name)


# JSON lines


def test_a_json_line_holds_exactly_what_was_agreed(tmp_path):
    sink = open_sink(f"jsonl:{tmp_path / 'log.jsonl'}")
    sink.write(frame(3), [reading(), reading("슬픔", face=1)])
    sink.write(frame(4), [])
    sink.close()
    first, second = map(json.loads, (tmp_path / "log.jsonl").read_text("utf-8").splitlines())
    assert first == {
        "index": 3,
        "seconds": 0.12,
        "face": 0,
        "box": [10, 40, 30, 30],
        "emotion": "happy",
        "confidence": 0.75,
        "probabilities": {"happy": 0.75, "sad": 0.25},
    }
    assert (second["face"], second["emotion"]) == (1, "슬픔")


def test_a_log_is_on_the_disk_while_the_run_goes_on(tmp_path):
    sink = open_sink(f"jsonl:{tmp_path / 'log.jsonl'}")
    sink.write(frame(), [reading()])
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 1
    sink.close()


@pytest.mark.parametrize(("force", "lines"), [(False, 3), (True, 1)])
def test_a_log_is_added_to_unless_forced(tmp_path, force, lines):
    log = tmp_path / "log.jsonl"
    log.write_text('{"index": 0}\n{"index": 1}\n')
    sink = open_sink(f"jsonl:{log}", force=force)
    sink.write(frame(), [reading()])
    sink.close()
    assert len([json.loads(line) for line in log.read_text().splitlines()]) == lines


@pytest.mark.parametrize("text", ["keep me\n", "# edgefer\n", '[{"index": 0}]'])
def test_a_file_of_something_else_is_never_added_to(tmp_path, text):
    (tmp_path / "mine").write_text(text)
    with pytest.raises(EdgeferError, match="mine exists and holds no readings"):
        open_sink(f"jsonl:{tmp_path / 'mine'}")
    assert (tmp_path / "mine").read_text() == text


def test_adding_to_a_log_is_said(tmp_path, capsys):
    (tmp_path / "log.jsonl").write_text('{"index": 0}\n')
    open_sink(f"jsonl:{tmp_path / 'log.jsonl'}").close()
    assert capsys.readouterr().err == f"adding to {tmp_path / 'log.jsonl'}\n"


def test_one_file_for_two_sinks_is_refused(tmp_path):
    with pytest.raises(EdgeferError, match="given twice"):
        open_sinks([f"jsonl:{tmp_path / 'log'}"] * 2)


def test_a_line_torn_by_a_power_cut_does_not_swallow_the_next(tmp_path):
    log = tmp_path / "log.jsonl"
    log.write_text('{"index": 0}\n{"ind')
    sink = open_sink(f"jsonl:{log}")
    sink.write(frame(7), [reading()])
    sink.close()
    assert json.loads(log.read_text().splitlines()[-1])["index"] == 7


def test_a_full_disk_is_an_error_with_the_name_of_the_file():
    sink = open_sink("jsonl:/dev/full")
    with pytest.raises(EdgeferError, match="cannot write /dev/full: No space left"):
        sink.write(frame(), [reading()])
    with pytest.raises(EdgeferError, match="cannot write /dev/full"):
        sink.close()


# Console


class Terminal(io.StringIO):
    """A text stream that says it is a terminal."""

    def isatty(self):
        return True


def told(moments, file=None) -> list[str]:
    """Lines a console prints for (seconds, emotions) moments."""
    file = file or io.StringIO()
    sink = ConsoleSink(file)
    for index, (seconds, emotions) in enumerate(moments):
        sink.write(frame(index, seconds), [reading(emotion) for emotion in emotions])
    sink.close()
    return file.getvalue().splitlines()


def test_a_line_comes_when_what_is_seen_changes():
    moments = [(i / 10, ["happy"] if i < 20 else ["sad", "happy"]) for i in range(40)]
    assert told(moments) == ["  0:00.0  happy 75%", "  0:02.0  sad 75%, happy 75%"]


def test_a_moment_of_doubt_earns_no_line():
    moments = [(i / 10, ["sad"] if i == 15 else ["happy"]) for i in range(30)]
    assert told(moments)[0] == "  0:00.0  happy 75%"
    assert not any("sad" in line for line in told(moments))


def test_an_empty_room_is_said():
    assert told([(i / 10, []) for i in range(10)]) == ["  0:00.0  nobody"]


def test_the_last_change_is_told_however_short():
    assert told([(61.5, ["happy"])]) == ["  1:01.5  happy 75%"]


def test_pictures_get_a_line_each_with_their_name():
    file = io.StringIO()
    sink = ConsoleSink(file)
    sink.write(frame(0, name="얼굴.png"), [reading()])
    sink.write(frame(1, name="b.png"), [reading()])
    sink.close()
    assert file.getvalue() == "얼굴.png  happy 75%\nb.png  happy 75%\n"


def test_a_terminal_gets_a_live_line_with_a_bar():
    file = Terminal()
    told([(0.0, ["happy"])], file)
    assert "happy       ###############.....  75%" in file.getvalue()


def test_a_pipe_gets_no_terminal_codes():
    assert "\033" not in "".join(told([(0.0, ["happy"]), (1.0, ["sad"])]))


def test_a_console_without_hangul_goes_on():
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    sink = ConsoleSink(file)
    sink.write(frame(), [reading("기쁨")])
    sink.close()
    assert file.buffer.getvalue() == b"  0:00.0  ?? 75%\n"


# Drawing


def test_drawing_leaves_the_frame_alone():
    lent = frame()
    drawn = draw_readings(lent, [reading()])
    assert (lent.image == 60).all()
    assert (drawn != lent.image).any()


def test_without_faces_a_drawn_frame_is_the_frame():
    assert (draw_readings(frame(), []) == frame().image).all()


def test_the_bar_grows_with_confidence():
    def green(confidence):
        image = draw_readings(frame(shape=(200, 200, 3)), [reading("sad", confidence)])
        return (image == (80, 220, 60)).all(axis=2).sum()

    assert green(0.1) < green(0.5) < green(0.9)


@pytest.mark.parametrize("shape", [(96, 128), (96, 128, 3), (5, 5, 3)])
@pytest.mark.parametrize("box", [Box(-20, -20, 60, 60), Box(100, 80, 90, 90), Box(0, 0, 1, 1)])
def test_a_box_past_the_border_and_a_grey_frame_can_be_drawn(shape, box):
    drawn = draw_readings(frame(shape=shape), [reading("놀람", 1.0, box)])
    assert drawn.shape == (*shape[:2], 3)


# Video


def write_video(path, frames, **options) -> None:
    sink = open_sink(f"video:{path}", **options)
    for one in frames:
        sink.write(one, [reading()])
    sink.close()


def read_video(path):
    return [one.image for one in VideoFile(str(path))]


@pytest.mark.parametrize("name", ["결과.mp4", "out.avi"])
@pytest.mark.parametrize("count", [1, 3, 40])
def test_a_video_has_every_frame_of_a_file(tmp_path, name, count):
    write_video(tmp_path / name, [frame(i) for i in range(count)])
    images = read_video(tmp_path / name)
    assert len(images) == count
    assert images[0].shape == (96, 128, 3)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(("rate", "expected"), [(25.0, 25.0), (30000 / 1001, 30.0), (15.0, 15.0)])
def test_a_video_runs_as_fast_as_its_source(tmp_path, rate, expected):
    times = [round(1000 * i / rate) / 1000 for i in range(20)]  # a container's whole milliseconds
    write_video(tmp_path / "out.mp4", [frame(i, t) for i, t in enumerate(times)])
    video = cv2.VideoCapture(str(tmp_path / "out.mp4"))
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(expected)


def test_frames_that_a_live_camera_dropped_are_filled_up(tmp_path):
    taken = [*range(10), 20, 21]
    write_video(tmp_path / "out.mp4", [frame(i) for i in taken])
    assert len(read_video(tmp_path / "out.mp4")) == 22


def test_an_hour_of_silence_does_not_fill_the_disk(tmp_path):
    write_video(tmp_path / "out.mp4", [frame(i, i / 25 + 3600 * (i > 9)) for i in range(20)])
    assert len(read_video(tmp_path / "out.mp4")) == 20


def test_pictures_of_other_sizes_are_fitted_in(tmp_path):
    shapes = [(96, 128, 3), (400, 100, 3), (10, 10), (96, 128)]
    write_video(tmp_path / "out.avi", [frame(i, i, shape) for i, shape in enumerate(shapes)])
    assert [image.shape for image in read_video(tmp_path / "out.avi")] == [(96, 128, 3)] * 4


def test_an_existing_video_is_kept_unless_forced(tmp_path):
    (tmp_path / "out.mp4").write_bytes(b"precious")
    with pytest.raises(EdgeferError, match="Replace it with --force"):
        open_sink(f"video:{tmp_path / 'out.mp4'}")
    write_video(tmp_path / "out.mp4", [frame(0)], force=True)
    assert len(read_video(tmp_path / "out.mp4")) == 1


def test_a_video_in_a_place_that_takes_no_files_is_refused_at_once():
    with pytest.raises(EdgeferError, match=r"cannot write /proc/out\.mp4: "):
        open_sink("video:/proc/out.mp4")


def test_until_it_is_whole_a_video_has_another_name(tmp_path):
    sink = open_sink(f"video:{tmp_path / 'out.avi'}")
    for index in range(30):
        sink.write(frame(index), [])
    assert [path.name for path in tmp_path.iterdir()] == [".out.partial.avi"]
    sink.close()
    assert [path.name for path in tmp_path.iterdir()] == ["out.avi"]


def test_a_run_without_frames_leaves_no_video(tmp_path):
    write_video(tmp_path / "out.mp4", [])
    assert not list(tmp_path.iterdir())


# What a string names


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("telegraph", "there is no sink 'telegraph'. Choose console, jsonl:PATH"),
        ("jsonl", "jsonl needs a file. Type: --sink jsonl:PATH"),
        ("jsonl:/nowhere/log", "cannot write /nowhere/log: No such file"),
        ("video:", "video needs a file"),
        ("video:out.mov", "must end in .mp4 or .avi"),
        ("video:/nowhere/out.mp4", "/nowhere is no folder to write in"),
        ("console:x", "console takes no 'x'"),
        ("no_such_module:Sink", "cannot be imported"),
    ],
)
def test_a_sink_that_cannot_be_is_refused_with_what_to_type(spec, message):
    with pytest.raises(EdgeferError, match=message):
        open_sink(spec)


def test_without_a_display_a_window_is_refused(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(EdgeferError, match="no window can be opened: .*Try"):
        open_sink("window")


class Bell:
    """A sink of one's own."""

    closed = 0

    def write(self, frame, readings):
        pass

    def close(self):
        Bell.closed += 1


def test_if_one_sink_cannot_be_opened_the_others_are_closed():
    assert isinstance(open_sink("test_sinks:Bell"), Bell)
    before = Bell.closed
    with pytest.raises(EdgeferError):
        open_sinks(["test_sinks:Bell", "telegraph"])
    assert Bell.closed == before + 1
