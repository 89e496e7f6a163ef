"""The sink behind the page: a server in a thread of its own, which the loop never waits for."""

import asyncio
import socket
import ssl
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace

from edgefer.errors import EdgeferError, why

from ...look import Look
from ...reading import Frame, Reading
from ...tuning import Tuning
from ..vitals import Vitals
from .address import Address
from .hub import Hub
from .record import Recorder
from .server import Limits, Server

PATIENCE = 5.0  # seconds that a run's end waits for the server's


class WebSink:
    """A page with the live picture, what was read in it, and how it went.

    Attributes
    ----------
    port : int
        Where it is; chosen by the system if 0 was asked for.
    hub : Hub
        What the page shows.
    """

    def __init__(
        self,
        address: Address,
        *,
        look: Look | None = None,
        tuning: Tuning | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Begin to answer.

        Parameters
        ----------
        address : Address
            Where, and to whom.
        look : Look, optional
            Language of the page, and whether faces are covered.
        tuning : Tuning, optional
            What takes changes that watchers ask for, if they may.
        limits : Limits, optional
            How long clients may take.

        Raises
        ------
        EdgeferError
            If nothing can be opened there, or certificate and key are none.
        """
        look = look or Look()
        self._recorder = Recorder(address.record)
        self.hub = Hub(blur=look.blur)
        self._check_tls(address)
        sock = _bind(address)
        self.port = int(sock.getsockname()[1])
        address = replace(address, port=self.port)
        self._server = Server(
            address,
            self.hub,
            self._recorder,
            tuning if address.tune else None,
            look.lang,
            limits or Limits(),
        )
        self._loop = asyncio.new_event_loop()
        self._ending = asyncio.Event()
        self._failure: Exception | None = None
        started = threading.Event()
        self._thread = threading.Thread(
            target=self._work, args=(sock, started), name="web", daemon=True
        )
        self._thread.start()
        started.wait(PATIENCE)
        if self._failure is not None:
            raise EdgeferError(f"the page cannot be served: {self._failure}.") from self._failure
        _announce(address)

    def write(self, frame: Frame, readings: Sequence[Reading]) -> None:
        self._recorder.write(frame, readings)
        self.hub.take(frame, readings)

    def tell(self, vitals: Vitals) -> None:
        """Take how the run goes, after each frame."""
        self.hub.tell(vitals)

    def close(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(PATIENCE)
        self._recorder.stop()

    def _work(self, sock: socket.socket, started: threading.Event) -> None:
        try:
            self._loop.run_until_complete(self._server.serve(sock, self._ending, started.set))
        except Exception as error:  # told by whoever waits for the start
            self._failure = error
        finally:
            started.set()
            sock.close()
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    @staticmethod
    def _check_tls(address: Address) -> None:
        if address.cert is None or address.key is None:
            return
        try:
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
                address.cert, address.key, password=""
            )
        except (OSError, ValueError) as error:
            raise EdgeferError(
                f"{address.cert} and {address.key} are no certificate and its key, in PEM and "
                f"without a password: {why(error)}."
            ) from error


def _bind(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address.host, address.port))
        sock.listen(64)
    except OSError as error:
        sock.close()
        raise EdgeferError(
            f"the page cannot be at {address.host}:{address.port}: {why(error)}. Try another "
            f"port: --sink web:{address.port + 1}."
        ) from error
    sock.setblocking(False)
    return sock


def _announce(address: Address) -> None:
    """Say where the page is, and what others could see."""
    scheme = "http" if address.cert is None else "https"
    any_ = address.host in ("0.0.0.0", "::")
    host = socket.gethostname() if any_ else address.host
    shown = f"[{host}]" if ":" in host else host
    print(f"watch at {scheme}://{shown}:{address.port}", file=sys.stderr)
    if not address.is_local and address.cert is None:
        print(
            "pictures and token cross the network unencrypted: add cert=FILE&key=FILE, or leave "
            f"the address out and type: ssh -L {address.port}:127.0.0.1:{address.port} {host}",
            file=sys.stderr,
        )
