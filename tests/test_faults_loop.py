"""Faults of cameras and pictures, done to a whole run: each is counted, and nobody has to help."""

from dataclasses import replace

import pytest
from faults import (
    Slides,
    endure,
    frames,
    later,
    scene,
    searching,
    told_camera,
    until,
)
from live_sources import QUICK
from loops import Ear
from stream_servers import HttpCamera, RtspCamera, jpeg

from edgefer.edge.cameras import open_camera
from edgefer.edge.sinks.warnings import WarningSink

pytestmark = [
    pytest.mark.edge,
    pytest.mark.slow,
    pytest.mark.usefixtures("nothing_is_left"),
]

ROUNDS = 2  # of each fault: after the last no more is held than after the first


@pytest.fixture
def told(tmp_path):
    """A file that tells a camera what to do."""
    path = tmp_path / "video7"
    path.write_text("faces")
    return path


def found(ledger) -> list[int]:
    """How many faces each frame had."""
    return [len(readings) for readings in ledger.readings]


def test_unplugged_and_plugged_in_again(told, capsys):
    """Lost: no reading; whoever listens learns of each outage while it lasts."""
    ear = Ear()

    def script(ledger):
        yield from frames(3)
        for turn in range(1, ROUNDS + 1):
            told.unlink()
            later(lambda: told.write_text("faces"), 2.5)
            yield from until(lambda turn=turn: camera.reconnects == turn)
            yield from frames(3)
            ledger.look()

    camera = told_camera(told)
    ledger, summary = endure(camera, script, sinks=[ear, WarningSink()])
    assert summary.reconnects == ROUNDS
    assert found(ledger) == [1] * summary.frames
    blind = [vitals for vitals in ear.heard if vitals.blind]
    assert len(blind) >= ROUNDS
    told_of = {warning.english for vitals in blind for warning in vitals.warnings}
    assert told_of == {"camera 7 is lost, and opened again and again."}
    assert not any(vitals.steps for vitals in blind)
    assert ear.heard[-1].states["camera_up"] == 1
    assert ear.heard[-1].warnings == ()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 * ROUNDS
    assert lines[0].startswith("camera 7 stopped giving frames. Check the cable")
    assert lines[1].startswith("camera 7 gives pictures after ")


def test_a_read_that_never_returns(told, capsys):
    """Lost: no reading, and the device is let go."""

    def script(ledger):
        yield from frames(3)
        for turn in range(1, ROUNDS + 1):
            told.write_text("stuck")
            later(lambda: told.write_text("faces"))
            yield from until(lambda turn=turn: camera.reconnects == turn)
            yield from frames(3)
            ledger.look()

    camera = told_camera(told)
    ledger, summary = endure(camera, script)
    assert summary.reconnects == ROUNDS
    assert found(ledger) == [1] * summary.frames
    assert capsys.readouterr().err.count("camera 7 gave no picture for 0.5 seconds") == ROUNDS


def test_black_frames(told, capsys):
    """Lost: nothing. A black frame is a frame of nobody, and is told of when it lasts."""

    def script(ledger):
        yield from until(lambda: found(ledger)[-1] == 1)
        for _ in range(ROUNDS):
            told.write_text("black")
            yield from until(lambda: camera.warnings)
            yield from frames(1)
            told.write_text("faces")
            yield from until(lambda: found(ledger)[-1] == 1)
            ledger.look()

    camera = told_camera(told, replace(QUICK, frozen=0.1))
    _, summary = endure(camera, script, sinks=[WarningSink()], follower=searching())
    assert summary.reconnects == 0
    assert 0 < summary.frames_with_face < summary.frames
    lines = capsys.readouterr().err.splitlines()
    frozen = "camera 7 shows the very same picture for 0.1 seconds: it is frozen, or covered."
    assert lines == [f"warning: {frozen}", f"no longer: {frozen}"] * ROUNDS
    assert summary.warnings == ()


def test_frozen_frames(told):
    """Lost: nothing. The same picture again is read again, and told of."""

    def script(ledger):
        yield from frames(3)
        for _ in range(ROUNDS):
            told.write_text("frozen")
            yield from until(lambda: camera.warnings)
            yield from frames(10)
            told.write_text("faces")
            yield from until(lambda: not camera.warnings)
            ledger.look()
        told.write_text("frozen")
        yield from until(lambda: camera.warnings)

    camera = told_camera(told, replace(QUICK, frozen=0.1))
    ledger, summary = endure(camera, script)
    assert summary.reconnects == 0
    assert found(ledger) == [1] * summary.frames
    assert [warning.partition(" for ")[0] for warning in summary.warnings] == [
        "camera 7 shows the very same picture"
    ]


