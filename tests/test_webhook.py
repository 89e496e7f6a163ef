"""Webhooks against real servers: what is posted, what is tried again, and that nothing waits."""

import base64
import json
import socket
import ssl
import threading
from collections import deque
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from brokers import free_port
from certificates import make_certificates
from sinking import frame, reading
from waiting import until

from edgefer.edge.sinks import open_sink
from edgefer.edge.sinks.outlet import Entry
from edgefer.edge.sinks.queued import Queued
from edgefer.edge.sinks.webhook import WebhookOutlet
from edgefer.errors import EdgeferError

pytestmark = pytest.mark.edge


class Server(ThreadingHTTPServer):
    """Keeps what is posted; answers with the next of these statuses, and 200 after them."""

    daemon_threads, block_on_close = True, False

    def __init__(self, *statuses, wait=None, context=None, port=0):
        self.posts, self.headers, self.clients = [], [], set()
        self.statuses, self.wait = list(statuses), wait
        super().__init__(("127.0.0.1", port), Handler)
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.server_address[1]}"

    @property
    def numbers(self):
        return [row["number"] for post in list(self.posts) for row in post["readings"]]

    def handle_error(self, request, client_address):
        """Clients that trust nobody hang up."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.wait:
            self.server.wait.wait(30)
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        if status == 200:
            self.server.posts.append(body)
            self.server.headers.append((self.path, dict(self.headers)))
            self.server.clients.add(self.client_address)
        self.send_response(status)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Quietly."""


@pytest.fixture
def serve():
    servers = []

    def make(*statuses, **options):
        servers.append(Server(*statuses, **options))
        return servers[-1]

    yield make
    for server in servers:
        server.shutdown()
        server.server_close()


def post(address, count=1, **options):
    """A sink that tries again at once, with so many readings written."""
    sink = Queued(WebhookOutlet(address), "hook", retry=(0.01, 0.02), **options)
    for index in range(count):
        sink.write(frame(index), [reading()])
    return sink


def test_readings_are_posted_together(serve):
    server = serve()
    sink = open_sink(f"webhook:http://{server.address}/in/box?a=1")
    for index in range(300):
        sink.write(frame(index, name="가.png"), [reading("슬픔")])
    sink.close()
    assert server.numbers == list(range(300))
    assert len(server.posts) <= 30
    row = server.posts[0]["readings"][0]
    assert (row["name"], row["emotion"], row["index"]) == ("가.png", "슬픔", 0)
    path, headers = server.headers[0]
    assert (path, headers["Content-Type"]) == ("/in/box?a=1", "application/json")
    assert len(server.clients) == 1  # one connection for all


def test_a_token_comes_from_the_environment_and_a_password_from_the_address(
    serve, monkeypatch, capsys
):
    server = serve()
    monkeypatch.setenv("EDGEFER_WEBHOOK_TOKEN", "s3cret")
    for user in ("", "me:a%40b@"):
        sink = open_sink(f"webhook:http://{user}{server.address}/")
        sink.write(frame(), [reading()])
        sink.close()
    found = [headers["Authorization"] for _, headers in server.headers]
    assert found == ["Bearer s3cret", f"Basic {base64.b64encode(b'me:a@b').decode()}"]
    assert capsys.readouterr().err == (
        f"webhook http://{server.address}: its address has a user, so EDGEFER_WEBHOOK_TOKEN is not "
        "sent there\n"
    )


@pytest.mark.parametrize("token", ["two words", "토큰", "line\nbreak"])
def test_a_token_that_cannot_be_sent_is_refused_and_not_shown(monkeypatch, token):
    monkeypatch.setenv("EDGEFER_WEBHOOK_TOKEN", token)
    with pytest.raises(EdgeferError, match="EDGEFER_WEBHOOK_TOKEN holds") as refused:
        open_sink("webhook:http://127.0.0.1/")
    assert token not in str(refused.value)


