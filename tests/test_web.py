"""The web page's server: who is let in, who is not, and clients that hang."""

import json
import os
import socket
import ssl
import threading
from contextlib import ExitStack, suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
from watching import TIMEOUT, Watcher, ask, page, playing, scene, somebody, wait_for

from edgefer.edge.look import Look
from edgefer.edge.sinks import open_sink
from edgefer.edge.sinks.vitals import Vitals
from edgefer.edge.sinks.web.access import TRIES, WINDOW, Doorkeeper, Names
from edgefer.edge.sinks.web.address import parse_address
from edgefer.edge.sinks.web.hub import MOST, SPAN, Hub
from edgefer.edge.sinks.web.record import Recorder
from edgefer.edge.sinks.web.server import Limits
from edgefer.errors import EdgeferError

pytestmark = pytest.mark.edge

TOKEN = "correct horse battery staple"


# Pictures


def test_a_watcher_gets_the_picture_and_what_was_read_in_it():
    with page() as sink, playing(sink), Watcher(sink.port) as watcher:
        assert watcher.receive()["record"] is None
        told, jpeg = watcher.picture()
        later, _ = watcher.picture()
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape == (240, 320, 3)
    assert told["size"] == [320, 240]
    (face,) = told["faces"]
    assert face["emotion"] in (["happy", "기쁨"], ["sad", "슬픔"])
    assert face["emotions"] == [["happy", "기쁨"], ["sad", "슬픔"], ["neutral", "중립"]]
    assert face["box"][0] == 40 + told["index"] % 200
    assert later["index"] > told["index"]


def test_nothing_is_compressed_unless_somebody_waits():
    with page() as sink:
        for index in range(50):
            sink.write(scene(index), [somebody(index)])
        assert sink.hub.encoded == 0
        with playing(sink), Watcher(sink.port) as watcher:
            watcher.picture()
            assert sink.hub.encoded >= 1


def test_a_picture_is_compressed_once_for_all_who_wait():
    with page() as sink, Watcher(sink.port) as first, Watcher(sink.port) as second:
        for watcher in (first, second):
            watcher.receive()
            watcher.send()
        wait_for(lambda: sink.hub.waiting == 2, "both wait")
        sink.write(scene(7), [])
        assert first.receive() == second.receive()
        assert sink.hub.encoded == 1


def test_a_large_picture_is_sent_smaller():
    with page() as sink, Watcher(sink.port) as watcher:
        watcher.receive()
        watcher.send()
        wait_for(lambda: sink.hub.waiting, "it waits")
        sink.write(scene(0, (1080, 1920)), [])
        told, jpeg = watcher.receive()
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert (told["size"], image.shape) == ([1920, 1080], (540, 960))


def test_while_the_camera_stands_still_a_watcher_hears_so():
    with page(limits=Limits(news=0.05)) as sink, Watcher(sink.port) as watcher:
        sink.tell(Vitals({"dropped": 4}, {"temperature_celsius": 61.5}, {"detect": 0.02}, {"x": 3}))
        watcher.receive()
        watcher.send()
        told = watcher.receive()
    assert (told["fps"], told["dropped"], told["lost"]) == (0, 4, 3)
    assert (told["latency"], told["temperature"]) == (20.0, 61.5)


def test_covered_faces_cannot_be_seen():
    with page(look=Look(blur=True)) as sink, Watcher(sink.port) as watcher:
        watcher.receive()
        watcher.send()
        wait_for(lambda: sink.hub.waiting, "it waits")
        sink.write(scene(0), [somebody(0)])
        _, jpeg = watcher.receive()
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    cell = image[66:80, 66:80].astype(float)  # within one cell of the box with its margin
    assert cell.std() < 12
    assert image[:, 200:].astype(float).std() > 40


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


# Who is let in


def test_with_a_token_nothing_is_seen_without_it():
    with page(token=TOKEN) as sink:
        assert ask(sink.port, "/").status == 200  # the page, which holds nothing yet
        assert ask(sink.port, "/state").status == 401
        assert ask(sink.port, "/record", {"on": True}).status == 401
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
        for path in ("/", "/page.js", "/page.css", "/state", "/nothing"):
            headers = ask(sink.port, path).headers
            assert "default-src 'none'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"
            assert headers["cache-control"] == "no-store"
            assert headers["server"] == "edgefer"


def test_the_page_needs_nothing_from_elsewhere():
    with page() as sink:
        for path in ("/", "/page.js", "/page.css"):
            text = ask(sink.port, path).body.replace("http://www.w3.org/2000/svg", "")
            assert "http:" not in text
            assert "https:" not in text.replace('"https:"', "")


# Clients that hang


def test_only_so_many_may_watch():
    with page(clients=2) as sink, Watcher(sink.port):
        with Watcher(sink.port), Watcher(sink.port) as refused:
            assert refused.status == 503
            assert ask(sink.port, "/state").status == 503
        wait_for(lambda: ask(sink.port, "/state").status == 200, "a place is free")


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
            assert ask(sink.port, "/state").status == 503
            wait_for(lambda: ask(sink.port, "/state").status == 200, "the place is free")


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
        wait_for(lambda: ask(sink.port, "/state").status == 200, "the place is free")


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