def test_corrupt_frames(told):
    """Lost: the corrupt ones, of which a run of bad reads counts as one; none of them is read."""

    def script(ledger):
        yield from frames(3)
        for _ in range(ROUNDS):
            told.write_text("corrupt")
            later(lambda: told.write_text("faces"), 0.2)  # sooner than it counts as lost
            yield from frames(10)
            ledger.look()

    camera = told_camera(told)
    ledger, summary = endure(camera, script)
    assert summary.reconnects == 0
    assert summary.dropped >= ROUNDS
    assert found(ledger) == [1] * summary.frames


def test_a_change_of_size(told):
    """Lost: nothing; the face is found again in the first frame of the new size."""

    def script(ledger):
        yield from until(lambda: found(ledger)[-1] == 1)
        began.append(len(ledger.indices))
        for _ in range(ROUNDS):
            for size in ("large", "faces"):
                told.write_text(size)
                yield from frames(10)
            ledger.look()

    began = []
    ledger, summary = endure(told_camera(told), script, follower=searching())
    assert summary.reconnects == 0
    assert found(ledger)[began[0] :] == [1] * (summary.frames - began[0])
    widths = [readings[0].box.w for readings in ledger.readings[began[0] :]]
    assert max(widths) > 1.5 * min(widths)


HOLD = 12  # frames of each picture: more than from one search to the next


def test_0_faces(scenes_of):
    """Lost: of somebody who comes, the frames until the next search, at most 5."""
    ledger = scenes_of(scene((100, 60)), scene())
    shown = [found(ledger)[i : i + HOLD] for i in range(0, len(found(ledger)), HOLD)]
    assert shown[1::2] == [[0] * HOLD] * ROUNDS
    assert shown[0] == [1] * HOLD
    assert all(sum(faces) >= HOLD - 5 and faces[-1] == 1 for faces in shown[::2])


def test_50_faces(scenes_of):
    """Lost: of a crowd that comes at once, the frames until the next search, at most 10."""
    crowd = [(88 * x, 88 * y) for x in range(10) for y in range(5)]
    wide = {"shape": (460, 900), "side": 88}
    ledger = scenes_of(scene(crowd[22], **wide), scene(*crowd, **wide))
    shown = [found(ledger)[i : i + HOLD] for i in range(0, len(found(ledger)), HOLD)]
    assert all(faces[-2:] == [1, 1] for faces in shown[::2])
    assert all(faces[-2:] == [50, 50] for faces in shown[1::2])


def test_faces_at_the_border(scenes_of):
    """Lost: nothing of a face that the detector finds, however near to the border it lies."""
    corners = [(100, 60), (-20, 0), (225, 60), (-15, -15), (-60, 60), (280, 60), (100, 200)]
    ledger = scenes_of(*(scene(corner) for corner in corners))
    shown = [found(ledger)[i : i + HOLD] for i in range(0, len(found(ledger)), HOLD)]
    for turn, faces in enumerate(shown):
        place = turn % len(corners)
        assert faces[-1] == (place < 4)  # of the others half a face is left
    boxes = [readings[0].box for readings in ledger.readings if readings]
    assert min(box.x for box in boxes) < 10
    assert max(box.x + box.w for box in boxes) > 310


@pytest.fixture
def scenes_of():
    """Shows pictures in turn, each for a while, and gives what was read."""

    def show(*pictures):
        def script(ledger):
            for turn in range(ROUNDS):
                # The last frame's step comes with the frame.
                yield from frames(HOLD * len(pictures) - (turn == ROUNDS - 1))
                ledger.look()

        camera = Slides(*(picture for picture in pictures for _ in range(HOLD)))
        ledger, summary = endure(camera, script, follower=searching())
        assert summary.dropped == 0
        assert ledger.indices == list(range(ROUNDS * HOLD * len(pictures)))
        return ledger

    return show


PICTURES = [jpeg(number) for number in range(30)]


@pytest.mark.parametrize("kind", [HttpCamera, RtspCamera])
def test_a_server_that_is_killed_and_restarted(kind, capsys):
    """Lost: none of the pictures that it sent."""
    servers = [kind(PICTURES)]

    def script(ledger):
        for turn in range(1, ROUNDS + 2):
            yield from until(lambda turn=turn: ledger.indices[-1] == 30 * turn - 1)
            ledger.look()
            if turn <= ROUNDS:
                servers[-1].stop()
                servers.append(kind(PICTURES, servers[0].port))

    camera = open_camera(servers[0].address, care=replace(QUICK, stall=1))
    try:
        ledger, summary = endure(camera, script)
    finally:
        servers[-1].stop()
    assert (summary.grabbed, summary.reconnects) == (30 * (ROUNDS + 1), ROUNDS)
    assert found(ledger) == [1] * summary.frames
    said = capsys.readouterr().err
    assert said.count("\n") == 2 * ROUNDS
    assert "secret" not in said
