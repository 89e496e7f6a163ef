"""A bound on connections, and on the time that one may take to ask."""

import asyncio
from typing import Any, cast

REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Crowd:
    """All connections of a server, by what asks through them."""

    def __init__(self, most: int, patience: float) -> None:
        """Allow so many at once, each with so many seconds to ask and be answered."""
        self.most, self.patience = most, patience
        self.guards: dict[asyncio.BaseTransport, Guard] = {}

    @property
    def is_full(self) -> bool:
        """Whether no further connection is let in."""
        return sum(guard.is_in for guard in self.guards.values()) >= self.most

    async def leave(self) -> None:
        """Close all connections, also those that were accepted a moment ago."""
        quiet = 0
        while quiet < 3:
            quiet = 0 if self.guards else quiet + 1
            for guard in list(self.guards.values()):
                guard.abort()
            await asyncio.sleep(0.005)

    def keep(self, transport: asyncio.BaseTransport | None) -> None:
        """Let a connection stay: it watches."""
        guard = self.guards.get(transport) if transport is not None else None
        if guard is not None:
            guard.stay()


class Guard(asyncio.Protocol):
    """Stands between a connection and the protocol that speaks HTTP.

    A connection that asks nothing, or reads no answer, is closed after a while; one too many at
    once. Otherwise sockets that hang would pile up until there are no descriptors.

    Attributes
    ----------
    is_in : bool
        Whether what it asks is answered.
    """

    def __init__(self, inner: asyncio.BaseProtocol, crowd: Crowd) -> None:
        """Guard a protocol."""
        self.is_in = False
        self._inner = cast(asyncio.Protocol, inner)
        self._crowd = crowd
        self._transport: Any = None
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self.is_in = not self._crowd.is_full
        self._crowd.guards[transport] = self
        patience = self._crowd.patience if self.is_in else min(1.0, self._crowd.patience)
        self._deadline = asyncio.get_running_loop().call_later(patience, self.abort)
        if self.is_in:
            self._inner.connection_made(transport)

    def abort(self) -> None:
        """Close the connection without waiting for its other end."""
        self._transport.abort()

    def stay(self) -> None:
        """Take the deadline away."""
        if self._deadline is not None:
            self._deadline.cancel()

    def data_received(self, data: bytes) -> None:
        if self.is_in:
            self._inner.data_received(data)
        elif not self._transport.is_closing():
            # Once the question is read: closing before it would cut the answer off.
            self._transport.write(REFUSAL)
            self._transport.close()

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self.is_in else None

    def pause_writing(self) -> None:
        if self.is_in:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self.is_in:
            self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self.stay()
        del self._crowd.guards[self._transport]
        if self.is_in:
            self._inner.connection_lost(exc)
