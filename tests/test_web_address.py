"""The web page: recordings, addresses, tokens and certificates."""

import json
import socket
import ssl
from pathlib import Path

import pytest
from watching import TIMEOUT, ask, page, scene, somebody

from edgefer.edge.sinks import open_sink
from edgefer.edge.sinks.web.address import parse_address
from edgefer.edge.sinks.web.record import Recorder
from edgefer.errors import EdgeferError

pytestmark = pytest.mark.edge

TOKEN = "correct horse battery staple"


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


def test_an_address_shows_no_token():
    assert TOKEN not in repr(parse_address("80", {"EDGEFER_WEB_TOKEN": TOKEN}))


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
