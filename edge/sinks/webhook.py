"""Readings to a web server, as JSON."""

import base64
import http.client
import json
import os
import re
import socket
import ssl
import string
import threading
from collections import deque
from contextlib import suppress
from urllib.parse import quote, unquote, urlsplit

import edgefer
from edgefer.errors import EdgeferError

from ..trouble import say
from .outlet import Entry, Refused
from .queued import Queued

FORM = "webhook:https://host/path"
TOKEN = "EDGEFER_WEBHOOK_TOKEN"
TIMEOUT = 10.0  # seconds for each of connecting, sending, and a piece of the answer
WHOLE = 30.0  # seconds for all of them
LINGER = 1.0  # seconds in which readings are gathered
# The server understood and will not have it: sending the same again is no use.
REFUSED = {400, 405, 406, 410, 411, 413, 414, 415, 422}


def open_webhook(where: str) -> Queued:
    """A sink that posts ``{"readings": [...]}``, at most once a second.

    A bearer token comes from the environment (`TOKEN`); a user and password may be in the address,
    and go before it.

    Parameters
    ----------
    where : str
        ``https://`` or ``http://`` address.

    Raises
    ------
    EdgeferError
        If it is none.
    """
    outlet = WebhookOutlet(where, os.environ.get(TOKEN, "").strip())
    return Queued(outlet, f"webhook {outlet.server}", linger=LINGER)


class WebhookOutlet:
    """Posts batches over one connection that is kept; redirects are not followed.

    Attributes
    ----------
    server : str
        Scheme, host and port. The path is shown nowhere: with many services it is the password.
    """

    def __init__(
        self, address: str, token: str = "", *, timeout: float = TIMEOUT, whole: float = WHOLE
    ) -> None:
        """Prepare; the connection is made with the first readings.

        Parameters
        ----------
        address : str
        token : str
            Sent as ``Authorization: Bearer``, where the address has no user and password.
        timeout : float
            Seconds for each of connecting, sending, and a piece of the answer.
        whole : float
            Seconds for all of them: a server that answers byte by byte keeps nobody longer.

        Raises
        ------
        EdgeferError
            If the address is none.
        """
        try:
            parts = urlsplit(address)
            host, port = parts.hostname or "", parts.port
            host.encode("idna")
        except ValueError as error:  # its own words may show the password
            raise EdgeferError(f"this is no web address. Type: --sink {FORM}.") from error
        if parts.scheme not in ("http", "https") or not host or re.search(r"[\x00-\x20]", address):
            raise EdgeferError(f"webhook needs an http:// or https:// address: --sink {FORM}.")
        self.server = f"{parts.scheme}://{host}{f':{port}' if port else ''}"
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._target = quote(target, safe=string.punctuation)
        self._headers = {
            "Content-Type": "application/json",
            "User-Agent": f"edgefer/{edgefer.__version__}",
        }
        if parts.username:
            if token:  # it may be for another webhook
                say(f"webhook {self.server}: its address has a user, so {TOKEN} is not sent there")
            secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            code = base64.b64encode(secret.encode()).decode()
            self._headers["Authorization"] = f"Basic {code}"
        elif token:
            if not re.fullmatch(r"[\x21-\x7e]+", token):
                raise EdgeferError(f"{TOKEN} holds what no header may hold, such as a space.")
            self._headers["Authorization"] = f"Bearer {token}"
        self._whole = whole
        self._open: socket.socket | None = None
        self._connection: http.client.HTTPConnection
        if parts.scheme == "https":
            # It asks for a certificate that this machine trusts; SSL_CERT_FILE names another.
            self._connection = http.client.HTTPSConnection(
                host, port, timeout=timeout, context=ssl.create_default_context()
            )
        else:
            self._connection = http.client.HTTPConnection(host, port, timeout=timeout)

    def send(self, waiting: deque[Entry]) -> None:
        if not waiting:
            return
        body = json.dumps({"readings": [entry.to_json() for entry in waiting]}, ensure_ascii=False)
        status = self._post(body.encode())
        if status in REFUSED:
            raise Refused(f"the server will not have it: {_named(status)}")
        if not 200 <= status < 300:
            raise OSError(f"the server answers {_named(status)}")
        waiting.clear()

    def close(self) -> None:
        self._connection.close()

    def _post(self, body: bytes) -> int:
        """Status of a post; a kept connection that the server has closed is made anew once."""
        kept = self._connection.sock is not None
        try:
            return self._ask(body)
        except ConnectionError:
            if not kept:
                raise
        return self._ask(body)

    def _ask(self, body: bytes) -> int:
        self._open = None
        watch = threading.Timer(self._whole, self._cut)
        watch.daemon = True
        watch.start()
        try:
            self._connection.request("POST", self._target, body, self._headers)
            # The connection forgets its socket before the answer ends.
            self._open = self._connection.sock
            with self._connection.getresponse() as answer:
                # Only a short answer is read to its end, which is what keeps the connection.
                if len(answer.read(65536)) == 65536:
                    self._connection.close()
                return answer.status
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            if isinstance(error, OSError):
                raise
            # Its words are the server's: not for a terminal.
            raise OSError(f"no answer that is HTTP: {type(error).__name__}") from error
        finally:
            watch.cancel()

    def _cut(self) -> None:
        """End what takes too long, from another thread."""
        sock = self._open or self._connection.sock
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def _named(status: int) -> str:
    return f"{status} {http.client.responses.get(status, '')}".strip()