def test_a_flood_of_connections_is_refused_and_passes():
    with page(clients=1) as sink:
        with ExitStack() as crowd:
            for _ in range(40):
                crowd.enter_context(socket.create_connection(("127.0.0.1", sink.port), TIMEOUT))
            wait_for(lambda: ask(sink.port, "/").status == 503, "full")
        wait_for(lambda: ask(sink.port, "/").status == 200, "empty")


def test_the_end_waits_for_nobody():
    with ExitStack() as hanging:
        with page() as sink:
            for _ in range(8):
                hanging.enter_context(Watcher(sink.port)).send()
        assert not sink._thread.is_alive()
        sink.write(scene(0), [])


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


# Recordings


def test_readings_are_recorded_between_start_and_stop(tmp_path):
    with page(record=tmp_path / "kept") as sink:
        sink.write(scene(0), [somebody(0)])
        assert json.loads(ask(sink.port, "/record", {"on": True}).body)["record"]["on"]
        sink.write(scene(1), [somebody(1)])
        sink.write(scene(2), [somebody(2)])
        told = json.loads(ask(sink.port, "/record", {"on": False}).body)["record"]
        sink.write(scene(3), [somebody(3)])
    (file,) = (tmp_path / "kept").iterdir()
    assert (told["on"], told["file"], told["count"]) == (False, file.name, 2)
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [row["index"] for row in rows] == [1, 2]


def test_unless_a_folder_is_named_nothing_is_recorded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with page() as sink:
        assert ask(sink.port, "/record", {"on": True}).status == 400
        sink.write(scene(0), [somebody(0)])
    assert not list(tmp_path.iterdir())


def test_a_recording_that_is_forgotten_ends_itself(tmp_path):
    recorder = Recorder(tmp_path, most=3)
    recorder.start()
    for index in range(5):
        recorder.write(scene(index), [somebody(index)])
    assert recorder.to_json()["on"] is False
    recorder.stop()
    (file,) = tmp_path.iterdir()
    assert len(file.read_text().splitlines()) == 3


def test_a_folder_that_goes_away_ends_the_recording_and_not_the_run(tmp_path):
    recorder = Recorder(tmp_path / "kept")
    (tmp_path / "kept").rmdir()
    recorder.start()
    recorder.write(scene(0), [somebody(0)])
    assert recorder.to_json()["on"] is False
    assert "cannot write" in recorder.to_json()["error"]


# What a string names


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("0.0.0.0:8080", "needs a token. Type first: export EDGEFER_WEB_TOKEN="),
        ("[::]:8080", "needs a token"),
        ("eighty", "Type web:8080 for this machine alone"),
        ("99999", "is not known"),
        ("8080?clients=0", "clients=0 must be a number from 1 to 99"),
        ("8080?cert=a.pem", "TLS needs both"),
        ("8080?pasword=x", "'pasword' is no option here"),
        ("8080?token=/nowhere/token", "cannot read the token in /nowhere/token: No such file"),
    ],
)
def test_an_address_that_cannot_be_is_refused_with_what_to_type(where, message):
    with pytest.raises(EdgeferError, match=message):
        parse_address(where, {})


def test_the_token_comes_from_the_environment_or_a_file(tmp_path):
    assert parse_address("0.0.0.0:80", {"EDGEFER_WEB_TOKEN": TOKEN}).token == TOKEN
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o600)
    assert parse_address("8080", {"EDGEFER_WEB_TOKEN_FILE": str(file)}).token == TOKEN
    assert parse_address(f"8080?token={file}", {}).token == TOKEN
    file.chmod(0o644)
    with pytest.raises(EdgeferError, match="others can read the token .* chmod 600"):
        parse_address(f"8080?token={file}", {})


def test_a_short_token_is_refused():
    with pytest.raises(EdgeferError, match="has 6 characters, and 16 are the least"):
        parse_address("8080", {"EDGEFER_WEB_TOKEN": "secret"})


def test_a_port_that_is_taken_is_refused(monkeypatch):
    monkeypatch.delenv("EDGEFER_WEB_TOKEN", raising=False)
    with page() as sink, pytest.raises(EdgeferError, match="Address already in use. Try another"):
        open_sink(f"web:{sink.port}")


def test_a_certificate_that_is_none_is_refused(tmp_path):
    (tmp_path / "x.pem").write_text("no certificate")
    with pytest.raises(EdgeferError, match="no certificate and its key"):
        open_sink(f"web:0?cert={tmp_path / 'x.pem'}&key={tmp_path / 'x.pem'}")


def test_with_a_certificate_it_is_encrypted(tmp_path):
    cert, key = certificate(tmp_path)
    with page(cert=cert, key=key, token=TOKEN) as sink:
        context = ssl.create_default_context(cafile=str(cert))
        with (
            socket.create_connection(("127.0.0.1", sink.port), TIMEOUT) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as sock,
        ):
            body = json.dumps({"token": TOKEN}).encode()
            sock.sendall(
                b"POST /enter HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
            )
            answer = sock.recv(65536).decode()
    assert answer.startswith("HTTP/1.1 200")
    assert "Secure" in answer


def certificate(folder: Path) -> tuple[Path, Path]:
    """One that signs itself, for localhost."""
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "cert.pem", folder / "key.pem"
