"""A bound on connections, and on the time that one may take to ask."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
REFUSED = 2  # for each connection that is let in: so many are held in all, to be told
PAUSE = 0.1  # seconds before the next, where none can be accepted: too many files are open


class Crowd:
    """All connections of a server, from the moment that they are made."""

    def __init__(self, most: int, patience: float) -> None:
        """Allow so many at once, each with so many seconds to ask and be answered."""
        self.most, self.patience = most, patience
        self.guards: set[Guard] = set()
        self._again: asyncio.TimerHandle | None = None

    @property
    def is_full(self) -> bool:
        """Whether no further connection is let in."""
        return sum(guard.is_in for guard in self.guards) >= self.most

    def receive(
        self,
        sock: socket.socket,
        inner: Callable[[], asyncio.BaseProtocol],
        tls: ssl.SSLContext | None,
    ) -> None:
        """Take connections from now on.

        asyncio's own server asks nobody before a handshake, which would be the place to hang.
        """
        asyncio.get_running_loop().add_reader(sock, self._accept, sock, inner, tls)

    async def leave(self, sock: socket.socket) -> None:
        """Take no more connections, and close all."""
        asyncio.get_running_loop().remove_reader(sock)
        if self._again is not None:
            self._again.cancel()
        while self.guards:
            await asyncio.sleep(0.005)  # what was accepted a moment ago begins, and can be ended
            for guard in list(self.guards):
                guard.abort()

    def keep(self, transport: asyncio.BaseTransport | None) -> None:
        """Let a connection stay: it watches."""
        for guard in self.guards:
            if guard.transport is transport:
                guard.stay()

    def let_go(self, transport: asyncio.BaseTransport | None, patience: float) -> None:
        """Let a connection stay for so many seconds more, to take what is on its way."""
        for guard in self.guards:
            if guard.transport is transport:
                guard.hurry(patience)

    def _accept(self, sock: socket.socket, inner: Any, tls: Any) -> None:
        loop = asyncio.get_running_loop()
        try:
            connection, _ = sock.accept()
        except OSError:
            loop.remove_reader(sock)
            self._again = loop.call_later(PAUSE, self.receive, sock, inner, tls)
            return
        if len(self.guards) >= REFUSED * self.most:
            connection.close()
            return
        connection.setblocking(False)
        Guard(inner(), self).receive(connection, tls)


class Guard(asyncio.Protocol):
    """Stands between a connection and the protocol that speaks HTTP.

    A connection that does not finish its handshake, asks nothing, or reads no answer, is closed
    after a while; one too many at once. Otherwise sockets that hang would pile up until there are
    no descriptors.

    Attributes
    ----------
    is_in : bool
        Whether what it asks is answered.
    transport : asyncio.Transport or None
        None until the handshake is done.
    """

    def __init__(self, inner: asyncio.BaseProtocol, crowd: Crowd) -> None:
        """Guard a protocol, one of a crowd from now on."""
        self.is_in = not crowd.is_full
        self.transport: Any = None
        self._inner = cast(asyncio.Protocol, inner)
        self._crowd = crowd
        self._hello: asyncio.Task[None] | None = None
        patience = crowd.patience if self.is_in else min(1.0, crowd.patience)
        self._deadline = asyncio.get_running_loop().call_later(patience, self.abort)
        crowd.guards.add(self)

    def receive(self, connection: socket.socket, tls: ssl.SSLContext | None) -> None:
        """Begin to speak on a connection, with TLS if it is given."""
        self._hello = asyncio.create_task(self._receive(connection, tls))

    def abort(self) -> None:
        """Close the connection without waiting for its other end."""
        if self.transport is not None:
            self.transport.abort()
        elif self._hello is not None:
            self._hello.cancel()

    def stay(self) -> None:
        """Take the deadline away."""
        self._deadline.cancel()

    def hurry(self, patience: float) -> None:
        """Have another deadline, so many seconds from now."""
        self._deadline.cancel()
        self._deadline = asyncio.get_running_loop().call_later(patience, self.abort)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        if self.is_in:
            self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self.is_in:
            self._inner.data_received(data)
        elif not self.transport.is_closing():
            # Once the question is read: closing before it would cut the answer off.
            self.transport.write(REFUSAL)
            self.transport.close()

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self.is_in else None

    def pause_writing(self) -> None:
        if self.is_in:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self.is_in:
            self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave()
        if self.is_in:
            self._inner.connection_lost(exc)

    async def _receive(self, connection: socket.socket, tls: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        try:
            with suppress(OSError):  # a handshake that fails is no news
                await loop.connect_accepted_socket(lambda: self, connection, ssl=tls)
        finally:
            if self.transport is None:
                self._leave()

    def _leave(self) -> None:
        self.stay()
        self._crowd.guards.discard(self)
