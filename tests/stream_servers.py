"""Network cameras that a test starts, stops and lets misbehave: Motion JPEG by HTTP and by RTSP."""

import socket
import struct
import threading
import time
from contextlib import suppress

import cv2
from videos import picture

BOUNDARY = b"--b\r\nContent-Type: image/jpeg\r\nContent-Length: "


def jpeg(value: int, shape=(48, 64, 3)) -> bytes:
    """A grey picture of this value."""
    return cv2.imencode(".jpg", picture(value, shape))[1].tobytes()


class StreamServer:
    """A camera that sends a list to each client, then nothing, until it is stopped.

    A list holds JPEG pictures and other bytes; each goes out a few milliseconds after the last.
    """

    def __init__(self, sends: list[bytes], port: int = 0) -> None:
        self.sends, self.clients = sends, []
        self.socket = socket.create_server(("127.0.0.1", port), reuse_port=False)
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.accept)
        self.thread.start()

    def accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.socket.accept()
                self.clients.append(client)
                threading.Thread(target=self.serve, args=(client,)).start()

    def serve(self, client: socket.socket) -> None:
        with suppress(OSError):
            self.greet(client)
            for data in self.sends:
                self.send(client, data)
                time.sleep(0.005)
            while client.recv(4096):
                pass

    def stop(self) -> None:
        """Cut every connection, as a server that is killed does."""
        for one in (self.socket, *self.clients):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self.thread.join(10)

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        self.stop()


class HttpCamera(StreamServer):
    """Motion JPEG by HTTP."""

    @property
    def address(self) -> str:
        return f"http://me:secret@127.0.0.1:{self.port}/live"

    def greet(self, client: socket.socket) -> None:
        client.recv(4096)
        client.sendall(
            b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n"
        )

    def send(self, client: socket.socket, data: bytes) -> None:
        client.sendall(BOUNDARY + str(len(data)).encode() + b"\r\n\r\n" + data + b"\r\n")


class RtspCamera(StreamServer):
    """Motion JPEG by RTSP over TCP: RFC 2326 as far as FFmpeg asks, pictures as in RFC 2435."""

    SDP = b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\nm=video 0 RTP/AVP 26\r\n"

    @property
    def address(self) -> str:
        return f"rtsp://me:secret@127.0.0.1:{self.port}/live"

    def greet(self, client: socket.socket) -> None:
        asked = client.makefile("rb")
        verb = b""
        while verb != b"PLAY":
            verb = asked.readline().split(b" ")[0]
            fields = {}
            while line := asked.readline().strip():
                name, _, value = line.partition(b": ")
                fields[name.lower()] = value
            if not fields:
                raise ConnectionResetError
            udp = verb == b"SETUP" and b"TCP" not in fields[b"transport"]
            status = b"461 Unsupported Transport" if udp else b"200 OK"
            answer = b"RTSP/1.0 " + status + b"\r\nSession: 1\r\nCSeq: " + fields[b"cseq"] + b"\r\n"
            if verb == b"SETUP" and not udp:
                answer += b"Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
            body = self.SDP if verb == b"DESCRIBE" else b""
            if body:
                answer += b"Content-Type: application/sdp\r\n"
            client.sendall(answer + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.sequence = 0

    def send(self, client: socket.socket, data: bytes) -> None:
        """One picture in one packet: its size, tables and scan; what it is else is agreed on."""
        tables, at = b"", 2
        while (kind := data[at + 1]) != 0xDA:
            (length,) = struct.unpack_from(">H", data, at + 2)
            if kind == 0xDB:
                tables += data[at + 5 : at + 2 + length]
            if kind == 0xC0:
                height, width = struct.unpack_from(">HH", data, at + 5)
            at += 2 + length
        (length,) = struct.unpack_from(">H", data, at + 2)
        scan = data[at + 2 + length : -2]
        head = struct.pack(">BBHII", 0x80, 0x80 | 26, self.sequence, self.sequence * 3000, 1)
        head += struct.pack(">IBBBB", 0, 1, 255, width // 8, height // 8)
        head += struct.pack(">BBH", 0, 0, len(tables)) + tables
        client.sendall(struct.pack(">cBH", b"$", 0, len(head) + len(scan)) + head + scan)
        self.sequence += 1