def test_an_address_may_hold_hangul(serve):
    server = serve()
    post(f"http://{server.address}/방/%EB%B0%A9?a=값&b=1").close()
    path, _ = server.headers[0]
    assert path == "/%EB%B0%A9/%EB%B0%A9?a=%EA%B0%92&b=1"


@pytest.mark.parametrize("status", [301, 401, 404, 429, 500, 503])
def test_what_may_be_mended_is_tried_again_in_order(serve, status, capsys):
    server = serve(status, status)
    sink = post(f"http://{server.address}/hook/t0ken", 5)
    until(lambda: len(server.numbers) == 5)
    sink.close()
    assert (server.numbers, sink.dropped) == (list(range(5)), 0)
    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith(f"hook: the server answers {status} ")
    assert told[1] == "hook: works again; 0 readings lost meanwhile"


@pytest.mark.parametrize("status", [400, 413, 422])
def test_what_a_server_will_not_have_is_left_out_and_counted(serve, status, capsys):
    server = serve(status)
    sink = post(f"http://{server.address}/", 1)
    until(lambda: sink.dropped == 1)
    sink.write(frame(), [reading()])
    sink.close()
    assert server.numbers == [1]
    assert f"hook: the server will not have it: {status} " in capsys.readouterr().err


def test_a_slow_server_holds_up_nobody_and_what_it_misses_is_counted(serve):
    wait = threading.Event()
    server = serve(wait=wait)
    sink = post(f"http://{server.address}/", 1000, size=50)  # all written before it answers once
    sink.write(frame(), [reading()])
    wait.set()
    sink.close()
    assert len(server.numbers) + sink.dropped == 1001
    assert sink.dropped > 0
    assert server.numbers[-50:] == list(range(951, 1001))


def test_a_dead_server_holds_up_nobody_and_what_it_misses_is_counted(capsys):
    sink = post(f"http://127.0.0.1:{free_port()}/hook/t0ken", 1000, size=50)
    until(lambda: sink.fault)
    sink.close()
    assert sink.dropped == 1000
    told = capsys.readouterr().err
    assert "hook: Connection refused; trying again, up to 50 readings wait" in told
    assert "t0ken" not in told


def test_a_server_that_comes_back_gets_what_waited(serve):
    port = free_port()
    sink = post(f"http://127.0.0.1:{port}/", 20)
    until(lambda: sink.fault)
    server = serve(port=port)
    until(lambda: len(server.numbers) == 20)
    sink.close()
    assert server.numbers == list(range(20))


def drip(listener, text):
    """Answer byte by byte, without end."""
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        with client:
            try:
                client.sendall(text)
                while not threading.Event().wait(0.02):
                    client.sendall(b"x")
            except OSError:
                continue


@pytest.mark.parametrize(
    "text",
    [b"", b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: "],
    ids=["no HTTP", "body", "headers"],
)
def test_a_server_that_answers_byte_by_byte_is_left_in_the_end(text):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=drip, args=(listener, text), daemon=True).start()
        outlet = WebhookOutlet(f"http://127.0.0.1:{listener.getsockname()[1]}/", whole=0.2)
        entries = deque([Entry("run", 0, 0.0, "", {})])
        asking = threading.Thread(target=ask, args=(outlet, entries), daemon=True)
        asking.start()
        asking.join(30)
        assert not asking.is_alive()
        outlet.close()


def ask(outlet, entries):
    with suppress(OSError):  # taken or not: what counts is that it ends
        outlet.send(entries)


def test_an_encrypted_server_must_be_trusted(serve, tmp_path, capsys, monkeypatch):
    certificates = make_certificates(tmp_path / "certificates")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates["cert"], certificates["key"])
    server = serve(context=context)
    blind = post(f"https://{server.address}/")
    until(lambda: blind.fault)
    blind.close()
    assert "certificate verify failed" in capsys.readouterr().err
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates["ca"]))
    sink = post(f"https://{server.address}/", 3)
    sink.close()
    assert server.numbers == [0, 1, 2]


def test_no_thread_is_left(serve):
    server = serve()
    post(f"http://{server.address}/").close()
    names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if name.startswith(("sink", "Timer"))]
