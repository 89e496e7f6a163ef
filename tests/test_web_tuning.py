"""What watchers may change and fetch: settings of the run, and recordings."""

import json
import os
import shutil
import socket
import time
from pathlib import Path

import pytest
from sinking import frame, until
from watching import ask, page, playing, tunable

from edgefer.edge.sinks.web.address import parse_address
from edgefer.edge.sinks.web.server import FETCHES, Limits
from edgefer.errors import EdgeferError

pytestmark = pytest.mark.edge

OLD, NEW = "readings-20261121-090000.jsonl", "readings-20261122-090000.jsonl"


def told(port, path="/state"):
    return json.loads(ask(port, path).body)


# Settings


def test_what_a_watcher_asks_for_is_told_at_once_and_set_with_the_next_frame():
    tuning = tunable()
    with page(tuning=tuning) as sink:
        answer = json.loads(ask(sink.port, "/tune", {"unsure": 0.55, "quality": False}).body)
        assert answer["tuning"]["now"]["unsure"] == 0.55
        assert answer["tuning"]["start"]["unsure"] == 0.4
        assert answer["tuning"]["typed"] == "--unsure 0.55 --quality off"
        tuning.write(frame(), [])
        assert told(sink.port)["tuning"] == answer["tuning"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"unsure": 7}, "unsure is a number from 0 to 1, and 7 is none"),
        ({"unsure": 0.9, "nonsense": 1}, "there is no setting 'nonsense'"),
        ([0.5], "expected a JSON object"),
    ],
)
def test_what_cannot_be_set_is_refused_and_changes_nothing(body, why):
    with page(tuning=tunable()) as sink:
        before = told(sink.port)["tuning"]
        refused = ask(sink.port, "/tune", body)
        assert (refused.status, why in refused.body) == (400, True)
        assert told(sink.port)["tuning"] == before


def test_a_page_of_another_site_changes_nothing():
    with page(tuning=tunable()) as sink:
        headers = {"Origin": "https://elsewhere.example"}
        assert ask(sink.port, "/tune", {"unsure": 0.5}, headers=headers).status == 403
        assert told(sink.port)["tuning"]["now"]["unsure"] == 0.4


def test_where_nobody_may_tune_nothing_is_offered():
    with page(tuning=tunable(), tune=False) as sink:
        assert told(sink.port)["tuning"] is None
        assert ask(sink.port, "/tune", {"unsure": 0.5}).status == 400
    assert parse_address("8080?tune=off", {}).tune is False
    with pytest.raises(EdgeferError, match="tune=no must be on or off"):
        parse_address("8080?tune=no", {})


# Recordings


def test_recordings_are_listed_and_fetched_whole(tmp_path):
    (tmp_path / OLD).write_text("{}\n" * 100_000)
    (tmp_path / NEW).write_text('{"emotion": "happy"}\n')
    (tmp_path / "notes.txt").write_text("private")
    (tmp_path / "readings-20261122-090001.jsonl").symlink_to(tmp_path / "notes.txt")
    with page(record=tmp_path) as sink:
        assert told(sink.port, "/records") == [
            {"name": NEW, "bytes": 21},
            {"name": OLD, "bytes": 300_000},
        ]
        answer = ask(sink.port, f"/records/{OLD}")
        assert answer.body == "{}\n" * 100_000
        assert answer.headers["content-disposition"] == f'attachment; filename="{OLD}"'
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        "readings-20261122-090001.jsonl",  # a link to it
        "..%2fnotes.txt",
        "%2e%2e/notes.txt",
        "readings-20261122-090000.jsonl%00.txt",
        NEW.replace("2026", "%EF%BC%92026"),
        "",
    ],
)
def test_nothing_else_is_fetched(tmp_path, name):
    folder = tmp_path / "records"
    folder.mkdir()
    for place in (tmp_path, folder):
        (place / "notes.txt").write_text("private")
    (folder / "readings-20261122-090001.jsonl").symlink_to(tmp_path / "notes.txt")
    with page(record=folder) as sink:
        answer = ask(sink.port, f"/records/{name}")
        assert answer.status == 404
        assert "private" not in answer.body


