"""Talk to the web page as a browser does: plain requests, and a WebSocket written by hand."""

import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple

import numpy as np

from edgefer.edge.faces import Reader
from edgefer.edge.look import Look
from edgefer.edge.quality import flaws
from edgefer.edge.reading import Frame, Reading
from edgefer.edge.sinks.web.address import Address
from edgefer.edge.sinks.web.server import Limits
from edgefer.edge.sinks.web.sink import WebSink
from edgefer.edge.steady import Steady
from edgefer.edge.track import Follower
from edgefer.edge.tuning import Tuning
from edgefer.edge.watcher import Watcher as Looking
from edgefer.edge.wishes import Wishes
from edgefer.preprocess import Box

TIMEOUT = 15


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: str


def ask(
    port: int,
    path: str,
    body: Any = None,
    *,
    host: str = "",
    headers: dict[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
) -> Answer:
    """One request; headers as they are, also wrong ones."""
    with (
        socket.create_connection(("127.0.0.1", port), TIMEOUT) as plain,
        tls.wrap_socket(plain, server_hostname="localhost") if tls else nullcontext(plain) as sock,
    ):
        sent = b"" if body is None else json.dumps(body).encode()
        lines = [f"{'GET' if body is None else 'POST'} {path} HTTP/1.1"]
        lines += [f"Host: {host or f'127.0.0.1:{port}'}", f"Content-Length: {len(sent)}"]
        kinds = {} if body is None else {"Content-Type": "application/json"}
        lines += [f"{name}: {value}" for name, value in (kinds | (headers or {})).items()]
        sock.sendall("\r\n".join([*lines, "", ""]).encode() + sent)
        return _read_answer(sock)


def _read_answer(sock: socket.socket) -> Answer:
    data = b""
    while piece := sock.recv(65536):
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
    return Answer(int(first.split()[1]), headers, body.decode())


class Watcher:
    """One who watches. It reads nothing unless told to."""

    def __init__(
        self, port: int, *, headers: dict[str, str] | None = None, buffer: int | None = None
    ) -> None:
        self.sock = socket.socket()
        self.sock.settimeout(TIMEOUT)
        if buffer is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.sock.connect(("127.0.0.1", port))
        asked = {
            "Host": f"127.0.0.1:{port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version": "13",
        } | (headers or {})
        lines = ["GET /live HTTP/1.1", *(f"{name}: {value}" for name, value in asked.items())]
        self.sock.sendall("\r\n".join([*lines, "", ""]).encode())
        self._rest = b""
        while b"\r\n\r\n" not in self._rest:
            piece = self.sock.recv(4096)
            assert piece, "no answer"
            self._rest += piece
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        self.status = int(head.split()[1])

    def send(self, text: str = "next") -> None:
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(text.encode()))
        self.sock.sendall(bytes([0x81, 0x80 | len(masked)]) + mask + masked)

    def receive(self) -> Any:
        """The next message: what was told, or of a picture what was told and its JPEG."""
        kind, size = self._take(2)
        size &= 0x7F
        if size > 125:
            size = int.from_bytes(self._take(2 if size == 126 else 8), "big")
        data = self._take(size)
        if kind & 15 == 8:
            raise EOFError
        if kind & 15 == 1:
            return json.loads(data)
        split = 4 + int.from_bytes(data[:4], "big")
        return json.loads(data[4:split]), data[split:]

    def picture(self) -> Any:
        """Ask until there is one."""
        while True:
            self.send()
            message = self.receive()
            if isinstance(message, tuple):
                return message

    def _take(self, size: int) -> bytes:
        while len(self._rest) < size:
            piece = self.sock.recv(65536)
            if not piece:
                raise EOFError
            self._rest += piece
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    def __enter__(self) -> "Watcher":
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()


@contextmanager
def page(
    *,
    look: Look | None = None,
    tuning: Tuning | None = None,
    limits: Limits | None = None,
    **choices: Any,
) -> Iterator[WebSink]:
    """A page on a free port."""
    address = Address(**({"port": 0} | choices))
    sink = WebSink(address, look=look, tuning=tuning, limits=limits)
    try:
        yield sink
    finally:
        sink.close()


def tunable() -> Tuning:
    """Settings of a run that has the usual ones."""
    nothing: Any = None
    reader, steady = Reader(nothing, gate=flaws), Steady(0.2, unsure=0.4)
    return Tuning(Looking(Follower.of(Wishes()), reader, steady))


def somebody(index: int, emotion: str = "happy", face: int = 0, flaw: str = "") -> Reading:
    """A face that goes to the right as time goes by."""
    shares = {"happy": 0.1, "sad": 0.1, "neutral": 0.1} | {emotion: 0.8}
    sure = 0.0 if flaw else 0.8
    return Reading(face, Box(40 + index % 200, 60, 80, 80), emotion, sure, shares, flaw)


def scene(index: int, shape: tuple[int, ...] = (240, 320, 3)) -> Frame:
    image = np.random.default_rng(index).integers(0, 256, shape, np.uint8)
    return Frame(index, index / 25, image)


@contextmanager
def playing(
    sink: WebSink,
    pause: float = 0.01,
    shape: tuple[int, ...] = (240, 320, 3),
    emotions: tuple[str, ...] = ("happy", "sad"),
    flaw: str = "",
) -> Iterator[list[int]]:
    """Frames that come all the time, from a thread of their own; gives how many came."""
    ending, count = threading.Event(), [0]
    images = [scene(number, shape).image for number in range(8)]

    def play() -> None:
        while not ending.wait(pause):
            index = count[0]
            frame = Frame(index, index / 25, images[index % 8])
            sink.write(frame, [somebody(index, emotions[index // 50 % len(emotions)], flaw=flaw)])
            count[0] += 1

    thread = threading.Thread(target=play, name="playing", daemon=True)
    thread.start()
    try:
        yield count
    finally:
        ending.set()
        thread.join(TIMEOUT)


def wait_for(true: Any, what: str) -> None:
    end = time.monotonic() + TIMEOUT
    while not true():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.01)
