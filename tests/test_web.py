"""The web page's server: who is let in, who is not, and clients that hang."""

import asyncio
import json
import os
import socket
import ssl
import struct
import threading
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
import pytest
from certificates import make_certificates
from watching import TIMEOUT, Watcher, ask, page, playing, scene, somebody, wait_for

from edgefer.edge.reading import Frame
from edgefer.edge.sinks.web.access import TRIES, WINDOW, Doorkeeper, Names
from edgefer.edge.sinks.web.hub import MOST, SPAN, Hub
from edgefer.edge.sinks.web.server import Limits

pytestmark = pytest.mark.edge

TOKEN = "correct horse battery staple"


# What happened lately


def test_who_begins_to_watch_is_told_what_happened():
    times = iter([float(i) for i in range(100)])
    hub = Hub(clock=lambda: next(times))
    for index in range(3):
        hub.take(scene(index), [somebody(index, "sad", face=4)])
    assert hub.history() == [(time, 4, "sad", "슬픔", 0.8) for time in (1.0, 2.0, 3.0)]


def test_the_past_is_forgotten():
    now = [0.0]
    hub, frame = Hub(clock=lambda: now[0]), scene(0)
    hub.take(frame, [somebody(0)])
    now[0] = SPAN + 1
    assert hub.history() == []
    for _ in range(30):
        now[0] += 0.5
        hub.take(frame, [somebody(0, face=face) for face in range(200)])
    assert len(hub.history()) == MOST


def test_gaps_in_the_numbers_of_frames_are_counted_as_dropped():
    hub = Hub()
    for index in (0, 1, 5, 6):
        hub.take(scene(index), [])
    assert (hub.state()["frames"], hub.state()["dropped"]) == (4, 3)


def test_frames_a_second_are_told_also_where_they_come_in_bursts():
    now = [0.0]
    hub = Hub(clock=lambda: now[0])
    for index in range(200):
        hub.take(scene(index), [])
        now[0] += 0.09 if index % 2 else 0.01
    assert hub.state()["fps"] == pytest.approx(20, rel=0.1)


def test_the_servers_end_in_the_middle_of_a_frame_is_no_error():
    class Last(np.ndarray):
        def copy(self):
            hub.end()
            return super().copy()

    async def serve():
        hub.begin(dict)
        hub.waiting = 1
        hub.take(Frame(0, 0.0, scene(0).image.view(Last)), [])

    hub = Hub()
    asyncio.run(serve())
    hub.take(scene(1), [])
    assert hub.state()["frames"] == 2


# Who is let in


def test_with_a_token_nothing_is_seen_without_it():
    with page(token=TOKEN) as sink:
        assert ask(sink.port, "/").status == 200  # the page, which holds nothing yet
        assert ask(sink.port, "/state").status == 401
        assert ask(sink.port, "/record", {"on": True}).status == 401
        assert ask(sink.port, "/tune", {"unsure": 0.5}).status == 401
        assert ask(sink.port, "/records").status == 401
        assert ask(sink.port, "/records/readings-20261122-101500.jsonl").status == 401
        assert ask(sink.port, "/enter", {"token": TOKEN[:-1]}).status == 401
        assert ask(sink.port, "/state", headers={"Cookie": f"edgefer-{sink.port}=x"}).status == 401
        with Watcher(sink.port) as refused:
            assert refused.status == 401


def test_the_token_opens_the_page():
    with page(token=TOKEN) as sink, playing(sink):
        entered = ask(sink.port, "/enter", {"token": TOKEN})
        cookie = entered.headers["set-cookie"]
        assert {"HttpOnly", "SameSite=Strict"} <= set(cookie.split("; "))
        assert TOKEN not in cookie
        headers = {"Cookie": cookie.partition(";")[0]}
        assert ask(sink.port, "/state", headers=headers).status == 200
        with Watcher(sink.port, headers=headers) as watcher:
            watcher.receive()
            assert watcher.picture()[0]["faces"]
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        assert ask(sink.port, "/state", headers=bearer).status == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /\xff\xfe HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",  # TLS where there is none
    ],
)
def test_what_speaks_no_http_is_refused_without_a_word(sent, caplog, capfd):
    with page() as sink:
        with socket.create_connection(("127.0.0.1", sink.port), TIMEOUT) as sock:
            sock.sendall(sent)
            assert b" 400 " in sock.recv(100)
        assert ask(sink.port, "/state").status == 200
    assert capfd.readouterr().err == f"watch at http://127.0.0.1:{sink.port}\n"
    assert caplog.records == []


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Origin": "http://["}, b"{}", 403),
        ({}, b"[" * 4000, 400),
        ({}, b"\xff\xfe", 400),
        ({"Content-Type": "application/json; charset=nonsense"}, b'{"on": 1}', 200),
        ({"Content-Encoding": "gzip"}, b"no gzip", 400),
    ],
)
def test_an_odd_body_is_answered_without_a_word(headers, body, status, caplog, capfd):
    headers = {"Content-Type": "application/json"} | headers
    with page() as sink:
        with socket.create_connection(("127.0.0.1", sink.port), TIMEOUT) as sock:
            lines = ["POST /enter HTTP/1.1", f"Host: 127.0.0.1:{sink.port}"]
            lines += [f"Content-Length: {len(body)}"]
            lines += [f"{name}: {value}" for name, value in headers.items()]
            sock.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            assert f" {status} ".encode() in sock.recv(100)
        assert ask(sink.port, "/state").status == 200
    assert capfd.readouterr().err == f"watch at http://127.0.0.1:{sink.port}\n"
    assert caplog.records == []