def test_what_is_no_file_stops_nobody_and_leaves_nothing_open(tmp_path):
    os.mkfifo(tmp_path / OLD)
    (tmp_path / NEW).mkdir()
    with page(record=tmp_path) as sink:
        before = len(list(Path("/proc/self/fd").iterdir()))
        for name in (OLD, NEW) * 5:
            assert ask(sink.port, f"/records/{name}").status == 404
        assert len(list(Path("/proc/self/fd").iterdir())) <= before + 2
        assert told(sink.port, "/records") == []


def test_without_a_folder_there_is_nothing_to_fetch(tmp_path):
    with page() as sink:
        assert told(sink.port, "/records") == []
        assert ask(sink.port, f"/records/{NEW}").status == 404
    gone = tmp_path / "gone"
    with page(record=gone) as sink:
        gone.rmdir()
        assert told(sink.port, "/records") == []


def test_a_recording_of_now_is_fetched_as_far_as_it_is_written(tmp_path):
    with page(record=tmp_path) as sink, playing(sink):
        ask(sink.port, "/record", {"on": True})
        until(lambda: told(sink.port)["record"]["count"] > 5)
        name = told(sink.port)["record"]["file"]
        until(lambda: ask(sink.port, f"/records/{name}").body)
        lines = ask(sink.port, f"/records/{name}").body.splitlines()
    assert {json.loads(line)["emotion"] for line in lines} <= {"happy", "sad"}


def test_a_disk_that_takes_nothing_is_told_and_not_counted(tmp_path):
    folder = tmp_path / "records"
    with page(record=folder) as sink, playing(sink):
        ask(sink.port, "/record", {"on": True})
        until(lambda: told(sink.port)["record"]["count"] > 5)
        shutil.rmtree(folder)
        until(lambda: told(sink.port)["record"]["error"])
        assert told(sink.port)["record"]["error"] == "No such file or directory"
        stopped = json.loads(ask(sink.port, "/record", {"on": False}).body)["record"]
        assert stopped["error"] == "No such file or directory"
        assert stopped["count"] < sink.hub.state()["frames"]


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("8080?record=", "record= says nothing"),
        ("8080?tune", "options read ?name=value. There are record, tune"),
    ],
)
def test_options_that_say_nothing_are_refused(where, message):
    with pytest.raises(EdgeferError) as refused:
        parse_address(where, {})
    assert message in str(refused.value)


def test_a_file_is_no_folder_to_record_into(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EdgeferError, match="it is no folder"), page(record=tmp_path / "file"):
        pass


def fetch(port, name) -> socket.socket:
    """Ask for a recording, and take next to nothing of it."""
    sock = socket.socket()
    sock.settimeout(30)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", port))
    sock.sendall(f"GET /records/{name} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
    assert sock.recv(12) == b"HTTP/1.1 200"
    return sock


def test_who_takes_nothing_is_cut_off_and_makes_place(tmp_path):
    with open(tmp_path / NEW, "wb") as file:
        os.truncate(file.fileno(), 50_000_000)
    with page(record=tmp_path, limits=Limits(stuck=0.5)) as sink:
        stuck = [fetch(sink.port, NEW) for _ in range(FETCHES)]
        assert ask(sink.port, f"/records/{NEW}").status == 503
        assert ask(sink.port, "/state").status == 200
        until(lambda: ask(sink.port, f"/records/{OLD}").status == 404)
        for sock in stuck:
            sock.close()


def test_who_never_takes_the_end_is_cut_off_as_well(tmp_path):
    (tmp_path / NEW).write_bytes(bytes(400_000))
    with page(record=tmp_path, limits=Limits(stuck=0.5)) as sink:
        hanging = [fetch(sink.port, NEW)]
        guards = sink._server._crowd.guards
        until(lambda: ask(sink.port, "/state").status == 200 and not guards)
        for sock in hanging:
            sock.close()


def test_a_slow_one_may_take_longer_than_an_answer_may(tmp_path):
    with open(tmp_path / NEW, "wb") as file:
        os.truncate(file.fileno(), 30_000_000)
    size = 0
    with page(record=tmp_path, limits=Limits(asking=0.5)) as sink, fetch(sink.port, NEW) as sock:
        for _ in range(20):
            size += len(sock.recv(65536))
            time.sleep(0.05)
        while piece := sock.recv(65536):
            size += len(piece)
    assert size >= 30_000_000