def test_who_goes_away_in_the_middle_leaves_no_word(caplog, capfd):
    with page() as sink:
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", sink.port), TIMEOUT) as sock:
                sock.sendall(
                    b"POST /enter HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n"
                    b"Content-Type: application/json\r\n\r\n{"
                )
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wait_for(lambda: not sink._server._crowd.guards, "nobody is there")
        assert ask(sink.port, "/state").status == 200
    assert capfd.readouterr().err == f"watch at http://127.0.0.1:{sink.port}\n"
    assert caplog.records == []


def test_who_guesses_is_not_listened_to():
    with page(token=TOKEN) as sink:
        for guess in range(TRIES):
            assert ask(sink.port, "/enter", {"token": f"guess {guess}"}).status == 401
        refused = ask(sink.port, "/enter", {"token": TOKEN})
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        assert refused.status == ask(sink.port, "/state", headers=bearer).status == 429
        assert 0 < int(refused.headers["retry-after"]) <= WINDOW


def test_after_a_while_it_is_listened_to_again():
    now = [0.0]
    door = Doorkeeper(TOKEN, clock=lambda: now[0])
    for _ in range(TRIES):
        assert not door.lets("x", "10.0.0.1")
    assert (door.wait("10.0.0.1"), door.wait("10.0.0.2")) == (60, 0)
    now[0] = WINDOW + 1
    assert door.wait("10.0.0.1") == 0
    assert door.lets(TOKEN, "10.0.0.1")


def test_many_addresses_do_not_help_to_guess():
    door = Doorkeeper(TOKEN, clock=lambda: 0.0)
    for number in range(TRIES):
        door.lets("x", f"fd00::{number}")
    assert door.wait("fd00::99")  # of the same network
    for number in range(60):
        door.lets("x", f"10.0.1.{number}")
    assert door.wait("192.168.7.7")


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "192.168.0.9", "", "127.0.0.1@evil.example"]
)
def test_a_foreign_host_is_refused(host):
    with page() as sink:
        assert ask(sink.port, "/state", host=host or " ").status in (400, 421)


@pytest.mark.parametrize("host", ["localhost:9000", "127.0.0.1", "[::1]:80", "LOCALHOST"])
def test_our_own_names_are_answered(host):
    with page() as sink:
        assert ask(sink.port, "/state", host=host).status == 200


def test_beyond_this_machine_numbers_and_given_names_are_ours():
    names = Names("door.example", local=False)
    assert names.allow("192.168.0.9:8080")
    assert names.allow(f"{socket.gethostname()}.local")
    assert names.allow("door.example")
    assert not names.allow("evil.example")


def test_others_reach_it_with_the_token_and_see_its_address(capfd):
    with page(host="0.0.0.0", token=TOKEN) as sink:
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        assert ask(sink.port, "/state", host="192.168.0.9", headers=bearer).status == 200
        assert ask(sink.port, "/state", host="evil.example", headers=bearer).status == 421
    said = capfd.readouterr().err
    assert f"watch at http://{socket.gethostname()}:{sink.port}" in said
    assert "unencrypted: add cert=FILE&key=FILE" in said
    assert TOKEN not in said


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_a_page_of_another_site_gets_nothing(origin):
    with page(record=Path(os.devnull).parent) as sink:
        headers = {"Origin": origin}
        assert ask(sink.port, "/record", {"on": False}, headers=headers).status == 403
        with Watcher(sink.port, headers=headers) as refused:
            assert refused.status == 403


def test_every_answer_has_careful_headers():
    with page(token=TOKEN) as sink:
        for path in ("/", "/words.js", "/page.js", "/page.css", "/state", "/nothing"):
            headers = ask(sink.port, path).headers
            assert "default-src 'none'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"
            assert headers["cache-control"] == "no-store"
            assert headers["server"] == "edgefer"


def test_the_page_needs_nothing_from_elsewhere():
    with page() as sink:
        for path in ("/", "/words.js", "/page.js", "/page.css"):
            text = ask(sink.port, path).body.replace("http://www.w3.org/2000/svg", "")
            assert "http:" not in text
            assert "https:" not in text.replace('"https:"', "")


# Clients that hang


def test_only_so_many_may_watch():
    with page(clients=2) as sink, Watcher(sink.port):
        with Watcher(sink.port), Watcher(sink.port) as refused:
            assert refused.status == 503
            assert ask(sink.port, "/live").status == 503
        wait_for(lambda: ask(sink.port, "/live").status == 400, "a place is free")


def test_a_script_asks_how_it_goes_however_many_watch():
    with page(clients=1) as sink, Watcher(sink.port):
        assert json.loads(ask(sink.port, "/state").body)["watchers"] == 1


def test_twenty_stuck_clients_change_nothing(capfd):
    """Twelve that say nothing, seven that ask and never read; the eighth place still works."""
    with ExitStack() as hanging, page() as sink, playing(sink, 0.002, (480, 640, 3)) as count:
        sink.hub.rate = 200.0
        before = threading.active_count()
        for _ in range(12):
            hanging.enter_context(socket.create_connection(("127.0.0.1", sink.port), TIMEOUT))
        for _ in range(7):
            stuck = hanging.enter_context(Watcher(sink.port, buffer=4096))
            for _ in range(100):
                stuck.send()
        with Watcher(sink.port) as eighth, Watcher(sink.port) as refused:
            assert (eighth.status, refused.status) == (101, 503)
            eighth.receive()
            # Until all seven hang in a picture that is not taken.
            alone = 0
            while alone < 10:
                eighth.picture()
                alone = 0 if sink.hub.waiting else alone + 1
            memory, here, seen = resident(), count[0], 0
            while count[0] < here + 300:
                seen += isinstance(eighth.picture(), tuple)
        assert seen > 3
        assert threading.active_count() == before
        assert resident() - memory < 30_000_000
    assert "Traceback" not in capfd.readouterr().err


def test_who_takes_no_picture_loses_the_place():
    limits = Limits(stuck=0.2)
    with page(limits=limits, clients=1) as sink, playing(sink, 0.002, (480, 640, 3)):
        sink.hub.rate = 200.0
        with Watcher(sink.port, buffer=4096) as stuck:
            for _ in range(100):
                stuck.send()
            assert ask(sink.port, "/live").status == 503
            wait_for(lambda: ask(sink.port, "/live").status == 400, "the place is free")


def test_who_says_nothing_loses_the_place_and_the_connection():
    with page(limits=Limits(silence=0.2, asking=0.2), clients=1) as sink:
        with (
            Watcher(sink.port) as silent,
            socket.create_connection(("127.0.0.1", sink.port), TIMEOUT) as mute,
        ):
            silent.receive()
            with pytest.raises((EOFError, ConnectionError)):
                silent.receive()
            assert mute.recv(1) == b""
        wait_for(lambda: ask(sink.port, "/live").status == 400, "the place is free")


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",  # TLS where there is none
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /enter HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /enter HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999\r\n\r\n" + b"x" * 99999,
        b"GET /" + b"a" * 100_000,
        b"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: " + b"\xff" * 100 + b"\r\n\r\n",
        b"GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
)
def test_garbage_is_refused_without_a_word(garbage, capfd):
    with page(limits=Limits(asking=0.5)) as sink:
        sock = socket.create_connection(("127.0.0.1", sink.port), TIMEOUT)
        with sock, suppress(ConnectionError):
            sock.sendall(garbage)
            sock.shutdown(socket.SHUT_WR)
            assert b"500" not in sock.recv(64)
        assert ask(sink.port, "/state").status == 200
    assert capfd.readouterr().err.splitlines() == [f"watch at http://127.0.0.1:{sink.port}"]


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def lock(request, tmp_path):
    """Certificate and key of a page, and whom its visitors trust; or nothing of it."""
    if not request.param:
        return {}, None
    made = make_certificates(tmp_path / "certificates")
    context = ssl.create_default_context(cafile=made["ca"])
    return {"cert": made["cert"], "key": made["key"]}, context


def test_a_flood_of_connections_is_refused_and_passes(lock):
    files, tls = lock
    with page(clients=1, **files) as sink:
        with ExitStack() as crowd:
            for _ in range(40):
                crowd.enter_context(socket.create_connection(("127.0.0.1", sink.port), TIMEOUT))
            wait_for(lambda: ask(sink.port, "/", tls=tls).status == 503, "full")
        wait_for(lambda: ask(sink.port, "/", tls=tls).status == 200, "empty")


def test_two_hundred_mute_connections_are_not_held(lock):
    files, tls = lock
    before, held = descriptors(), []

    def answers():
        held.append(descriptors() - before - 200)
        with suppress(OSError, IndexError):  # closed at once, or before the question was read
            return ask(sink.port, "/", tls=tls).status == 200

    with ExitStack() as crowd, page(clients=1, limits=Limits(asking=1.0), **files) as sink:
        for _ in range(200):
            crowd.enter_context(socket.create_connection(("127.0.0.1", sink.port), TIMEOUT))
        wait_for(answers, "the mute ones are gone")
        assert max(held) < 80


def test_the_end_waits_for_nobody():
    with ExitStack() as hanging:
        with page() as sink:
            for _ in range(8):
                hanging.enter_context(Watcher(sink.port)).send()
        assert not sink._thread.is_alive()
        sink.write(scene(0), [])


def test_the_end_comes_also_in_the_middle_of_handshakes(lock):
    files, _ = lock
    for _ in range(10):
        with ExitStack() as mute, page(**files) as sink:
            for _ in range(40):
                mute.enter_context(socket.create_connection(("127.0.0.1", sink.port), TIMEOUT))
        assert not sink._thread.is_alive()


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
